import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

/// Messages that were made to do harm.
@Suite struct HostileInputTests {
  private let full = #"""
    {"type":"monitoring_data","timestamp":"2024-01-15T14:30:25.12","data":{"memory":{"total":100,
    "used":50,"available":50,"percentage":50},"processor":{"usage_percent":1e1,"core_count":null},
    "disk":{"percentage":3.5},"gpu":{"name":"G\u00e9ant \ud83d","gpu_usage_percent":1,"temperature":2},
    "system":{"hostname":"h\u001b[2Jé","a":[1,[2,{"b":[]}]]}},"data2":{"x":1,"x":2}}
    """#

  /// A message that is cut anywhere is bad, and leaves nothing behind.
  @Test(arguments: OutputFormat.allCases.filter { $0 != .raw && $0 != .none })
  func everyPrefix(format: OutputFormat) {
    let bytes = Array(full.utf8)
    var formatter = format.makeFormatter(color: true)
    var output = OutputBuffer()
    output.append("before" as StaticString)
    for length in 0..<bytes.count {
      let prefix = Array(bytes[..<length])
      let outcome = unsafe formatter.format(
        Message(
          wallTime: 0, monotonicTime: 0, connection: 1, kind: .text, payload: prefix.span.bytes),
        into: &output)
      #expect(outcome == .bad)
    }
    #expect(output.text == "before")
    #expect(formatter.format(text: full, into: &output) == .printed)
  }

  /// No control character of a payload reaches the terminal, wherever it stands.
  @Test func controlCharacters() {
    let nasty =
      (0..<0x20).map { String(format: "\\u%04x", $0) }.joined()
      + "\u{7F}\u{80}\u{9B}31m\\u007f\\u009b\\u001b]0;title\\u0007"
    let messages = [
      #"{"type":"monitoring_data","timestamp":"T\#(nasty)","data":{"system":{"hostname":"\#(nasty)"}}}"#,
      #"{"type":"monitoring_data","timestamp":"\#(nasty)","data":{"gpu":{"name":"\#(nasty)"}}}"#,
      #"{"type":"connection","message":"\#(nasty)"}"#, #"{"type":"error","message":"\#(nasty)"}"#,
      #"{"type":"\#(nasty)","x":"\#(nasty)"}"#, #"42/ns,["\#(nasty)"]"#,
      #"{"type":"monitoring_data","timestamp":{"a":"\#(nasty)"},"data":{}}"#,
    ]
    for format in [OutputFormat.simple, .compact, .detailed, .json] {
      for message in messages {
        var formatter = format.makeFormatter(color: false)
        var output = OutputBuffer()
        #expect(formatter.format(text: message, into: &output) == .printed)
        for scalar in output.text.unicodeScalars where scalar != "\n" && scalar != "\t" {
          #expect(scalar.properties.generalCategory != .control, "\(format): \(scalar.value)")
        }
      }
      var formatter = format.makeFormatter(color: false)
      var output = OutputBuffer()
      formatter.formatError("a\u{1B}[2J\u{9B}b", at: 0, into: &output)
      #expect(!output.text.unicodeScalars.contains("\u{1B}"))
      #expect(!output.text.unicodeScalars.contains("\u{9B}"))
    }
  }

  @Test(arguments: [
    "1e308", "-1e308", "1e400", "-1e400", "NaN", "Infinity", "123456789012345678901",
  ])
  func absurdNumbers(number: String) {
    let message = """
      {"type":"monitoring_data","data":{"memory":{"total":\(number),"used":\(number),\
      "percentage":\(number)},"processor":{"usage_percent":\(number),"frequency_max":\(number),\
      "core_count":\(number)},"gpu":{"temperature":\(number),"memory_total":\(number)}}}
      """
    for format in [OutputFormat.simple, .compact, .detailed, .json] {
      var formatter = format.makeFormatter(color: true)
      var output = OutputBuffer()
      #expect(formatter.format(text: message, into: &output) == .printed)
      let size = output.count
      #expect(size < 20_000)
    }
  }

  /// Work grows with the size of a message, not with its square.
  @Test func manyRepeatedKeys() {
    let members = (0..<100_000).map { #""k\#($0 % 50_000)":\#($0)"# }
    var formatter = OutputFormat.json.makeFormatter(color: false)
    var output = OutputBuffer()
    let outcome = formatter.format(
      text: "{" + members.joined(separator: ",") + "}", into: &output)
    #expect(outcome == .printed)
    let lines = output.text.split(separator: "\n")
    #expect(lines.count == 50_002)
    #expect(lines[1] == #"  "k0": 50000,"#)
    #expect(lines[50_000] == #"  "k49999": 99999"#)
  }

  @Test func deepNesting() {
    for depth in [1024, 1025] {
      let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      var formatter = OutputFormat.json.makeFormatter(color: false)
      var output = OutputBuffer()
      let outcome = formatter.format(text: text, into: &output)
      #expect(outcome == (depth == 1024 ? .printed : .bad))
    }
  }
}
