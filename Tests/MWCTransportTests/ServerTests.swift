import Foundation
import MWCCore
import MWCTestSupport
import MWCTransport
import Synchronization
import Testing

/// Our server, and our client with it.
@Suite(.serialized) struct ServerTests {
  /// A server that sends back what it receives.
  private func echoServer(
    _ loop: EventLoop, _ change: (inout ServerOptions) -> Void = { _ in }
  ) throws -> (server: WebSocketServer, handler: RecordingHandler) {
    var options = ServerOptions()
    options.maxMessageBytes = 64 << 20
    options.maxQueuedBytes = 256 << 20
    change(&options)
    let box = Guarded<WebSocketServer?>(nil)
    let handler = RecordingHandler(onMessage: { id, kind, bytes in
      box.withLock { $0 }?.send(to: id, kind, bytes)
    })
    let server = try loop.listen(options, handler: handler)
    box.withLock { $0 = server }
    return (server, handler)
  }

  @Test(arguments: [
    0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1 << 20, 64 << 20,
  ])
  func messagesOfEverySizeGoThereAndBack(size: Int) throws {
    let loop = try EventLoop.forTests()
    let (server, _) = try echoServer(loop)
    let client = try Client("ws://127.0.0.1:\(server.port)", loop: loop) {
      $0.maxMessageBytes = 64 << 20
    }
    try client.inbox.wait(for: .opened)
    let binary = noise(size)
    #expect(client.session.send(.binary, binary))
    let sent = try client.inbox.wait("sent") { $0.kind == .binary && $0.direction == .sent }
    let back = try client.inbox.wait(seconds: 60, "back") { $0.direction == .received }
    #expect(sent.bytes == binary)
    #expect(back.kind == .binary)
    #expect(back.bytes == binary)
  }

  @Test(arguments: [true, false])
  func broadcastsReachEveryoneInOrder(isCompressed: Bool) throws {
    let loop = try EventLoop.forTests()
    let (server, _) = try echoServer(loop)
    let clients = try (0..<5).map { _ in
      try Client("ws://127.0.0.1:\(server.port)", loop: loop) {
        $0.offersCompression = isCompressed
      }
    }
    for client in clients {
      let extensions = try client.inbox.wait(for: .opened).member("extensions")
      #expect(extensions.contains("permessage-deflate") == isCompressed)
    }
    let messages = (0..<2000).map { letters($0) } + [letters(1 << 20), []]
    for message in messages { server.broadcast(.text, message) }
    for client in clients {
      let arrived = try client.inbox.messages(messages.count)
      #expect(arrived.map(\.bytes) == messages)
    }
    #expect(server.clientCount == 5)
  }

  @Test func aWelcomeComesBeforeEveryBroadcast() throws {
    let loop = try EventLoop.forTests()
    let box = Guarded<WebSocketServer?>(nil)
    let handler = RecordingHandler(onConnect: { id in
      box.withLock { $0 }?.send(to: id, .text, Array("welcome".utf8))
    })
    let server = try loop.listen(ServerOptions(), handler: handler)
    box.withLock { $0 = server }
    let isOver = Atomic<Bool>(false)
    let ticker = Thread {
      while !isOver.load(ordering: .relaxed) { server.broadcast(.text, Array("tick".utf8)) }
    }
    ticker.start()
    defer { isOver.store(true, ordering: .relaxed) }
    for _ in 0..<20 {
      let client = try Client("ws://127.0.0.1:\(server.port)", loop: loop)
      defer { client.session.close() }
      #expect(try client.inbox.wait(for: .text).text == "welcome")
    }
    isOver.store(true, ordering: .relaxed)
    loop.stop()
  }

  @Test func aClientBeyondTheLimitIsToldSo() throws {
    let loop = try EventLoop.forTests()
    let (server, handler) = try echoServer(loop) { $0.maxClients = 1 }
    let first = try Client("ws://127.0.0.1:\(server.port)", loop: loop)
    try first.inbox.wait(for: .opened)
    let second = try Client("ws://127.0.0.1:\(server.port)", loop: loop) {
      $0.reconnect.isEnabled = false
    }
    #expect(
      try second.states.end() == .serverClosed(code: 1008, reason: "Server at capacity"))
    #expect(server.clientCount == 1)
    first.session.close()
    let code = try handler.wait("close") { $0.closed.first?.code }
    #expect(code == 1000)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 "),
    ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "),
    ("nonsense\r\n\r\n", "HTTP/1.1 400 "),
    (String(repeating: "x", count: 9000), "HTTP/1.1 4"),
  ])
  func whatIsNoUpgradeGetsAnHTTPAnswer(request: String, answer: String) async throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let (server, _) = try echoServer(loop)
    let script = """
      import socket, sys
      s = socket.create_connection(("127.0.0.1", \(server.port)))
      s.sendall(sys.stdin.buffer.read())
      s.settimeout(10)
      data = b""
      while piece := s.recv(4096): data += piece
      sys.stdout.write(data.decode())
      """
    let result = try await ChildProcess.run(
      "/usr/bin/python3", ["-c", script], input: Data(request.utf8))
    #expect(result.outputText.hasPrefix(answer), "\(result.outputText) \(result.errors)")
    #expect(result.status == .exited(0))
  }

  @Test func aClientThatDoesNotFinishItsRequestIsLetGo() async throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let (server, _) = try echoServer(loop) { $0.handshakeTimeout = .milliseconds(200) }
    let script = """
      import socket
      s = socket.create_connection(("127.0.0.1", \(server.port)))
      s.sendall(b"GET / HTTP/1.1\\r\\n")
      s.settimeout(10)
      print(len(s.recv(100)))
      """
    let result = try await ChildProcess.run("/usr/bin/python3", ["-c", script])
    #expect(result.outputText == "0\n", "\(result.errors)")
  }

  /// A client that stops reading costs no more than its bound, and the others notice nothing.
  @Test func aSlowClientIsLetGo() async throws {
    let loop = try EventLoop.forTests()
    let (server, handler) = try echoServer(loop) { $0.maxQueuedBytes = 1 << 20 }
    // A ring that nobody empties: its connection stops reading.
    let ring = BatchRing(batchCount: 2, byteCapacity: 4096, entryCapacity: 4)
    let slow = try Client("ws://127.0.0.1:\(server.port)", ring: ring)
    let quick = try Client("ws://127.0.0.1:\(server.port)", loop: loop)
    try quick.inbox.wait(for: .opened)
    _ = try handler.wait("both") { $0.connected.count == 2 ? true : nil }
    let message = noise(100_000)
    for _ in 0..<200 {
      server.broadcast(.binary, message)
      #expect(try quick.inbox.messages(1).first?.bytes == message)
    }
    let closed = try handler.wait("close") { $0.closed.first }
    #expect(closed.code == 1008)
    #expect(server.droppedClientCount == 1)
    #expect(server.clientCount == 1)
    withExtendedLifetime(slow) {}
  }

  @Test func aDeadClientIsFoundByPings() async throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let (server, handler) = try echoServer(loop) {
      $0.pingInterval = .milliseconds(100)
      $0.pingTimeout = .milliseconds(200)
    }
    let script = """
      import socket, time
      s = socket.create_connection(("127.0.0.1", \(server.port)))
      s.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        b"Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")
      time.sleep(60)
      """
    let child = try ChildProcess("/usr/bin/python3", ["-c", script])
    let closed = try handler.wait("close") { $0.closed.first }
    #expect(closed.code == 1011)
    #expect(closed.reason == "keepalive ping timeout")
    try await child.stop(SIGKILL)
  }

  @Test func greetingsAreSentAndRecorded() throws {
    let loop = try EventLoop.forTests()
    let (server, handler) = try echoServer(loop)
    let client = try Client("ws://127.0.0.1:\(server.port)", loop: loop) {
      $0.greetings = [
        ClientOptions.Greeting(bytes: Array(#"{"type":"ping"}"#.utf8)),
        ClientOptions.Greeting(kind: .binary, bytes: [1, 2]),
      ]
    }
    let first = try client.inbox.wait("sent") { $0.direction == .sent }
    #expect(first.text == #"{"type":"ping"}"#)
    let second = try client.inbox.wait("sent") { $0.direction == .sent }
    #expect(second.kind == .binary)
    let received = try handler.wait("both") { $0.received.count == 2 ? $0.received : nil }
    #expect(received.map(\.bytes) == [Array(#"{"type":"ping"}"#.utf8), [1, 2]])
  }

  /// Both directions full at once, through sockets that hold far less: neither side waits for ever.
  @Test func muchMayGoBothWaysAtOnce() throws {
    let loop = try EventLoop.forTests()
    let (server, handler) = try echoServer(loop)
    let client = try Client("ws://127.0.0.1:\(server.port)") { $0.maxMessageBytes = 64 << 20 }
    try client.inbox.wait(for: .opened)
    let message = noise(4 << 20)
    for _ in 0..<8 {
      #expect(client.session.send(.binary, message))
      server.broadcast(.binary, message)
    }
    #expect(try client.inbox.messages(16).allSatisfy { $0.bytes == message })
    let received = try handler.wait("all") { $0.received.count == 8 ? true : nil }
    #expect(received)
    loop.stop()
  }

  @Test func aHundredConnectionsShareOneLoopAndOneRing() throws {
    let loop = try EventLoop.forTests()
    let (server, _) = try echoServer(loop)
    let inbox = Inbox()
    for number in 1...100 {
      let options = ClientOptions(uri: try WebSocketURI("ws://127.0.0.1:\(server.port)"))
      _ = try loop.connect(options, connection: UInt32(number), ring: inbox.ring) { _ in }
    }
    for _ in 1...100 { try inbox.wait(for: .opened) }
    for index in 0..<50 { server.broadcast(.text, Array("message \(index)".utf8)) }
    let messages = try inbox.messages(5000)
    for number in 1...100 {
      #expect(
        messages.filter { $0.connection == number }.map(\.text)
          == (0..<50).map { "message \($0)" })
    }
    loop.stop()
    while inbox.take(until: nil) {}
    #expect(inbox.all.filter { $0.kind == .closed }.count == 100)
  }

  /// Whatever a session or a server is doing when the loop is stopped: it ends soon and cleanly.
  @Test func stoppingAtAnyMomentIsClean() throws {
    var generator = TestSupport.generator(for: "stop")
    for _ in 0..<40 {
      let loop = try EventLoop.forTests()
      let (server, _) = try echoServer(loop) { $0.closeTimeout = .milliseconds(500) }
      let inbox = Inbox()
      for number in 1...3 {
        var options = ClientOptions(uri: try WebSocketURI("ws://127.0.0.1:\(server.port)"))
        options.closeTimeout = .milliseconds(500)
        _ = try loop.connect(options, connection: UInt32(number), ring: inbox.ring) { _ in }
      }
      for _ in 0..<Int.random(in: 0...20, using: &generator) {
        server.broadcast(.text, letters(1000))
      }
      let delay = Int64.random(in: 0...3_000_000, using: &generator)
      _ = inbox.take(until: SystemClock.monotonicNanoseconds() + delay)
      let start = ContinuousClock.now
      loop.stop()
      #expect(ContinuousClock.now - start < .seconds(60))
      while inbox.take(until: nil) {}
      #expect(inbox.ring.isFinished)
      loop.stop()
      #expect(throws: TransportError.self) {
        try loop.listen(ServerOptions(), handler: RecordingHandler())
      }
    }
  }

  @Test func pythonsClientUnderstandsUs() async throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let (server, _) = try echoServer(loop)
    let script = """
      import asyncio, sys
      from websockets.asyncio.client import connect
      async def main():
          for compression in (None, "deflate"):
              async with connect("ws://127.0.0.1:\(server.port)", max_size=None,
                                 compression=compression) as ws:
                  print(ws.response.headers.get("Sec-WebSocket-Extensions", "none"))
                  for message in ("", "text", "x" * 100_000, b"", bytes(range(256)) * 5000):
                      await ws.send(message)
                      assert await ws.recv() == message
                  await ws.send(["frag", "men", "ted"])
                  assert await ws.recv() == "fragmented"
                  await (await ws.ping(b"data"))
              assert ws.close_code == 1000
      asyncio.run(main())
      print("good")
      """
    let python = try await PythonEnvironment.peers.interpreter()
    let result = try await ChildProcess.run(python, ["-c", script])
    #expect(result.lines.last == "good", "\(result.errors)")
    #expect(result.lines.first == "none")
    #expect(result.lines.dropFirst().first?.contains("server_no_context_takeover") == true)
  }
}
