import Foundation
import MWCTestSupport
import Testing

/// How recordings begin, go on and end.
@Suite(.fewAtATime) struct LifecycleTests {
  // MARK: Ends

  @Test(arguments: [SIGINT, SIGTERM])
  func signalFinishesTheFile(signal: Int32) async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", [])
    let file = folder.file("out.cap")
    let capture = try Program.capture.start(["--uri", peer.uri, "--output", file])
    try await peer.child.waitForText(/ack 1/, in: .output)
    let result = try await capture.stop(signal)
    #expect(result.status == .exited(0), "\(result.errors)")
    try await expectClean(file)
    let records = try await cat(file)
    #expect(records.contains { $0.isText })
    #expect(records.contains { $0.event == "closed" }, "the end is part of the recording")
  }

  /// A server that is away does not keep a recording from being ended.
  @Test func signalEndsTheWaitForAServer() async throws {
    let folder = try TemporaryFolder()
    let port = try TestSupport.freePort()
    let file = folder.file("out.cap")
    let capture = try Program.capture.start([
      "--uri", "ws://127.0.0.1:\(port)/", "--output", file, "--reconnect-interval", "60s",
    ])
    try await waitUntil("the file exists") { FileManager.default.fileExists(atPath: file) }
    let result = try await capture.stop(SIGTERM)
    #expect([.exited(0), .exited(143)].contains(result.status), "\(result.errors)")
    try await expectClean(file)
  }

  @Test func countIsExact() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 500, in: folder, arguments: ["--hold"])
    let file = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--max-messages", "123",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(try await cat(file).filter { $0.isText }.count == 123)
    try await expectClean(file)
  }

  @Test func sizeIsALimit() async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", ["--rate", "20000"])
    let file = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--max-size", "100KiB", "--level", "0",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    let size = try #require(
      FileManager.default.attributesOfItem(atPath: file)[.size] as? NSNumber
    ).intValue
    #expect(size > 50 << 10 && size < 2 << 20, "\(size) bytes")
    try await expectClean(file)
  }

  // MARK: Connections

  @Test func serverThatGoesAndComesBackLeavesAGap() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 10, in: folder)
    let file = folder.file("out.cap")
    // The peer closes after ten messages, each time.
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--reconnect-interval", "20ms", "--max-messages", "25",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    let records = try await cat(file)
    #expect(records.filter(\.isText).count == 25)
    // Before the last messages are counted it may have come back once more.
    #expect(records.filter { $0.event == "opened" }.count >= 3)
    #expect(records.filter { $0.event == "closed" }.count >= 2)
    #expect(records.filter { $0.event == "gap" }.count >= 2)
  }

  @Test func twoStreamsInOneCapture() async throws {
    let folder = try TemporaryFolder()
    let first = try await SampleCapture.numberedPeer(count: 10, in: folder)
    let second = try await SampleCapture.numberedPeer(count: 20, in: folder)
    let file = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", first.uri, "--uri", second.uri, "--output", file, "--no-reconnect",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    let texts = try await cat(file).filter { $0.isText }
    #expect(texts.filter { $0.connection == 1 }.count == 10)
    #expect(texts.filter { $0.connection == 2 }.count == 20)
    try await expectClean(file)
  }

  @Test func uriComesFromTheEnvironment() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 5, in: folder)
    let file = folder.file("out.cap")
    let result = try await Program.capture.run(
      ["--output", file, "--no-reconnect"], environment: ["MONITORING_WEBSOCKET_URI": peer.uri])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(try await cat(file).filter { $0.isText }.count == 5)
  }

  @Test func filterDecidesWhatIsRecorded() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 40, in: folder)
    let file = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--no-reconnect", "--json", "--filter",
      #"type == "connection" and (number in (3, 5) or number > 30) and not message contains "xyz""#,
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errors.contains("; 28 messages filtered out"), "\(result.errors)")
    struct Tally: Decodable { var messages: Int }
    struct Stream: Decodable { var received, written, filtered, dropped: Tally }
    struct Statistics: Decodable { var streams: [Stream] }
    let stream = try #require(
      JSONDecoder().decode(Statistics.self, from: result.output).streams.first)
    #expect(stream.received.messages == 40)
    #expect(stream.written.messages == 12)
    #expect(
      stream.received.messages
        == stream.written.messages + stream.filtered.messages + stream.dropped.messages)

    let records = try await cat(file)
    let numbers = try records.filter(\.isText).map {
      try #require($0.payload?.firstMatch(of: /"number":(\d+)/).flatMap { Int($0.1) })
    }
    #expect(numbers == [3, 5] + Array(31...40))
    // What happened to the connection is there all the same.
    #expect(records.contains { $0.event == "opened" } && records.contains { $0.event == "closed" })
    // The same condition chooses the same messages afterwards.
    let later = try await cat(file, ["--filter", "number <= 31", "--type", "connection"])
    #expect(later.count == 3)
    try await expectClean(file)
  }

  // MARK: Files

  @Test func appendContinuesARecording() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 10, in: folder)
    let file = folder.file("out.cap")
    for _ in 1...3 {
      let result = try await Program.capture.run([
        "--uri", peer.uri, "--output", file, "--append", "--no-reconnect",
      ])
      #expect(result.status == .exited(0), "\(result.errors)")
    }
    #expect(try await cat(file).filter { $0.isText }.count == 30)
    try await expectClean(file)
  }

  @Test func forceReplacesARecording() async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 10, in: folder)
    let peer = try await SampleCapture.numberedPeer(count: 3, in: folder)
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--force", "--no-reconnect",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(try await cat(file).filter { $0.isText }.count == 3)
  }

  @Test(arguments: ["--append", "--force"])
  func secondRecorderOfAFileIsRefused(option: String) async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", ["--rate", "100"])
    let file = folder.file("out.cap")
    let first = try Program.capture.start(["--uri", peer.uri, "--output", file])
    try await peer.child.waitForText(/ack 1/, in: .output)
    let second = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, option, "--quiet",
    ])
    expectFailure(second, code: 73, naming: [file])
    let result = try await first.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
    try await expectClean(file)
  }

  @Test func captureIsItsOwnersAlone() async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 1, in: folder)
    let mode = try #require(
      FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber)
    #expect(mode.intValue == 0o600)
  }

  @Test func nameOfTheFileIsExpanded() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 1, in: folder)
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", folder.file("%Y-%h.cap"), "--no-reconnect",
    ])
    #expect(result.status == .exited(0), "\(result.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".cap") }
    let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
    #expect(names.count == 1)
    #expect(names.first?.wholeMatch(of: /20\d\d-.+\.cap/) != nil, "\(names)")
    #expect(names.first?.contains(host) == true, "\(names)")
  }

  // MARK: Secrets

  @Test func secretsStayOut() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 3, in: folder)
    let file = folder.file("out.cap")
    let result = try await Program.capture.run(
      [
        "--uri", "ws://user:hunter2@127.0.0.1:\(peer.port)/?token=swordfish", "--output", file,
        "--no-reconnect", "--verbose",
      ], environment: ["MWC_TOKEN": "opensesame"])
    #expect(result.status == .exited(0), "\(result.errors)")
    let info = try await Program.mwc.run(["info", file])
    let printed = try await Program.mwc.run(["cat", file])
    let stored = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    for secret in ["hunter2", "swordfish", "opensesame"] {
      for text in [result.errors, info.outputText, printed.outputText, stored] {
        #expect(!text.contains(secret), "\(secret) in \(text)")
      }
    }
  }

  // MARK: Together

  /// The flow of `make demo`, a second long.
  @Test func servedRecordedShownAndReplayed() async throws {
    let folder = try TemporaryFolder()
    let server = try Program.mwc.start(["serve", "--port", "0"])
    let uri = try await server.waitForText(/ws:\/\/[0-9.]+:\d+/, in: .errors)
    let file = folder.file("out.cap")
    let recorded = try await Program.capture.run(["--uri", uri, "--output", file, "-d", "3s"])
    #expect(recorded.status == .exited(0), "\(recorded.errors)")
    let stopped = try await server.stop(SIGINT)
    #expect(stopped.status == .exited(0), "\(stopped.errors)")

    let info = try await Program.mwc.run(["info", file])
    #expect(info.status == .exited(0), "\(info.errors)")
    #expect(info.outputText.contains(uri), "\(info.outputText)")
    let replayed = try await Program.replay.run([
      file, "--speed", "10x", "--format", "compact", "--stats",
    ])
    #expect(replayed.status == .exited(0), "\(replayed.errors)")
    let texts = try await cat(file).filter { $0.isText }
    #expect(texts.count >= 3, "a welcome and a message every 0.7 s")
    #expect(replayed.lines.count >= texts.count - 1, "\(replayed.outputText)")
    #expect(replayed.outputText.contains("CPU:"), "\(replayed.outputText)")
  }

  private func expectClean(_ file: String) async throws {
    let verified = try await Program.mwc.run(["verify", file])
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
  }
}
