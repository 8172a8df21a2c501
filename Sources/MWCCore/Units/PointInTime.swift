/// A point in a recording as people type it: an offset (`+90s`), a share (`25%`) or a wall-clock
/// time (RFC 3339, `2026-11-21T12:03:11.5+01:00`).
package enum PointInTime: Hashable, Sendable {
  /// Nanoseconds after the start of the recording.
  case offset(Int64)
  /// Part of the recorded time span, 0 to 1.
  case share(Double)
  /// Nanoseconds since 1970 (UTC).
  case wall(Int64)

  /// - Returns: nil when `text` is none of the three forms.
  package init?(_ text: String) {
    if text.hasPrefix("+") {
      guard let offset = DurationText(String(text.dropFirst())) else { return nil }
      self = .offset(offset.nanoseconds)
    } else if text.hasSuffix("%") {
      guard let millionths = DecimalText.scaled(text.dropLast(), by: 1_000_000),
        millionths <= 100_000_000
      else { return nil }
      self = .share(Double(millionths) / 100_000_000)
    } else {
      guard let wall = Timestamp.nanoseconds(rfc3339: text) else { return nil }
      self = .wall(wall)
    }
  }
}
