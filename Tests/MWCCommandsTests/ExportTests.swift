import Foundation
import MWCCore
import MWCTestSupport
import Testing

/// `mwc export` as a program, read back with the readers that everybody uses.
@Suite struct ExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(_ arguments: String..., input: Data = Data()) async throws
    -> ChildProcess.Result
  {
    try await ChildProcess.run(ChildProcess.product("mwc"), arguments, input: input)
  }

  /// What a usual reader finds in an export.
  private func read(_ format: String, _ file: String) async throws -> [[Cell]] {
    let result = try await ChildProcess.run(
      try await PythonEnvironment.formats.interpreter(),
      [TestSupport.packageRoot + "/Tests/Python/read_export.py", format, file],
      timeout: .seconds(120))
    try #require(result.status == .exited(0), "\(result.errors)")
    return try result.lines.map { try JSONDecoder().decode([Cell].self, from: Data($0.utf8)) }
  }

  private func names() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  private func write(_ records: [MadeCapture.Record], blockSize: Int = 1 << 20) throws -> String {
    try MadeCapture.write(
      folder.file("run.cap"), records, uris: ["ws://a/", "ws://b/"], blockSize: blockSize)
    return folder.file("run.cap")
  }

  /// Some of everything, in an order that chance decides.
  private func random(_ purpose: String, count: Int) -> [MadeCapture.Record] {
    var generator = TestSupport.generator(for: purpose)
    var time: Int64 = 0
    let texts = [
      #"{"type":"a","n":1.5}"#, "not JSON", "", #""just a string""#, "{\"é\":\"💾 \\u0000\"}",
      "two\nlines\r\n\ttab", String(repeating: "x", count: 3000), "\u{7F}\u{85} \"quoted\" \\",
    ]
    let events: [Message.Kind] = [.opened, .closed, .error, .state, .gap, .note]
    return (0..<count).map { _ in
      time += Int64.random(in: 0...50, using: &generator)
      let connection = UInt32.random(in: 1...3, using: &generator)
      let direction: Message.Direction = Bool.random(using: &generator) ? .received : .sent
      switch Int.random(in: 0..<10, using: &generator) {
      case 0:
        let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
          UInt8.random(in: .min ... .max, using: &generator)
        }
        return .init(
          at: time, data: Data(bytes), connection: connection, kind: .binary, direction: direction)
      case 1: return .init(at: time, "x", connection: connection, kind: .ping)
      case 2:
        return .init(
          at: time, #"{"uri":"ws://b/","code":1000,"reason":"","by":"client"}"#,
          connection: connection, kind: events.randomElement(using: &generator) ?? .note)
      default:
        return .init(
          at: time, texts.randomElement(using: &generator) ?? "", connection: connection,
          direction: direction)
      }
    }
  }

  /// The messages among records as a reader of an export should see them.
  private func expected(_ records: [MadeCapture.Record]) -> [[Cell]] {
    records.filter(\.kind.isData).map { record in
      [
        .number(MadeCapture.startWallTime + record.at * 1_000_000),
        .number(Int64(record.connection)),
        .text(record.direction == .received ? "in" : "out"), .text(record.kind.description),
        .text(record.payload.base64EncodedString()),
      ]
    }
  }

  @Test(arguments: ["mcap", "har"])
  func usualReadersFindTheSame(format: String) async throws {
    let records = random("ExportTests.usualReadersFindTheSame.\(format)", count: 2_000)
    let file = try write(records, blockSize: 20_000)
    let output = folder.file("run.\(format)")
    let result = try await mwc("export", file, "-o", output)
    #expect(result.status == .exited(0))
    #expect(result.errors == "")
    // Readers sort by time; what came at the same time may come in any order.
    let found = try await read(format, output)
    #expect(sorted(found) == sorted(expected(records)))
    #expect(found.map { $0[0] } == expected(records).map { $0[0] })
  }

  private func sorted(_ rows: [[Cell]]) -> [String] { rows.map { "\($0)" }.sorted() }

  @Test func anMCAPFileMayHoldNothing() async throws {
    let file = try write([.init(at: 0, "x", kind: .ping)])
    let output = folder.file("run.mcap")
    #expect(try await mwc("export", file, "-o", output).status == .exited(0))
    #expect(try await read("mcap", output) == [])
    #expect(try await mwc("export", file, "-o", folder.file("run.har")).status == .exited(0))
    #expect(try await read("har", folder.file("run.har")) == [])
  }

  @Test func anMCAPFileHasManyChunks() async throws {
    let text = String(repeating: "y", count: 9_000)
    let records = (0..<500).map {
      MadeCapture.Record(at: Int64($0), "{\"\(text)\":\($0)}", connection: UInt32($0 % 2 + 1))
    }
    let file = try write(records)
    let output = folder.file("run.mcap")
    #expect(try await mwc("export", file, "-o", output).status == .exited(0))
    #expect(try await read("mcap", output) == expected(records))
  }

  // MARK: SQLite

  @Test func withoutSQLiteItSaysHowToGetIt() async throws {
    let file = try write([.init(at: 0, "{}")])
    let result = try await mwc("export", file, "-o", folder.file("run.db"))
    #expect(result.status == .exited(64))
    #expect(result.errors.contains("--traits SQLite"))
    #expect(try names() == ["run.cap"])
  }

  @Test(.enabled(if: SQLiteProgram.path != nil, "no program with SQLite: 'make test' builds it"))
  func theDatabaseHoldsEverything() async throws {
    let program = try #require(SQLiteProgram.path)
    let records = random("ExportTests.theDatabaseHoldsEverything", count: 1_000)
    let file = try write(records)
    let output = folder.file("run.db")
    let result = try await ChildProcess.run(
      program, ["export", file, "-o", output, "-p", "n", "-p", "type"])
    #expect(result.status == .exited(0), "\(result.errors)")
    let frames = records.filter(\.kind.isFrame).map { record -> [Cell] in
      // What is no frame of text or binary data is there, too.
      [
        .number(MadeCapture.startWallTime + record.at * 1_000_000),
        .number(Int64(record.connection)),
        .text(record.direction == .received ? "in" : "out"), .text(record.kind.description),
        .text(record.payload.base64EncodedString()),
      ]
    }
    #expect(try await read("sqlite", output) == frames)
    let counts = try await ChildProcess.run(
      try await PythonEnvironment.formats.interpreter(),
      [
        "-c",
        """
        import sqlite3, sys
        database = sqlite3.connect(sys.argv[1])
        for query in ("SELECT count(*), sum(n), count(type) FROM messages WHERE n = 1.5",
                      "SELECT count(*), count(data) FROM events",
                      "SELECT group_concat(uri) FROM connections"):
            print(*database.execute(query).fetchone())
        """, output,
      ])
    let values = records.filter { $0.payload == Data(#"{"type":"a","n":1.5}"#.utf8) }.count
    let events = records.filter { !$0.kind.isFrame }.count
    #expect(
      counts.lines == [
        "\(values) \(Double(values) * 1.5) \(values)", "\(events) \(events)", "ws://a/,ws://b/",
      ])
    let device = try await ChildProcess.run(
      program, ["export", file, "--format", "sqlite", "-o", "/dev/null"])
    #expect(device.status == .exited(73))
  }

  // MARK: CSV

  @Test func aTableOfValues() async throws {
    let file = try write([
      .init(at: 0, #"{"a":1,"b":{"c":"plain"}}"#),
      .init(at: 1, #"{"a":-1.50e3,"b":{"c":"with, comma"}}"#),
      .init(at: 2, #"{"a":null,"b":{"c":"line\nbreak and \"quotes\""}}"#, connection: 2),
      .init(at: 3, #"{"a":[1, 2],"b":{"c":""}}"#),
      .init(at: 4, #"{"a":true}"#),
      .init(at: 5, #"{"other":1}"#),
      .init(at: 6, "not JSON"),
      .init(at: 7, #"{"a":" spaces "}"#, direction: .sent),
    ])
    let output = folder.file("run.csv")
    let result = try await mwc("export", file, "-o", output, "-p", "a", "-p", "b.c")
    #expect(result.status == .exited(0))
    func row(_ millisecond: Int, _ connection: String, _ a: String, _ c: String) -> [Cell] {
      [
        .text("2026-11-21T12:00:00.00\(millisecond)000000Z"), .text(connection), .text(a), .text(c),
      ]
    }
    #expect(
      try await read("csv", output) == [
        ["time", "connection", "a", "b.c"].map { .text($0) },
        row(0, "1", "1", "plain"), row(1, "1", "-1.50e3", "with, comma"),
        row(2, "2", "", "line\nbreak and \"quotes\""), row(3, "1", "[1, 2]", ""),
        row(4, "1", "true", ""), row(7, "1", " spaces ", ""),
      ])
    let text = try String(contentsOfFile: output, encoding: .utf8)
    #expect(text.hasPrefix("time,connection,a,b.c\r\n"))
    // What is missing differs from what is empty.
    #expect(text.contains("\"[1, 2]\",\"\"\r\n"))
    #expect(text.contains("true,\r\n"))
  }

  // MARK: Selecting

  @Test func onlyAPart() async throws {
    let records = (0..<100).map {
      MadeCapture.Record(
        at: Int64($0) * 1_000, "{\"type\":\"\($0 % 2 == 0 ? "even" : "odd")\",\"n\":\($0)}",
        connection: UInt32($0 % 3 + 1))
    }
    let file = try write(records, blockSize: 500)
    func numbers(_ arguments: String...) async throws -> [Int] {
      let result = try await ChildProcess.run(
        ChildProcess.product("mwc"),
        ["export", file, "--format", "csv", "-p", "n"] + arguments)
      #expect(result.status == .exited(0), "\(result.errors)")
      return result.outputText.split(separator: "\r\n").dropFirst().compactMap {
        $0.split(separator: ",").last.flatMap { Int($0) }
      }
    }
    #expect(try await numbers() == Array(0..<100))
    #expect(try await numbers("--from", "+90s", "--to", "+95s") == Array(90..<95))
    #expect(try await numbers("--from", "2026-11-21T12:01:38Z") == [98, 99])
    #expect(try await numbers("--to", "10%").last == 9)
    #expect(
      try await numbers("--type", "odd", "--connection", "1", "--to", "+30s")
        == (0..<30).filter { $0 % 2 == 1 && $0 % 3 == 0 })
    #expect(try await numbers("--from", "+1h") == [])
    #expect(
      try await numbers("--filter", "n >= 10 and n < 20 and type == \"odd\"")
        == [11, 13, 15, 17, 19])
  }

  // MARK: Outputs

  @Test func nothingHalfFinishedStays() async throws {
    let file = try write(random("ExportTests.nothingHalfFinishedStays", count: 200))
    // Damaged in the middle: what stands before is kept, under its name, and the status says so.
    let records = (0..<2_000).map { MadeCapture.Record(at: Int64($0), "{\"n\":\($0)}") }
    try MadeCapture.write(folder.file("long.cap"), records, blockSize: 2_000)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("long.cap")))
    bytes[bytes.count / 2] ^= 0x40
    try folder.write(bytes, to: "long.cap")
    let damaged = try await mwc("export", folder.file("long.cap"), "-o", folder.file("long.jsonl"))
    #expect(damaged.status == .exited(1))
    #expect(damaged.errors.contains("long.cap: block"))
    let kept = try String(contentsOfFile: folder.file("long.jsonl"), encoding: .utf8)
    #expect(kept.hasSuffix("}\n"))

    let before = try names()
    #expect(try await mwc("export", file, "-o", folder.file("no/x.har")).status == .exited(73))
    #expect(
      try await mwc("export", folder.file("absent.cap"), "-o", folder.file("x.har")).status
        == .exited(66))
    #expect(
      try await mwc("export", file, "--format", "jsonl", "-o", file, "--force").status
        == .exited(73))
    #expect(try names() == before)
  }

  @Test func aSignalLeavesNothingBehind() async throws {
    let file = try write((0..<10).map { MadeCapture.Record(at: $0, "{}") })
    // The capture's head comes, and then nothing for longer than the test takes.
    let script = """
      set -e
      cd '\(folder.path)'
      mkfifo pipe
      '\(try ChildProcess.product("mwc"))' export - -o x.jsonl <pipe &
      export=$!
      exec 3>pipe
      head -c 600 '\(file)' >&3
      until ls -A | grep -q '^[.]x[.]jsonl[.].*[.]part$'; do sleep 0.05; done
      kill -TERM $export
      wait $export || echo "status $?"
      """
    let result = try await ChildProcess.run("/bin/sh", ["-c", script], timeout: .seconds(60))
    #expect(result.lines == ["status 143"], "\(result.errors)")
    #expect(try names() == ["run.cap", "pipe"])
  }

  @Test func nothingIsOverwrittenUnasked() async throws {
    let file = try write([.init(at: 0, "{}")])
    try folder.write("precious".utf8, to: "x.jsonl")
    let refused = try await mwc("export", file, "-o", folder.file("x.jsonl"))
    #expect(refused.status == .exited(73))
    #expect(refused.errors.hasSuffix("x.jsonl: exists already; --force overwrites it\n"))
    #expect(try String(contentsOfFile: folder.file("x.jsonl"), encoding: .utf8) == "precious")
    #expect(
      try await mwc("export", file, "-o", folder.file("x.jsonl"), "--force").status == .exited(0))
    #expect(
      try String(contentsOfFile: folder.file("x.jsonl"), encoding: .utf8).hasPrefix("{\"t\":"))
  }

  @Test func captureThroughAPipe() async throws {
    let file = try write([.init(at: 0, "{}"), .init(at: 5, "[]")])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let result = try await mwc("export", "-", "--format", "jsonl", input: bytes)
    #expect(result.status == .exited(0))
    #expect(result.lines.count == 2)
    #expect(try await mwc("export", "-", "--format", "har", input: bytes).status == .exited(64))
  }

  @Test(
    arguments: [
      (["export", "a.cap"], "--format says what to write"),
      (["export", "a.cap", "--format", "csv"], "--path says which values"),
      (["export", "a.cap", "-o", "x.mcap", "-p", "a"], "--path chooses columns"),
      (["export", "a.cap", "--format", "pdf"], "pdf"),
      (["export", "a.cap", "--format", "csv", "-p", "a[", "-o", "x"], "--path a["),
      (["export", "a.cap", "--format", "jsonl", "--connection", "0"], "counted from 1"),
    ])
  func wrongUse(arguments: [String], words: String) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    #expect(result.status == .exited(64))
    #expect(result.errors.contains(words), "\(result.errors)")
  }
}

/// A build of the program with the trait `SQLite`.
enum SQLiteProgram {
  static let path: String? = {
    guard let path = ProcessInfo.processInfo.environment["MWC_SQLITE_PROGRAM"] else { return nil }
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()
}

/// A cell of a table that Python printed.
enum Cell: Hashable, Decodable {
  case number(Int64)
  case text(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      self = .number(try container.decode(Int64.self))
    } catch {
      self = .text(try container.decode(String.self))
    }
  }
}
