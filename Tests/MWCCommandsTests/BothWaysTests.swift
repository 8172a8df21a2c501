import Foundation
import MWC
import MWCCapture
import MWCCore
import MWCReplay
import MWCSinks
import MWCTestSupport
import SystemPackage
import Testing

@testable import MWCCommands

/// What is shown of a capture does not depend on how it is stored: from columns, of which only those
/// are decoded that somebody reads, comes what comes from rows, byte for byte.
@Suite struct BothWaysTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: Captures

  /// The same records in rows, in columns, and as a recorder that was killed leaves them.
  private struct Captures {
    var rows: String
    var others: [String]
  }

  private func write(_ records: [MadeCapture.Record]) throws -> Captures {
    let captures = Captures(
      rows: folder.file("rows.cap"),
      others: ["columns.cap", "killed.cap"].map { folder.file($0) })
    try MadeCapture.write(captures.rows, records, form: .rows)
    try MadeCapture.write(captures.others[0], records, blockSize: 1 << 16, form: .columns)
    try MadeCapture.write(captures.others[1], records, blockSize: 1 << 14, form: .killed)
    return captures
  }

  /// Values in all spellings where the formats look for them.
  private static let spellings: [MadeCapture.Record] = {
    let values = [
      "12.5", "12.50", "1e1", "0", "-0", "-0.0", "1e23", "90", "79.95", "null", "true", "false",
      "\"45\"", "\"4\\u0035\"", "[]", "[1,2]", "{}", "{\"a\":1}", "123456789012345678901",
      "9223372036854775807", "0.1234567890123456", "NaN", "Infinity", "80.00000000000001", "\"\"",
      "\"2026-11-21T10:23:08.517999\"", "\"2026-11-21T10:23:09\"", "\"\\\\T12\"", "\"é\"", "1.", "",
    ]
    var texts: [String] = []
    for repeats in [1, 4] {
      for value in values {
        for key in ["usage_percent", "percentage"] {
          let data =
            #""processor":{"usage_percent":\#(value)},"memory":{"\#(key)":\#(value),"used":\#(value)},"#
            + #""disk":{"percentage":1.5},"gpu":\#(value)"#
          let text =
            #"{"type":"monitoring_data","timestamp":\#(value),"data":{\#(data)}}"#
          texts += Array(repeating: text, count: repeats)
        }
        texts.append(#"{"type":\#(value),"message":"x"}"#)
        texts.append(
          #"{"type":"monitoring_data","type":\#(value),"data":{"gpu":{"a":\#(value)}}}"#)
        texts.append(#"42["alert",{"level":\#(value),"message":"high"}]"#)
        texts.append(
          #"{"level":\#(value),"level":5,"deep":[[[\#(value)]]],"list":["x",\#(value)]}"#)
        texts.append(value)
      }
    }
    return texts.enumerated().map { number, text in
      .init(
        at: Int64(number) * 7, text, connection: UInt32(1 + number % 3),
        kind: number % 41 == 40 ? .binary : .text,
        direction: number % 53 == 52 ? .sent : .received)
    }
  }()

  private static let sources = ["spellings"] + TrafficFile.names

  private static func records(_ name: String) throws -> [MadeCapture.Record] {
    if name == "spellings" { return spellings }
    return MadeCapture.records(of: try TrafficFile(named: name))
  }

  // MARK: Replaying

  private struct Shown: Equatable {
    var text: Data
    var bad: UInt64
    var messages: UInt64
    var bytes: UInt64
  }

  private func play(_ file: String, _ format: OutputFormat, _ filter: String?) throws -> Shown {
    let path = folder.file("shown")
    let descriptor = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    defer { try? descriptor.close() }
    var options = PlayerOptions(files: [file])
    options.speed = .max
    options.filter = try filter.map { try FilterExpression($0) }
    let player = try Player(options, output: DescriptorOutput(descriptor))
    let playback = player.play(as: format.makeFormatter(color: true, secondsFromUTC: 3600))
    #expect(playback.end == .finished)
    return Shown(
      text: try Data(contentsOf: URL(fileURLWithPath: path)), bad: playback.bad.count,
      messages: playback.statistics.messages, bytes: playback.statistics.bytes)
  }

  private static let filters: [String?] = [
    nil, "data.processor.usage_percent > 20", "type == \"monitoring_data\" or level >= 4",
    "not data.memory.percentage <= 50.5", "$type contains \"a\"", "list contains \"x\"",
    "$kind == \"text\" and $size > 100", "timestamp matches \"08\"", "exists(data.gpu)",
    "data.memory.used == data.processor.usage_percent", "type in (\"connection\", 0)",
  ]

  @Test(arguments: sources) func everyFormatShowsTheSame(source: String) throws {
    let captures = try write(Self.records(source))
    for format in OutputFormat.allCases {
      for filter in Self.filters {
        let rows = try play(captures.rows, format, filter)
        for other in captures.others {
          #expect(try play(other, format, filter) == rows, "\(format) \(filter ?? "") \(other)")
        }
      }
    }
  }

  // MARK: Tools

  private func csv(_ file: String, _ paths: [String], _ filter: String?) throws -> Data {
    let path = folder.file("table.csv")
    let stored = try LocalFile.writing(path, existing: .overwrite)
    defer { stored.close() }
    let output = ExportOutput(stored, name: path)
    var selection = CaptureSelection()
    selection.filter = try filter.map { try FilterExpression($0) }
    var records = try SelectedRecords.open(file, selection)
    let exporter = try CSVExporter(paths: paths, to: output)
    records.announce(exporter.interest)
    while try records.advance() { _ = try exporter.append(records.current, of: records.session) }
    try exporter.finish()
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private func plot(_ file: String, _ paths: [String]) throws -> String {
    var records = try SelectedRecords.open(file, CaptureSelection())
    var data = PlotData(paths: paths)
    try data.read(&records, ProgressLine(total: nil))
    return PlotSummary("x", data).json
  }

  @Test(arguments: sources) func toolsSeeTheSame(source: String) throws {
    let captures = try write(Self.records(source))
    let paths = [
      "type", "timestamp", "data.processor.usage_percent", "data.memory.used", "data.gpu", "level",
      "data.gpu.a", "deep[0][0][0]", "list", "cpu.percent_total", "payload", "payload[0].id", "$",
    ]
    for other in captures.others {
      for filter in Self.filters {
        #expect(try csv(other, paths, filter) == csv(captures.rows, paths, filter))
      }
      #expect(try plot(other, paths) == plot(captures.rows, paths))
    }
  }
}
