import CMWCKernels
import MWCTestSupport
import Testing

/// What a scanner remembers of a stream: it must never show in a result.
///
/// Unsafe storage, safe to use: both scanners are made in memory that is freed with this class.
@safe private final class Pair {
  let count: Int
  private let memory: [UnsafeMutableRawPointer]
  private let scanners: [OpaquePointer]

  /// A scanner that remembers, and one that does not.
  init(paths: [String]) throws {
    count = paths.count
    var bytes: [UInt8] = []
    for path in paths { bytes += Array(path.utf8) }
    var memory: [UnsafeMutableRawPointer] = unsafe []
    var scanners: [OpaquePointer] = unsafe []
    try unsafe bytes.withUnsafeBufferPointer { bytes in
      var texts: [mwc_json_text] = unsafe []
      var start = 0
      for path in paths {
        unsafe texts.append(
          mwc_json_text(
            bytes: bytes.baseAddress.map { unsafe $0 + start }, length: path.utf8.count))
        start += path.utf8.count
      }
      let size = unsafe mwc_json_scanner_size(texts, texts.count)
      for option in [0, UInt32(MWC_JSON_GENERAL)] {
        let piece = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        unsafe memory.append(piece)
        var error: Int32 = 0
        var bad = 0
        let scanner = unsafe mwc_json_scanner_init(
          piece, size, texts, texts.count, option | UInt32(MWC_JSON_CONVERT), 0, &error, &bad)
        unsafe scanners.append(try #require(unsafe scanner))
      }
    }
    unsafe self.memory = memory
    unsafe self.scanners = scanners
  }

  deinit {
    unsafe memory.forEach { unsafe $0.deallocate() }
  }

  /// What both say of a message, spelled out.
  func scan(_ message: [UInt8]) -> (remembering: String, general: String) {
    let told = unsafe scanners.map { scanner in
      var values = [mwc_json_value](repeating: mwc_json_value(), count: max(1, count))
      var offset = 0
      let code = unsafe mwc_json_scan(scanner, message, message.count, &values, &offset)
      if code != 0 { return "error \(code) at \(offset)" }
      return values.prefix(count).map { value in
        let number = unsafe value.number.integer
        return "\(value.type),\(value.flags) \(value.offset)+\(value.length) \(number)"
      }.joined(separator: "; ")
    }
    return (told[0], told[1])
  }

  func check(_ messages: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    for (index, message) in messages.enumerated() {
      let (remembering, general) = scan(Array(message.utf8))
      #expect(
        remembering == general, "message \(index): \(message)", sourceLocation: sourceLocation)
    }
  }
}

@Suite struct JSONShapeTests {
  private let seen = #"{"type": "state", "cpu": 45.2, "list": [1, 2], "gpu": {"name": "a"}}"#

  @Test func valuesChangeInPlaceAndInLength() throws {
    let pair = try Pair(paths: ["type", "cpu", "list[1]", "gpu.name", "gpu", "list"])
    pair.check([
      seen, seen,
      #"{"type": "state", "cpu": 99.9, "list": [1, 2], "gpu": {"name": "b"}}"#,
      #"{"type": "other", "cpu": 9.95, "list": [1, 2], "gpu": {"name": "b"}}"#,
      #"{"type": "state", "cpu": 100.25, "list": [-1, 20], "gpu": {"name": "longer"}}"#,
      #"{"type": "", "cpu": 0, "list": [1e5, 2], "gpu": {"name": "\n"}}"#,
      #"{"type": "é", "cpu": null, "list": [true, false], "gpu": {"name": "x"}}"#,
      #"{"type": "e", "cpu": -0, "list": [0, 12345678901234567890], "gpu": {"name": ""}}"#,
      seen,
    ])
  }

  /// Several numbers of one spelling are converted at once, and long ones by a reciprocal.
  @Test func numbersKeepTheirSpellingOrChangeIt() throws {
    var generator = TestSupport.generator(for: "numbers of one spelling")
    for _ in 0..<60 {
      let count = Int.random(in: 1...14, using: &generator)
      let pair = try Pair(paths: (0..<count).map { "n\($0)" })
      let isLong = Bool.random(using: &generator)
      let varies = Bool.random(using: &generator)
      func spelling() -> (sign: String, digits: Int, places: Int) {
        let digits = Int.random(in: isLong ? 15...21 : 1...19, using: &generator)
        let places = Int.random(in: -2..<digits, using: &generator)
        let sign = Int.random(in: 0..<6, using: &generator) == 0 ? "-" : ""
        return (sign, digits, max(0, places))
      }
      var spellings = (0..<count).map { _ in spelling() }
      pair.check(
        (0..<20).map { _ in
          if varies { spellings[Int.random(in: 0..<count, using: &generator)] = spelling() }
          let members = spellings.enumerated().map { index, spelling in
            let choice = Int.random(in: 0..<8, using: &generator)
            var text = (0..<spelling.digits).map { _ in
              switch choice {
              case 0: "9"
              case 1: "0"
              default: String(Int.random(in: 0...9, using: &generator))
              }
            }
            if spelling.digits - spelling.places > 1, text[0] == "0" { text[0] = "5" }
            if spelling.places > 0 { text.insert(".", at: spelling.digits - spelling.places) }
            return "\"n\(index)\":\(spelling.sign)\(text.joined())"
          }
          return "{\(members.joined(separator: ","))}"
        })
    }
  }

  @Test func nothingInvalidIsTakenForWhatItResembles() throws {
    let pair = try Pair(paths: ["cpu", "gpu.name"])
    let bytes = Array(seen.utf8)
    for _ in 0..<3 { #expect(pair.scan(bytes).remembering == pair.scan(bytes).general) }
    // Every byte of it in turn is replaced, left out, or comes twice.
    for index in bytes.indices {
      for byte in [0x00, 0x22, 0x30, 0x35, 0x2C, 0x5C, 0x7D, 0x80, 0xC3] as [UInt8] {
        var changed = bytes
        changed[index] = byte
        let (remembering, general) = pair.scan(changed)
        #expect(remembering == general, "byte \(index) is \(byte)")
      }
      var shorter = bytes
      shorter.remove(at: index)
      var longer = bytes
      longer.insert(bytes[index], at: index)
      for message in [shorter, longer, Array(bytes[..<index]), bytes] {
        let (remembering, general) = pair.scan(message)
        #expect(remembering == general, "at byte \(index)")
      }
    }
  }

  @Test func arraysVaryAndMembersAreOptional() throws {
    let pair = try Pair(paths: ["logs[0].level", "logs[2].id", "total", "logs"])
    func message(_ count: Int, _ optional: Int) -> String {
      let logs = (0..<count).map { index in
        let extra = (index + optional) % 3 == 0 ? #", "tags": ["a", "b"]"# : ""
        return #"{"id": \#(index * 37), "level": "info"\#(extra), "text": "\#(optional)"}"#
      }
      return #"{"logs": [\#(logs.joined(separator: ", "))], "total": \#(count)}"#
    }
    for round in 0..<40 {
      pair.check((0..<8).map { message(($0 * 5 + round) % 7, round) })
    }
  }

  /// What leads from each place to the next is known; what is met on the way has to be remembered,
  /// also when it takes more than one word of bits.
  @Test(arguments: [0, 80]) func aKeyThatComesTwiceCountsTheLastTime(fillers: Int) throws {
    let pair = try Pair(paths: (0..<fillers).map { "filler\($0)" } + ["a.x", "a.y", "b"])
    let once = [
      #"{"a": {"x": 1}, "b": 2, "c": "some text"}"#,
      #"{"a": {"x": 12}, "b": 25, "c": "some other text"}"#,
      #"{"b": 2, "a": {"x": 123}, "c": "some text"}"#,
      #"{"b": 27, "a": {"x": 1}, "c": "text"}"#,
      #"{"a": {"y": 12}, "b": 25, "c": "some other text"}"#,
      #"{"b": 2, "a": {"y": 123}, "c": "some text"}"#,
      #"{"b": 25, "a": {"y": 1}, "c": "text"}"#,
    ]
    for _ in 0..<4 { pair.check(once) }
    for _ in 0..<4 {
      pair.check([#"{"a": {"x": 1}, "b": 2, "a": {"y": 7}, "c": "some text"}"#] + once)
      pair.check([#"{"b": 2, "a": {"x": 1}, "b": 3, "a": {"y": 1}, "c": "some text"}"#] + once)
    }
  }

  @Test func moreShapesThanThereIsRoomFor() throws {
    let pair = try Pair(paths: ["key7", "key900.x", "type"])
    for round in 0..<3 {
      pair.check(
        (0..<600).map { number in
          let filler = String(repeating: "m", count: number % 97)
          let members = #""key\#(number)": {"x": \#(round)}, "\#(filler)": [1, "\#(round)"]"#
          return #"{"type": "t", \#(members)}"#
        })
    }
  }

  @Test(arguments: TrafficFile.names) func agreesOnRecordedTraffic(name: String) throws {
    let pair = try Pair(paths: [
      "type", "timestamp", "data.memory.used", "data.processor.per_core_usage[1]", "cpu",
      "payload[0].message", "payload[3].metadata.durationMs", "alerts[0].level", "[1].nodes",
    ])
    for record in try TrafficFile(named: name).received where record.operation == .text {
      let (remembering, general) = pair.scan(Array(record.payload))
      #expect(remembering == general)
    }
  }
}
