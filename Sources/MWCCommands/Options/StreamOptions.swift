internal import ArgumentParser
internal import MWCCore

/// Which streams a command connects to, and how. Plain values; `clientOptions` makes something of
/// them.
///
/// URIs, headers and tokens are taken as text and checked here rather than by the argument parser,
/// because they may hold secrets and the parser repeats a wrong value in its message.
struct StreamOptions: ParsableArguments {
  @Option(
    name: [.short, .customLong("uri")],
    help: ArgumentHelp(
      """
      A stream: ws://, wss:// or ws+unix://. Repeat for many. \
      (default: $MONITORING_WEBSOCKET_URI, else ws://localhost:8765)
      """, valueName: "uri"))
  var uris: [String] = []

  @Option(
    name: [.customShort("H"), .customLong("header")],
    help: ArgumentHelp(
      "A header to send with the handshake. Repeatable.", valueName: "name: value"))
  var headers: [String] = []

  @Option(
    help: ArgumentHelp(
      "More headers, one a line; keeps secrets off the command line.", valueName: "file"),
    completion: .file())
  var headerFile: String?

  @Option(
    help: ArgumentHelp(
      "A bearer token, the first line of FILE. (default: $MWC_TOKEN)", valueName: "file"),
    completion: .file())
  var tokenFile: String?

  @Option(help: ArgumentHelp("The WebSocket subprotocol to ask for.", valueName: "name"))
  var subprotocol: String?

  @Option(
    name: .customLong("send"),
    help: ArgumentHelp(
      "A text to send after each connect, or @FILE for a file's content. Repeatable.",
      valueName: "text"))
  var greetings: [String] = []

  @Option(
    help: ArgumentHelp(
      "Trust the certificate authorities in FILE (PEM) instead of the system's.",
      valueName: "file"),
    completion: .file())
  var caFile: String?

  @Option(
    help: ArgumentHelp("Our certificate for the server (PEM).", valueName: "file"),
    completion: .file())
  var clientCert: String?

  @Option(
    help: ArgumentHelp("The key of --client-cert (PEM).", valueName: "file"), completion: .file())
  var clientKey: String?

  @Flag(help: "Accept any certificate. Anybody on the way can read and change the stream.")
  var insecure = false

  @Flag(help: "Do not offer permessage-deflate.")
  var noCompression = false

  @Flag(help: "End when the connection is lost or cannot be made.")
  var noReconnect = false

  @Option(
    help: ArgumentHelp(
      "First wait before connecting again; later waits grow, with jitter, up to 60s.",
      valueName: "duration"))
  var reconnectInterval = DurationText(nanoseconds: 5_000_000_000)

  @Option(
    help: ArgumentHelp(
      "Failed attempts in a row before giving up. (default: unlimited)", valueName: "count"))
  var maxReconnects: Int?

  @Option(
    help: ArgumentHelp("Time between our pings; 0: none.", valueName: "duration"))
  var pingInterval = DurationText(nanoseconds: 30_000_000_000)

  @Option(
    help: ArgumentHelp("Longest wait for the answer to a ping.", valueName: "duration"))
  var pingTimeout = DurationText(nanoseconds: 10_000_000_000)

  @Option(
    help: ArgumentHelp("Longest wait for a connection and its handshake.", valueName: "duration"))
  var connectTimeout = DurationText(nanoseconds: 10_000_000_000)

  @Option(
    help: ArgumentHelp(
      "Largest message to accept; a larger one closes the connection.", valueName: "size"))
  var maxMessageSize = ByteCount(bytes: 64 << 20)

  func validate() throws {
    if (clientCert == nil) != (clientKey == nil) {
      throw ValidationError("--client-cert and --client-key need each other")
    }
    if insecure && caFile != nil {
      throw ValidationError("--insecure and --ca-file exclude each other")
    }
    if noReconnect && maxReconnects != nil {
      throw ValidationError("--no-reconnect and --max-reconnects exclude each other")
    }
    if let maxReconnects, maxReconnects < 1 {
      throw ValidationError("--max-reconnects is at least 1; --no-reconnect stands for none")
    }
    if pingTimeout.nanoseconds == 0 || connectTimeout.nanoseconds == 0 {
      throw ValidationError("--ping-timeout and --connect-timeout are longer than nothing")
    }
    if !(1...Self.largestMessageLimit).contains(maxMessageSize.bytes) {
      throw ValidationError("--max-message-size is 1 byte to 256 MiB")
    }
    for (index, text) in headers.enumerated() {
      guard let field = HeaderField(text) else {
        throw ValidationError("--header number \(index + 1) is not 'Name: value'")
      }
      if field.belongsToHandshake {
        throw ValidationError("--header: the handshake itself sets '\(field.name)'")
      }
    }
    if let subprotocol, subprotocol.isEmpty || !HeaderField.isSafe(subprotocol) {
      throw ValidationError("--subprotocol '\(subprotocol)' is not a protocol name")
    }
  }

  /// What one record of a capture can hold.
  private static let largestMessageLimit: Int64 = 256 << 20
}
