import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCCapture

/// What `mwc info --columns` finds out about a block.
@Suite struct ColumnSizesTests {
  private func readHead(_ body: [UInt8]) -> ColumnHead? {
    unsafe ColumnHead(body.span.bytes, inflater: Inflater(), room: ByteBuffer())
  }

  private func names(_ head: ColumnHead) -> [String: ColumnHead.Column] {
    var found: [String: ColumnHead.Column] = [:]
    for (name, column) in zip(ColumnNames(head).names, head.columns).dropFirst()
    where !column.isPart {
      found[name, default: ColumnHead.Column()].values += column.values
      found[name]?.bytes += column.bytes
      found[name]?.type = column.type
    }
    return found
  }

  @Test func columnsHaveTheNamesOfTheirMembers() throws {
    let texts = (0..<200).map { number in
      let usage = Double(number * 37 % 1000) / 10
      let logs = (0..<(number % 3)).map {
        #"{"level":"l\#(($0 + number) % 5)","n":\#($0 * number)}"#
      }
      return #"{"type":"t","data":{"cpu":{"usage":\#(usage)},"id":\#(number * number % 7919)},"#
        + #""logs":[\#(logs.joined(separator: ","))],"say \"x\"":"\#(number * 7 % 64)"}"#
    }
    let records = ColumnTests.records(texts)
    let head = try #require(readHead(ColumnTests.body(records)))
    #expect(head.records == 200)
    let columns = names(head)
    for name in ["data.cpu.usage", "data.id", #"say \"x\""#, "logs[].n"] {
      #expect(columns[name] != nil, "\(name) in \(columns.keys.sorted())")
    }
    #expect(columns["data.id"]?.values == 200)
    // Nothing is to be known about what is always the same.
    #expect(columns["type"].map { $0.bytes < 16 } ?? true)
  }

  /// Every stored byte belongs to something.
  @Test(.needsSharedFolder, arguments: ["monitoring", "smartlogger", "socketio", "metrics"])
  func partsMakeTheWhole(name: String) throws {
    let traffic = try TrafficFile(named: name)
    let texts = traffic.records.map { String(decoding: $0.payload, as: UTF8.self) }
    let body = ColumnTests.body(ColumnTests.records(texts), level: 6)
    let head = try #require(readHead(body))
    let sum =
      head.headBytes + head.recordBytes + head.choiceBytes
      + head.columns.reduce(0) { $0 + $1.bytes }
    #expect(abs(sum - Double(body.count)) < 16, "\(sum) of \(body.count)")
    #expect(!names(head).keys.contains(""))
  }

  /// A body that was cut or changed gives an answer or none, and never more.
  @Test func whatIsMalformedIsRefused() throws {
    let texts = (0..<50).map { #"{"a":\#($0 * 31 % 17),"b":"\#($0)","c":[1,\#($0)]}"# }
    let body = ColumnTests.body(ColumnTests.records(texts))
    for length in 0..<body.count / 2 { _ = readHead(Array(body[..<length])) }
    #expect(readHead(Array(body[..<3])) == nil)
    for index in body.indices {
      var changed = body
      changed[index] ^= 0x81
      if let head = readHead(changed) { _ = ColumnNames(head).names }
    }
  }
}
