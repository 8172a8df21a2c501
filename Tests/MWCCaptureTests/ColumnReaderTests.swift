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

  /// A value as a scan shows it, to compare.
  private struct Found: Equatable {
    var kind: JSONKind
    var isInteger: Bool
    var isEmpty: Bool
    var text: [UInt8]

    init(_ value: borrowing JSONValue, withText: Bool) {
      kind = value.kind
      isInteger = value.kind == .number && value.isInteger
      isEmpty = (kind == .array || kind == .object) && value.isEmptyContainer
      text = withText ? unsafe value.text.withUnsafeBytes { unsafe Array($0) } : []
    }
  }

  /// Reads records both ways; returns how many had to be looked at as a whole.
  private func expectTheSame(_ records: [Record], presence: Set<Int> = [2, 3, 21]) throws -> Int {
    let body = ColumnTests.body(records)
    let reader = ColumnReader(paths: Self.paths, presence: presence)
    let isOpen = unsafe reader.open(
      body.span.bytes, rawLength: ColumnTests.rawLength(records),
      baseWallTime: records.first?.wall ?? 0, baseMonotonicTime: records.first?.monotonic ?? 0)
    try #require(isOpen)
    var scanner = JSONScanner(valid: Self.paths, options: .nonFinite)
    var whole = 0
    for record in records {
      let step = reader.next()
      #expect(reader.wallTime == record.wall)
      #expect(reader.monotonicTime == record.monotonic)
      #expect(reader.connection == record.connection)
      #expect(reader.direction == record.direction)
      #expect(reader.kind == record.kind)
      try #require(step != .ended)
      if step == .whole {
        whole += 1
        continue
      }
      let payload = record.payload
      let text = String(decoding: payload, as: UTF8.self)
      do throws(JSONError) {
        let expected = try unsafe scanner.scan(payload.span.bytes)
        let values = reader.values
        for (index, path) in Self.paths.enumerated() {
          let isPresence = presence.contains(index)
          let isContainer = expected[index].kind == .array || expected[index].kind == .object
          let one = Found(values[index], withText: !(isPresence && isContainer))
          let other = Found(expected[index], withText: !(isPresence && isContainer))
          #expect(one == other, "\(path) in \(text)")
        }
      } catch {
        Issue.record("not JSON, and not looked at: \(text)")
      }
    }
    #expect(reader.next() == .ended)
    return whole
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
    let reader = ColumnReader(paths: Self.paths)
    for length in body.indices {
      let cut = Array(body.prefix(length))
      let isOpen = unsafe reader.open(
        cut.span.bytes, rawLength: ColumnTests.rawLength(records), baseWallTime: 0,
        baseMonotonicTime: 0)
      #expect(!isOpen)
      #expect(reader.next() == .ended)
    }
  }
}
