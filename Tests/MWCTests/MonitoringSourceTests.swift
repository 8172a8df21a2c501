import Foundation
import Logging
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

@testable import MWC

/// The embedded source, with the recorder as its client.
@Suite(.serialized) struct MonitoringSourceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Records what the source says to a client that sends `greetings`, until it has said `count`
  /// messages.
  private func listen(
    _ greetings: [ClientOptions.Greeting], count: Int64, interval: Int64 = 50_000_000,
    beforeStop: (WebSocketServer) throws -> Void = { _ in }
  ) async throws -> [String] {
    let source = MonitoringSource(interval: interval)
    let loop = try EventLoop(logger: .silent)
    defer { loop.stop() }
    let server = try loop.listen(ServerOptions(), handler: source)
    source.begin(on: server)
    defer { source.end() }
    var stream = ClientOptions(uri: try WebSocketURI("ws://127.0.0.1:\(server.port)"))
    stream.greetings = greetings
    let output = folder.file("\(UUID().uuidString).cap")
    var options = RecorderOptions(streams: [stream], output: output)
    options.minFree = 0
    options.limits.messages = count
    let recorder = Recorder(options, logger: .silent)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, _>) in
      Thread.detachNewThread {
        continuation.resume(with: Result { _ = try recorder.run() })
      }
    }
    return try records(in: output).filter { $0.kind == .text && $0.direction == .received }
      .map(\.text)
  }

  private func types(_ messages: [String]) throws -> [String] {
    struct Typed: Decodable { var type: String }
    return try messages.map { try JSONDecoder().decode(Typed.self, from: Data($0.utf8)).type }
  }

  @Test func welcomesAndStreams() async throws {
    let messages = try await listen([], count: 4)
    #expect(
      try types(messages) == [
        "connection", "monitoring_data", "monitoring_data", "monitoring_data",
      ]
    )
  }

  @Test func answersControlMessagesInOrder() async throws {
    let texts = [
      #"{"type":"ping","extra":[1,2,{}]}"#, "this is not json", #"{"type":"get_status"}"#, "",
      #"{"type":"subscribe"}"#, #"{"action":"ping"}"#, "[]", "5", "null",
      #"{"type":"x","type":"ping"}"#,
    ]
    let greetings = texts.map { ClientOptions.Greeting(bytes: Array($0.utf8)) }
    let binary = [
      ClientOptions.Greeting(kind: .binary, bytes: [0xFF, 0x00]),
      ClientOptions.Greeting(kind: .binary, bytes: Array(#"{"type":"get_status"}"#.utf8)),
    ]
    let messages = try await listen(greetings + binary, count: 9, interval: 200_000_000)
    let answers = messages.dropFirst().filter { !$0.contains("monitoring_data") }
    #expect(
      try types(Array(answers)) == ["pong", "error", "status", "error", "pong", "status"])
    #expect(
      messages.contains { $0.contains(#""connected_clients": 1, "monitoring_active": true"#) })
    #expect(messages.contains(#"{"type": "error", "message": "Invalid message"}"#))
  }

  @Test func oneClientTooManyIsTurnedAwayWithoutWelcome() async throws {
    let source = MonitoringSource(interval: 20_000_000)
    let loop = try EventLoop(logger: .silent)
    defer { loop.stop() }
    var serving = ServerOptions()
    serving.maxClients = 1
    let server = try loop.listen(serving, handler: source)
    source.begin(on: server)
    defer { source.end() }
    let uri = try WebSocketURI("ws://127.0.0.1:\(server.port)")
    let ring = BatchRing()
    let clients = try EventLoop(logger: .silent)
    defer { clients.stop() }
    _ = try clients.connect(ClientOptions(uri: uri), connection: 1, ring: ring) { _ in }
    try await waitUntil("the first client is in") { server.clientCount == 1 }

    var options = RecorderOptions(
      streams: [ClientOptions(uri: uri)], output: folder.file("second.cap"))
    options.minFree = 0
    options.streams[0].reconnect.isEnabled = false
    let recorder = Recorder(options, logger: .silent)
    let result = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try recorder.run() })
      }
    }
    #expect(result.statistics.connections[0].received.messages == 0)
    let closed = try #require(try records(in: options.output).first { $0.kind == .closed })
    #expect(closed.text == #"{"code":1008,"reason":"Server at capacity","by":"server"}"#)
  }
}
