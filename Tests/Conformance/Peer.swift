internal import Glibc
internal import Logging
internal import MWCCore
internal import MWCTransport
internal import Synchronization

/// What the Autobahn suite talks to: our client and our server, echoing whatever comes.
///
/// ```
/// mwc-conformance serve [PORT]       listens on the port (or a free one, which it prints) and echoes
/// mwc-conformance count URI          prints how many cases the suite's server has
/// mwc-conformance run URI NUMBER     plays one case
/// mwc-conformance report URI         lets the suite's server write its report
/// ```
func runPeer(_ arguments: [String]) -> Int32 {
  do {
    switch (arguments.first, arguments.count) {
    case ("serve", 1): try serve(port: 0)
    case ("serve", 2): try serve(port: UInt16(arguments[1]) ?? 0)
    case ("count", 2):
      let answer = try visit(arguments[1] + "/getCaseCount", echoes: false)
      say(String(decoding: answer, as: UTF8.self))
    case ("run", 3):
      _ = try visit(arguments[1] + "/runCase?case=\(arguments[2])&agent=mwc", echoes: true)
    case ("report", 2):
      _ = try visit(arguments[1] + "/updateReports?agent=mwc", echoes: false)
    default:
      return 64
    }
    return 0
  } catch {
    return 69
  }
}

/// Connects, reads until the server closes, sends everything back if it `echoes`; returns the last
/// message. Failures in the middle of a case are what many cases are about, and no failure here; not
/// to be connected at all is one.
private func visit(_ address: String, echoes: Bool) throws(TransportError) -> [UInt8] {
  var options = ClientOptions(uri: try WebSocketURI(address))
  options.reconnect.isEnabled = false
  options.pingInterval = nil
  let ring = BatchRing()
  let end = Guarded<TransportError?>(nil)
  let isOver = Atomic(false)
  let loop = try EventLoop(logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
  let session = try loop.connect(options, connection: 1, ring: ring) { state in
    guard case .ended(let reason) = state else { return }
    if case .failed(let error) = reason { end.withLock { $0 = error } }
    isOver.store(true, ordering: .releasing)
  }

  var last: [UInt8] = []
  var isOpened = false
  func drain(waiting: Bool) {
    let deadline = waiting ? SystemClock.monotonicNanoseconds() + 20_000_000 : 0
    while let batch = ring.next(until: deadline) {
      batch.forEach { message in
        if message.kind == .opened { isOpened = true }
        guard message.kind.isData, message.direction == .received else { return }
        last = message.payload.bytes
        if echoes { _ = session.send(message.kind, last) }
      }
      ring.recycle(batch)
    }
  }
  while !isOver.load(ordering: .acquiring) { drain(waiting: true) }
  drain(waiting: false)
  loop.stop()
  if !isOpened, let error = end.withLock({ $0 }) { throw error }
  return last
}

/// Sends everything back to whom it came from.
private final class Echo: ServerHandler {
  private let server = Guarded<WebSocketServer?>(nil)

  func use(_ server: WebSocketServer) { self.server.withLock { $0 = server } }

  func clientConnected(_ id: ClientID, request: ServerRequest) {}

  func received(_ id: ClientID, _ message: Message) {
    let server = server.withLock { $0 }
    server?.send(to: id, message.kind, message.payload.bytes)
  }

  func clientClosed(_ id: ClientID, code: Int, reason: String) {}
}

private func serve(port: UInt16) throws(TransportError) {
  var options = ServerOptions()
  options.endpoint = .tcp(host: "127.0.0.1", port: port)
  options.maxMessageBytes = 64 << 20
  options.maxQueuedBytes = 256 << 20
  options.pingInterval = nil
  let loop = try EventLoop(logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
  let echo = Echo()
  let server = try loop.listen(options, handler: echo)
  echo.use(server)
  say("\(server.port)")
  while true { pause() }
}

private func say(_ line: String) {
  // Line by line: whoever reads this waits for it.
  unsafe puts(line)
  fflush(nil)
}

extension RawSpan {
  fileprivate var bytes: [UInt8] {
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}
