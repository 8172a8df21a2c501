import Logging
import MWCCore
import MWCTransport
import Synchronization
import Testing

/// A server of this process that does what a test says with each client that connects.
final class LocalServer: ServerHandler {
  typealias Script =
    @Sendable (_ server: WebSocketServer, _ client: ClientID, _ number: Int) -> Void

  private struct State {
    var server: WebSocketServer?
    var early: [ClientID] = []
    var connects = 0
    var received: [String] = []
  }

  private let state = Mutex(State())
  private let script: Script
  private let loop: EventLoop

  /// `script` is called on the loop's thread; `number` counts the clients from 1.
  init(_ options: ServerOptions = ServerOptions(), script: @escaping Script) throws {
    self.script = script
    loop = try EventLoop(logger: .silent)
    let server = try loop.listen(options, handler: self)
    let early = state.withLock { state in
      state.server = server
      return state.early
    }
    for client in early { greet(client, server) }
  }

  deinit { loop.stop() }

  var server: WebSocketServer {
    get throws { try #require(state.withLock { $0.server }) }
  }

  func uri() throws -> WebSocketURI {
    try WebSocketURI("ws://127.0.0.1:\(try server.port)/stream?token=s3cret")
  }

  var connects: Int { state.withLock { $0.connects } }
  /// Text messages of all clients.
  var received: [String] { state.withLock { $0.received } }

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
    let text = unsafe message.payload.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    state.withLock { $0.received.append(text) }
  }

  func clientClosed(_ id: ClientID, code: Int, reason: String) {}
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
