internal import Glibc

/// A wall-clock time as text in the time zone of this host.
package enum LocalTime {
  /// `YYYY-MM-DDTHH:MM:SS.ffffff`, without a zone; without the fraction when the microseconds are
  /// exactly zero, as Python's `isoformat` writes it. `nanoseconds` count from 1970 (UTC).
  package static func pythonISO(nanoseconds: Int64) -> String {
    let microseconds = split(nanoseconds).nanoseconds / 1000
    let time = formatted(nanoseconds: nanoseconds, "%Y-%m-%dT%H:%M:%S")
    guard microseconds > 0 else { return time }
    let digits = String(microseconds)
    return time + "." + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// The time as strftime(3) writes `format`; empty when the text would exceed 512 bytes.
  package static func formatted(nanoseconds: Int64, _ format: String) -> String {
    var seconds = time_t(split(nanoseconds).seconds)
    var parts = unsafe tm()
    guard unsafe localtime_r(&seconds, &parts) != nil else { return "" }
    var buffer = [CChar](repeating: 0, count: 512)
    let length = unsafe strftime(&buffer, buffer.count, format, &parts)
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The time zone at a moment: seconds east of UTC, and its name, such as `Europe/Berlin`, or its
  /// abbreviation when nobody told the name.
  package static func zone(atNanoseconds nanoseconds: Int64) -> (offset: Int32, name: String) {
    var seconds = time_t(split(nanoseconds).seconds)
    var parts = unsafe tm()
    guard unsafe localtime_r(&seconds, &parts) != nil else { return (0, "UTC") }
    let offset = unsafe Int32(clamping: parts.tm_gmtoff)
    if let variable = unsafe getenv("TZ"), unsafe variable.pointee != 0 {
      return (offset, unsafe String(cString: variable))
    }
    var target = [CChar](repeating: 0, count: 1024)
    let length = unsafe readlink("/etc/localtime", &target, target.count)
    let link = String(
      decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if let folder = link.firstRange(of: "/zoneinfo/") {
      return (offset, String(link[folder.upperBound...]))
    }
    return (offset, formatted(nanoseconds: nanoseconds, "%Z"))
  }

  private static func split(_ nanoseconds: Int64) -> (seconds: Int64, nanoseconds: Int64) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0 ? (seconds - 1, rest + 1_000_000_000) : (seconds, rest)
  }
}
