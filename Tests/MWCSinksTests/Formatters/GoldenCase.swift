import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

/// One line of `golden/formatters/bulk.jsonl`: what the original client printed for an input.
struct GoldenCase: Decodable, Sendable {
  enum Kind: String, Decodable, Sendable { case data, connection, error, stats }
  enum Format: String, Decodable, Sendable {
    case simple, detailed, compact, json
    case line = "json-line"
    case compactWithoutTime = "compact-notime"
  }

  var kind: Kind
  var name: String
  var format: Format
  /// Nil where colour has no effect.
  var color: Bool?
  /// The input as JSON text.
  var input: String
  /// What the original printed, without the newline that printing adds; nil if it raised an error.
  var expected: String?

  private enum CodingKeys: String, CodingKey {
    case kind, format, color, input, expected
    case name = "case"
  }

  static func all() throws -> [GoldenCase] {
    let file = try TestSupport.sharedFile("golden/formatters/bulk.jsonl")
    return try Data(contentsOf: URL(fileURLWithPath: file))
      .split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(GoldenCase.self, from: Data($0)) }
  }

  /// Name for messages: `data/gpu/detailed/color`.
  var id: String {
    "\(kind)/\(name)/\(format.rawValue)" + (color.map { $0 ? "/color" : "/plain" } ?? "")
  }

  /// What our formatter prints for the input, without the last newline.
  func actual() throws -> String {
    var formatter = makeFormatter()
    var output = OutputBuffer()
    switch kind {
    case .data:
      let outcome = formatter.format(text: input, into: &output)
      #expect(outcome == .printed, "\(id)")
    case .connection, .error:
      struct Text: Decodable { var text: String }
      let text = try JSONDecoder().decode(Text.self, from: Data(input.utf8)).text
      if kind == .connection {
        formatter.formatConnection(text, at: Self.wallTime, into: &output)
      } else {
        formatter.formatError(text, at: Self.wallTime, into: &output)
      }
    case .stats:
      let bytes = Array(input.utf8)
      unsafe formatter.formatStatistics(json: bytes.span.bytes, into: &output)
    }
    let text = output.text
    #expect(text.last == "\n", "\(id) does not end its line")
    return String(text.dropLast())
  }

  /// 2024-01-15 14:30:25.123456789 UTC: the original's clock stood at 14:30:25.
  static let wallTime: Int64 = 1_705_329_025_123_456_789

  private func makeFormatter() -> any MessageFormatter {
    let clock = LocalClock(secondsFromUTC: 0)
    let color = color ?? false
    return switch format {
    case .simple: TextFormatter(.simple, color: color, clock: clock)
    case .detailed: TextFormatter(.detailed, color: color, clock: clock)
    case .compact: TextFormatter(.compact, color: color, clock: clock)
    case .compactWithoutTime: TextFormatter(.compact, color: color, showsTime: false, clock: clock)
    case .json: JSONFormatter(.indented)
    case .line: JSONFormatter(.line)
    }
  }
}

extension MessageFormatter {
  /// Formats a message that was received as text on connection 1.
  mutating func format(
    text: String, kind: Message.Kind = .text, into output: inout OutputBuffer
  ) -> FormatOutcome {
    let bytes = Array(text.utf8)
    return unsafe format(
      Message(
        wallTime: GoldenCase.wallTime, monotonicTime: 0, connection: 1, kind: kind,
        payload: bytes.span.bytes), into: &output)
  }
}

extension OutputBuffer {
  var text: String {
    unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
