import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCCapture

/// Blocks in columns: what comes out is what went in, byte for byte, whatever it was.
@Suite struct ColumnTests {
  /// The body of one segment with these records.
  static func body(_ records: [Record], level: Int = 1) -> [UInt8] {
    let encoder = ColumnEncoder(level: level)
    for record in records { record.withMessage { encoder.append($0) } }
    let output = ByteBuffer()
    encoder.seal(
      baseWallTime: records.first?.wall ?? 0, baseMonotonicTime: records.first?.monotonic ?? 0,
      into: output)
    return unsafe output.bytes.withUnsafeBytes { unsafe Array($0) }
  }

  /// A capture with one block in columns.
  static func capture(_ records: [Record], level: Int = 1) -> [UInt8] {
    var forge = Forge()
    forge.session()
    forge.append(columns: records, level: level)
    return forge.bytes
  }

  static func rawLength(_ records: [Record]) -> Int {
    records.reduce(0) { $0 + 16 + $1.payload.count }
  }

  static func decode(_ body: [UInt8], like records: [Record]) -> [Record]? {
    let decoder = ColumnDecoder()
    let isWhole = unsafe decoder.decode(
      body.span.bytes, rawLength: rawLength(records), baseWallTime: records.first?.wall ?? 0,
      baseMonotonicTime: records.first?.monotonic ?? 0)
    guard isWhole else { return nil }
    return (0..<decoder.count).map { Record(decoder[$0]) }
  }

  private func expectRoundTrip(_ records: [Record], _ comment: Comment? = nil) {
    let decoded = ColumnTests.decode(ColumnTests.body(records), like: records)
    #expect(decoded?.count == records.count, comment)
    guard let decoded, decoded.count == records.count else { return }
    for (one, other) in zip(decoded, records) where one != other {
      Issue.record("\(one) for \(other): \(String(decoding: other.payload, as: UTF8.self))")
      return
    }
  }

  /// Texts as records of one connection, a second apart.
  static func records(_ texts: [String]) -> [Record] {
    texts.enumerated().map { number, text in
      Record(
        wall: Sample.wall + Int64(number) * 1_000_000_007,
        monotonic: Sample.monotonic + Int64(number) * 1_000_000_007, payload: Array(text.utf8))
    }
  }

  static func traffic(_ name: String, connection: UInt32 = 1) throws -> [Record] {
    try TrafficFile(named: name).records.filter { $0.operation != .close }.map { record in
      let kinds: [TrafficFile.Operation: Message.Kind] = [
        .text: .text, .binary: .binary, .ping: .ping, .pong: .pong,
      ]
      return Record(
        wall: record.time, monotonic: record.time - Sample.wall + Sample.monotonic,
        connection: connection, direction: record.direction == .received ? .received : .sent,
        kind: kinds[record.operation] ?? .text, payload: Array(record.payload))
    }
  }

  // MARK: Whole recordings

  @Test(arguments: TrafficFile.names) func keepsTraffic(name: String) throws {
    let records = try ColumnTests.traffic(name)
    expectRoundTrip(records)
    // Small blocks know nothing of each other.
    for start in stride(from: 0, to: records.count, by: 7) {
      expectRoundTrip(Array(records[start..<min(start + 7, records.count)]))
    }
  }

  @Test(.enabled(if: !TrafficFile.names.isEmpty, "there is no recorded traffic here"))
  func keepsTheOrderOfManyConnections() throws {
    var generator = TestSupport.generator(for: "ColumnTests.keepsTheOrderOfManyConnections")
    var records: [Record] = []
    for (number, name) in TrafficFile.names.enumerated() {
      records += try ColumnTests.traffic(name, connection: UInt32(number + 1)).prefix(120)
    }
    expectRoundTrip(records.sorted { $0.monotonic < $1.monotonic }, "by time")
    expectRoundTrip(records.shuffled(using: &generator), "in no order")
    expectRoundTrip(
      records.map {
        var copy = $0; copy.monotonic = 7; return copy
      }, "at one time")
  }

  // MARK: Spellings

  /// Values whose spelling is easily lost, each where its neighbours make a column of another kind.
  static let spellings: [[String]] = [
    ["1", "-1", "0", "-0", "10", "007", "1e5", "1E+5", "99999999999999999999", "3"],
    ["1.0", "1.5", "-0.0", "0.0", "12.50", "12.5", "100.0", "1.", ".5", "2.25", "3.75"],
    ["0.1", "0.10", "0.100", "0.2", "0.3", "0.25"],
    ["9223372036854775807", "-9223372036854775808", "922337203685477580", "1", "2"],
    ["0.1234567890123456", "251.9722785949707", "26.686580657958984", "100.0", "1e-07", "3.0"],
    ["24103.921875", "22442.39453125", "1661.52734375", "0.5", "7.0", "100", "NaN"],
    ["null", "12.5", "null", "13.5", "true", "14.0", "false", "15.5", "Infinity", "-Infinity"],
    [
      "\"2026-11-21T10:23:08.517999\"", "\"2026-11-21T10:23:09.000000\"", "\"2026-11-21T10:23:09\"",
    ],
    ["\"2026-11-21T10:23:08Z\"", "\"2026-11-21T10:23:61Z\"", "\"2026-02-30T00:00:00Z\"", "\"\""],
    ["\"2026-11-21 10:23:08.517+01:00\"", "\"0000-01-01 00:00:00.000+01:00\"", "\"x\""],
    ["\"9999-12-31T23:59:59.999999999\"", "\"1677-09-21T00:12:43.145224192\"", "\"1970-01-01\""],
    ["1795257407.203", "1795257408.21", "1795257409.0", "1795257410", "-1795257410.5"],
    ["\"c7552a1178fcfda76b8c843f7970dc47\"", "\"d7552a1178fcfda76b8c843f7970dc47\""],
    [
      "\"C7552A1178FCFDA7\"", "\"c7552a1178fcfda7\"", "\"c7552a1178fcfda\"", "\"0123456789abcdef\"",
    ],
    ["\"a\\\"b\"", "\"\\\\\"", "\"\\u00e9\"", "\"é\"", "\"\u{1F4BE}\"", "\"{[,:]}\"", "\"\""],
    ["[]", "[1]", "[1,2]", "[1,2,3]", "[[1],[2,3]]", "{}", "{\"a\":1}", "[{},{\"a\":1}]", "[[]]"],
  ]

  @Test(arguments: spellings) func keepsSpellings(values: [String]) {
    for repeats in [1, 3, 40] {
      for order in [values, values.reversed(), values.sorted()] {
        let all = order.flatMap { Array(repeating: $0, count: repeats) }
        let texts = all.enumerated().map { "{\"n\": \($0.offset), \"v\": \($0.element)}" }
        expectRoundTrip(ColumnTests.records(texts), "\(values)")
        expectRoundTrip(ColumnTests.records(all), "\(values)")
      }
    }
  }

  @Test func keepsEveryPairOfSpellings() {
    let all = ColumnTests.spellings.flatMap { $0 }
    for one in all {
      for other in all {
        let values = Array(repeating: one, count: 20) + [other, one, other]
        expectRoundTrip(ColumnTests.records(values.map { "{\"v\":\($0)}" }))
      }
    }
  }

  @Test func keepsWhatIsNoMessage() {
    var records: [Record] = []
    let kinds: [Message.Kind] = [
      .text, .binary, .ping, .pong, .opened, .closed, .error, .state, .gap, .clockJump, .note,
      .init(rawValue: 3), .init(rawValue: 77), .init(rawValue: 255),
    ]
    for (number, kind) in kinds.enumerated() {
      for payload in [[], [0], [1, 2, 0xFF], Array("{\"a\":1}".utf8), Array("\"".utf8)] {
        var record = Record(number)
        record.kind = kind
        record.payload = payload
        record.connection = UInt32(number * 315)
        record.direction = number % 2 == 0 ? .sent : .received
        records.append(record)
      }
    }
    expectRoundTrip(records)
    for record in records { expectRoundTrip([record]) }
  }

  @Test func keepsEveryTime() {
    var generator = TestSupport.generator(for: "ColumnTests.keepsEveryTime")
    let extremes: [Int64] = [.min, .max, 0, -1, 1, .min + 1, .max - 1, 1 << 62]
    for _ in 0..<200 {
      expectRoundTrip(
        (0..<Int.random(in: 1...12, using: &generator)).map { _ in
          var record = Record(0)
          record.wall = extremes.randomElement(using: &generator) ?? 0
          record.monotonic =
            Bool.random(using: &generator)
            ? extremes.randomElement(using: &generator) ?? 0
            : Int64.random(in: .min ... .max, using: &generator)
          record.connection = UInt32.random(in: 0...3, using: &generator)
          return record
        })
    }
  }

  // MARK: Anything

  @Test func keepsRandomJSON() {
    var generator = TestSupport.generator(for: "ColumnTests.keepsRandomJSON")
    for _ in 0..<300 {
      var maker = RandomJSON(generator: generator)
      let shapes = (0..<Int.random(in: 1...4, using: &maker.generator)).map { _ in maker.shape() }
      let texts = (0..<Int.random(in: 1...60, using: &maker.generator)).map { _ in
        maker.text(of: shapes.randomElement(using: &maker.generator) ?? .null)
      }
      generator = maker.generator
      expectRoundTrip(ColumnTests.records(texts))
    }
  }

  @Test func keepsRandomBytes() {
    var generator = TestSupport.generator(for: "ColumnTests.keepsRandomBytes")
    let alphabet = Array("{}[]:,\"\\ \n0123456789.-+eEtruefalsn".utf8)
    for _ in 0..<400 {
      let isText = Bool.random(using: &generator)
      expectRoundTrip(
        (0..<Int.random(in: 1...30, using: &generator)).map { number in
          var record = Record(number)
          record.payload = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
            isText
              ? alphabet.randomElement(using: &generator) ?? 0
              : UInt8.random(in: 0...255, using: &generator)
          }
          return record
        })
    }
  }

  /// Mutations of real messages: nearly what is expected, again and again.
  @Test(arguments: TrafficFile.names) func keepsMutatedTraffic(name: String) throws {
    var generator = TestSupport.generator(for: "ColumnTests.keepsMutatedTraffic.\(name)")
    var records = try ColumnTests.traffic(name)
    for index in records.indices where !records[index].payload.isEmpty {
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let place = Int.random(in: 0..<records[index].payload.count, using: &generator)
        switch Int.random(in: 0...2, using: &generator) {
        case 0: records[index].payload[place] = UInt8.random(in: 0...127, using: &generator)
        case 1:
          records[index].payload.insert(UInt8.random(in: 32...126, using: &generator), at: place)
        default: records[index].payload.remove(at: place)
        }
        if records[index].payload.isEmpty { break }
      }
    }
    expectRoundTrip(records)
  }

  // MARK: Second opinions

  @Test(.enabled(if: PythonReader.isThere, "there is no python3 on this machine"))
  func pythonReadsIt() async throws {
    var generator = TestSupport.generator(for: "ColumnTests.pythonReadsIt")
    let folder = try TemporaryFolder()
    var captures: [[Record]] = try TrafficFile.names.map { name in
      try Array(ColumnTests.traffic(name).prefix(250))
    }
    captures.append(ColumnTests.spellings.flatMap { ColumnTests.records($0 + $0 + $0.reversed()) })
    for values in ColumnTests.spellings {
      let texts = (0..<60).map { "{\"v\": \(values[$0 * $0 % values.count])}" }
      captures.append(ColumnTests.records(texts))
    }
    var several = try TrafficFile.names.enumerated().flatMap { number, name in
      try ColumnTests.traffic(name, connection: UInt32(number)).prefix(30)
    }
    captures.append(several.sorted { $0.monotonic < $1.monotonic })
    several.shuffle(using: &generator)
    captures.append(several)
    for _ in 0..<5 {
      var maker = RandomJSON(generator: generator)
      let shape = maker.shape()
      captures.append(ColumnTests.records((0..<50).map { _ in maker.text(of: shape) }))
      generator = maker.generator
    }
    for (number, records) in captures.enumerated() where !records.isEmpty {
      let bytes = ColumnTests.capture(records)
      #expect(Reading(bytes).records == records)
      let read = try await PythonReader.read(try folder.write(bytes, to: "\(number).cap"))
      #expect(read.records.count == records.count)
      for (one, other) in zip(read.records, records) where one != other {
        Issue.record("\(one) for \(other): \(String(decoding: other.payload, as: UTF8.self))")
        break
      }
    }
  }

  // MARK: Bounds

  @Test func takesAMillionShapes() {
    // Every message has keys of its own: the table of nodes is bounded, the rest stays whole.
    let encoder = ColumnEncoder(level: 1)
    let decoder = ColumnDecoder()
    var number = 0
    while number < 1_000_000 {
      var made = 0
      var raw = 0
      while number < 1_000_000, raw < 4 << 20 {
        let payload = Array("{\"k\(number)\":{\"x\(number &* 7)\":\(number)}}".utf8)
        let record = Record(wall: Int64(number), monotonic: Int64(number), payload: payload)
        record.withMessage { encoder.append($0) }
        number += 1
        made += 1
        raw += payload.count + 16
      }
      #expect(encoder.rawSize == raw)
      let body = ByteBuffer()
      encoder.seal(baseWallTime: 0, baseMonotonicTime: 0, into: body)
      #expect(body.count < raw / 2)
      let isWhole = decoder.decode(
        body.bytes, rawLength: raw, baseWallTime: 0, baseMonotonicTime: 0)
      #expect(isWhole)
      #expect(decoder.count == made)
      let expected = "{\"k\(number - 1)\":{\"x\((number - 1) &* 7)\":\(number - 1)}}"
      #expect(Record(decoder[made - 1]).payload == Array(expected.utf8))
    }
  }

  @Test func everyChangedByteIsAnErrorOrHarmless() {
    // The checksum of the segment finds these; without it the decoder still has to end well.
    let records = (0..<40).map { Record($0 * 3, size: $0 % 5) }
    let body = ColumnTests.body(records)
    for index in body.indices {
      for bit in 0..<8 {
        var changed = body
        changed[index] ^= 1 << bit
        let decoded = ColumnTests.decode(changed, like: records)
        if let decoded { #expect(ColumnTests.rawLength(decoded) == ColumnTests.rawLength(records)) }
      }
    }
    for length in body.indices {
      #expect(ColumnTests.decode(Array(body.prefix(length)), like: records) == nil)
    }
  }
}

extension Forge {
  /// A block in columns, as honest as the encoder.
  mutating func append(columns records: [Record], level: Int = 1, first: UInt64 = 0) {
    append(columns: records, body: ColumnTests.body(records, level: level), first: first)
  }

  /// A block in columns whose body somebody else made of these records.
  mutating func append(columns records: [Record], body: [UInt8], first: UInt64) {
    guard let base = records.first else { return }
    let walls = records.map(\.wall)
    let monotonics = records.map(\.monotonic)
    block(
      kind: 2, encoding: 2,
      [.init(body, rawLength: ColumnTests.rawLength(records))],
      records: UInt32(records.count), first: first, base: (base.wall, base.monotonic),
      times: [
        walls.min() ?? 0, walls.max() ?? 0, monotonics.min() ?? 0, monotonics.max() ?? 0,
      ])
  }
}

/// Messages of a few shapes with values that change as real ones do.
struct RandomJSON {
  indirect enum Shape {
    case null
    case number(places: Int, step: Int)
    case text([String])
    case random
    case date
    case array(Shape, most: Int)
    case object([(String, Shape)])
  }

  var generator: SeededGenerator
  private var last = 1000

  init(generator: SeededGenerator) { self.generator = generator }

  mutating func shape(depth: Int = 0) -> Shape {
    switch Int.random(in: 0...(depth > 3 ? 4 : 7), using: &generator) {
    case 0: return .number(places: Int.random(in: 0...4, using: &generator), step: 10_000)
    case 1: return .number(places: Int.random(in: 0...17, using: &generator), step: 1 << 40)
    case 2: return .text(["ok", "warning", "état", "a \\\"b\\\"", ""])
    case 3: return .random
    case 4: return .date
    case 5:
      return .array(shape(depth: depth + 1), most: Int.random(in: 0...4, using: &generator))
    default:
      let count = Int.random(in: 0...6, using: &generator)
      return .object((0..<count).map { ("k\($0)", shape(depth: depth + 1)) })
    }
  }

  mutating func text(of shape: Shape) -> String {
    switch shape {
    case .null: return "null"
    case .number(let places, let step):
      last += Int.random(in: -step...step, using: &generator)
      let digits = String(last.magnitude)
      let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
      let sign = last < 0 ? "-" : ""
      if places == 0 { return sign + padded }
      return sign + padded.dropLast(places) + "." + padded.suffix(places)
    case .text(let choices): return "\"\(choices.randomElement(using: &generator) ?? "")\""
    case .random:
      return "\"\(String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16))\""
    case .date:
      let micro = Int.random(in: 100_000...999_999, using: &generator)
      return "\"2026-11-2\(micro % 10)T10:0\(micro % 7):08.\(micro)\""
    case .array(let element, let most):
      let count = Int.random(in: 0...most, using: &generator)
      return "[" + (0..<count).map { _ in text(of: element) }.joined(separator: ", ") + "]"
    case .object(let members):
      return "{"
        + members.filter { _ in Int.random(in: 0...5, using: &generator) > 0 }
        .map { "\"\($0.0)\": \(text(of: $0.1))" }.joined(separator: ", ") + "}"
    }
  }
}
