import MWCCore
import MWCTestSupport
import Testing

@testable import MWCCapture

/// What is read from a few columns is what a scan of the whole message finds.
@Suite struct ColumnReaderTests {
  static let paths = [
    "type", "timestamp", "data", "data.gpu", "data.gpu.name", "data.memory.percentage",
    "data.memory.used", "data.disk.path", "data.processor.per_core_usage[1]",
    "data.processor.usage_percent", "cpu.percent_per_core[0]", "memory.used_mb", "payload[0].id",
    "payload[1].message", "payload.message", "alerts[0].level", "v", "n", "k0", "k1.k2", "[0]", "$",
  ]

  /// What each of several readers of the same paths can do without.
  private static let enough: [[PathInterest.Enough]] = [
    [], paths.map { _ in .presence }, paths.map { _ in [.presence, .amount] },
    paths.indices.map { PathInterest.Enough(rawValue: UInt8($0 % 4)) },
  ]

  /// A value as a scan shows it, to compare: of what is superfluous, nothing.
  private struct Found: Equatable {
    var kind: JSONKind
    var isInteger = false
    var isEmpty = false
    var double: UInt64?
    var int64: Int64?
    var text: [UInt8] = []

    init(_ value: borrowing JSONValue, _ enough: PathInterest.Enough) {
      kind = value.kind
      let hasText: Bool
      switch kind {
      case .array, .object:
        isEmpty = value.isEmptyContainer
        hasText = !enough.contains(.presence)
      case .number:
        isInteger = value.isInteger
        double = value.double?.bitPattern
        int64 = value.int64
        // The integer that `-0` is stands in its text alone.
        if double == (-0.0).bitPattern { int64 = nil }
        hasText = !enough.contains(.amount)
      case .string: hasText = !enough.contains(.amount)
      case .missing, .null, .true, .false: hasText = false
      }
      if hasText { text = unsafe value.text.withUnsafeBytes { unsafe Array($0) } }
    }
  }

  /// Reads records both ways; returns how many had to be looked at as a whole by those who can do
  /// without the elements of arrays and objects.
  private func expectTheSame(_ records: [Record]) throws -> Int {
    let body = ColumnTests.body(records)
    let interests = Self.enough.map { PathInterest(Self.paths, enough: $0) }
    let reader = ColumnReader(interests)
    let isOpen = unsafe reader.open(
      body.span.bytes, rawLength: ColumnTests.rawLength(records),
      baseWallTime: records.first?.wall ?? 0, baseMonotonicTime: records.first?.monotonic ?? 0)
    try #require(isOpen)
    #expect(reader.count == records.count)
    var scanner = JSONScanner(valid: Self.paths, options: .nonFinite)
    var whole = 0
    for (number, record) in records.enumerated() {
      guard reader.next() else {
        Issue.record("ends after \(number) of \(records.count)")
        break
      }
      let message = reader.current
      #expect(message.wallTime == record.wall)
      #expect(message.monotonicTime == record.monotonic)
      #expect(message.connection == record.connection)
      #expect(message.direction == record.direction)
      #expect(message.kind == record.kind)
      // Some messages are put together before the values are looked at, some after, some never.
      if number % 4 == 1 { expect(message.payload, record) }
      for interest in interests {
        guard let values = message.values(of: interest) else {
          whole += interest === interests[2] ? 1 : 0
          continue
        }
        expect(values, interest, record, &scanner)
      }
      if number % 4 == 2 { expect(message.payload, record) }
    }
    #expect(!reader.next())
    #expect(!reader.hasFailed)
    return whole
  }

  private func expect(_ payload: RawSpan, _ record: Record) {
    let bytes = unsafe payload.withUnsafeBytes { unsafe Array($0) }
    #expect(bytes == record.payload, "\(String(decoding: record.payload, as: UTF8.self))")
  }

  private func expect(
    _ values: borrowing JSONValues, _ interest: PathInterest, _ record: Record,
    _ scanner: inout JSONScanner
  ) {
    let payload = record.payload
    do throws(JSONError) {
      let expected = try unsafe scanner.scan(payload.span.bytes)
      for (index, path) in interest.paths.enumerated() {
        let one = Found(values[index], interest.enough[index])
        let other = Found(expected[index], interest.enough[index])
        if one != other {
          Issue.record("\(path) in \(String(decoding: payload, as: UTF8.self)): \(one), \(other)")
        }
      }
    } catch {
      Issue.record("not JSON, and not looked at: \(String(decoding: payload, as: UTF8.self))")
    }
  }

  @Test(arguments: TrafficFile.names) func readsTraffic(name: String) throws {
    let records = try ColumnTests.traffic(name)
    let whole = try expectTheSame(records)
    // The data of the streams that are read most is never looked at as a whole.
    if name.hasPrefix("monitoring") || name.hasPrefix("metrics") {
      #expect(whole < records.count / 5, "\(whole) of \(records.count)")
    }
  }

  @Test(arguments: ColumnTests.spellings) func readsSpellings(values: [String]) throws {
    for repeats in [1, 5] {
      let all = values.flatMap { Array(repeating: $0, count: repeats) }
      let texts = all.enumerated().map { "{\"n\": \($0.offset), \"v\": \($0.element)}" }
      _ = try expectTheSame(ColumnTests.records(texts))
      _ = try expectTheSame(ColumnTests.records(all))
    }
  }

  @Test func readsRandomJSON() throws {
    var generator = TestSupport.generator(for: "ColumnReaderTests.readsRandomJSON")
    for _ in 0..<200 {
      var maker = RandomJSON(generator: generator)
      let shapes = (0..<Int.random(in: 1...3, using: &maker.generator)).map { _ in maker.shape() }
      let texts = (0..<Int.random(in: 1...60, using: &maker.generator)).map { _ in
        maker.text(of: shapes.randomElement(using: &maker.generator) ?? .null)
      }
      generator = maker.generator
      _ = try expectTheSame(ColumnTests.records(texts))
    }
  }

  /// Connections are read in the order in which their messages came.
  @Test(.enabled(if: !TrafficFile.names.isEmpty, "there is no recorded traffic here"))
  func readsManyConnections() throws {
    var records: [Record] = []
    for (number, name) in TrafficFile.names.enumerated() {
      records += try ColumnTests.traffic(name, connection: UInt32(number + 1)).prefix(100)
    }
    _ = try expectTheSame(records.sorted { $0.monotonic < $1.monotonic })
    var generator = TestSupport.generator(for: "ColumnReaderTests.readsManyConnections")
    _ = try expectTheSame(records.shuffled(using: &generator))
  }

  @Test func refusesWhatIsCut() {
    let records = ColumnTests.records((0..<30).map { "{\"v\": \($0).5, \"n\": \"\($0 * $0)\"}" })
    let body = ColumnTests.body(records)
    let reader = ColumnReader([PathInterest(Self.paths)])
    for length in body.indices {
      let cut = Array(body.prefix(length))
      let isOpen = unsafe reader.open(
        cut.span.bytes, rawLength: ColumnTests.rawLength(records), baseWallTime: 0,
        baseMonotonicTime: 0)
      #expect(!isOpen)
      #expect(!reader.next())
    }
  }

  /// Where messages go more ways than are remembered, all of them are put together, and are the same.
  @Test func givesUpOnTooManyWays() {
    // Every subset of twelve members comes: 4,096 ways.
    let texts = (0..<4096).map { subset in
      let members = (0..<12).filter { subset >> $0 & 1 == 1 }.map { "\"k\($0)\":\(subset)" }
      return "{" + (["\"v\":1"] + members).joined(separator: ",") + "}"
    }
    let records = ColumnTests.records(texts + texts)
    let body = ColumnTests.body(records)
    let reader = ColumnReader([PathInterest(["v"])])
    let isOpen = unsafe reader.open(
      body.span.bytes, rawLength: ColumnTests.rawLength(records),
      baseWallTime: records[0].wall, baseMonotonicTime: records[0].monotonic)
    #expect(!isOpen)
    #expect(ColumnTests.decode(body, like: records) == records)
  }
}
