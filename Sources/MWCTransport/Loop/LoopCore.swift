internal import CMWCTransport
import Glibc
import Logging
import MWCCore
import Synchronization

/// What the loop's thread owns. Never leaves that thread.
final class LoopCore {
  let shared: LoopShared
  /// The C loop, valid from `run` to its end.
  let loop: LoopHandle
  private var connections: [ObjectIdentifier: ClientConnection] = [:]
  private var servers: [ObjectIdentifier: ServerCore] = [:]
  private var writers: [ObjectIdentifier: RingWriter] = [:]
  private var clientHosts: [TLSOptions: HostHandle] = [:]
  private var serverTLS: ServerTLS?
  private var isStopping = false
  /// After this nobody waits for a ring any more.
  private var stopDeadline: Int64 = .max
  private lazy var stopTimer = LoopTimer(loop: loop) {}

  /// How long a consumer that has fallen behind may keep the last events of a stopped loop waiting.
  private static let stopPatience: Int64 = 2_000_000_000

  private init(shared: LoopShared, loop: LoopHandle) {
    self.shared = shared
    self.loop = loop
  }

  /// The body of the thread.
  static func run(_ shared: LoopShared) {
    let logger = LogBox(logger: shared.logger)
    let context = unsafe Unmanaged.passUnretained(logger).toOpaque()
    let loop = unsafe LoopHandle(
      log: { context, _, line in
        guard let context = unsafe context, let line = unsafe line else { return }
        let box = unsafe Unmanaged<LogBox>.fromOpaque(context).takeUnretainedValue()
        let text = unsafe String(cString: line)
        box.logger.debug("libwebsockets", metadata: ["line": .string(text)])
      }, context: context)
    shared.begin(loop)
    guard let loop else { return }
    let core = LoopCore(shared: shared, loop: loop)
    core.runRounds()
    core.finish()
    shared.end()
    loop.destroy()
    for writer in core.writers.values { writer.ring.finish() }
    withExtendedLifetime(logger) {}
  }

  private final class LogBox {
    let logger: Logger
    init(logger: Logger) { self.logger = logger }
  }
}

// MARK: - Rounds

extension LoopCore {
  private func runRounds() {
    while true {
      let isAlive = loop.runOnce()
      shared.rounds.add(1, ordering: .relaxed)
      let (commands, isStopping) = shared.takeCommands()
      for command in commands { command(self) }
      for server in servers.values { server.drainOutbox() }
      for writer in writers.values {
        writer.serveWaiting()
        writer.publish()
      }
      if isStopping, !self.isStopping { beginToStop() }
      if !isAlive || (self.isStopping && isDone) { return }
    }
  }

  private var isDone: Bool {
    guard connections.isEmpty, servers.isEmpty else { return false }
    if writers.values.allSatisfy(\.isDrained) { return true }
    return SystemClock.monotonicNanoseconds() >= stopDeadline
  }

  private func beginToStop() {
    isStopping = true
    stopDeadline = SystemClock.monotonicNanoseconds() + Self.stopPatience
    stopTimer.set(after: Self.stopPatience)
    for connection in connections.values { connection.stop() }
    for server in servers.values { server.stop() }
  }

  private func finish() {
    // Only if the loop broke down: in an orderly stop everything has ended before.
    for connection in connections.values { connection.abandon() }
    for server in servers.values { server.abandon() }
    for writer in writers.values {
      writer.publish()
      writer.forgetWaiting()
    }
    stopTimer.cancel()
    connections.removeAll()
    servers.removeAll()
  }
}

// MARK: - Clients

extension LoopCore {
  func open(
    _ options: ClientOptions, connection: UInt32, ring: BatchRing, session: ClientSession,
    onState: @escaping @Sendable (SessionState) -> Void
  ) {
    let client = ClientConnection(
      core: self, options: options, connection: connection, writer: writer(for: ring),
      session: session, onState: onState)
    connections[ObjectIdentifier(session)] = client
    client.start()
  }

  func connection(of session: ClientSession) -> ClientConnection? {
    connections[ObjectIdentifier(session)]
  }

  func forget(_ session: ClientSession) { connections[ObjectIdentifier(session)] = nil }

  private func writer(for ring: BatchRing) -> RingWriter {
    if let writer = writers[ObjectIdentifier(ring)] { return writer }
    let writer = RingWriter(ring: ring)
    writers[ObjectIdentifier(ring)] = writer
    let shared = shared
    ring.setSpaceHandler { shared.wake() }
    return writer
  }

  /// The C settings for these options; made once, since reading the authorities takes a while.
  func host(for tls: TLSOptions) throws(TransportError) -> HostHandle {
    if let host = clientHosts[tls] { return host }
    guard let host = HostHandle(client: tls, loop: loop) else {
      throw TransportError(.tls, TLSText.setUp(loop.takeError(), files: tls.files))
    }
    clientHosts[tls] = host
    return host
  }
}

// MARK: - Servers

extension LoopCore {
  /// Returns what went wrong, if anything did.
  func serve(
    _ server: WebSocketServer, options: ServerOptions, socket: ListeningSocket,
    handler: any ServerHandler
  ) -> TransportError? {
    var host: HostHandle?
    if let tls = options.tls {
      // libwebsockets chooses the certificate by port and name, and all our listeners look alike to it.
      guard serverTLS == nil || serverTLS == tls else {
        socket.close()
        return TransportError(.invalid, "an event loop serves one TLS certificate only")
      }
      host = HostHandle(server: tls, loop: loop)
      guard host != nil else {
        socket.close()
        return TransportError(.tls, TLSText.setUp(loop.takeError(), files: tls.files))
      }
      serverTLS = tls
    }
    let core = ServerCore(core: self, server: server, options: options, handler: handler)
    guard core.start(socket: socket, host: host) else {
      return TransportError(.system, "the event loop cannot take another listener")
    }
    servers[ObjectIdentifier(server)] = core
    return nil
  }

  func server(of server: WebSocketServer) -> ServerCore? { servers[ObjectIdentifier(server)] }

  func forget(_ server: WebSocketServer) { servers[ObjectIdentifier(server)] = nil }
}
