import Foundation
import MWCTestSupport
import Testing

/// `mwc-capture` as people and scripts stop it, look at it and pipe it.
@Suite(.serialized) struct CaptureSignalTests {
  private let folder: TemporaryFolder
  private var output: String { folder.file("out.cap") }

  init() throws { folder = try TemporaryFolder() }

  private func serve() async throws -> (child: ChildProcess, uri: String) {
    let child = try ChildProcess(
      try ChildProcess.product("mwc"), ["serve", "--port", "0", "--interval", "10ms"])
    let line = try await child.waitForText(/listening on ws:\/\/127\.0\.0\.1:\d+\n/, in: .errors)
    return (child, String(line.dropFirst("listening on ".count).dropLast()))
  }

  private func capture(
    _ uri: String, _ arguments: [String] = [], environment: [String: String?] = [:]
  ) throws -> ChildProcess {
    try ChildProcess(
      try ChildProcess.product("mwc-capture"),
      ["-u", uri, "-o", output, "--min-free", "0"] + arguments, environment: environment)
  }

  private func verify(_ file: String) async throws -> ChildProcess.Result {
    try await ChildProcess.run(try ChildProcess.product("mwc"), ["verify", file])
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalFinishesTheFile(signal: Int32) async throws {
    let server = try await serve()
    let capture = try capture(server.uri)
    try await capture.waitForText(/connected/, in: .errors)
    let result = try await capture.stop(signal)
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errors.contains("out.cap: "), "\(result.errors)")
    let verified = try await verify(output)
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
  }

  @Test func aSecondSignalEndsAtOnce() async throws {
    let server = try await serve()
    let capture = try capture(server.uri)
    try await capture.waitForText(/connected/, in: .errors)
    // A server that does not answer the closing handshake holds the first signal up.
    server.child.send(signal: SIGSTOP)
    capture.send(signal: SIGTERM)
    try await Task.sleep(for: .milliseconds(200))
    let result = try await capture.stop(SIGINT)
    server.child.send(signal: SIGCONT)
    #expect(result.status == .exited(130), "\(result.errors)")
    // What is there can be read and recovered.
    let verified = try await verify(output)
    #expect(verified.status == .exited(1), "\(verified.outputText)\(verified.errors)")
  }

  @Test func theEndOfTheTerminalDoesNotEndWhatNohupStarted() async throws {
    let server = try await serve()
    let capture = try ChildProcess(
      "/usr/bin/nohup",
      [
        try ChildProcess.product("mwc-capture"), "-u", server.uri, "-o", output, "--min-free", "0",
      ])
    try await capture.waitForText(/connected/, in: .errors)
    capture.send(signal: SIGHUP)
    capture.send(signal: SIGUSR1)
    // The statistics come behind the hang-up that was ignored.
    try await capture.waitForText(/stream 1:/, in: .errors)
    #expect(capture.isRunning)
    let result = try await capture.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
  }

  @Test func statisticsOnRequest() async throws {
    let server = try await serve()
    let capture = try capture(server.uri)
    try await capture.waitForText(/connected/, in: .errors)
    capture.send(signal: SIGUSR1)
    try await capture.waitForText(/received: [\d,]+ message/, in: .errors)
    try await capture.stop()
  }

  /// With long intervals nothing but the signal can have brought the messages into the file.
  @Test func everythingIsWrittenOnRequest() async throws {
    let server = try await serve()
    let capture = try capture(
      server.uri, ["--flush-interval", "1h", "--fsync-interval", "never", "--level", "0"])
    try await capture.waitForText(/connected/, in: .errors)
    let before = try sizeOfOutput()
    try await Task.sleep(for: .milliseconds(100))
    #expect(try sizeOfOutput() == before)
    capture.send(signal: SIGUSR2)
    try await waitUntil("the file has grown") { try sizeOfOutput() > before }
    try await capture.stop()
  }

  private func sizeOfOutput() throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: output)
    return try #require(attributes[.size] as? Int)
  }

  @Test func aPipeThatCloses() async throws {
    let server = try await serve()
    let program = try ChildProcess.product("mwc-capture")
    let result = try await ChildProcess.shell(
      "'\(program)' -q --level 0 -u \(server.uri) -o - | head -c 100 | wc -c")
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.lines == ["100"])
    #expect(result.errors.isEmpty)
  }

  @Test func aPipeCarriesAWholeCapture() async throws {
    let server = try await serve()
    let capture = try ChildProcess.product("mwc-capture")
    let mwc = try ChildProcess.product("mwc")
    let result = try await ChildProcess.shell(
      "'\(capture)' -q -u \(server.uri) -o - --max-messages 5 | '\(mwc)' cat -")
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.lines.count { $0.contains(#""opcode":"text""#) } == 5)
  }

  @Test func aFullStandardOutputIsNamed() async throws {
    let server = try await serve()
    let capture = try ChildProcess.product("mwc-capture")
    let result = try await ChildProcess.shell(
      "'\(capture)' -q -u \(server.uri) -o - >/dev/full")
    #expect(result.status == .exited(74), "\(result.errors)")
    #expect(result.errorLines.count == 1, "\(result.errors)")
    #expect(result.errors.contains("standard output: "), "\(result.errors)")
  }

  // MARK: Settings and words

  @Test func theEnvironmentNamesTheStream() async throws {
    let server = try await serve()
    let result = try await ChildProcess.run(
      try ChildProcess.product("mwc-capture"),
      ["-o", output, "--min-free", "0", "--max-messages", "1"],
      environment: ["MONITORING_WEBSOCKET_URI": server.uri])
    #expect(result.status == .exited(0), "\(result.errors)")
  }

  @Test func quietMeansSilentAndStatisticsCanBeJSON() async throws {
    let server = try await serve()
    let result = try await capture(server.uri, ["-q", "--max-messages", "2", "--json"]).wait()
    #expect(result.status == .exited(0))
    #expect(result.errors.isEmpty)
    struct Report: Decodable {
      struct Stream: Decodable { var uri: String }
      var output: String
      var streams: [Stream]
    }
    let report = try JSONDecoder().decode(Report.self, from: result.output)
    #expect(report.output == output)
    #expect(report.streams.map(\.uri) == [server.uri])
  }

  @Test func noSecretIsSaid() async throws {
    let port = try TestSupport.freePort()
    let log = folder.file("log")
    let result = try await capture(
      "ws://user:s3cret@127.0.0.1:\(port)/x?token=s3cret",
      [
        "--no-reconnect", "-v", "-H", "X-Key: s3cret", "--stats", "--log-file", log,
        "--log-format", "json",
      ], environment: ["MWC_TOKEN": "s3cret"]
    ).wait()
    #expect(result.status == .exited(69), "\(result.errors)")
    let logged = try String(contentsOfFile: log, encoding: .utf8)
    for text in [result.errors, result.outputText, logged] { #expect(!text.contains("s3cret")) }
    #expect(logged.contains("127.0.0.1:\(port)"))
  }

  @Test func oneStreamThatFailsForGoodIsTheExitCodeOfTheWhole() async throws {
    let server = try await serve()
    let port = try TestSupport.freePort()
    let capture = try capture(
      server.uri, ["-u", "ws://127.0.0.1:\(port)", "--no-reconnect"])
    try await capture.waitForText(/error: ws:\/\/127/, in: .errors)
    try await capture.waitForText(/connected/, in: .errors)
    let result = try await capture.stop(SIGINT)
    #expect(result.status == .exited(69), "\(result.errors)")
    let verified = try await verify(output)
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
  }

  @Test func tooLittleRoomIsSaidBeforeAnythingIsMade() async throws {
    let server = try await serve()
    let result = try await ChildProcess.run(
      try ChildProcess.product("mwc-capture"),
      ["-u", server.uri, "-o", output, "--min-free", "1000000TiB"])
    #expect(result.status == .exited(74))
    #expect(result.errorLines.count == 1, "\(result.errors)")
    #expect(result.errors.contains("--min-free"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }
}
