import MWCCore
import Testing

/// Messages scanned together say what each says alone.
@Suite struct JSONBatchTests {
  private let paths = ["type", "data.values[1]", "missing"]
  private let messages = [
    #"{"type":"a","data":{"values":[1,2.5]}}"#, #"{"type":"b\n","data":{"values":[1,-3]}}"#,
    #"{"type":"a","data":{"values":[1,2.75]}}"#, #"{"type":"a","data":{"values":[1,}}"#,
    #"{"type":"a","data":{"values":[]}}"#, "", "[]",
  ]

  /// The messages with something between them, and where they stand.
  private var block: (bytes: [UInt8], ranges: [Range<Int>]) {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for message in messages {
      bytes += [0xFF, 0x22]
      ranges.append(bytes.count..<bytes.count + message.utf8.count)
      bytes += Array(message.utf8)
    }
    return (bytes, ranges)
  }

  /// All that is found in a message.
  private func found(_ values: borrowing JSONValues) -> [String] {
    paths.indices.map { index in
      let value = values[index]
      let text = unsafe value.text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
      return "\(value.kind) \(text) \(value.double ?? 0) \(value.int64 ?? 0)"
    }
  }

  @Test func batchesFindWhatSingleScansFind() throws {
    var single = try JSONScanner(paths: paths, options: .convert)
    var scanner = try JSONScanner(paths: paths, options: .convert)
    var batch = JSONBatch(capacity: 4, for: scanner)
    let (bytes, ranges) = block
    let span = unsafe bytes.span.bytes
    var next = 0
    while next < ranges.count {
      let first = next
      batch.removeAll()
      while next < ranges.count, !batch.isFull {
        batch.append(ranges[next])
        next += 1
      }
      var valid = 0
      scanner.scan(&batch, in: span)
      for index in 0..<batch.count {
        do throws(JSONError) {
          let values = unsafe try single.scan(bytes.span.bytes.extracting(ranges[first + index]))
          let expected = found(values)
          #expect(batch.error(of: index) == nil)
          let together = batch.values(of: index, in: span)
          #expect(found(together) == expected)
          valid += 1
        } catch {
          #expect(batch.error(of: index) == error)
        }
      }
      #expect(scanner.scan(&batch, in: span) == valid)
    }
  }

  @Test func anEmptyBatchIsNothing() throws {
    var scanner = try JSONScanner(paths: paths)
    var batch = JSONBatch(capacity: 0, for: scanner)
    let isFull = batch.isFull
    #expect(isFull)
    #expect(scanner.scan(&batch, in: RawSpan()) == 0)
  }
}
