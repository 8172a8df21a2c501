package import MWCCore

/// One JSON object for each message, a line each: the form in which simple recorders keep
/// conversations, and `JSONLinesImporter` reads them back.
///
/// ```
///   {"t":1795256060601024098,"dir":"in","op":"text","data":"{\"type\":\"welcome\"}"}
///   {"t":1795256077715325518,"dir":"out","op":"ping","b64":"YWJj"}
///   {"t":1795256077715900001,"conn":2,"dir":"in","op":"close","code":1000,"reason":""}
/// ```
///
/// `t` is the wall-clock time in nanoseconds. `data` is a text exactly as received; what is binary, a
/// control frame or not UTF-8 stands in `b64`. `conn` is left out for connection 1. Of the events only
/// the end of a connection has a place.
package final class JSONLinesExporter: CaptureExporter {
  private let output: ExportOutput
  private var json = JSONWriter(capacity: 4096)
  private var closing = JSONScanner(valid: ["code", "reason", "by"])

  package init(to output: ExportOutput) { self.output = output }

  package func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) -> Bool {
    guard record.kind.isFrame || record.kind == .closed else { return false }
    json.removeAll()
    json.beginObject()
    json.member("t", record.wallTime)
    if record.connection != 1 { json.member("conn", record.connection) }
    if record.kind == .closed {
      appendClose(record.payload)
    } else {
      json.member("dir", record.direction == .received ? "in" : "out")
      json.member("op", record.kind.description)
      if record.kind == .text, record.payload.isUTF8 {
        json.key("data")
        json.string(utf8: record.payload)
      } else {
        json.key("b64")
        unsafe json.string(utf8: Base64.encode(record.payload).span.bytes)
      }
    }
    json.endObject()
    json.endLine()
    output.append(json)
    try output.flushIfDue()
    return true
  }

  private func appendClose(_ event: RawSpan) {
    let close = Close(event, &closing)
    json.member("dir", close.isOurs ? "out" : "in")
    json.member("op", "close")
    json.member("code", close.code)
    json.member("reason", close.reason)
  }

  package func finish() throws(CaptureError) { try output.flush() }
}

/// How a connection ended, as far as its event says so.
private struct Close {
  /// 1005 is what RFC 6455 calls a close without a code.
  var code: Int64 = 1005
  var reason = ""
  var isOurs = false

  init(_ event: RawSpan, _ scanner: inout JSONScanner) {
    do throws(JSONError) {
      let values = try scanner.scan(event)
      code = values[0].int64 ?? 1005
      reason = values[1].string ?? ""
      isOurs = values[2].isString("client")
    } catch {
      // Written by something that does not keep to the format: closed, and nothing known about it.
    }
  }
}
