internal import Glibc

/// Wall-clock times as the formats show them: local time, without zone.
///
/// Asking the system for the zone costs a lock, so the answer is kept for the quarter of an hour it
/// was given for: zones change at no other moments.
struct LocalClock {
  private let fixedOffset: Int?
  private var quarter = Int.min
  private var offset = 0

  /// - Parameter secondsFromUTC: a fixed distance instead of the zone of the system.
  init(secondsFromUTC: Int? = nil) { fixedOffset = secondsFromUTC }

  /// `HH:MM:SS`.
  mutating func appendTime(_ wallTime: Int64, to output: inout OutputBuffer) {
    let second = localSecond(wallTime) % 86_400
    let time = second < 0 ? second + 86_400 : second
    output.appendPadded(time / 3600, digits: 2)
    output.append(UInt8(ascii: ":"))
    output.appendPadded(time / 60 % 60, digits: 2)
    output.append(UInt8(ascii: ":"))
    output.appendPadded(time % 60, digits: 2)
  }

  /// `YYYY-MM-DDTHH:MM:SS.ffffff`, as the peers write it.
  mutating func appendTimestamp(_ wallTime: Int64, to output: inout OutputBuffer) {
    let second = localSecond(wallTime)
    let days = (second - (second % 86_400 + 86_400) % 86_400) / 86_400
    let date = Self.date(days: days)
    output.appendPadded(date.year, digits: 4)
    output.append(UInt8(ascii: "-"))
    output.appendPadded(date.month, digits: 2)
    output.append(UInt8(ascii: "-"))
    output.appendPadded(date.day, digits: 2)
    output.append(UInt8(ascii: "T"))
    appendTime(wallTime, to: &output)
    output.append(UInt8(ascii: "."))
    let nanoseconds = (Int(wallTime) % 1_000_000_000 + 1_000_000_000) % 1_000_000_000
    output.appendPadded(nanoseconds / 1000, digits: 6)
  }

  /// Seconds since 1970 on the local clock.
  private mutating func localSecond(_ wallTime: Int64) -> Int {
    let second = Int(
      (wallTime - (wallTime % 1_000_000_000 + 1_000_000_000) % 1_000_000_000)
        / 1_000_000_000)
    if let fixedOffset { return second + fixedOffset }
    if second / 900 != quarter {
      quarter = second / 900
      var time = time_t(second)
      var parts = unsafe tm()
      unsafe localtime_r(&time, &parts)
      offset = unsafe parts.tm_gmtoff
    }
    return second + offset
  }

  /// The day of the Gregorian calendar, counted from 1970-01-01. Years begin in March here, so that a
  /// leap day is the last day of its year.
  private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468  // from 0000-03-01
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
    return (year, month < 10 ? month + 3 : month - 9, day)
  }
}
