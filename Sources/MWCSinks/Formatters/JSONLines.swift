package import MWCCore

/// Spells recorded messages as JSON lines: everything that is known of a message, one object a line,
/// and nothing lost.
///
/// ```
///   {"time":"2026-11-21T12:03:11.204000000Z","time_ns":…,"monotonic_ns":…,"connection":1,
///    "direction":"in","opcode":"text","payload":"{\"type\":\"welcome\"}"}
///   {…,"connection":1,"direction":"in","opcode":"binary","payload_base64":"AAEC"}
///   {…,"connection":1,"event":"closed","data":{"code":1000,"reason":"","by":"server"}}
/// ```
///
/// `payload` holds a text message so that a JSON parser gives back its exact bytes. Binary messages,
/// control frames, and text that is not UTF-8 after all, stand in `payload_base64`. Kinds of other
/// programs have a number as `event` and their payload in `payload_base64`.
package struct JSONLines {
  private var json = JSONWriter(capacity: 4096)

  package init() {}

  /// Appends the line of `message`.
  package mutating func append(_ message: borrowing Message, to output: inout OutputBuffer) {
    json.removeAll()
    json.beginObject()
    json.member("time", Timestamp.rfc3339(nanoseconds: message.wallTime))
    json.member("time_ns", message.wallTime)
    json.member("monotonic_ns", message.monotonicTime)
    json.member("connection", message.connection)
    if message.kind.isFrame {
      json.member("direction", message.direction == .received ? "in" : "out")
      json.member("opcode", message.kind.description)
      appendPayload(message.payload, isText: message.kind == .text)
    } else {
      appendEvent(message.kind, message.payload)
    }
    json.endObject()
    json.endLine()
    unsafe output.append(json.bytes.span.bytes)
  }

  private mutating func appendPayload(_ payload: RawSpan, isText: Bool) {
    if isText, payload.isUTF8 {
      json.key("payload")
      json.string(utf8: payload)
    } else {
      json.key("payload_base64")
      unsafe json.string(utf8: Base64.encode(payload).span.bytes)
    }
  }

  private mutating func appendEvent(_ kind: Message.Kind, _ payload: RawSpan) {
    if kind.isPrivate {
      json.member("event", kind.rawValue)
      appendPayload(payload, isText: false)
      return
    }
    json.member("event", kind.description)
    if payload.isJSONOnOneLine {
      json.key("data")
      json.verbatim(payload)
    } else {
      // Written by something that does not keep to the format; shown, not trusted.
      appendPayload(payload, isText: true)
    }
  }
}

extension Message.Kind {
  /// Of another program's making (`docs/FORMAT.md`, section 5).
  fileprivate var isPrivate: Bool { rawValue >= 192 }
}

extension RawSpan {
  /// Whether this is JSON that can stand inside a line: a line break would end the line, a control
  /// character could steer a terminal.
  fileprivate var isJSONOnOneLine: Bool {
    for index in 0..<byteCount {
      let byte = byte(at: index)
      if byte < 0x20 || byte == 0x7F { return false }
      if byte == 0xC2, index + 1 < byteCount, self.byte(at: index + 1) < 0xA0 { return false }
    }
    do {
      try JSONEvent.forEach(in: self) { _ in }
      return true
    } catch {
      return false
    }
  }
}
