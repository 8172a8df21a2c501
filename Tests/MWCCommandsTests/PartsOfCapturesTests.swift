import Foundation
import Glibc
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCCommands

/// `mwc filter`, `merge` and `split` as programs.
@Suite struct PartsOfCapturesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(_ arguments: String..., input: Data = Data()) async throws
    -> ChildProcess.Result
  {
    try await ChildProcess.run(ChildProcess.product("mwc"), arguments, input: input)
  }

  /// Runs a command that says nothing when all is well.
  private func quietly(_ arguments: String...) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    try #require(result.status == .exited(0), "\(arguments): \(result.errors)")
    #expect(result.output.isEmpty && result.errors.isEmpty, "\(result.errors)")
  }

  private func lines(_ file: String) async throws -> [String] {
    let result = try await mwc("cat", file)
    try #require(result.status == .exited(0), "\(result.errors)")
    let verified = try await mwc("verify", file)
    #expect(verified.status == .exited(0), "\(verified.outputText)")
    return result.lines
  }

  private func info(_ file: String) async throws -> [String: Any] {
    let result = try await mwc("info", "--json", file)
    return try #require(JSONSerialization.jsonObject(with: result.output) as? [String: Any])
  }

  private func payloads(_ file: String) async throws -> [String] {
    try await mwc("cat", "--payload", file).lines
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  private let mixed: [MadeCapture.Record] = [
    .init(at: 0, #"{"uri":"ws://a/"}"#, kind: .opened),
    .init(at: 1, #"{"uri":"ws://b/"}"#, connection: 2, kind: .opened),
    .init(at: 10, #"{"type":"a","n":1}"#),
    .init(at: 20, #"{"type":"b","n":2}"#, connection: 2),
    .init(at: 30, "", kind: .ping),
    .init(at: 40, "subscribe", direction: .sent),
    .init(at: 50, #"{"by_ns":300000000}"#, connection: 0, kind: .clockJump),
    .init(at: 60, #"{"type":"a","n":3}"#),
    .init(at: 70, data: Data([1, 2, 3]), connection: 2, kind: .binary),
    .init(at: 80, #"{"code":1000,"reason":"","by":"server"}"#, connection: 2, kind: .closed),
    .init(at: 90, #"{"type":"b","n":4}"#),
  ]

  private func capture(
    _ records: [MadeCapture.Record], name: String = "run.cap",
    uris: [String] = ["ws://a/", "ws://b/"], blockSize: Int = 1 << 20, startingAt start: Int64 = 0
  ) throws -> String {
    try MadeCapture.write(
      folder.file(name), records, uris: uris, blockSize: blockSize, startingAt: start)
    return folder.file(name)
  }

  // MARK: filter

  @Test func aCopyWithoutConditionsIsTheSame() async throws {
    let file = try capture(mixed)
    let copy = folder.file("copy.cap")
    try await quietly("filter", file, "-o", copy, "--level", "9")
    #expect(try await lines(copy) == lines(file))
    let (old, new) = (try await info(file), try await info(copy))
    for key in ["sessions", "connections", "kinds", "duration_ns"] {
      let (old, new) = try (#require(old[key] as? NSObject), #require(new[key] as? NSObject))
      #expect(old == new)
    }
  }

  @Test func messagesAreJudgedAndEventsStay() async throws {
    let file = try capture(mixed)
    let copy = folder.file("copy.cap")
    try await quietly("filter", file, "-o", copy, "--filter", "n > 1 and $direction == \"in\"")
    let wanted = try await lines(file).filter {
      !$0.contains("payload")
        || ["n\\\":2", "n\\\":3", "n\\\":4", "ping"].contains(where: $0.contains)
    }
    #expect(wanted.count == 8)
    #expect(try await lines(copy) == wanted)

    let typed = folder.file("typed.cap")
    try await quietly(
      "filter", file, "-o", typed, "--type", "b", "--connection", "2", "--from", "+15ms")
    #expect(try await payloads(typed) == [#"{"type":"b","n":2}"#])
    let kinds = try #require(try await info(typed)["kinds"] as? [[String: Any]])
    // The clock belongs to all, the ping to the other connection.
    #expect(kinds.map { $0["kind"] as? String } == ["text", "closed", "clockJump"])
    let connections = try #require(try await info(typed)["connections"] as? [[String: Any]])
    #expect(connections.map { $0["uri"] as? String } == ["ws://a/", "ws://b/"])
  }

  @Test func aPassageOfNothingIsStillACapture() async throws {
    let file = try capture(mixed)
    let copy = folder.file("copy.cap")
    try await quietly("filter", file, "-o", copy, "--from", "+10s")
    #expect(try await lines(copy) == [])
    let sessions = try #require(try await info(copy)["sessions"] as? [[String: Any]])
    #expect(sessions.map { $0["host"] as? String } == ["host"])
  }

  @Test func pipesAreReadAndWritten() async throws {
    let file = try capture(mixed)
    let bytes = try #require(FileManager.default.contents(atPath: file))
    let result = try await mwc("filter", "-", "-o", "-", "--type", "a", input: bytes)
    #expect(result.status == .exited(0))
    let shown = try await mwc("cat", "--payload", "-", input: result.output)
    #expect(shown.lines == [#"{"type":"a","n":1}"#, #"{"type":"a","n":3}"#])
    let share = try await mwc("filter", "-", "-o", "-", "--from", "50%", input: bytes)
    #expect(share.status == .exited(64))
  }

  @Test func nothingThatExistsIsTouched() async throws {
    let file = try capture(mixed)
    let other = try folder.write("precious".utf8, to: "other.cap")
    let refused = try await mwc("filter", file, "-o", other)
    #expect(refused.status == .exited(73))
    #expect(refused.errors == "mwc: \(other): exists already; --force overwrites it\n")
    #expect(FileManager.default.contents(atPath: other) == Data("precious".utf8))
    #expect(try await mwc("filter", file, "-o", file, "--force").status == .exited(73))
    #expect(try await mwc("merge", file, other, "-o", file, "--force").status == .exited(66))
    #expect(try await mwc("filter", file, "-o", folder.file("no/x.cap")).status == .exited(73))
    try await quietly("filter", file, "-o", other, "--force")
    #expect(try await lines(other) == lines(file))
    #expect(try names() == ["other.cap", "run.cap"])
  }

  /// What is damaged gives an error and no output: 'mwc recover' is there for it.
  @Test func damageIsRefused() async throws {
    let text = String(repeating: "x", count: 200)
    let file = try capture(
      (0..<2_000).map { .init(at: $0, "\($0) \(text)") }, blockSize: 50_000)
    var bytes = try #require(FileManager.default.contents(atPath: file))
    bytes[bytes.count / 2] ^= 0x10
    let damaged = try folder.write(bytes, to: "damaged.cap")
    for arguments in [
      ["filter", damaged, "-o", folder.file("out.cap")],
      ["merge", damaged, file, "-o", folder.file("out.cap")],
      ["split", damaged, "-o", folder.file("out-%i.cap"), "--messages", "100"],
      ["split", damaged, "-o", folder.file("out-%c.cap"), "--by-connection"],
    ] {
      let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
      #expect(result.status == .exited(1), "\(arguments)")
      #expect(result.errorLines.count == 1)
      #expect(result.errors.contains("mwc recover"), "\(result.errors)")
    }
    #expect(try names() == ["damaged.cap", "run.cap"])
  }

  // MARK: merge

  @Test func capturesAreMergedByTimeAndConnectionsKeptApart() async throws {
    // The second begins 15 ms later; its monotonic clock has nothing to do with the first one's.
    let first = try capture(
      [.init(at: 0, "a0"), .init(at: 20, "a20", connection: 2), .init(at: 40, "a40")],
      name: "a.cap")
    let second = try capture(
      [
        .init(at: 0, "b15"), .init(at: 10, "b25"), .init(at: 10, "b25 too"),
        .init(at: 30, "b45", connection: 9),
        .init(at: 31, #"{"reason":"x"}"#, connection: 0, kind: .gap),
      ], name: "b.cap", uris: ["ws://b/"], startingAt: 15)
    let merged = folder.file("merged.cap")
    try await quietly("merge", first, second, "-o", merged)
    #expect(
      try await payloads(merged) == ["a0", "b15", "a20", "b25", "b25 too", "a40", "b45"])

    let summary = try await info(merged)
    let connections = try #require(summary["connections"] as? [[String: Any]])
    #expect(
      connections.map { $0["uri"] as? String ?? "-" } == ["ws://a/", "ws://b/", "ws://b/", "-"])
    #expect(connections.map { $0["received"] as? Int } == [2, 1, 3, 1])
    #expect(summary["duration_ns"] as? Int == 46_000_000)
    let sessions = try #require(summary["sessions"] as? [[String: Any]])
    #expect(sessions.count == 1)
    #expect(sessions[0]["time_zone"] as? String == "UTC")
    let options = try #require(sessions[0]["options"] as? [String])
    #expect(options == ["merged=\(first) host test 1", "merged=\(second) host test 1"])

    // Wall-clock times are what they were, and the merged recording plays in the same order.
    let times = try await lines(merged).map { try #require($0.firstMatch(of: /"time_ns":(\d+)/)).1 }
    #expect(times == times.sorted())
    let played = try await mwc(
      "replay", merged, "--speed", "max", "--format", "raw", "--from", "+25ms")
    #expect(played.lines == ["b25", "b25 too", "a40", "b45"])
  }

  @Test func aCaptureMergedWithItselfHasEverythingTwice() async throws {
    let file = try capture(mixed)
    let merged = folder.file("merged.cap")
    try await quietly("merge", file, file, "-o", merged)
    let doubled = try await lines(file).flatMap { [$0, $0] }
    #expect(try await lines(merged).sorted() == doubled.sorted())
  }

  // MARK: split

  /// Two thousand captures of one time, and fewer descriptors than that.
  @Test func thousandsAreMerged() async throws {
    let count = 2_000
    for number in 0..<count {
      try MadeCapture.write(
        folder.file("\(number).cap"),
        (0..<3).map { .init(at: Int64((number * 7 + $0 * 2_003) % 5_000), "\(number)/\($0)") }
          .sorted { $0.at < $1.at }, uris: ["ws://host-\(number)/"], startingAt: Int64(number % 10))
    }
    let merged = try await ChildProcess.shell(
      "cd \(folder.path) && ulimit -n 300 && "
        + "exec \(ChildProcess.product("mwc")) merge *.cap -o whole.cap", timeout: .seconds(300))
    #expect(merged.status == .exited(0), "\(merged.errors)")
    let info = try await info(folder.file("whole.cap"))
    #expect(info["messages"] as? Int == 3 * count)
    #expect((info["connections"] as? [[String: Any]])?.count == count)
    let lines = try await lines(folder.file("whole.cap"))
    let times = try lines.map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["time_ns"] as? Int64)
    }
    #expect(times == times.sorted())
    // Tools that look at one after the other need one descriptor at a time.
    for tool in ["info --brief", "verify"] {
      let result = try await ChildProcess.shell(
        "cd \(folder.path) && ulimit -n 40 && exec \(ChildProcess.product("mwc")) \(tool) 1?.cap 2??.cap",
        timeout: .seconds(300))
      #expect(result.status == .exited(0), "\(result.errors)")
    }
  }

  @Test(arguments: [["--messages", "2"], ["--duration", "25ms"], ["--by-connection"]])
  func partsMakeTheWhole(rule: [String]) async throws {
    let file = try capture(mixed)
    let pattern = rule == ["--by-connection"] ? "part-%c.cap" : "part-%i.cap"
    let result = try await ChildProcess.run(
      ChildProcess.product("mwc"), ["split", file, "-o", folder.file(pattern)] + rule)
    try #require(result.status == .exited(0), "\(result.errors)")
    let parts = try names().filter { $0.hasPrefix("part") }
    #expect(parts.count >= 2)
    #expect(parts.first == "part-0001.cap")
    for part in parts { _ = try await lines(folder.file(part)) }
    let merge =
      ["merge"] + parts.reversed().map { folder.file($0) } + ["-o", folder.file("whole.cap")]
    let merged = try await ChildProcess.run(ChildProcess.product("mwc"), merge)
    try #require(merged.status == .exited(0), "\(merged.errors)")
    let (whole, original) = (try await lines(folder.file("whole.cap")), try await lines(file))
    if rule == ["--by-connection"] {
      // What is said about the recording itself stands in every part.
      #expect(Set(whole) == Set(original))
      #expect(whole.count == original.count + 1)
    } else {
      #expect(whole == original)
    }
    let sessions = try #require(
      try await info(folder.file("whole.cap"))["sessions"] as? [[String: Any]])
    #expect(sessions.map { $0["tool"] as? String } == ["test 1"])
  }

  @Test func partsEndWhereTheRuleSays() async throws {
    let file = try capture(mixed)
    try await quietly("split", file, "-o", folder.file("m-%i.cap"), "--messages", "2")
    #expect(try await payloads(folder.file("m-0001.cap")).count == 2)
    #expect(try await payloads(folder.file("m-0002.cap")).first == "subscribe")
    try await quietly("split", file, "-o", folder.file("d-%i.cap"), "--duration", "40ms")
    #expect(
      try await payloads(folder.file("d-0001.cap"))
        == [#"{"type":"a","n":1}"#, #"{"type":"b","n":2}"#])
    #expect(try await payloads(folder.file("d-0003.cap")) == [#"{"type":"b","n":4}"#])
    try await quietly("split", file, "-o", folder.file("100%%-%c.cap"), "--by-connection")
    #expect(
      try await payloads(folder.file("100%-0001.cap"))
        == [#"{"type":"a","n":1}"#, "subscribe", #"{"type":"a","n":3}"#, #"{"type":"b","n":4}"#])
  }

  /// More of them than are written at once.
  @Test func everyConnectionGetsItsPart() async throws {
    let file = try capture(
      (0..<200).map { .init(at: $0, "\($0)", connection: UInt32($0 % 40) + 1) })
    try await quietly("split", file, "-o", folder.file("c-%c.cap"), "--by-connection")
    let parts = try names().filter { $0.hasPrefix("c-") }
    #expect(parts.count == 40)
    #expect(try await payloads(folder.file("c-0001.cap")) == ["0", "40", "80", "120", "160"])
    #expect(try await payloads(folder.file("c-0040.cap")) == ["39", "79", "119", "159", "199"])
  }

  @Test func partsOfASizeAreNearIt() async throws {
    var random = TestSupport.generator(for: "parts of a size")
    let records = (0..<4_000).map { index in
      // Hardly smaller when deflated.
      MadeCapture.Record(
        at: Int64(index),
        data: Data((0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }), kind: .binary)
    }
    let file = try capture(records)
    try await quietly("split", file, "-o", folder.file("p-%i.cap"), "--size", "100KiB")
    let parts = try names().filter { $0.hasPrefix("p-") }
    #expect((4...5).contains(parts.count), "\(parts)")
    for part in parts.dropLast() {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(part))
      let size = try #require(attributes[.size] as? NSNumber).intValue
      #expect(size > 100 << 10 && size < 120 << 10, "\(part): \(size)")
    }
    let merge = ["merge"] + parts.map { folder.file($0) } + ["-o", folder.file("whole.cap")]
    #expect(
      try await ChildProcess.run(ChildProcess.product("mwc"), merge).status == .exited(0))
    #expect(try await lines(folder.file("whole.cap")) == lines(file))
  }

  /// All parts, or none: also when the last of them cannot be made.
  @Test func partsAppearTogether() async throws {
    let file = try capture(mixed)
    try folder.write("precious".utf8, to: "p-0003.cap")
    let result = try await mwc("split", file, "-o", folder.file("p-%i.cap"), "--messages", "2")
    #expect(result.status == .exited(73))
    #expect(result.errors.contains("p-0003.cap: exists already"))
    #expect(try names() == ["p-0003.cap", "run.cap"])
  }

  /// A capture that comes slowly, and somebody who has waited long enough.
  @Test func aSignalLeavesNoParts() async throws {
    let file = try capture(
      (0..<2_000).map { .init(at: $0, #"{"n":\#($0)}"#) }, blockSize: 2_000)
    let bytes = [UInt8](try #require(FileManager.default.contents(atPath: file)))
    let pipe = folder.file("in.fifo")
    let made = unsafe mkfifo(pipe, 0o600)
    try #require(made == 0)
    // Open for both, so that nobody waits for the other side, and nobody sees an end.
    let descriptor = unsafe open(pipe, O_RDWR)
    defer { close(descriptor) }
    let sent = unsafe write(descriptor, bytes, bytes.count / 2)
    try #require(sent == bytes.count / 2, "a pipe holds 64 KiB")
    let child = try ChildProcess(
      ChildProcess.product("mwc"),
      ["split", pipe, "-o", folder.file("p-%i.cap"), "--messages", "100"])
    try await waitUntil("three parts are being written") {
      try names().count { $0.hasSuffix(".part") } >= 3
    }
    child.send(signal: SIGINT)
    let result = try await child.wait()
    #expect(result.status == .exited(130))
    #expect(try names() == ["in.fifo", "run.cap"])
  }

  @Test(arguments: [
    ["split", "x.cap", "-o", "p-%i.cap"],
    ["split", "x.cap", "-o", "p-%i.cap", "--size", "1MiB", "--messages", "3"],
    ["split", "x.cap", "-o", "p.cap", "--messages", "3"],
    ["split", "x.cap", "-o", "p-%c.cap", "--messages", "3"],
    ["split", "x.cap", "-o", "p-%i.cap", "--by-connection"],
    ["split", "x.cap", "-o", "p-%i-%x.cap", "--messages", "3"],
    ["split", "x.cap", "-o", "p-%i.cap", "--messages", "0"],
    ["split", "-", "-o", "p-%c.cap", "--by-connection"],
    ["merge", "-", "x.cap", "-o", "y.cap"], ["merge", "x.cap"],
    ["filter", "x.cap", "-o", "y.cap", "--level", "10"],
    ["filter", "x.cap", "-o", "y.cap", "--filter", "a"],
  ])
  func whatMeansNothingIsRefused(arguments: [String]) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    #expect(result.status == .exited(64), "\(result.errors)")
    #expect(result.errorLines.count == 1)
  }

  @Test func namesOfParts() {
    let name = PartName(pattern: "a%%b-%i-%c")
    #expect(name.expanded(number: 7) == "a%b-0007-0007")
    #expect(name.expanded(number: 123_456) == "a%b-123456-123456")
    #expect(PartName(pattern: "%x").unknownPart == "%x")
    #expect(PartName(pattern: "a%").unknownPart == "%")
    #expect(name.unknownPart == nil)
  }
}
