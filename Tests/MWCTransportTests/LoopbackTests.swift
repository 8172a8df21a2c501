import Logging
import MWCCore
import Testing

@testable import MWCTransport

@Suite struct LoopbackTests {
  @Test func aBroadcastArrives() throws {
    let loop = try EventLoop(logger: Logger(label: "test"))
    defer { loop.stop() }
    let handler = RecordingHandler()
    let server = try loop.listen(ServerOptions(), handler: handler)
    let uri = try WebSocketURI("ws://127.0.0.1:\(server.port)/path?x=1")
    let inbox = Inbox()
    let session = try loop.connect(
      ClientOptions(uri: uri), connection: 1, ring: inbox.ring, onState: { _ in })
    try inbox.wait(for: .opened)
    server.broadcast(.text, Array("hello".utf8))
    #expect(try inbox.wait(for: .text).text == "hello")
    session.close()
    _ = try inbox.wait(for: .closed)
  }
}
