internal import MWCCore

/// Payload of a `gap` record: why messages are missing, and how many (`docs/FORMAT.md`, section 5).
package struct GapRecord: Hashable, Sendable {
  /// `disconnected`, `overload`, `disk-full`, `io-error`, `suspended`, `damaged`.
  package var reason: String
  /// Messages missing; nil when unknown.
  package var messages: UInt64?
  /// Payload bytes missing; nil when unknown.
  package var bytes: UInt64?
  /// How long nothing was recorded, nanoseconds.
  package var duration: Int64

  package init(reason: String, messages: UInt64?, bytes: UInt64?, duration: Int64) {
    self.reason = reason
    self.messages = messages
    self.bytes = bytes
    self.duration = duration
  }

  /// The JSON object.
  package var json: String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("reason", reason)
    writer.member("messages", messages)
    writer.member("bytes", bytes)
    writer.member("duration_ns", duration)
    writer.endObject()
    return writer.text
  }

  /// Reads the members of a gap's flat object. What is missing or not as expected stays unknown: a
  /// gap is a gap, whoever wrote it.
  package init(payload: RawSpan) {
    let text = String(lossy: payload)
    func value(_ name: String) -> Substring? {
      // A quote inside of a string is escaped, so this cannot match there.
      guard let colon = text.firstRange(of: "\"\(name)\":") else { return nil }
      return text[colon.upperBound...].drop { $0 == " " }
    }
    func number(_ name: String) -> Substring? {
      value(name)?.prefix { $0.isNumber || $0 == "-" }
    }
    reason = value("reason").map { String($0.dropFirst().prefix { $0 != "\"" }) } ?? ""
    messages = number("messages").flatMap { UInt64($0) }
    bytes = number("bytes").flatMap { UInt64($0) }
    duration = number("duration_ns").flatMap { Int64($0) } ?? 0
  }
}
