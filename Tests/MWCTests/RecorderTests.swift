import Foundation
import Logging
import MWCCapture
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

@testable import MWC

/// One after the other: each uses threads that block, and there are only so many to run tests on.
@Suite(.serialized) struct RecorderTests {
  private let folder: TemporaryFolder
  private var output: String { folder.file("out.cap") }

  init() throws { folder = try TemporaryFolder() }

  // MARK: Stopping

  @Test func recordsExactlyTheMessagesAskedFor() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(5000, to: client) }
    defer { server.stop() }
    var options = try options(for: server)
    options.limits.messages = 137
    let result = try await record(options)
    guard case .messagesReached = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(try numbers(in: output) == Array(1...137))
    let stream = result.statistics.connections[0]
    #expect(stream.written.messages == 137)
    #expect(stream.received == stream.written + stream.filtered)
    #expect(stream.dropped.messages == 0)
  }

  @Test func stopsAfterTheDuration() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(10, to: client) }
    defer { server.stop() }
    var options = try options(for: server)
    options.limits.duration = 300_000_000
    let result = try await record(options)
    guard case .durationReached = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(result.statistics.elapsed >= 300_000_000)
    #expect(try numbers(in: output) == Array(1...10))
  }

  @Test func stopsAtTheSize() async throws {
    let server = try LocalServer { server, client, _ in
      server.sendNumbers(2000, to: client, padding: 1000)
    }
    defer { server.stop() }
    var options = try options(for: server)
    options.limits.bytes = 200_000
    options.level = 0
    let result = try await record(options)
    guard case .bytesReached = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(result.statistics.fileBytes >= 200_000)
    let count = try numbers(in: output).count
    #expect(Int64(count) == result.statistics.connections[0].written.messages)
    #expect(count < 2000)
  }

  @Test func stopsWhenAsked() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(10, to: client) }
    defer { server.stop() }
    let recorder = Recorder(try options(for: server), logger: .silent)
    let run = start(recorder)
    try await waitUntil("ten messages are recorded") {
      recorder.statistics.connections[0].received.messages == 10
    }
    recorder.stop()
    let result = try await run.value
    guard case .stopped = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(try numbers(in: output) == Array(1...10))
    let kinds = try kinds(in: output)
    #expect(kinds.contains(.opened) && kinds.contains(.closed) && kinds.contains(.state))
  }

  @Test func endsWithTheServerWhenReconnectingIsOff() async throws {
    let server = try LocalServer { server, client, _ in
      server.sendNumbers(3, to: client)
      server.close(client, code: 1000)
    }
    defer { server.stop() }
    var options = try options(for: server)
    options.streams[0].reconnect.isEnabled = false
    let result = try await record(options)
    guard case .streamsEnded = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(result.failures.isEmpty)
    #expect(try numbers(in: output) == [1, 2, 3])
  }

  // MARK: Connections

  @Test func reconnectsAndRecordsTheGap() async throws {
    let server = try LocalServer { server, client, _ in
      server.sendNumbers(2, to: client)
      server.close(client, code: 1011, reason: "again")
    }
    defer { server.stop() }
    let recorder = Recorder(try options(for: server), logger: .silent)
    let run = start(recorder)
    try await waitUntil("the third connection has brought its messages") {
      recorder.statistics.connections[0].received.messages >= 6
    }
    recorder.stop()
    let result = try await run.value
    let stream = result.statistics.connections[0]
    #expect(stream.connects >= 3)
    #expect(stream.gaps >= 2)
    #expect(stream.gapTime > 0)
    #expect(stream.errors >= 2)
    #expect(try numbers(in: output).prefix(6) == [1, 2, 1, 2, 1, 2])
    #expect(try kinds(in: output).count { $0 == .gap } == Int(stream.gaps))
  }

  @Test func anUnreachableServerIsTheEndWhenReconnectingIsOff() async throws {
    let port = try TestSupport.freePort()
    var options = RecorderOptions(
      streams: [ClientOptions(uri: try WebSocketURI("ws://127.0.0.1:\(port)"))], output: output)
    options.streams[0].reconnect.isEnabled = false
    options.minFree = 0
    let result = try await record(options)
    guard case .streamsEnded = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(result.failures[0]?.code == .refused)
    #expect(result.statistics.connections[0].connects == 0)
    #expect(try kinds(in: output).contains(.error))
  }

  @Test func oneStreamThatFailsDoesNotStopTheOther() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(4, to: client) }
    defer { server.stop() }
    var options = try options(for: server)
    var lost = ClientOptions(
      uri: try WebSocketURI("ws://127.0.0.1:\(try TestSupport.freePort())"))
    lost.reconnect.maximumAttempts = 1
    options.streams.insert(lost, at: 0)
    let recorder = Recorder(options, logger: .silent)
    let run = start(recorder)
    try await waitUntil("one has failed and the other has delivered") {
      let streams = recorder.statistics.connections
      return streams[0].status == "error" && streams[1].received.messages == 4
    }
    recorder.stop()
    let result = try await run.value
    #expect(Set(result.failures.keys) == [0])
    #expect(result.statistics.connections[1].written.messages == 4)
  }

  @Test func greetingsAreSentAndRecorded() async throws {
    let server = try LocalServer { _, _, _ in }
    defer { server.stop() }
    var options = try options(for: server)
    options.streams[0].greetings = [.init(bytes: Array("hello".utf8))]
    let recorder = Recorder(options, logger: .silent)
    let run = start(recorder)
    try await waitUntil("the server has heard us") { server.received == ["hello"] }
    try await waitUntil("it is counted") {
      recorder.statistics.connections[0].sent.messages == 1
    }
    recorder.stop()
    _ = try await run.value
    #expect(try records(in: output).contains { $0.direction == .sent && $0.text == "hello" })
  }

  @Test func noSecretReachesTheFile() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(1, to: client) }
    defer { server.stop() }
    var options = try options(for: server)
    options.streams[0].uri = try WebSocketURI(
      "ws://user:s3cret@127.0.0.1:\(server.server.port)/?token=s3cret")
    options.streams[0].headers = [.init(name: "X-Key", value: "s3cret")]
    options.level = 0
    options.limits.messages = 1
    _ = try await record(options)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
    #expect(bytes.range(of: Data("127.0.0.1".utf8)) != nil)
    #expect(bytes.range(of: Data("s3cret".utf8)) == nil)
  }

  // MARK: The output

  @Test func anExistingOutputIsNotTouchedAndNothingIsConnected() async throws {
    let server = try LocalServer { _, _, _ in }
    defer { server.stop() }
    try folder.write("precious".utf8, to: "out.cap")
    let error = await #expect(throws: RecorderError.self) {
      _ = try await record(try options(for: server))
    }
    guard case .output(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.code == .exists)
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "precious")
    #expect(server.connects == 0)
  }

  @Test func optionsThatCannotWorkLeaveNoFileBehind() async throws {
    let server = try LocalServer { _, _, _ in }
    defer { server.stop() }
    var options = try options(for: server)
    options.streams[0].headers = [.init(name: "not a name", value: "")]
    let error = await #expect(throws: RecorderError.self) { _ = try await record(options) }
    guard case .transport(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.code == .invalid)
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test func tooLittleRoomLeavesNoFileBehind() async throws {
    let server = try LocalServer { _, _, _ in }
    defer { server.stop() }
    var options = try options(for: server)
    options.minFree = .max
    let error = await #expect(throws: RecorderError.self) { _ = try await record(options) }
    guard case .output(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.code == .diskFull)
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test func appendsASecondSession() async throws {
    let server = try LocalServer { server, client, _ in server.sendNumbers(3, to: client) }
    defer { server.stop() }
    var options = try options(for: server)
    options.limits.messages = 3
    _ = try await record(options)
    options.existing = .append
    _ = try await record(options)
    #expect(try numbers(in: output) == [1, 2, 3, 1, 2, 3])
  }

  /// Who reads our pipe is slower than the stream: TCP pushes back, and nothing is lost.
  @Test func aSlowOutputPushesBackAndLosesNothing() async throws {
    let count = 4000
    var serverOptions = ServerOptions()
    serverOptions.maxQueuedBytes = 64 << 20
    let server = try LocalServer(serverOptions) { server, client, _ in
      server.sendNumbers(count, to: client, padding: 4000)
    }
    defer { server.stop() }
    var options = try options(for: server)
    options.level = 0
    options.limits.messages = Int64(count)
    try #require(unsafe mkfifo(output, 0o600) == 0)
    let path = output
    let copy = folder.file("copy.cap")
    let recorder = Recorder(options, logger: .silent)
    let reader = Task.detached { try slowCopy(from: path, to: copy) }
    let result = try await start(recorder).value
    try await reader.value
    #expect(result.statistics.connections[0].written.messages == Int64(count))
    #expect(try numbers(in: copy) == Array(1...count))
  }

  @Test func aClosedPipeIsAQuietEnd() async throws {
    signal(SIGPIPE, SIG_IGN)
    let server = try LocalServer { server, client, _ in
      server.sendNumbers(2000, to: client, padding: 1000)
    }
    defer { server.stop() }
    var options = try options(for: server)
    options.level = 0
    try #require(unsafe mkfifo(output, 0o600) == 0)
    let path = output
    let recorder = Recorder(options, logger: .silent)
    let reader = Task.detached {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      _ = try file.read(upToCount: 100)
      try file.close()
    }
    let result = try await start(recorder).value
    try await reader.value
    guard case .outputClosed = result.end else {
      Issue.record("\(result.end)")
      return
    }
  }
}

// MARK: - Helpers

extension RecorderTests {
  private func options(for server: LocalServer) throws -> RecorderOptions {
    var stream = ClientOptions(uri: try server.uri())
    stream.reconnect.interval = .milliseconds(5)
    var options = RecorderOptions(streams: [stream], output: output)
    options.minFree = 0
    return options
  }

  private func record(_ options: RecorderOptions) async throws -> RecordingResult {
    try await start(Recorder(options, logger: .silent)).value
  }

  /// Runs on a thread of its own: `run` blocks, which tasks must not.
  private func start(_ recorder: Recorder) -> Task<RecordingResult, any Error> {
    Task {
      try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
          continuation.resume(with: Result { try recorder.run() })
        }
      }
    }
  }
}

/// One record of a capture, copied out.
struct CopiedRecord {
  var connection: UInt32
  var direction: Message.Direction
  var kind: Message.Kind
  var text: String
}

func records(in path: String) throws -> [CopiedRecord] {
  var reader = try CaptureReader.open(path)
  var records: [CopiedRecord] = []
  while let message = try reader.next() {
    let text = unsafe message.payload.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    records.append(
      CopiedRecord(
        connection: message.connection, direction: message.direction, kind: message.kind,
        text: text))
  }
  return records
}

func kinds(in path: String) throws -> [Message.Kind] { try records(in: path).map(\.kind) }

/// The numbers of the messages `{"number":…}` in a capture.
func numbers(in path: String) throws -> [Int] {
  struct Numbered: Decodable { var number: Int }
  return try records(in: path).filter { $0.kind == .text && $0.direction == .received }.map {
    try JSONDecoder().decode(Numbered.self, from: Data($0.text.utf8)).number
  }
}

/// Copies a pipe to a file in small steps with pauses at first, then as fast as possible.
private func slowCopy(from source: String, to target: String) throws {
  let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: source))
  var bytes = Data()
  var step = 0
  while let chunk = try input.read(upToCount: 64 << 10), !chunk.isEmpty {
    bytes.append(chunk)
    step += 1
    if step < 40 { usleep(10_000) }
  }
  try bytes.write(to: URL(fileURLWithPath: target))
}
