internal import MWCCore

/// Times as other programs write them.
enum ForeignTime {
  /// Nanoseconds since 1970 of decimal digits in some unit, exact to the nanosecond; digits beyond are
  /// cut off. Nil when they are not digits with at most one point and a sign, or out of range.
  ///
  /// - Parameters:
  ///   - text: such as `1795256060.601024098`.
  ///   - unit: nanoseconds in 1; a power of ten from 1 to 1,000,000,000.
  /// - Returns: nanoseconds.
  static func nanoseconds(decimal text: RawSpan, unit: Int64) -> Int64? {
    var value: Int64 = 0
    /// What the next digit behind the point is worth; nil in front of the point.
    var worth: Int64?
    var hasDigits = false
    let isNegative = text.byteCount > 0 && text.byte(at: 0) == UInt8(ascii: "-")
    for index in (isNegative ? 1 : 0)..<max(text.byteCount, isNegative ? 1 : 0) {
      let byte = text.byte(at: index)
      if byte == UInt8(ascii: "."), worth == nil {
        worth = unit / 10
        continue
      }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      let digit = Int64(byte - UInt8(ascii: "0"))
      hasDigits = true
      let addend: (partialValue: Int64, overflow: Bool)
      if let place = worth {
        addend = (digit * place, false)
        worth = place / 10
      } else {
        let shifted = value.multipliedReportingOverflow(by: 10)
        if shifted.overflow { return nil }
        value = shifted.partialValue
        addend = digit.multipliedReportingOverflow(by: unit)
      }
      let sum = value.addingReportingOverflow(addend.partialValue)
      if addend.overflow || sum.overflow { return nil }
      value = sum.partialValue
    }
    guard hasDigits else { return nil }
    return isNegative ? -value : value
  }

  /// As above, with the unit that makes it a time of our days: seconds, milliseconds, microseconds or
  /// nanoseconds, told apart by the number of digits in front of the point.
  static func nanoseconds(number text: RawSpan) -> Int64? {
    var digits = 0
    while digits < text.byteCount, text.byte(at: digits) != UInt8(ascii: ".") { digits += 1 }
    let unit: Int64
    switch digits {
    case ...11: unit = 1_000_000_000  // Up to the year 5138.
    case ...14: unit = 1_000_000
    case ...17: unit = 1_000
    default: unit = 1
    }
    return nanoseconds(decimal: text, unit: unit)
  }

  /// RFC 3339; without a zone it is taken for UTC.
  static func nanoseconds(text: String) -> Int64? {
    Timestamp.nanoseconds(rfc3339: text) ?? Timestamp.nanoseconds(rfc3339: text + "Z")
  }
}

extension JSONScanner {
  /// As `scan`, with the error of a capture.
  @_lifetime(&self, copy json)
  mutating func values(of json: RawSpan) throws(CaptureError) -> JSONValues {
    do throws(JSONError) {
      return try scan(json)
    } catch { throw CaptureError(.damaged, "\(error)", offset: Int64(error.offset)) }
  }

  /// The time at the first path; nil when there is none.
  mutating func time(in json: RawSpan) throws(CaptureError) -> Int64? {
    let value = try values(of: json)[0]
    switch value.kind {
    case .number: return ForeignTime.nanoseconds(number: value.text)
    case .string:
      guard let text = value.string else { return nil }
      if let time = ForeignTime.nanoseconds(text: text) { return time }
      let digits = Array(text.utf8)
      return unsafe ForeignTime.nanoseconds(number: digits.span.bytes)
    default: return nil
    }
  }
}
