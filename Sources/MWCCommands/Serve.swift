internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Logging
internal import MWC
internal import MWCCore
internal import MWCTransport

/// `mwc serve`: stream this host's metrics, as a source for demonstrations and tests.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Stream this host's metrics over WebSocket.",
    discussion: """
      Speaks the monitoring dialect: a welcome, then one message with processor, memory, disk and \
      system figures each interval; ping and get_status are answered. Runs until SIGINT or SIGTERM, \
      then closes all clients with 1001.

      Exit codes: 0 done; 64 usage; 66 a named file is missing; 73 the address cannot be listened on.

      EXAMPLES
        mwc serve
        mwc serve --port 0 --interval 100ms
        mwc serve --host 0.0.0.0 --port 8765
        mwc serve --unix /run/mwc.sock
        mwc serve --cert server.pem --key server.key
      """)

  /// What a server can speak.
  enum Dialect: String, ExpressibleByArgument, CaseIterable { case monitoring }

  @Option(help: "What to speak.")
  var dialect = Dialect.monitoring

  @Option(
    help: ArgumentHelp("Address to listen on; 0.0.0.0 or :: lets others in.", valueName: "host"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("Port to listen on; 0: any free one.", valueName: "port"))
  var port: UInt16 = 8765

  @Option(
    help: ArgumentHelp("Listen on a unix socket instead.", valueName: "path"), completion: .file())
  var unix: String?

  @Option(help: ArgumentHelp("Time between two messages.", valueName: "duration"))
  var interval = DurationText(nanoseconds: 700_000_000)

  @Option(
    help: ArgumentHelp("Serve TLS with this certificate (PEM).", valueName: "file"),
    completion: .file())
  var cert: String?

  @Option(help: ArgumentHelp("The key of --cert (PEM).", valueName: "file"), completion: .file())
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Let in only clients with a certificate issued by one of these (PEM).", valueName: "file"),
    completion: .file())
  var clientCA: String?

  @Flag(help: "Do not agree to permessage-deflate.")
  var noCompression = false

  @Option(
    help: ArgumentHelp("Clients beyond this are turned away with 1008.", valueName: "count"))
  var maxClients = 1000

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    if interval.nanoseconds < 1_000_000 {
      throw ValidationError("--interval is at least 1ms")
    }
    if (cert == nil) != (key == nil) { throw ValidationError("--cert and --key need each other") }
    if clientCA != nil && cert == nil { throw ValidationError("--client-ca needs --cert") }
    if maxClients < 1 { throw ValidationError("--max-clients is at least 1") }
  }

  func run() throws {
    let options = try serverOptions()
    let logger = try log.makeLogger(label: "mwc serve")
    let ended = DispatchSemaphore(value: 0)
    let signals = SignalWatch([SIGINT, SIGTERM]) { _ in ended.signal() }
    do throws(TransportError) {
      let source = MonitoringSource(interval: interval.nanoseconds)
      let loop = try EventLoop(logger: logger)
      let server = try loop.listen(options, handler: source)
      source.begin(on: server)
      logger.info("listening on \(address(of: server))")
      withExtendedLifetime(signals) { ended.wait() }
      source.end()
      loop.stop()
    } catch {
      throw CommandFailure(.cannotCreate, "\(requestedAddress): \(error.message)")
    }
  }

  private func serverOptions() throws(CommandFailure) -> ServerOptions {
    var options = ServerOptions()
    options.endpoint = unix.map { .unix(path: $0) } ?? .tcp(host: host, port: port)
    options.maxClients = maxClients
    options.allowsCompression = !noCompression
    for (name, file) in [("--cert", cert), ("--key", key), ("--client-ca", clientCA)] {
      if let file { try TextFile.checkReadable(file, for: name) }
    }
    if let cert, let key {
      options.tls = ServerTLS(certificateFile: cert, keyFile: key, clientCAFile: clientCA)
    }
    return options
  }

  private var requestedAddress: String { unix ?? "\(bracketedHost):\(port)" }

  private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

  private func address(of server: WebSocketServer) -> String {
    if let unix { return "ws+unix://\(unix)" }
    return "\(cert == nil ? "ws" : "wss")://\(bracketedHost):\(server.port)"
  }
}
