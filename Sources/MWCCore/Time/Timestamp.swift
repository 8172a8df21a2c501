/// Wall-clock times as text, RFC 3339, to the nanosecond and without a calendar library.
package enum Timestamp {
  /// `2026-11-21T12:03:11.204000000Z` for nanoseconds since 1970 (UTC): always nine digits, so that
  /// text sorts as time does.
  package static func rfc3339(nanoseconds: Int64) -> String {
    let bytes = rfc3339Bytes(nanoseconds: nanoseconds)
    return unsafe bytes.span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// The same as ASCII bytes, for output that makes no `String` per message.
  package static func rfc3339Bytes(nanoseconds: Int64) -> [30 of UInt8] {
    let (second, fraction) = nanoseconds.dividedByFloor(1_000_000_000)
    let (day, secondOfDay) = second.dividedByFloor(86_400)
    let date = civilDate(daysSince1970: day)
    var text = [30 of UInt8](repeating: UInt8(ascii: "0"))
    func put(_ value: Int64, at start: Int, digits: Int) {
      var value = value
      for index in stride(from: start + digits - 1, through: start, by: -1) {
        text[index] = UInt8(ascii: "0") + UInt8(value % 10)
        value /= 10
      }
    }
    // An Int64 of nanoseconds spans the years 1677 to 2262: four digits are enough.
    put(date.year, at: 0, digits: 4)
    text[4] = UInt8(ascii: "-")
    put(date.month, at: 5, digits: 2)
    text[7] = UInt8(ascii: "-")
    put(date.day, at: 8, digits: 2)
    text[10] = UInt8(ascii: "T")
    put(secondOfDay / 3600, at: 11, digits: 2)
    text[13] = UInt8(ascii: ":")
    put(secondOfDay / 60 % 60, at: 14, digits: 2)
    text[16] = UInt8(ascii: ":")
    put(secondOfDay % 60, at: 17, digits: 2)
    text[19] = UInt8(ascii: ".")
    put(fraction, at: 20, digits: 9)
    text[29] = UInt8(ascii: "Z")
    return text
  }

  /// Reads `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`; digits beyond nanoseconds are cut off.
  ///
  /// The result is in nanoseconds since 1970 (UTC); nil when `text` is not such a time or lies
  /// outside the years 1678 to 2261.
  package static func nanoseconds(rfc3339 text: String) -> Int64? {
    var reader = Reader(bytes: Array(text.utf8))
    guard let year = reader.number(digits: 4), reader.take("-"),
      let month = reader.number(digits: 2), reader.take("-"),
      let day = reader.number(digits: 2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.number(digits: 2), reader.take(":"),
      let minute = reader.number(digits: 2), reader.take(":"),
      let second = reader.number(digits: 2),
      (1678...2261).contains(year), (1...12).contains(month),
      (1...daysIn(month: month, year: year)).contains(day),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if reader.take(".") {
      guard let value = reader.fraction() else { return nil }
      fraction = value
    }
    var offset: Int64 = 0
    if !(reader.take("Z") || reader.take("z")) {
      let sign: Int64
      if reader.take("+") { sign = 1 } else if reader.take("-") { sign = -1 } else { return nil }
      guard let hours = reader.number(digits: 2), reader.take(":"),
        let minutes = reader.number(digits: 2), hours < 24, minutes < 60
      else { return nil }
      offset = sign * (hours * 3600 + minutes * 60)
    }
    guard reader.isAtEnd else { return nil }
    let seconds =
      daysSince1970(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60
      + second - offset
    return seconds * 1_000_000_000 + fraction
  }

  // The proleptic Gregorian calendar in eras of 400 years that begin in March, so that the leap day
  // is the last of its year (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").

  private static func civilDate(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (daysSince1970 + 719_468).dividedByFloor(146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (
      era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1
    )
  }

  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = (month <= 2 ? year - 1 : year).dividedByFloor(400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func daysIn(month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// Takes fixed-width fields from the front of a text.
private struct Reader {
  let bytes: [UInt8]
  var position = 0

  var isAtEnd: Bool { position == bytes.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func digit() -> Int64? {
    guard position < bytes.count, (0x30...0x39).contains(bytes[position]) else { return nil }
    position += 1
    return Int64(bytes[position - 1] - 0x30)
  }

  mutating func number(digits count: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<count {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// One or more digits behind a decimal point, as nanoseconds.
  mutating func fraction() -> Int64? {
    guard var value = digit().map({ $0 * 100_000_000 }) else { return nil }
    var worth: Int64 = 10_000_000
    while let digit = digit() {
      value += digit * worth
      worth /= 10
    }
    return value
  }
}

extension Int64 {
  /// Quotient and remainder with the remainder never negative.
  fileprivate func dividedByFloor(_ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
