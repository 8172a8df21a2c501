import Foundation
import MWCCore
import MWCTestSupport
import Testing

/// `mwc import` as a program: there and back again, and what others write.
@Suite struct ImportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(_ arguments: String..., input: Data = Data()) async throws
    -> ChildProcess.Result
  {
    try await ChildProcess.run(ChildProcess.product("mwc"), arguments, input: input)
  }

  private func done(_ result: ChildProcess.Result) {
    #expect(result.status == .exited(0))
    #expect(result.errors == "")
  }

  private func contents(_ name: String) throws -> String {
    try String(contentsOfFile: folder.file(name), encoding: .utf8)
  }

  // MARK: There and back again

  @Test(.needsSharedFolder, arguments: TrafficFile.names)
  func recordedTrafficComesBackToTheByte(name: String) async throws {
    let file = try TestSupport.sharedFile("traffic/\(name).jsonl")
    let capture = folder.file("a.cap")
    done(try await mwc("import", file, "-o", capture))
    done(try await mwc("export", capture, "-o", folder.file("a.jsonl")))
    let original = try String(contentsOfFile: file, encoding: .utf8)
    #expect(try contents("a.jsonl") == original)
    // Archives hold the messages among it.
    let messages = original.split(separator: "\n").filter {
      $0.contains(#""op":"text""#) || $0.contains(#""op":"binary""#)
    }
    for format in ["mcap", "har"] {
      done(try await mwc("export", capture, "-o", folder.file("a.\(format)")))
      done(try await mwc("import", folder.file("a.\(format)"), "-o", folder.file("\(format).cap")))
      let back = try await mwc("export", folder.file("\(format).cap"), "--format", "jsonl")
      #expect(back.outputText.split(separator: "\n") == messages, "\(format)")
    }
  }

  @Test func whatCatPrintsComesBack() async throws {
    try MadeCapture.write(
      folder.file("a.cap"),
      [
        .init(at: 0, #"{"uri":"ws://a/"}"#, kind: .opened),
        .init(at: 10, "hello \u{0}\u{7F}"),
        .init(at: 20, data: Data([0xFF, 0xFE]), direction: .sent),
        .init(at: 30, data: Data([0, 1]), connection: 7, kind: .binary),
        .init(at: 40, "p", kind: .pong, direction: .sent),
        .init(at: 50, #"{"reason":"damaged","messages":1,"bytes":2,"duration_ns":3}"#, kind: .gap),
        .init(at: 60, #"{"code":1000,"reason":"bye","by":"client"}"#, kind: .closed),
        .init(at: 70, #"{"text":"a note"}"#, connection: 0, kind: .note),
      ])
    let printed = try await mwc("cat", folder.file("a.cap"))
    done(
      try await mwc(
        "import", "-", "--format", "jsonl", "-o", folder.file("b.cap"), input: printed.output))
    let again = try await mwc("cat", folder.file("b.cap"))
    func withoutMonotonicTime(_ result: ChildProcess.Result) -> [String] {
      result.lines.map { $0.replacing(/"monotonic_ns":[0-9]+,/, with: "") }
    }
    #expect(withoutMonotonicTime(again) == withoutMonotonicTime(printed))
    #expect(again.lines.count == 8)
  }

  // MARK: MCAP of others

  @Test(arguments: ["NONE", "LZ4", "ZSTD"], [true, false])
  func theUsualWriterOfMCAP(compression: String, isChunked: Bool) async throws {
    let script = """
      import sys
      from mcap.writer import CompressionType, Writer
      w = Writer(sys.argv[1], chunk_size=2000, compression=CompressionType.\(compression),
                 use_chunking=\(isChunked ? "True" : "False"))
      w.start()
      schema = w.register_schema("x", "jsonschema", b"{}")
      a = w.register_channel("/a", "json", schema)
      b = w.register_channel("/b", "protobuf", 0)
      c = w.register_channel("/c", "json", schema)
      for i in range(300):
          w.add_message([a, b, c][i % 3], 1790000000000000000 + i, b'{"i":%d,"s":"%s"}' % (i, b"abc" * 20), 5)
      w.add_attachment(1, 1, "n", "m", b"x" * 1000000)
      w.finish()
      """
    let file = folder.file("a.mcap")
    let written = try await ChildProcess.run(
      try await PythonEnvironment.formats.interpreter(), ["-c", script, file])
    try #require(written.status == .exited(0), "\(written.errors)")
    let result = try await mwc("import", file, "-o", folder.file("a.cap"))
    #expect(result.status == .exited(0))
    #expect(result.errors.contains("left out 100 messages"))
    let lines = try await mwc("export", folder.file("a.cap"), "--format", "jsonl").lines
    let text = String(repeating: "abc", count: 20)
    #expect(
      lines
        == (0..<300).filter { $0 % 3 != 1 }.map { number in
          let data = #"{\"i\":\#(number),\"s\":\"\#(text)\"}"#
          let connection = number % 3 == 2 ? #","conn":3"# : ""
          return #"{"t":\#(1_790_000_000_000_000_000 + number)\#(connection),"dir":"in","#
            + #""op":"text","data":"\#(data)"}"#
        })
    // The head of the capture names the channels.
    let info = try await mwc("info", folder.file("a.cap"))
    #expect(info.outputText.contains("mcap:/a"))
    #expect(info.outputText.contains("mcap:/c"))
    // Through a pipe, too, where the summary cannot be asked first.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let piped = try await mwc("import", "-", "--format", "mcap", "-o", "-", input: bytes)
    #expect(piped.status == .exited(0))
    let again = try await mwc("export", "-", "--format", "jsonl", input: piped.output)
    #expect(again.lines == lines)
  }

  // MARK: HAR of others

  @Test func anArchiveAsBrowsersSaveIt() async throws {
    let long = String(repeating: "long \\\"text\\\" ", count: 20_000)
    let archive = """
      {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [{"id": "page_1", "title": "]}{[ \\" _webSocketMessages"}],
        "entries": [
          {"_resourceType": "document", "request": {"method": "GET", "url": "https://x/"},
           "response": {"content": {"text": "\(long)"}}},
          {"_initiator": {}, "_resourceType": "websocket",
           "_webSocketMessages": [
             {"type": "send", "time": 1700000000.25, "opcode": 1, "data": "one"},
             {"type": "receive", "time": 1700000003.5, "opcode": 1, "data": "four \\u00e9 \(long)"},
             {"type": "receive", "time": 1700000004, "opcode": 8, "data": ""},
             {"type": "receive", "time": 1700000005, "opcode": 2, "data": "AAEC"}],
           "request": {"method": "GET", "url": "wss://user:secret@host/one?token=secret"}},
          {"request": {"url": "wss://host/two"}, "_webSocketMessages": [ ]},
          {"request": {"url": "wss://host/three"}, "_webSocketMessages": [
             {"type": "receive", "time": 1700000001.123456789, "opcode": 1, "data": "two"},
             {"type": "receive", "time": 1.700000002e9, "opcode": 1, "data": "three"}]}
        ]}}
      """
    try folder.write(archive.utf8, to: "a.har")
    let result = try await mwc("import", folder.file("a.har"), "-o", folder.file("a.cap"))
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errors.contains("left out 1 message "))
    let lines = try await mwc("export", folder.file("a.cap"), "--format", "jsonl").lines
    #expect(
      lines.map { String($0.prefix(80)) } == [
        #"{"t":1700000000250000000,"dir":"out","op":"text","data":"one"}"#,
        #"{"t":1700000001123456789,"conn":3,"dir":"in","op":"text","data":"two"}"#,
        #"{"t":1700000002000000000,"conn":3,"dir":"in","op":"text","data":"three"}"#,
        String(
          #"{"t":1700000003500000000,"dir":"in","op":"text","data":"four é \#(long)"#.prefix(80)),
        #"{"t":1700000005000000000,"dir":"in","op":"binary","b64":"AAEC"}"#,
      ])
    let info = try await mwc("info", folder.file("a.cap")).outputText
    #expect(info.contains("wss://host/one\n"))
    #expect(info.contains("wss://host/three"))
    #expect(!info.contains("secret"))
  }

  // MARK: Lines of others

  @Test func plainLinesHaveTheirTimes() async throws {
    let lines = [
      #"{"at":"2026-11-21T12:00:00.5+01:00","v":1}"#, #"{"at":"2026-11-21 11:00:01","v":2}"#,
      #"{"at":1795258802.25,"v":3}"#, #"{"at":1795258803500,"v":4}"#,
      #"{"at":1795258804000001,"v":5}"#, #"{"at":"1795258805000000002","v":6}"#,
    ]
    try folder.write((lines.joined(separator: "\r\n") + "\n\n").utf8, to: "a.ndjson")
    done(
      try await mwc("import", folder.file("a.ndjson"), "--time", "at", "-o", folder.file("a.cap")))
    let printed = try await mwc("cat", folder.file("a.cap")).lines
    #expect(
      printed.map { $0.prefix(40).suffix(31) } == [
        "2026-11-21T11:00:00.500000000Z\"", "2026-11-21T11:00:01.000000000Z\"",
        "2026-11-21T11:00:02.250000000Z\"", "2026-11-21T11:00:03.500000000Z\"",
        "2026-11-21T11:00:04.000001000Z\"", "2026-11-21T11:00:05.000000002Z\"",
      ])
    let payloads = try await mwc("cat", "--payload", folder.file("a.cap")).lines
    #expect(payloads == lines)
  }

  @Test func plainLinesComeEvenlySpaced() async throws {
    let text = "first line\n{\"t\":1,\"op\":\"text\"}\nlast without break"
    let result = try await mwc(
      "import", "-", "--format", "jsonl", "--start", "2026-11-21T12:00:00Z", "--interval", "250ms",
      "-o", folder.file("a.cap"), input: Data(text.utf8))
    done(result)
    let lines = try await mwc("export", folder.file("a.cap"), "--format", "jsonl").lines
    #expect(
      lines == [
        #"{"t":1795262400000000000,"dir":"in","op":"text","data":"first line"}"#,
        #"{"t":1795262400250000000,"dir":"in","op":"text","data":"{\"t\":1,\"op\":\"text\"}"}"#,
        #"{"t":1795262400500000000,"dir":"in","op":"text","data":"last without break"}"#,
      ])
  }

  // MARK: What cannot be read

  @Test(
    arguments: [
      (
        "x.jsonl", #"{"t":1,"dir":"in","op":"text","data":"a"}"# + "\n{\"t\":2,\n",
        "offset 49: line 2: "
      ),
      ("x.jsonl", #"{"t":1,"dir":"in","op":"text"}"#, "line 1: there is neither 'data' nor 'b64'"),
      ("x.jsonl", #"{"t":1,"dir":"up","op":"text","data":""}"#, "'dir' is neither in nor out"),
      ("x.jsonl", #"{"t":1,"dir":"in","op":"binary","b64":"A"}"#, "'b64' is not base64"),
      ("x.jsonl", #"{"t":1,"conn":5000,"dir":"in","op":"text","data":""}"#, "connection 5000"),
      ("x.jsonl", "", "holds no messages"),
      ("x.mcap", "nonsense", "is no MCAP file"),
      ("x.mcap", "\u{89}", "is no MCAP file"),
      ("x.har", "[]", "is no HTTP archive"),
      ("x.har", #"{"log":{"entries":"#, "ends too early"),
      ("x.har", #"{"log":{"entries":[]}}"#, "holds no messages"),
      (
        "x.har", #"{"log":{"entries":[{"_webSocketMessages":[{"type":"send"}]}]}}"#,
        "offset 42: a message has no 'time'"
      ),
    ])
  func isToldInOneLine(name: String, text: String, words: String) async throws {
    let file = try folder.write(text.utf8, to: name)
    let result = try await mwc("import", file, "-o", folder.file("a.cap"))
    #expect(result.status == .exited(1))
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(result.errors.hasPrefix("mwc: \(file): "))
    #expect(result.errorLines.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [name])
  }

  @Test(
    arguments: [
      (["import", "a.bin", "-o", "x.cap"], 64, "--format says what a.bin is"),
      (["import", "a.mcap", "--time", "t", "-o", "x.cap"], 64, "are for lines"),
      (["import", "a.log", "--time", "t", "--start", "+1s", "-o", "x.cap"], 64, "leave out"),
      (["import", "a.log", "--start", "+1s", "-o", "x.cap"], 64, "wall-clock time"),
      (["import", "a.log", "--time", "a[", "-o", "x.cap"], 64, "--time a["),
      (["import", "absent.log", "-o", "x.cap"], 66, "cannot be opened"),
    ])
  func wrongUse(arguments: [String], status: Int32, words: String) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    #expect(result.status == .exited(status))
    #expect(result.errors.contains(words), "\(result.errors)")
  }

  @Test func archivesMustBeFiles() async throws {
    let result = try await mwc(
      "import", "-", "--format", "har", "-o", folder.file("a.cap"), input: Data("{}".utf8))
    #expect(result.status == .exited(66))
    #expect(result.errors.contains("must be a file"))
  }
}
