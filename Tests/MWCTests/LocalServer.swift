import Logging
import MWCCore
import MWCTransport
import Testing

/// A server of this process that does what a test says with each client that connects.
final class LocalServer: Sendable {
  /// Called on the loop's thread; `number` counts the clients from 1.
  typealias Script =
    @Sendable (_ server: WebSocketServer, _ client: ClientID, _ number: Int) -> Void

  let server: WebSocketServer
  private let loop: EventLoop
  private let handler: Handler

  init(_ options: ServerOptions = ServerOptions(), script: @escaping Script) throws {
    handler = Handler(script: script)
    loop = try EventLoop(logger: .silent)
    server = try loop.listen(options, handler: handler)
    handler.begin(on: server)
  }

  /// Closes all clients. To be called at the end of the test that made it.
  func stop() { loop.stop() }

  func uri() throws -> WebSocketURI {
    try WebSocketURI("ws://127.0.0.1:\(server.port)/stream?token=s3cret")
  }

  /// Clients so far.
  var connects: Int { handler.connects }
  /// Text messages of all clients.
  var received: [String] { handler.received }
}

extension LocalServer {
  private final class Handler: ServerHandler {
    private struct State {
      var server: WebSocketServer?
      /// Clients that came before the server was known.
      var early: [ClientID] = []
      var connects = 0
      var received: [String] = []
    }

    private let state = Guarded(State())
    private let script: Script

    init(script: @escaping Script) { self.script = script }

    var connects: Int { state.withLock { $0.connects } }
    var received: [String] { state.withLock { $0.received } }

    func begin(on server: WebSocketServer) {
      let early = state.withLock { state in
        state.server = server
        return state.early
      }
      for client in early { greet(client, server) }
    }

    private func greet(_ client: ClientID, _ server: WebSocketServer) {
      let number = state.withLock { state in
        state.connects += 1
        return state.connects
      }
      script(server, client, number)
    }

    func clientConnected(_ id: ClientID, request: ServerRequest) {
      let server = state.withLock { state in
        if state.server == nil { state.early.append(id) }
        return state.server
      }
      if let server { greet(id, server) }
    }

    func received(_ id: ClientID, _ message: Message) {
      let text = unsafe message.payload.withUnsafeBytes {
        unsafe String(decoding: $0, as: UTF8.self)
      }
      state.withLock { $0.received.append(text) }
    }

    func clientClosed(_ id: ClientID, code: Int, reason: String) {}
  }
}

extension WebSocketServer {
  /// Sends `count` messages `{"number":1}` … to one client.
  func sendNumbers(_ count: Int, to client: ClientID, padding: Int = 0) {
    let pad = padding > 0 ? #","pad":"\#(String(repeating: "x", count: padding))""# : ""
    for number in 1...count {
      send(to: client, .text, Array(#"{"number":\#(number)\#(pad)}"#.utf8))
    }
  }
}
