/// A length of time as people type it: `250ms`, `5s`, `10m`, `2h`, `1h30m`, or plain seconds.
package struct DurationText: Hashable, Sendable {
  /// Nanoseconds, never negative.
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) {
    precondition(nanoseconds >= 0, "a duration is not negative")
    self.nanoseconds = nanoseconds
  }

  package var duration: Duration { .nanoseconds(nanoseconds) }

  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
    ("m", 60_000_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
  ]

  /// - Returns: nil when `text` is none of the forms above or does not fit 292 years.
  package init?(_ text: String) {
    var rest = text[...]
    var total: Int64 = 0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(number.count)
      let name = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(name.count)
      // A bare number counts as seconds, but only when it stands alone.
      let isAlone = number.count == text.count
      guard
        let unit = isAlone
          ? 1_000_000_000 : Self.units.first(where: { $0.name == name })?.nanoseconds,
        let part = DecimalText.scaled(number, by: unit)
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow else { return nil }
      total = sum
    }
    nanoseconds = total
  }
}

extension DurationText: CustomStringConvertible {
  /// The shortest form that reads back as the same length: `250ms`, `90s`, `2h`.
  package var description: String {
    if nanoseconds == 0 { return "0s" }
    for (name, unit) in [
      ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
      ("ms", 1_000_000), ("us", 1_000),
    ] as [(String, Int64)] where nanoseconds % unit == 0 {
      return "\(nanoseconds / unit)\(name)"
    }
    return "\(nanoseconds)ns"
  }
}
