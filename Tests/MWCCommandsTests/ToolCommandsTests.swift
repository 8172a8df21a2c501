import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCCommands

/// `mwc info`, `verify` and `recover` as programs.
@Suite struct ToolCommandsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(_ arguments: String..., input: Data = Data()) async throws
    -> ChildProcess.Result
  {
    try await ChildProcess.run(ChildProcess.product("mwc"), arguments, input: input)
  }

  private func object(_ result: ChildProcess.Result) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: result.output) as? [String: Any])
  }

  private func contents(_ file: String) throws -> Data {
    try #require(FileManager.default.contents(atPath: file))
  }

  /// Two connections, a gap, and something of every kind.
  private func mixed() throws -> String {
    try MadeCapture.write(
      folder.file("run.cap"),
      [
        .init(at: 0, #"{"uri":"ws://a/"}"#, kind: .opened),
        .init(at: 10, "hello"),
        .init(at: 20, "subscribe", direction: .sent),
        .init(at: 500, "from the other", connection: 2),
        .init(at: 600, data: Data([1, 2, 3]), kind: .binary),
        .init(
          at: 900,
          #"{"reason":"disconnected","messages":null,"bytes":null,"duration_ns":300000000}"#,
          kind: .gap),
        .init(at: 950, #"{"uri":"ws://a/"}"#, kind: .opened),
        .init(at: 1_000, "", kind: .ping),
      ], uris: ["ws://a/", "ws://b/"])
    return folder.file("run.cap")
  }

  /// 5,000 records in many blocks.
  private func large() throws -> String {
    let text = String(repeating: "x", count: 200)
    try MadeCapture.write(
      folder.file("large.cap"), (0..<5_000).map { .init(at: $0, "\($0) \(text)") },
      blockSize: 100_000)
    return folder.file("large.cap")
  }

  @Test func infoForPeople() async throws {
    let file = try mixed()
    let result = try await mwc("info", file)
    #expect(result.status == .exited(0))
    #expect(result.errors == "")
    let size = try contents(file).count
    #expect(
      result.outputText == """
        file      \(file)
        state     finished
        size      \(size) B
        blocks    1 \(try density(in: result))
        duration  1.000 s
        times     2026-11-21T12:00:00.000Z to 2026-11-21T12:00:01.000Z
        messages  4, 31 B, 4.00/s
        recorded  2026-11-21T12:00:00.000Z  UTC  on host  by test 1  dialect monitoring

        connection  received  per second  sent  reconnects  uri
                 1         2        2.00     1           1  ws://a/
                 2         1        1.00     0           0  ws://b/

        kind    records  per second  payload
        text          3        3.00     28 B
        binary        1        1.00      3 B
        ping          1        1.00      0 B
        opened        2        2.00     34 B
        gap           1        1.00     78 B

        type  messages  per second  payload
        -            4        4.00     31 B

        gap                       connection  reason         length  messages missing
        2026-11-21T12:00:00.900Z           1  disconnected  0.300 s           unknown

        """)
  }

  /// How well it was compressed is not this test's business.
  private func density(in result: ChildProcess.Result) throws -> String {
    let line = try #require(result.lines.first { $0.hasPrefix("blocks") })
    let pattern = /(deflated|columns) \([0-9]+ B in [0-9]+ B, [0-9.]+ times\)$/
    return try String(#require(line.firstMatch(of: pattern)).0)
  }

  @Test func infoCountsTypes() async throws {
    let records: [MadeCapture.Record] =
      (0..<6).map { .init(at: 100 * $0, #"{"type":"monitoring_data","n":1}"#) } + [
        .init(at: 600, #"{"n":1,"type":"a\u0062"}"#, connection: 2),
        .init(at: 610, #"{"type":"ab"}"#),
        .init(at: 620, #"42/ns,["ab",{"type":"no"}]"#),
        .init(at: 630, #"{"type":7}"#), .init(at: 640, "no JSON"),
        .init(at: 1_000, data: Data([1]), kind: .binary),
        .init(at: 1_000, #"{"type":"no"}"#, kind: .note),
      ]
    let file = folder.file("types.cap")
    try MadeCapture.write(file, records)
    let result = try await mwc("info", file)
    #expect(
      result.outputText.contains(
        """
        type             messages  per second  payload
        monitoring_data         6        6.00    192 B
        ab                      3        3.00     63 B
        -                       3        3.00     18 B

        """), "\(result.outputText)")
    let info = try object(try await mwc("info", "--json", file))
    let types = try #require(info["types"] as? [[String: Any]])
    #expect(types.map { $0["type"] as? String } == ["monitoring_data", "ab", nil])
    #expect(types.map { $0["messages"] as? Int } == [6, 3, 3])
    #expect(info["messages_of_other_types"] as? Int == 0)
    #expect(info["first_time_ns"] as? Int64 == MadeCapture.startWallTime)
    #expect(info["last_time_ns"] as? Int64 == MadeCapture.startWallTime + 1_000_000_000)
    let brief = try object(try await mwc("info", "--json", "--brief", file))
    #expect(brief["types"] is NSNull)
    for key in ["messages", "connections", "kinds", "first_time_ns", "duration_ns"] {
      let (one, other) = try (
        #require(info[key] as? NSObject), #require(brief[key] as? NSObject)
      )
      #expect(one == other, "\(key)")
    }
  }

  /// Whoever sends a new type each time does not fill the memory.
  @Test func infoListsSomeTypesAndCountsTheRest() async throws {
    let file = folder.file("types.cap")
    try MadeCapture.write(
      file, (0..<1_500).map { .init(at: $0, #"{"type":"t\#($0)"}"#) })
    let info = try object(try await mwc("info", "--json", file))
    #expect((info["types"] as? [[String: Any]])?.count == 1_000)
    #expect(info["messages_of_other_types"] as? Int == 500)
    let result = try await mwc("info", file)
    #expect(result.outputText.contains("\nand 1,460 messages of other types\n"))
  }

  @Test func infoForPrograms() async throws {
    let file = try mixed()
    let info = try object(try await mwc("info", "--json", file))
    #expect(info["state"] as? String == "finished")
    #expect(info["messages"] as? Int == 4)
    #expect(info["records"] as? Int == 8)
    #expect(info["duration_ns"] as? Int == 1_000_000_000)
    #expect(info["file_bytes"] as? Int == (try contents(file)).count)
    let connections = try #require(info["connections"] as? [[String: Any]])
    #expect(connections.map { $0["uri"] as? String } == ["ws://a/", "ws://b/"])
    #expect(connections[0]["sent_bytes"] as? Int == 9)
    let gaps = try #require(info["gaps"] as? [[String: Any]])
    #expect(gaps.count == 1)
    #expect(gaps[0]["reason"] as? String == "disconnected")
    #expect(gaps[0]["messages"] is NSNull)
    let kinds = try #require(info["kinds"] as? [[String: Any]])
    #expect(kinds.map { $0["kind"] as? String } == ["text", "binary", "ping", "opened", "gap"])
  }

  /// Every tool finds in a recording that was killed, with its tail, what it finds in a whole one.
  @Test func toolsReadTailsAndStoredBlocks() async throws {
    let records = (0..<400).map { number in
      MadeCapture.Record(
        at: Int64(number) * 50,
        "{\"type\":\"t\(number % 2)\",\"cpu\":{\"usage\":\(number * 37 % 1000).5},\"id\":\(number * number)}",
        connection: UInt32(1 + number % 2))
    }
    let (killed, whole) = (folder.file("killed.cap"), folder.file("whole.cap"))
    let uris = ["ws://a/", "ws://b/"]
    try MadeCapture.write(killed, records, uris: uris, blockSize: 5_000, form: .killed)
    try MadeCapture.write(whole, records, uris: uris, blockSize: 5_000, form: .columns)
    #expect(FileManager.default.fileExists(atPath: killed + ".tail"))

    let info = try object(try await mwc("info", "--json", "--columns", killed))
    let other = try object(try await mwc("info", "--json", "--columns", whole))
    #expect(info["state"] as? String == "unfinished")
    #expect(other["state"] as? String == "finished")
    for key in ["messages", "kinds", "types", "connections", "payload_bytes", "duration_ns"] {
      let (one, other) = try (
        #require(info[key] as? NSObject), #require(other[key] as? NSObject)
      )
      #expect(one == other, "\(key)")
    }
    let encodings = try #require(info["encodings"] as? [[String: Any]])
    #expect(Set(encodings.map { $0["encoding"] as? String }) == ["columns", "stored"])
    // Each value is listed once, whatever it stands in.
    func values(_ info: [String: Any]) throws -> [String: Int] {
      let columns = try #require(info["columns"] as? [[String: Any]])
      return Dictionary(
        uniqueKeysWithValues: columns.compactMap { column in
          guard let name = column["name"] as? String, let values = column["values"] as? Int else {
            return nil
          }
          return (name, values)
        })
    }
    #expect(try values(info)["cpu.usage"] == 400)
    #expect(try values(info)["id"] == 400)
    #expect(try values(other)["id"] == 400)
    let inRows = try #require(info["column_row_records"] as? Int)
    #expect(inRows > 100 && inRows < 400)
    #expect(other["column_row_records"] as? Int == 0)
    let text = try await mwc("info", "--columns", killed).outputText
    #expect(text.contains("\n\(inRows) records in rows, listed as columns would keep them\n"))

    for arguments in [
      ["export", "--format", "csv", "--path", "cpu.usage", "--path", "id"],
      ["plot", "cpu.usage", "--width", "60"],
    ] {
      func output(_ file: String) async throws -> String {
        var all = arguments
        all.insert(file, at: 1)
        let result = try await ChildProcess.run(ChildProcess.product("mwc"), all)
        #expect(result.status == .exited(0), "\(result.errors)")
        return result.outputText
      }
      #expect(try await output(killed) == output(whole))
    }
    let filtered = folder.file("filtered.cap")
    let filter = try await mwc("filter", killed, "--filter", "id > 40000", "-o", filtered)
    #expect(filter.status == .exited(0), "\(filter.errors)")
    let kept = try object(try await mwc("info", "--json", filtered))
    #expect(kept["messages"] as? Int == 199)
  }

  @Test func infoOfManyAndOfAPipe() async throws {
    let file = try mixed()
    let two = try await mwc("info", "--json", file, file)
    #expect(two.lines.count == 2)
    let piped = try object(try await mwc("info", "--json", "-", input: try contents(file)))
    #expect(piped["records"] as? Int == 8)
  }

  @Test func aFinishedCaptureIsClean() async throws {
    let file = try mixed()
    let result = try await mwc("verify", file)
    #expect(result.status == .exited(0))
    #expect(result.outputText == "\(file): clean: 8 records in 3 blocks\n")
    let verification = try object(try await mwc("verify", "--json", file))
    #expect(verification["state"] as? String == "finished")
    #expect(verification["damage"] as? [[String: Int]] == [])
  }

  @Test func aCutIsNamedAndMended() async throws {
    let bytes = try contents(try large())
    let cut = try folder.write(bytes.prefix(bytes.count * 2 / 3), to: "cut.cap")
    let result = try await mwc("verify", cut)
    #expect(result.status == .exited(1))
    #expect(result.outputText.hasPrefix("\(cut): not finished: "))
    let verification = try object(try await mwc("verify", "--json", cut))
    let end = try #require(verification["complete_bytes"] as? Int)
    let excess = try #require(verification["excess_bytes"] as? Int)
    let records = try #require(verification["records"] as? Int)
    #expect(end + excess == bytes.count * 2 / 3)
    #expect(result.outputText.contains("up to offset \(end)"))
    #expect(records > 1_000)

    let mended = folder.file("mended.cap")
    let recovery = try await mwc("recover", cut, "-o", mended)
    // All that was ever complete is there.
    #expect(recovery.status == .exited(0))
    #expect(recovery.errorLines.first == "\(cut): kept \(NumberText.grouped(records)) records")
    #expect(try await mwc("verify", mended).status == .exited(0))
    let kept = try object(try await mwc("info", "--json", mended))
    #expect(kept["messages"] as? Int == records)
  }

  @Test func damageIsNamedAndTheRestIsKept() async throws {
    var bytes = try contents(try large())
    bytes[bytes.count / 2] ^= 0x10
    let damaged = try folder.write(bytes, to: "damaged.cap")
    let result = try await mwc("verify", damaged)
    #expect(result.status == .exited(1))
    #expect(result.lines.count == 2)
    #expect(result.lines[0].hasPrefix("\(damaged): damaged: "))
    let verification = try object(try await mwc("verify", "--json", damaged))
    let damage = try #require(verification["damage"] as? [[String: Any]])
    let missing = try #require(damage.first?["missing_records"] as? Int)
    let place = try #require(damage.first?["from"] as? Int)
    #expect(place < bytes.count / 2 && missing > 0)
    #expect(verification["records"] as? Int == 5_000 - missing)

    let mended = folder.file("mended.cap")
    let recovery = try await mwc("recover", damaged, "--output", mended)
    #expect(recovery.status == .exited(1))
    #expect(recovery.errorLines.last == "\(damaged): lost \(NumberText.grouped(missing)) records")
    #expect(try await mwc("verify", mended).status == .exited(0))
    // What is missing is a gap from now on.
    let kept = try object(try await mwc("info", "--json", mended))
    #expect(kept["missing_messages"] as? Int == missing)
  }

  @Test func recoverTouchesNothingThatExists() async throws {
    let file = try mixed()
    let other = try folder.write("precious".utf8, to: "other.cap")
    let refused = try await mwc("recover", file, "-o", other)
    #expect(refused.status == .exited(73))
    #expect(refused.errors == "mwc: \(other): exists already; --force overwrites it\n")
    #expect(try contents(other) == Data("precious".utf8))
    #expect(try await mwc("recover", file, "-o", file, "--force").status == .exited(73))
    #expect(try await mwc("verify", file).status == .exited(0))
    #expect(try await mwc("recover", file, "-o", other, "--force").status == .exited(0))
    #expect(try await mwc("verify", other).status == .exited(0))
  }

  @Test(arguments: ["info", "verify"])
  func whatIsNoCaptureIsRefused(command: String) async throws {
    let file = try folder.write("{}\n".utf8, to: "text.json")
    for (path, said) in [(file, "not a capture"), (folder.file("none"), "cannot be opened")] {
      let result = try await mwc(command, path)
      #expect(result.status == .exited(66))
      #expect(result.output.isEmpty)
      #expect(result.errorLines.count == 1)
      #expect(result.errors.contains(said))
    }
  }
}
