import Foundation
import Glibc
import MWCCore
import MWCTestSupport
import Testing

/// `mwc replay` and `mwc cat` as programs: what they print, say and return.
@Suite struct ReplayCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(
    _ arguments: String..., environment: [String: String?] = [:], input: Data = Data()
  ) async throws -> ChildProcess.Result {
    try await ChildProcess.run(
      ChildProcess.product("mwc"), arguments, environment: environment, input: input)
  }

  private func capture(
    _ records: [MadeCapture.Record], name: String = "run.cap"
  ) throws -> String {
    try MadeCapture.write(folder.file(name), records)
    return folder.file(name)
  }

  private let few: [MadeCapture.Record] = [
    .init(at: 0, #"{"uri":"ws://127.0.0.1:8765/"}"#, kind: .opened),
    .init(at: 5, "a"),
    .init(at: 10, "to the server", direction: .sent),
    .init(at: 15, "b", connection: 2),
    .init(at: 20, "ping", kind: .ping),
    .init(at: 25, data: Data([0, 255]), kind: .binary),
    .init(at: 30, "c"),
  ]

  @Test func playsWhatTheServerSent() async throws {
    let file = try capture(few)
    let result = try await mwc("replay", file, "--speed", "max", "--format", "raw")
    #expect(result.status == .exited(0))
    #expect(result.output == Data("a\nb\n".utf8) + Data([0, 255]) + Data("\nc\n".utf8))
    #expect(result.errors == "")
  }

  @Test func theProgramOfItsOwnNameIsTheSame() async throws {
    let file = try capture(few)
    let result = try await ChildProcess.run(
      ChildProcess.product("mwc-replay"),
      [file, "--speed", "100x", "--format", "raw", "--connection", "2"])
    #expect(result.status == .exited(0))
    #expect(result.lines == ["b"])
  }

  @Test func passageLoopAndStatistics() async throws {
    let file = try capture(few)
    let result = try await mwc(
      "replay", file, "--format", "raw", "--connection", "1", "--from", "+1ms", "--to", "+25ms",
      "--loop", "3", "--speed", "max", "--stats", "--json")
    #expect(result.lines == ["a", "a", "a"])
    let line = try #require(result.errorLines.first)
    let summary = try #require(
      JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(summary["messages"] as? Int == 3)
    #expect(summary["ended"] as? String == "finished")
    #expect(summary["speed_asked"] as? String == "max")
    #expect(summary["lateness_ns"] is NSNull)
  }

  @Test func sharesAndWallTimesChooseAPassageToo() async throws {
    let file = try capture(few)
    let shares = try await mwc(
      "replay", file, "--format", "raw", "--speed", "max", "--from", "40%", "--to", "60%")
    #expect(shares.lines == ["b"])
    let times = try await mwc(
      "replay", file, "--format", "raw", "--speed", "max", "--seek",
      "2026-11-21T13:00:00.005+01:00", "--to", "2026-11-21T12:00:00.030Z", "--connection", "2")
    #expect(times.lines == ["b"])
  }

  @Test func filtersChooseMessages() async throws {
    let file = try capture([
      .init(at: 0, #"{"uri":"ws://127.0.0.1:8765/"}"#, kind: .opened),
      .init(at: 1, #"{"type":"a","n":1}"#), .init(at: 2, #"{"type":"a","n":2}"#),
      .init(at: 3, #"{"type":"b","n":3}"#, connection: 2), .init(at: 4, "n"),
      .init(at: 5, #"42["b",{"n":5}]"#),
      .init(at: 6, #"{"code":1006,"reason":"","by":"none"}"#, kind: .closed),
    ])
    let replayed = try await mwc(
      "replay", file, "--speed", "max", "--format", "raw", "--filter", "n > 1 or [1].n > 1")
    #expect(
      replayed.lines == [#"{"type":"a","n":2}"#, #"{"type":"b","n":3}"#, #"42["b",{"n":5}]"#])
    let typed = try await mwc(
      "replay", file, "--speed", "max", "--format", "raw", "--type", "b", "--filter", "n == 3")
    #expect(typed.lines == [#"{"type":"b","n":3}"#])
    let packets = try await mwc("cat", file, "--payload", "--type", "b")
    #expect(packets.lines == [#"{"type":"b","n":3}"#, #"42["b",{"n":5}]"#])
    let passage = try await mwc(
      "cat", file, "--payload", "--from", "+2ms", "--to", "+4ms", "--connection", "1")
    #expect(passage.lines == [#"{"type":"a","n":2}"#])
    // Events are judged by their data.
    let events = try await mwc("cat", file, "--filter", #"code == 1006 or $kind == "opened""#)
    #expect(events.lines.count == 2)
    #expect(events.lines.allSatisfy { $0.contains(#""event":"#) })

    let wrong = try await mwc("cat", file, "--filter", "n > ")
    #expect(wrong.status == .exited(64))
    #expect(wrong.output.isEmpty)
    #expect(
      wrong.errorLines == [
        "mwc: The value 'n > ' is invalid for '--filter <expression>': column 5: expected a path "
          + "or a value after '>', found the end (see 'mwc --help')"
      ])
  }

  @Test func latenessIsReportedForTimedReplays() async throws {
    let file = try capture(few)
    let result = try await mwc("replay", file, "--format", "none", "--stats", "--json")
    // Nothing else is on standard output, so this may be.
    let summary = try #require(
      JSONSerialization.jsonObject(with: result.output) as? [String: Any])
    let lateness = try #require(summary["lateness_ns"] as? [String: Int])
    #expect(Set(lateness.keys) == ["p50", "p99", "p99_9", "max"])
    #expect(summary["messages"] as? Int == 4)
    #expect(summary["played_ns"] as? Int == 25_000_000)
    #expect(try #require(summary["elapsed_ns"] as? Int) > 24_000_000)

    let text = try await mwc("replay", file, "--format", "none", "--stats")
    #expect(text.output.isEmpty)
    #expect(text.errorLines.count == 3)
    #expect(text.errors.hasPrefix("played 4 messages (5 B) in 0.0"))
  }

  @Test func badMessagesAreCountedAndToldOnce() async throws {
    let file = try capture([
      .init(at: 0, #"{"type":"x"}"#), .init(at: 1, "{"), .init(at: 2, "nonsense"),
      .init(at: 3, #"{"type":"y"}"#),
    ])
    let result = try await mwc("replay", file, "--format", "json", "--speed", "max", "--no-color")
    #expect(result.status == .exited(1))
    #expect(result.outputText.contains(#""type": "y""#))
    #expect(
      result.errorLines == [
        "mwc: \(file): 2 of 4 messages are not JSON and were left out, the first of "
          + "2026-11-21T12:00:00.001000000Z on connection 1; '--format raw' shows them"
      ])
  }

  @Test func aCaptureComesThroughAPipeToo() async throws {
    let file = try capture(few)
    let bytes = try #require(FileManager.default.contents(atPath: file))
    let result = try await mwc(
      "replay", "-", "--format", "raw", "--speed", "max", "--from", "+12ms", input: bytes)
    #expect(result.status == .exited(0))
    #expect(result.output == Data("b\n".utf8) + Data([0, 255]) + Data("\nc\n".utf8))
    let twice = try await mwc("replay", "-", "--loop", "2", input: bytes)
    #expect(twice.status == .exited(64))
    #expect(twice.errorLines.count == 1)
  }

  @Test func aClosedPipeIsNoFault() async throws {
    let file = try capture((0..<20_000).map { .init(at: $0, "message \($0)") })
    let program = try ChildProcess.product("mwc")
    for command in ["replay --speed max --format raw", "cat", "cat --payload"] {
      let result = try await ChildProcess.shell(
        "'\(program)' \(command) '\(file)' | head -n 1; echo ${PIPESTATUS[0]}")
      #expect(result.lines.last == "0")
      #expect(result.errors == "", "\(command)")
    }
  }

  @Test func aFullDiskIsAnError() async throws {
    let file = try capture(few)
    let program = try ChildProcess.product("mwc")
    let result = try await ChildProcess.shell(
      "'\(program)' replay --speed max --format raw '\(file)' > /dev/full")
    #expect(result.status == .exited(74))
    #expect(result.errorLines.count == 1)
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func aSignalEndsItWithTheStatistics(signal: Int32, status: Int32) async throws {
    let file = try capture([
      .init(at: 0, "first"), .init(at: 1, "second"), .init(at: 3_600_000, "an hour later"),
    ])
    let child = try ChildProcess(
      ChildProcess.product("mwc"), ["replay", file, "--format", "raw", "--stats", "--json"])
    try await child.waitForText(/second/, in: .output)
    let result = try await child.stop(signal)
    #expect(result.status == .exited(status))
    #expect(result.lines == ["first", "second"])
    #expect(result.errors.contains(#""ended":"stopped""#))
    #expect(result.errors.contains(#""messages":2"#))
  }

  @Test func severalCapturesArePlayedTogether() async throws {
    let first = try capture([.init(at: 0, "a0"), .init(at: 20, "a20"), .init(at: 40, "a40")])
    // Recorded by another program, which began 10 ms later; its monotonic clock is another one.
    try MadeCapture.write(
      folder.file("other.cap"), [.init(at: 0, "b10"), .init(at: 10, "b20"), .init(at: 50, "b60")],
      startingAt: 10)
    let result = try await mwc(
      "replay", folder.file("other.cap"), first, "--format", "raw", "--stats", "--json")
    #expect(result.lines == ["a0", "b10", "b20", "a20", "a40", "b60"])
    #expect(result.errors.contains(#""played_ns":60000000,"#))
    let passage = try await mwc(
      "replay", first, folder.file("other.cap"), "--format", "raw", "--speed", "max", "--from",
      "+15ms", "--to", "+60ms", "--loop", "2")
    #expect(passage.lines == ["a20", "b20", "a40", "a20", "b20", "a40"])
  }

  @Test func messagesOfOneType() async throws {
    let file = try capture([
      .init(at: 0, #"{"type":"welcome"}"#), .init(at: 1, #"{"data":{"type":"alert"}}"#),
      .init(at: 2, #"{"n":1,"type":"alert"}"#), .init(at: 3, "type"),
      .init(at: 4, #"{"type":"\u0061lert"}"#), .init(at: 5, #"{"type":"alert"}"#, kind: .binary),
    ])
    let result = try await mwc(
      "replay", file, "--type", "alert", "--format", "raw", "--speed", "max")
    #expect(result.status == .exited(0))
    #expect(result.lines == [#"{"n":1,"type":"alert"}"#, #"{"type":"\u0061lert"}"#])
  }

  /// What has come through a pipe is shown before more is waited for.
  @Test(arguments: ["replay - --speed max --format raw", "cat --payload -"])
  func aLiveStreamIsShownAsItComes(command: String) async throws {
    let file = try capture(few)
    let (child, pipe) = try start("'\(ChildProcess.product("mwc"))' \(command)")
    pipe.write(try #require(FileManager.default.contents(atPath: file)))
    try await child.waitForText(/\nc\n/, in: .output)
    try pipe.close()
    #expect(try await child.wait().status == .exited(0))
  }

  /// Starts a line of shell whose standard input is what the test writes.
  private func start(_ line: String) throws -> (ChildProcess, FileHandle) {
    let pipe = folder.file("pipe")
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    let child = try ChildProcess("/bin/bash", ["-c", "exec < '\(pipe)'; \(line)"])
    return (child, try #require(FileHandle(forWritingAtPath: pipe)))
  }

  @Test func stepPlaysOneMessageForEachKey() async throws {
    let file = try capture((0..<9).map { .init(at: $0 * 1_000, "message \($0)") })
    let program = try ChildProcess.product("mwc")
    // script(1) runs it on a terminal of its own.
    let (child, keyboard) = try start(
      "script -qefc \"'\(program)' replay --speed step --format raw '\(file)'; stty -a\" /dev/null")
    for number in 0..<3 {
      keyboard.write(Data((number == 1 ? "\u{1B}[A" : ".").utf8))
      try await child.waitForText(Regex("message \(number)\\s"), in: .output)
    }
    keyboard.write(Data("q".utf8))
    // The terminal is as it was.
    try await child.waitForText(/\sicanon[^-]*\secho\s/, in: .output)
    try keyboard.close()
    let result = try await child.wait()
    #expect(result.status == .exited(0))
    #expect(!result.outputText.contains("message 3"))
  }

  @Test func silencesAreShortened() async throws {
    let file = try capture([
      .init(at: 0, "first"), .init(at: 3_600_000, "an hour later"),
    ])
    let result = try await mwc("replay", file, "--format", "raw", "-i", "1ms")
    #expect(result.lines == ["first", "an hour later"])
  }

  @Test func stepWithoutATerminalIsRefused() async throws {
    let file = try capture(few)
    // A session of its own has no terminal, wherever the tests run.
    let program = try ChildProcess.product("mwc")
    let result = try await ChildProcess.shell(
      "setsid -w '\(program)' replay '\(file)' --speed step")
    #expect(result.status == .exited(64))
    #expect(result.errors == "mwc: --speed step takes keys from a terminal, and there is none\n")
  }

  @Test(
    arguments: [
      (["replay", "missing.cap"], 66, "missing.cap: cannot be opened"),
      (["cat", "missing.cap"], 66, "missing.cap: cannot be opened"),
      (["replay", "/dev/null"], 66, "/dev/null: this is not a capture"),
      (["replay"], 64, "Missing expected argument"),
      (["replay", "run.cap", "--speed", "fast"], 64, "'fast' is invalid"),
      (["replay", "run.cap", "--format", "xml"], 64, "'xml' is invalid"),
      (["replay", "run.cap", "--from", "soon"], 64, "'soon' is invalid"),
      (["replay", "run.cap", "--json"], 64, "--json spells --stats"),
    ] as [([String], Int32, String)])
  func badUseIsOneLine(arguments: [String], status: Int32, said: String) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    #expect(result.status == .exited(status))
    #expect(result.output.isEmpty)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains(said), "\(result.errors)")
  }

  @Test func aPassageThatEndsBeforeItBeginsIsRefused() async throws {
    let file = try capture(few)
    let result = try await mwc("replay", file, "--from", "+2s", "--to", "+1s")
    #expect(result.status == .exited(64))
    #expect(result.errorLines.count == 1)
  }

  @Test func catPrintsEverything() async throws {
    let file = try capture(few)
    let result = try await mwc("cat", file)
    #expect(result.status == .exited(0))
    #expect(result.lines.count == few.count)
    #expect(result.lines[0].hasSuffix(#""event":"opened","data":{"uri":"ws://127.0.0.1:8765/"}}"#))
    #expect(
      result.lines[2]
        == #"{"time":"2026-11-21T12:00:00.010000000Z","time_ns":1795262400010000000,"#
        + #""monotonic_ns":77010000000,"connection":1,"direction":"out","opcode":"text","#
        + #""payload":"to the server"}"#)
    let payloads = try await mwc("cat", "--payload", file)
    #expect(
      payloads.output
        == Data("a\nto the server\nb\n".utf8) + Data([0, 255]) + Data("\nc\n".utf8))
  }

  @Test func aCutCaptureIsPlayedAsFarAsItGoes() async throws {
    let file = try capture((0..<5_000).map { .init(at: $0, "message \($0)") })
    let bytes = try #require(FileManager.default.contents(atPath: file))
    let cut = try folder.write(bytes.prefix(bytes.count - 1_000), to: "cut.cap")
    for arguments in [
      ["replay", cut, "--speed", "max", "--format", "raw"], ["cat", "--payload", cut],
    ] {
      let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
      #expect(result.status == .exited(0))
      #expect(result.errorLines.count <= 1)
      #expect(result.lines == (0..<result.lines.count).map { "message \($0)" })
    }
  }

  @Test func damageEndsItWithWhatWasBefore() async throws {
    let text = String(repeating: "x", count: 200)
    try MadeCapture.write(
      folder.file("run.cap"), (0..<5_000).map { .init(at: $0, "\($0) \(text)") },
      blockSize: 100_000)
    var bytes = try #require(FileManager.default.contents(atPath: folder.file("run.cap")))
    bytes[bytes.count / 2] ^= 1
    let damaged = try folder.write(bytes, to: "damaged.cap")
    for arguments in [
      ["replay", damaged, "--speed", "max", "--format", "raw"], ["cat", "--payload", damaged],
    ] {
      let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
      #expect(result.status == .exited(1))
      #expect(result.errorLines.count == 1)
      #expect(result.errors.contains("mwc recover"))
      #expect(result.lines.count > 1_000 && result.lines.count < 4_000)
      #expect(result.lines == (0..<result.lines.count).map { "\($0) \(text)" })
    }
  }
}
