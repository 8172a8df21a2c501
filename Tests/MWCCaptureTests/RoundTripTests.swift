import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

@Suite struct RoundTripTests {
  @Test(arguments: [0, 1, 6, 9])
  func keepsEveryKindAndSize(level: Int) throws {
    var options = Sample.options
    options.level = level
    var records: [Record] = []
    let kinds: [Message.Kind] = [
      .text, .binary, .ping, .pong, .opened, .closed, .error, .state, .gap, .clockJump, .note,
      .init(rawValue: 77), .init(rawValue: 200),
    ]
    for (number, kind) in kinds.enumerated() {
      for direction in [Message.Direction.received, .sent] {
        var record = Record(number, size: number)
        record.kind = kind
        record.direction = direction
        record.connection = UInt32(number * 300)
        records.append(record)
      }
    }
    for size in [0, 1, 127, 128, 65_535, 65_536, 65_537, 300_000, 1 << 20] {
      var record = Record(records.count)
      record.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
      records.append(record)
    }
    let reading = Reading(try capture(records, options))
    #expect(reading.error == nil)
    #expect(reading.ending == .finished)
    #expect(reading.records == records)
  }
}
