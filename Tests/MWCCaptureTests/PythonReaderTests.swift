import Foundation
import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// A second opinion on `docs/FORMAT.md`: a reader in Python that shares nothing with ours.
@Suite(.enabled(if: PythonReader.isThere, "there is no python3 on this machine"))
struct PythonReaderTests {
  @Test func readsWhatWeWrite() async throws {
    var generator = TestSupport.generator(for: "PythonReaderTests.readsWhatWeWrite")
    let folder = try TemporaryFolder()
    var names: [String] = []
    var expected: [[Record]] = []
    for number in 0..<8 {
      var options = Sample.options
      options.level = [0, 1, 6, 9][number % 4]
      options.blockSize = [100, 3000][number % 2]
      let file = CrashingFile()
      for session in 0...(number % 3) {
        let writer = try CaptureWriter(file, options)
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
          var record = Record.random(using: &generator)
          record.payload = Array(record.payload.prefix(2000))
          try writer.append(record)
          if Bool.random(using: &generator) { try writer.flush() }
        }
        // Some are left as a crash leaves them.
        if number == 7, session == 1 { try writer.flush() } else { try writer.close() }
      }
      names.append(try folder.write(file.contents, to: "\(number).cap"))
      expected.append(Reading(file.contents).records)
    }
    for (name, records) in zip(names, expected) {
      let read = try await PythonReader.read(name)
      #expect(read.records == records, "\(name)")
      #expect(read.finished == !name.hasSuffix("7.cap"), "\(name)")
    }
  }

  /// What a kill leaves at any moment: the capture alone, or with a tail that goes on.
  @Test func readsTails() async throws {
    let folder = try TemporaryFolder()
    let recording = try TailCrashTests.Recording(blockSize: 60)
    let last = recording.pair.disk.operationCount
    for count in stride(from: 3, through: last, by: 5) {
      let image = recording.pair.killed(after: count, partial: 70)
      let name = try folder.write(image.capture, to: "\(count).cap")
      _ = try folder.write(image.tail, to: "\(count).cap.tail")
      let read = try await PythonReader.read(name)
      #expect(read.records == Reading(image).records, "after \(count)")
    }
  }

  @Test func readsTheSession() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(try capture([]), to: "x.cap")
    let line = try #require(try await PythonReader.lines(path).first)
    let fields = try #require(line["session"] as? [String: Any])
    #expect(fields["wall"] as? Int64 == Sample.wall)
    #expect(fields["monotonic"] as? Int64 == Sample.monotonic)
    #expect(fields["utc_offset"] as? Int == 3600)
    #expect(fields["time_zone"] as? String == "Europe/Berlin")
    #expect(fields["tool"] as? String == "mwc 0.1.0")
    #expect(fields["uris"] as? [String] == ["ws://localhost:8765/"])
    #expect(fields["dialect"] as? String == "monitoring")
    #expect(fields["host"] as? String == "node-1")
    #expect(fields["options"] as? [String] == ["level=6"])
  }

  @Test func agreesOnDamage() async throws {
    let folder = try TemporaryFolder()
    let (bytes, _) = try DamageTests.sample(finished: true)
    var damaged = bytes
    damaged[blockOffsets(bytes)[2] + 100] ^= 1
    let path = try folder.write(damaged, to: "x.cap")
    let result = try await PythonReader.run(path)
    #expect(result.status == .exited(1))
    #expect(result.errors.contains("fails its checksum"))
  }
}

enum PythonReader {
  static let interpreter: String? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
    return path.split(separator: ":").map { "\($0)/python3" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static let isThere: Bool = {
    if interpreter == nil { TestSupport.say("no python3: our Python reader is not tested") }
    return interpreter != nil
  }()

  static func run(_ path: String) async throws -> ChildProcess.Result {
    try await ChildProcess.run(
      try #require(interpreter), [TestSupport.packageRoot + "/Tests/Python/read_capture.py", path],
      timeout: .seconds(120))
  }

  static func lines(_ path: String) async throws -> [[String: Any]] {
    let result = try await run(path)
    try #require(result.status == .exited(0), "\(result.errors)")
    return try result.lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  static func read(_ path: String) async throws -> (records: [Record], finished: Bool) {
    var records: [Record] = []
    var isFinished = false
    for line in try await lines(path) {
      if let fields = line["record"] as? [String: Any] {
        records.append(try #require(Record(json: fields)))
      } else if let end = line["end"] as? [String: Any] {
        isFinished = end["finished"] as? Bool ?? false
      }
    }
    return (records, isFinished)
  }
}

extension Record {
  fileprivate init?(json fields: [String: Any]) {
    guard let wall = fields["wall"] as? Int64, let monotonic = fields["monotonic"] as? Int64,
      let connection = fields["connection"] as? UInt32, let sent = fields["direction"] as? UInt8,
      let kind = fields["kind"] as? UInt8, let text = fields["payload"] as? String,
      let payload = Data(base64Encoded: text),
      let direction = Message.Direction(rawValue: sent)
    else { return nil }
    self.init(
      wall: wall, monotonic: monotonic, connection: connection, direction: direction,
      kind: Message.Kind(rawValue: kind), payload: Array(payload))
  }
}
