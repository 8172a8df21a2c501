import Foundation
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

/// Our client against Python's `websockets`.
@Suite(.serialized) struct PeerTests {
  @Test(.needsSharedFolder, arguments: TrafficFile.names, [false, true])
  func recordedTrafficArrivesAsItWasSent(name: String, isCompressed: Bool) async throws {
    let traffic = try TrafficFile(named: name)
    // Fragments of 100 bytes in one of the two runs: with compression off, so that they are seen.
    let arguments = isCompressed ? ["--compression"] : ["--fragment", "100"]
    let peer = try await Peer("play.py", [traffic.path] + arguments)
    let client = try Client(peer.uri()) { $0.reconnect.isEnabled = false }
    let closed = try client.inbox.wait(for: .closed)
    #expect(try closed.member("code") == "1000")
    let arrived = client.inbox.all.filter { $0.kind.isFrame && $0.direction == .received }
    #expect(arrived.count == traffic.received.count)
    for (message, record) in zip(arrived, traffic.received) {
      #expect("\(message.kind)" == "\(record.operation)")
      let isEqual = message.bytes == Array(record.payload)
      #expect(isEqual, "\(message) came for \(record)")
    }
    let opened = try #require(client.inbox.all.first { $0.kind == .opened })
    #expect(opened.text.contains("permessage-deflate") == isCompressed)
  }

  @Test(arguments: [403, 404, 426, 500, 301])
  func anHTTPAnswerIsReportedWithItsStatus(status: Int) async throws {
    let peer = try await Peer("answer.py", ["\(status)"])
    let client = try Client(peer.uri()) { $0.reconnect.maximumAttempts = 1 }
    guard case .failed(let error) = try client.states.end() else {
      Issue.record("\(client.states.all)")
      return
    }
    #expect(error.status == status)
    #expect(error.code == (status == 403 ? .authentication : .http))
    #expect(error.message.contains("\(status)"))
    #expect(try client.inbox.wait(for: .error).member("status") == "\(status)")
  }
}

/// Our client against a server that does what no good server does.
@Suite(.serialized) struct MisbehavingPeerTests {
  private func client(
    _ peer: Peer, _ path: String, _ change: (inout ClientOptions) -> Void = { _ in }
  ) throws -> Client {
    try Client(peer.uri(path)) { options in
      options.reconnect.isEnabled = false
      options.closeTimeout = .milliseconds(200)
      change(&options)
    }
  }

  /// The error with which the session ended.
  private func failure(_ client: Client) throws -> TransportError {
    let end = try client.states.end()
    guard case .failed(let error) = end else {
      throw Inbox.Missing(what: "failure", last: ["\(end)"])
    }
    return error
  }

  @Test func bytesThatTrickleInMakeMessages() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/trickle")
    #expect(try client.inbox.wait(for: .text).text == "first")
    #expect(try client.inbox.wait(for: .text).bytes.count == 300)
    #expect(try client.inbox.wait(for: .ping).text == "p")
    #expect(try client.inbox.wait(for: .binary).bytes.isEmpty)
    #expect(try client.inbox.wait(for: .text).text == "last")
  }

  @Test func controlFramesInsideAMessageAreMessagesOfTheirOwn() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/fragments")
    #expect(try client.inbox.wait(for: .ping).text == "a")
    #expect(try client.inbox.wait(for: .pong).text == "b")
    #expect(try client.inbox.wait(for: .text).text == "one message")
    #expect(try client.inbox.wait(for: .text).text == "next")
  }

  @Test func messagesRightBehindTheAnswerArrive() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/early")
    #expect(try client.inbox.wait(for: .text).text == "early")
    #expect(try client.inbox.wait(for: .text).text == "bird")
  }

  @Test(arguments: ["cut", "reset"])
  func aLostConnectionIsReported(how: String) async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/" + how)
    #expect(try failure(client).code == .lost)
    #expect(try client.inbox.wait(for: .text).text == "one")
    #expect(try client.inbox.wait(for: .error).member("code") == "lost")
    let closed = try client.inbox.wait(for: .closed)
    #expect(try closed.member("code") == "1006")
    #expect(try closed.member("by") == "network")
  }

  @Test(arguments: [
    ("utf8", "protocol", "1007"), ("big", "too-big", "1009"), ("masked", "protocol", "1002"),
  ])
  func violationsAreNamed(path: String, code: String, closeCode: String) async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/" + path)
    #expect(try failure(client).code.rawValue == code)
    #expect(try client.inbox.wait(for: .error).member("code") == code)
    let closed = try client.inbox.wait(for: .closed)
    #expect(try closed.member("code") == closeCode)
    #expect(try closed.member("by") == "client")
  }

  @Test(arguments: [
    ("/garbage", TransportError.Code.timeout), ("/wrongaccept", .protocol),
    ("/withlength", .protocol), ("/hangup", .lost),
  ])
  func answersThatAreNoUpgradeAreRefused(path: String, code: TransportError.Code) async throws {
    let peer = try await Peer("misbehave.py")
    // Garbage alone is told apart by waiting.
    let client = try client(peer, path) {
      $0.connectTimeout = path == "/garbage" ? .seconds(2) : .seconds(30)
    }
    let error = try failure(client)
    #expect(error.code == code, "\(error)")
  }

  @Test func noAnswerIsATimeout() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/silent") { $0.connectTimeout = .milliseconds(300) }
    #expect(try failure(client).code == .timeout)
  }

  /// 26 MB of answers would be due to a server that reads none of them: more than the kernel holds,
  /// so most are left out (RFC 6455, section 5.5.3). The newest ping has its answer.
  @Test func pingsOfAServerThatDoesNotReadPileUpNowhere() async throws {
    let peer = try await Peer("misbehave.py")
    let count = 200_000
    let client = try client(peer, "/pings?count=\(count)")
    let answers = try #require(Int(client.inbox.wait(for: .text).text))
    #expect(answers > 0 && answers < count)
  }

  @Test func aHalfOpenConnectionIsFoundByPings() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/stall") {
      $0.pingInterval = .milliseconds(50)
      $0.pingTimeout = .milliseconds(150)
    }
    let error = try failure(client)
    #expect(error.code == .timeout)
    #expect(error.message.contains("ping"))
  }

  @Test(arguments: ["/deaf", "/linger", "/stall"])
  func aServerThatDoesNotCloseIsLeftInTime(path: String) async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, path)
    try client.inbox.wait(for: .opened)
    let start = ContinuousClock.now
    client.loop.stop()
    // The server would go on for an hour.
    #expect(ContinuousClock.now - start < .seconds(60))
    _ = try client.states.end()
    while client.inbox.take(until: nil) {}
    #expect(client.inbox.ring.isFinished)
  }

  @Test func anotherCloseCodeIsAnErrorWithItsReason() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try client(peer, "/close?code=1011&reason=oops")
    #expect(try client.states.end() == .serverClosed(code: 1011, reason: "oops"))
    let closed = try client.inbox.wait(for: .closed)
    #expect(closed.text == #"{"code":1011,"reason":"oops","by":"server"}"#)
    #expect(try client.inbox.wait(for: .error).member("code") == "closed")
  }

  @Test func aKilledServerIsReconnectedToAndTheGapRecorded() async throws {
    let peer = try await Peer("misbehave.py")
    let client = try Client(peer.uri("/cut"))
    for _ in 0..<3 { #expect(try client.inbox.wait(for: .text).text == "one") }
    let gap = try #require(client.inbox.all.first { $0.kind == .gap })
    #expect(try gap.member("reason") == "disconnected")
    #expect(try #require(Int(gap.member("duration_ns"))) >= 15_000_000)
  }

  /// The consumer sleeps while the server has far more to send than the ring holds: the kernel makes
  /// the server wait, nothing is lost and nothing piles up.
  /// With pings: the server cannot be heard meanwhile, which must not be taken for its death.
  @Test(arguments: [false, true])
  func aSlowConsumerStopsTheServer(pings: Bool) async throws {
    let peer = try await Peer("misbehave.py")
    let count = 60_000
    let length = 1000
    let ring = BatchRing(batchCount: 2, byteCapacity: 64 << 10, entryCapacity: 256)
    let client = try Client(peer.uri("/numbers?count=\(count)&length=\(length)"), ring: ring) {
      $0.reconnect.isEnabled = false
      if pings {
        $0.pingInterval = .milliseconds(200)
        $0.pingTimeout = .seconds(2)
      }
    }
    try client.inbox.wait(for: .text)
    let before = client.loop.roundCount
    try await Task.sleep(for: pings ? .seconds(4) : .milliseconds(700))
    // It does not even look at the socket. (Timers make a few more rounds, see `mwc_timer_set`.)
    if !pings { #expect(client.loop.roundCount - before < 50) }
    _ = try client.inbox.wait(seconds: 60, "the last message") {
      $0.text.hasPrefix("\(count - 1).")
    }
    let numbers = client.inbox.all.filter { $0.kind == .text }.map {
      Int($0.text.prefix { $0 != "." })
    }
    #expect(numbers == (0..<count).map { $0 })
  }

  @Test func whatASlowConsumerHasNotTakenSurvivesTheEndOfTheConnection() async throws {
    let peer = try await Peer("misbehave.py")
    let ring = BatchRing(batchCount: 2, byteCapacity: 4 << 10, entryCapacity: 16)
    let client = try Client(peer.uri("/numbers?count=60&length=500"), ring: ring) {
      $0.reconnect.isEnabled = false
    }
    try await Task.sleep(for: .milliseconds(300))
    let messages = try client.inbox.messages(60)
    #expect(messages.last?.text.hasPrefix("59.") == true)
    #expect(try client.inbox.wait(for: .closed).member("code") == "1000")
  }
}
