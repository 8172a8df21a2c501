package import MWCCore

/// A table of values: a row for each message that has at least one of them, a column for each path.
///
/// ```
///   time,connection,data.memory.percentage,data.processor.usage_percent
///   2026-11-21T10:14:21.182852034Z,1,4.3,100.0
/// ```
///
/// As in RFC 4180: lines end with CR LF, and a field with a comma, a quote or a line break stands in
/// quotes. Numbers are spelled as they came; strings have their escapes resolved; arrays and objects
/// are JSON; what is missing or null is empty, while an empty string is `""`.
package final class CSVExporter: CaptureExporter {
  private let output: ExportOutput
  private let paths: PathInterest
  package var interest: PathInterest? { paths }
  private var scanner: JSONScanner

  /// - Parameters:
  ///   - paths: what to write, like `data.gpus[0].name`.
  ///   - output: where to.
  /// - Throws: `JSONError` whose offset is the index of the path at fault.
  package init(paths: [String], to output: ExportOutput) throws(JSONError) {
    scanner = try JSONScanner(paths: paths, options: .nonFinite)
    self.paths = PathInterest(paths)
    self.output = output
    output.append("time,connection")
    for path in paths {
      output.buffer.append(UInt8(ascii: ","))
      let name = Array(path.utf8)
      unsafe CSVExporter.appendField(name.span.bytes, to: output.buffer)
    }
    output.append("\r\n")
  }

  package func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) -> Bool {
    guard record.kind == .text else { return false }
    let start = output.buffer.count
    let time = Timestamp.rfc3339Bytes(nanoseconds: record.wallTime)
    unsafe output.buffer.append(time.span.bytes)
    output.append(",\(record.connection)")
    guard
      CSVExporter.appendValues(
        record, paths, &scanner, to: output.buffer)
    else {
      output.buffer.truncate(to: start)
      return false
    }
    output.append("\r\n")
    try output.flushIfDue()
    return true
  }

  package func finish() throws(CaptureError) { try output.flush() }

  /// Appends a field for each path; false when there is none of them.
  private static func appendValues(
    _ record: borrowing Message, _ interest: PathInterest, _ scanner: inout JSONScanner,
    to buffer: ByteBuffer
  ) -> Bool {
    var hasValue = false
    do throws(JSONError) {
      let values = try scanner.scan(record, as: interest)
      for index in interest.paths.indices {
        buffer.append(UInt8(ascii: ","))
        let value = values[index]
        if !value.isMissing { hasValue = true }
        append(value, to: buffer)
      }
    } catch { return false }  // What is not JSON has no values.
    return hasValue
  }

  private static func append(_ value: borrowing JSONValue, to buffer: ByteBuffer) {
    switch value.kind {
    case .missing, .null: break
    case .true, .false, .number: buffer.append(value.text)
    case .string:
      var text: [UInt8] = []
      value.appendString(to: &text)
      unsafe appendField(text.span.bytes, to: buffer)
    case .array, .object: appendField(value.text, to: buffer)
    }
  }

  private static func appendField(_ text: RawSpan, to buffer: ByteBuffer) {
    guard needsQuotes(text) else { return buffer.append(text) }
    let quote = UInt8(ascii: "\"")
    buffer.append(quote)
    for index in 0..<text.byteCount {
      let byte = text.byte(at: index)
      if byte == quote { buffer.append(quote) }
      buffer.append(byte)
    }
    buffer.append(quote)
  }

  private static func needsQuotes(_ text: RawSpan) -> Bool {
    let space = UInt8(ascii: " ")
    guard text.byteCount > 0, text.byte(at: 0) != space,
      text.byte(at: text.byteCount - 1) != space
    else { return true }
    for index in 0..<text.byteCount {
      switch text.byte(at: index) {
      case UInt8(ascii: "\""), UInt8(ascii: ","), 0x0A, 0x0D: return true
      default: break
      }
    }
    return false
  }
}
