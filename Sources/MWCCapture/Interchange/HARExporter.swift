package import MWCCore

/// An HTTP archive (HAR 1.2) with the messages of WebSockets, as Chrome's developer tools save and
/// open it.
///
/// ```
///   {"log":{"version":"1.2","creator":{…},"pages":[],"entries":[
///     {"_resourceType":"websocket","startedDateTime":"…","request":{…},"response":{…},…,
///      "_webSocketMessages":[{"type":"receive","time":1795256060.601024098,"opcode":1,"data":"…"}],
///      "time":5001.2}]}}
/// ```
///
/// An entry is one connection from its opening to the next; the messages of a connection stand
/// together, so the capture is gone through once for each: call `begin` before each time, and give
/// `append` only what belongs to that connection. Control frames, events and texts that are not UTF-8
/// have no place, but that an opening begins an entry.
package final class HARExporter: CaptureExporter {
  private let output: ExportOutput
  private var json = JSONWriter(capacity: 4096)
  private var opening = JSONScanner(valid: ["uri", "subprotocol", "headers", "extensions"])
  private var connection: UInt32 = 1
  private var hasEntries = false
  /// The entry being written.
  private var entry: Entry?
  /// What is known of the opening that the next message belongs to.
  private var start: Start?

  private struct Entry {
    var startTime: Int64
    var latestTime: Int64
    var hasMessages = false
  }

  private struct Start {
    var time: Int64
    var uri: String?
    var headers: [(name: String, value: String)] = []

    init(time: Int64) { self.time = time }

    /// From the event of an opening.
    init(time: Int64, _ event: RawSpan, _ scanner: inout JSONScanner) {
      self.init(time: time)
      do throws(JSONError) {
        let values = try scanner.scan(event)
        uri = values[0].string
        headers = HARExporter.members(values[2].text)
        if let subprotocol = values[1].string {
          headers.append(("sec-websocket-protocol", subprotocol))
        }
        if let extensions = values[3].string, !extensions.isEmpty {
          headers.append(("sec-websocket-extensions", extensions))
        }
      } catch {
        // Written by something that does not keep to the format: opened, and nothing known about it.
      }
    }
  }

  /// - Parameters:
  ///   - tool: name of this program.
  ///   - version: its version.
  ///   - output: where to; nothing has been written there.
  package init(tool: String, version: String, to output: ExportOutput) {
    self.output = output
    json.beginObject()
    json.key("log")
    json.beginObject()
    json.member("version", "1.2")
    json.key("creator")
    json.beginObject()
    json.member("name", tool)
    json.member("version", version)
    json.endObject()
    json.key("pages")
    json.beginArray()
    json.endArray()
    json.key("entries")
    json.beginArray()
    output.append(json)
    json.removeAll()
  }

  /// What follows belongs to this connection.
  package func begin(connection: UInt32) {
    endEntry()
    start = nil
    self.connection = connection
  }

  package func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) -> Bool {
    if record.kind == .opened {
      endEntry()
      start = Start(time: record.wallTime, record.payload, &opening)
      beginEntry(session)
      return true
    }
    // Its strings cannot hold a text that is not UTF-8.
    guard record.kind == .binary || record.kind == .text && record.payload.isUTF8 else {
      return false
    }
    if entry == nil {
      start = Start(time: record.wallTime)
      beginEntry(session)
    }
    appendMessage(record)
    try output.flushIfDue()
    return true
  }

  private func appendMessage(_ record: borrowing Message) {
    json.removeAll()
    output.append(entry?.hasMessages == true ? ",\n" : "\n")
    json.beginObject()
    json.member("type", record.direction == .received ? "receive" : "send")
    json.key("time")
    unsafe json.verbatim(HARExporter.seconds(record.wallTime).span.bytes)
    json.member("opcode", record.kind.rawValue)
    json.key("data")
    if record.kind == .text {
      json.string(utf8: record.payload)
    } else {
      unsafe json.string(utf8: Base64.encode(record.payload).span.bytes)
    }
    json.endObject()
    output.append(json)
    entry?.hasMessages = true
    entry?.latestTime = record.wallTime
  }

  /// Seconds since 1970 with all nine decimals.
  private static func seconds(_ nanoseconds: Int64) -> [UInt8] {
    let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    let digits = "\(rest)"
    let zeros = String(repeating: "0", count: 9 - digits.count)
    return Array("\(nanoseconds < 0 ? "-" : "")\(whole).\(zeros)\(digits)".utf8)
  }

  /// The members of a flat object whose values are strings.
  private static func members(_ object: RawSpan) -> [(name: String, value: String)] {
    var members: [(name: String, value: String)] = []
    var key: String?
    do throws(JSONError) {
      try JSONEvent.forEach(in: object) { event in
        guard event.depth == 1 else { return }
        // Header names and values that need escapes are not worth a second copy of the rules.
        let text = event.hasEscapes ? nil : String(lossy: object.extracting(event.range))
        switch event.kind {
        case .key: key = text
        case .string:
          if let key, let text { members.append((key, text)) }
        default: break
        }
      }
    } catch { return [] }
    return members
  }

  private func beginEntry(_ session: CaptureSession) {
    guard let start else { return }
    entry = Entry(startTime: start.time, latestTime: start.time)
    let url = start.uri ?? session.uri(of: connection) ?? "ws://unknown/"
    json.removeAll()
    json.beginObject()
    json.member("_resourceType", "websocket")
    json.member("connection", "\(connection)")
    json.member("startedDateTime", Timestamp.rfc3339(nanoseconds: start.time))
    json.key("request")
    appendRequest(url)
    json.key("response")
    appendResponse(start.headers)
    json.key("cache")
    json.beginObject()
    json.endObject()
    json.key("timings")
    json.beginObject()
    for phase in ["send", "wait", "receive"] { json.member(phase, 0) }
    json.endObject()
    json.key("_webSocketMessages")
    json.beginArray()
    output.append(hasEntries ? ",\n" : "\n")
    output.append(json)
    hasEntries = true
  }

  private func appendRequest(_ url: String) {
    json.beginObject()
    json.member("method", "GET")
    json.member("url", url)
    json.member("httpVersion", "HTTP/1.1")
    for name in ["cookies", "headers", "queryString"] { appendEmptyArray(name) }
    json.member("headersSize", -1)
    json.member("bodySize", 0)
    json.endObject()
  }

  private func appendResponse(_ headers: [(name: String, value: String)]) {
    json.beginObject()
    json.member("status", 101)
    json.member("statusText", "Switching Protocols")
    json.member("httpVersion", "HTTP/1.1")
    appendEmptyArray("cookies")
    json.key("headers")
    json.beginArray()
    for header in headers {
      json.beginObject()
      json.member("name", header.name)
      json.member("value", header.value)
      json.endObject()
    }
    json.endArray()
    json.key("content")
    json.beginObject()
    json.member("size", 0)
    json.member("mimeType", "x-unknown")
    json.endObject()
    json.member("redirectURL", "")
    json.member("headersSize", -1)
    json.member("bodySize", 0)
    json.endObject()
  }

  private func appendEmptyArray(_ name: String) {
    json.key(name)
    json.beginArray()
    json.endArray()
  }

  private func endEntry() {
    guard let entry else { return }
    let nanoseconds = max(0, entry.latestTime.subtractingSaturating(entry.startTime))
    output.append("],\"time\":\(Double(nanoseconds) / 1e6)}")
    self.entry = nil
  }

  package func finish() throws(CaptureError) {
    endEntry()
    output.append("\n]}}\n")
    try output.flush()
  }
}
