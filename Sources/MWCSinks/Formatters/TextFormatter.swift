internal import MWCCore

/// The formats `simple`, `compact` and `detailed`.
///
/// | message | shown as |
/// |---|---|
/// | `monitoring_data`, or one of the `metrics` dialect | the readings |
/// | `connection` | its `message` as connection text |
/// | anything else on a connection that speaks the monitoring dialect | nothing, as the original client |
/// | `error`, `error_message` elsewhere | its text as error text |
/// | other JSON, Socket.IO packets | one line: type or packet head, and compact JSON |
///
/// Only what was received is shown, not what we sent ourselves. Numbers that are missing or no numbers
/// show as `N/A`.
final class TextFormatter: MessageFormatter {
  /// What stands for the type of a message without one.
  private static let unnamed: StaticString = "message"

  enum Style { case simple, compact, detailed }

  let style: Style
  let color: Bool
  /// Compact only: whether a line begins with the time.
  let showsTime: Bool
  let table: MemberTable
  var clock: LocalClock
  /// Where texts with escapes are resolved, kept from message to message.
  var scratch: [UInt8] = []
  private let paths: PathInterest
  var interest: PathInterest? { paths }
  private var scanner: JSONScanner
  private var dialects = DialectMemory()

  init(_ style: Style, color: Bool, showsTime: Bool = true, clock: LocalClock = LocalClock()) {
    self.style = style
    self.color = color
    self.showsTime = showsTime
    self.clock = clock
    let last: Member =
      switch style {
      case .simple: .gpuUse
      case .compact: .gpuMemoryUse
      case .detailed: .processUse
      }
    table = MemberTable(upTo: last)
    paths = table.interest
    scanner = JSONScanner(valid: paths.paths, options: .nonFinite)
  }

  func format(_ message: borrowing Message, into output: inout OutputBuffer) -> FormatOutcome {
    guard message.kind.isData, message.direction == .received else { return .skipped }
    return format(message, scanner: &scanner, into: &output)
  }

  private func format(
    _ message: borrowing Message, scanner: inout JSONScanner, into output: inout OutputBuffer
  ) -> FormatOutcome {
    do throws(JSONError) {
      let values = try scanner.scan(message, as: paths)
      let readings = Readings(values, by: table)
      let role = MessageRole(readings)
      guard dialects.shows(role, readings, connection: message.connection) else { return .skipped }
      append(readings, as: role, of: message, to: &output)
      return .printed
    } catch {
      return formatPacket(message, scanner: &scanner, into: &output)
    }
  }

  /// A message that is not JSON as a whole.
  private func formatPacket(
    _ message: borrowing Message, scanner: inout JSONScanner, into output: inout OutputBuffer
  ) -> FormatOutcome {
    if message.kind == .binary { return .skipped }
    let payload = message.payload
    guard let packet = SocketIOPacket(payload) else { return .bad }
    if packet.json.byteCount > 0 {
      do throws(JSONError) { _ = try scanner.scan(packet.json) } catch { return .bad }
    }
    appendLine(head: packet.head, json: packet.json, at: message.wallTime, to: &output)
    return .printed
  }

  private func append(
    _ readings: borrowing Readings, as role: MessageRole, of message: borrowing Message,
    to output: inout OutputBuffer
  ) {
    let wallTime = message.wallTime
    switch role {
    case .readings:
      switch style {
      case .simple: appendSimple(readings, to: &output)
      case .compact: appendCompact(readings, at: wallTime, to: &output)
      case .detailed: appendDetailed(readings, at: wallTime, to: &output)
      }
    case .connection:
      beginConnection(at: wallTime, to: &output)
      appendText(readings[.message], missing: "Connected", to: &output)
      endText(to: &output)
    case .error:
      beginError(at: wallTime, to: &output)
      appendText(readings[.message], missing: "N/A", to: &output)
      endText(to: &output)
    case .other:
      let type = readings[.type]
      if type.kind == .string {
        appendLine(head: type.text, json: message.payload, at: wallTime, to: &output)
      } else {
        appendLine(head: Self.unnamed.span, json: message.payload, at: wallTime, to: &output)
      }
    }
  }

  func formatConnection(
    _ text: String, at wallTime: Int64, into output: inout OutputBuffer
  ) {
    beginConnection(at: wallTime, to: &output)
    output.appendSafe(text)
    endText(to: &output)
  }

  func formatError(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {
    beginError(at: wallTime, to: &output)
    output.appendSafe(text)
    endText(to: &output)
  }

  func formatStatistics(json: RawSpan, into output: inout OutputBuffer) {
    StatisticsText.append(json, to: &output)
  }
}

// MARK: - Pieces that the styles share

extension TextFormatter {
  enum Color: UInt8 { case red = 91, green, yellow, blue, magenta, cyan }

  func begin(_ color: Color, to output: inout OutputBuffer) {
    guard self.color else { return }
    output.append("\u{1B}[" as StaticString)
    output.appendPadded(Int(color.rawValue), digits: 2)
    output.append(UInt8(ascii: "m"))
  }

  func endColor(to output: inout OutputBuffer) {
    if color { output.append("\u{1B}[0m" as StaticString) }
  }

  /// Red from 90 %, yellow from 80 %, of the value before it is rounded.
  func beginUsage(_ percent: Double, to output: inout OutputBuffer) {
    begin(percent >= 90 ? .red : percent >= 80 ? .yellow : .green, to: &output)
  }

  private func beginConnection(at wallTime: Int64, to output: inout OutputBuffer) {
    begin(.blue, to: &output)
    switch style {
    case .simple: output.append("[CONN] " as StaticString)
    case .compact: output.append("► " as StaticString)
    case .detailed: appendClock(wallTime, "CONNECTION: ", to: &output)
    }
  }

  private func beginError(at wallTime: Int64, to output: inout OutputBuffer) {
    begin(.red, to: &output)
    switch style {
    case .simple: output.append("[ERROR] " as StaticString)
    case .compact: output.append("✗ " as StaticString)
    case .detailed: appendClock(wallTime, "ERROR: ", to: &output)
    }
  }

  private func endText(to output: inout OutputBuffer) {
    endColor(to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  /// `[HH:MM:SS] ` and a word.
  private func appendClock(
    _ wallTime: Int64, _ word: StaticString, to output: inout OutputBuffer
  ) {
    output.append(UInt8(ascii: "["))
    clock.appendTime(wallTime, to: &output)
    output.append("] " as StaticString)
    output.append(word)
  }

  /// One line for a message without a shape of its own: `[head] json`, with the time where the style
  /// has one.
  private func appendLine(
    head: RawSpan, json: RawSpan, at wallTime: Int64, to output: inout OutputBuffer
  ) {
    switch style {
    case .simple:
      output.append(UInt8(ascii: "["))
      output.appendSafe(string: head)
      output.append("] " as StaticString)
    case .compact:
      if showsTime {
        appendClock(wallTime, "│ ", to: &output)
      }
      output.appendSafe(string: head)
      output.append(" │ " as StaticString)
    case .detailed:
      appendClock(wallTime, "", to: &output)
      output.appendSafe(string: head)
      output.append(": " as StaticString)
    }
    output.appendCompactJSON(json)
    output.append(UInt8(ascii: "\n"))
  }

  /// A member as Python's `str` shows it: `None`, `True`, numbers in Python's spelling; containers as
  /// compact JSON.
  func appendText(
    _ value: borrowing JSONValue, missing: StaticString = "N/A", to output: inout OutputBuffer
  ) {
    switch value.kind {
    case .missing: output.append(missing)
    case .null: output.append("None" as StaticString)
    case .true: output.append("True" as StaticString)
    case .false: output.append("False" as StaticString)
    case .number: output.appendPython(number: value.text, isInteger: value.isInteger)
    case .string: output.appendSafe(string: value.text)
    case .array, .object: output.appendCompactJSON(value.text)
    }
  }
}

extension StaticString {
  /// The bytes of a literal, which are there for ever.
  fileprivate var span: RawSpan {
    @_lifetime(immortal)
    get {
      let span = unsafe RawSpan(_unsafeStart: utf8Start, byteCount: utf8CodeUnitCount)
      return unsafe _overrideLifetime(span, borrowing: ())
    }
  }
}
