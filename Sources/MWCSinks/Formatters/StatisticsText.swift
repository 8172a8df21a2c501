internal import MWCCore

/// The block of counters that the text formats share.
///
/// ```
///
/// === Client Statistics ===
/// Messages: 1250 received, 45 sent
/// Data: 2.0 MB received, 8.0 KB sent
/// Uptime: 1h 0m
/// Reconnects: 2
/// Errors: 0
/// ```
enum StatisticsText {
  private enum Field: Int, CaseIterable {
    case messagesReceived, messagesSent, bytesReceived, bytesSent, uptime, reconnects, errors

    var path: String {
      switch self {
      case .messagesReceived: "messages_received"
      case .messagesSent: "messages_sent"
      case .bytesReceived: "bytes_received"
      case .bytesSent: "bytes_sent"
      case .uptime: "uptime_seconds"
      case .reconnects: "reconnect_attempts"
      case .errors: "error_count"
      }
    }
  }

  /// `json` is an object with the members of `SessionStatistics`; missing ones show as `N/A`.
  static func append(_ json: RawSpan, to output: inout OutputBuffer) {
    var scanner = JSONScanner(valid: Field.allCases.map(\.path))
    do throws(JSONError) {
      append(try scanner.scan(json), to: &output)
    } catch {
      preconditionFailure("statistics are not JSON: \(error)")
    }
  }

  private static func append(_ values: borrowing JSONValues, to output: inout OutputBuffer) {
    output.append("\n=== Client Statistics ===\nMessages: " as StaticString)
    appendCount(values[Field.messagesReceived.rawValue], to: &output)
    output.append(" received, " as StaticString)
    appendCount(values[Field.messagesSent.rawValue], to: &output)
    output.append(" sent\nData: " as StaticString)
    appendSize(values[Field.bytesReceived.rawValue], to: &output)
    output.append(" received, " as StaticString)
    appendSize(values[Field.bytesSent.rawValue], to: &output)
    output.append(" sent\nUptime: " as StaticString)
    let uptime = values[Field.uptime.rawValue]
    if let seconds = uptime.isMissing ? 0 : uptime.double, seconds.isFinite {
      appendDuration(seconds, to: &output)
    } else {
      output.append("N/A" as StaticString)
    }
    output.append("\nReconnects: " as StaticString)
    appendCount(values[Field.reconnects.rawValue], to: &output)
    output.append("\nErrors: " as StaticString)
    appendCount(values[Field.errors.rawValue], to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  private static func appendCount(_ value: borrowing JSONValue, to output: inout OutputBuffer) {
    guard value.kind == .number else { return output.append("N/A" as StaticString) }
    output.appendPython(number: value.text, isInteger: value.isInteger)
  }

  private static func appendSize(_ value: borrowing JSONValue, to output: inout OutputBuffer) {
    guard let bytes = value.double else { return output.append("N/A" as StaticString) }
    output.appendSize(bytes)
  }

  /// Rounded to seconds, ties to even: `45s`, `2m 5s`, `26h 3m`. The larger unit counts what is full.
  private static func appendDuration(_ seconds: Double, to output: inout OutputBuffer) {
    let whole = seconds.rounded(.toNearestOrEven)
    guard whole >= 60 else {
      output.appendFixed(whole, places: 0)
      return output.append("s" as StaticString)
    }
    // A century of uptime fits; beyond it the last digits do not matter.
    let total = Int(min(whole, 4e9))
    if total < 3600 {
      output.appendPadded(total / 60, digits: 1)
      output.append("m " as StaticString)
      output.appendPadded(total % 60, digits: 1)
      output.append("s" as StaticString)
    } else {
      output.appendPadded(total / 3600, digits: 1)
      output.append("h " as StaticString)
      output.appendPadded(total % 3600 / 60, digits: 1)
      output.append("m" as StaticString)
    }
  }
}
