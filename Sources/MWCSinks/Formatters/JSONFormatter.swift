internal import MWCCore

/// The format `json`: messages spelled again as indented JSON, for people and for tools that want the
/// spelling of the original client. (The payload as it came is what `raw` shows.)
///
/// It shows and hides what the text formats do. A welcome is reduced to its text, as the original does
/// it; a Socket.IO packet becomes an object with the members `packet` (its head) and `data`.
final class JSONFormatter: MessageFormatter {
  private static let table = MemberTable(upTo: .cpuUse)
  private var scanner = JSONScanner(valid: table.paths, options: .nonFinite)
  private var printer: JSONPrinter
  private var dialects = DialectMemory()

  var interest: PathInterest? { nil }

  init(_ layout: JSONPrinter.Layout = .indented) { printer = JSONPrinter(layout) }

  func format(_ message: borrowing Message, into output: inout OutputBuffer) -> FormatOutcome {
    guard message.kind.isData, message.direction == .received else { return .skipped }
    return format(message, scanner: &scanner, into: &output)
  }

  private func format(
    _ message: borrowing Message, scanner: inout JSONScanner, into output: inout OutputBuffer
  ) -> FormatOutcome {
    do throws(JSONError) {
      let values = try scanner.scan(message.payload)
      let readings = Readings(values, by: Self.table)
      let role = MessageRole(readings)
      guard dialects.shows(role, readings, connection: message.connection) else { return .skipped }
      if role == .connection {
        appendConnection(readings[.message], to: &output)
      } else {
        try printer.print(message.payload, to: &output)
        output.append(UInt8(ascii: "\n"))
      }
      return .printed
    } catch {
      return formatPacket(message, into: &output)
    }
  }

  /// A message that is not JSON as a whole.
  private func formatPacket(
    _ message: borrowing Message, into output: inout OutputBuffer
  ) -> FormatOutcome {
    if message.kind == .binary { return .skipped }
    guard let packet = SocketIOPacket(message.payload) else { return .bad }
    let start = output.count
    beginMember("packet", isFirst: true, to: &output)
    output.appendASCII(string: packet.head)
    if packet.json.byteCount > 0 {
      beginMember("data", to: &output)
      do throws(JSONError) {
        try printer.print(packet.json, depth: 1, to: &output)
      } catch {
        output.truncate(to: start)
        return .bad
      }
    }
    endObject(to: &output)
    return .printed
  }

  private func appendConnection(_ text: borrowing JSONValue, to output: inout OutputBuffer) {
    beginMember("type", isFirst: true, to: &output)
    output.append("\"connection\"" as StaticString)
    beginMember("message", to: &output)
    switch text.kind {
    case .missing: output.append("\"Connected\"" as StaticString)
    case .string: output.appendASCII(string: text.text)
    default: output.appendCompactJSON(text.text)
    }
    endObject(to: &output)
  }

  func formatConnection(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {
    beginMember("type", isFirst: true, to: &output)
    output.append("\"connection\"" as StaticString)
    beginMember("message", to: &output)
    output.appendASCII(text)
    endObject(to: &output)
  }

  func formatError(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {
    beginMember("type", isFirst: true, to: &output)
    output.append("\"error\"" as StaticString)
    beginMember("error", to: &output)
    output.appendASCII(text)
    endObject(to: &output)
  }

  func formatStatistics(json: RawSpan, into output: inout OutputBuffer) {
    beginMember("type", isFirst: true, to: &output)
    output.append("\"statistics\"" as StaticString)
    beginMember("stats", to: &output)
    do throws(JSONError) {
      try printer.print(json, depth: 1, to: &output)
    } catch {
      preconditionFailure("statistics are not JSON: \(error)")
    }
    endObject(to: &output)
  }

  // MARK: Objects of our own

  /// An opening brace or a comma, and a key.
  private func beginMember(
    _ key: StaticString, isFirst: Bool = false, to output: inout OutputBuffer
  ) {
    output.append(UInt8(ascii: isFirst ? "{" : ","))
    switch printer.layout {
    case .indented: output.append("\n  " as StaticString)
    case .line: if !isFirst { output.append(UInt8(ascii: " ")) }
    }
    output.append(UInt8(ascii: "\""))
    output.append(key)
    output.append("\": " as StaticString)
  }

  private func endObject(to output: inout OutputBuffer) {
    output.append((printer.layout == .indented ? "\n}\n" : "}\n") as StaticString)
  }
}
