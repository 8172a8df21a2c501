/// Numbers as people read them.
enum NumberText {
  /// `1,431`: groups of three.
  static func grouped(_ value: some BinaryInteger) -> String {
    let digits = Array(value.magnitude.description)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `1 record`, `1,431 records`.
  static func counted(_ value: some BinaryInteger, _ noun: String) -> String {
    "\(grouped(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// `45.30`: a fixed number of decimals, rounded half away from zero; `-` where there is no number.
  static func fixed(_ value: Double?, decimals: Int) -> String {
    guard let value, value.isFinite, value.magnitude < 1e15 else { return "-" }
    let scale = (0..<decimals).reduce(UInt64(1)) { power, _ in power * 10 }
    let scaled = UInt64((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + grouped(scaled) }
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return sign + grouped(scaled / scale) + "." + zeros + fraction
  }

  /// Three significant digits with the unit that suits: `840 ns`, `84.1 µs`, `1.20 ms`, `12.3 s`.
  static func brief(nanoseconds: UInt64) -> String {
    if nanoseconds < 1000 { return "\(nanoseconds) ns" }
    var value = Double(nanoseconds) / 1000
    var unit = "µs"
    if value >= 999.5 { (value, unit) = (value / 1000, "ms") }
    if value >= 999.5 { (value, unit) = (value / 1000, "s") }
    return "\(fixed(value, decimals: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)) \(unit)"
  }

  /// Seconds to the millisecond below a minute, then minutes, hours and days: `12.345 s`,
  /// `1 h 02 min 03 s`.
  static func length(nanoseconds: Int64) -> String {
    let seconds = Double(nanoseconds) / 1e9
    if seconds < 59.9995 { return fixed(seconds, decimals: 3) + " s" }
    return length(wholeSeconds: Int64(seconds.rounded()))
  }

  /// The same without a fraction: `6 s`, `2 min 05 s`.
  static func length(wholeSeconds whole: Int64) -> String {
    if whole < 60 { return "\(whole) s" }
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
    var parts: [String] = []
    if days > 0 { parts.append("\(days) d") }
    if days > 0 || hours > 0 { parts.append("\(hours) h") }
    parts.append("\(padded(minutes, isFirst: parts.isEmpty)) min")
    parts.append("\(padded(whole % 60, isFirst: false)) s")
    return parts.joined(separator: " ")
  }

  private static func padded(_ value: Int64, isFirst: Bool) -> String {
    isFirst || value > 9 ? "\(value)" : "0\(value)"
  }
}
