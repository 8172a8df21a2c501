/// Writes JSON in the spelling of Python's `json.dumps`: `, ` and `: ` as separators, everything
/// beyond ASCII escaped, floats in Python's shortest form.
///
/// The caller nests values; commas are put where they belong. Clients that compare bytes or parse
/// with simple means rely on this spelling, so it is kept to the letter.
struct PythonJSON {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  mutating func object(_ body: (inout PythonJSON) -> Void) { nest("{", "}", body) }
  mutating func array(_ body: (inout PythonJSON) -> Void) { nest("[", "]", body) }

  /// The key of the next value in an object.
  mutating func key(_ name: String) {
    value(quoted: name)
    append(": ")
    needsComma = false
  }

  mutating func member(_ name: String, _ text: String) {
    key(name)
    value(quoted: text)
  }
  mutating func member(_ name: String, _ number: some BinaryInteger) {
    key(name)
    value("\(number)")
  }
  mutating func member(_ name: String, _ number: Double) {
    key(name)
    self.number(number)
  }
  mutating func member(_ name: String, _ truth: Bool) {
    key(name)
    value(truth ? "true" : "false")
  }
  mutating func null(_ name: String) {
    key(name)
    value("null")
  }
  mutating func number(_ number: Double) { value(Self.spelling(of: number)) }

  private mutating func nest(
    _ open: StaticString, _ close: StaticString, _ body: (inout PythonJSON) -> Void
  ) {
    value(open.description)
    needsComma = false
    body(&self)
    append(close.description)
    needsComma = true
  }

  private mutating func value(_ text: String) {
    if needsComma { append(", ") }
    append(text)
    needsComma = true
  }

  private mutating func value(quoted text: String) {
    value("\"")
    for unit in text.utf16 {
      switch unit {
      case 0x22: append("\\\"")
      case 0x5C: append("\\\\")
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0A: append("\\n")
      case 0x0C: append("\\f")
      case 0x0D: append("\\r")
      case 0x20...0x7F: bytes.append(UInt8(unit))
      default:
        let hex = String(unit, radix: 16)
        append("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
      }
    }
    append("\"")
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}

extension PythonJSON {
  /// Python's `repr` of a float: the shortest digits that read back as the same number, in fixed
  /// notation for decimal exponents from -4 to 15, else as `d.ddde-05` with two exponent digits at
  /// least.
  static func spelling(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    // Swift finds the same digits, but changes notation at other limits.
    let sign = number.sign == .minus ? "-" : ""
    let parts = number.magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0]
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    let written = parts.count > 1 ? Int(parts[1]) ?? 0 : 0

    let allDigits = whole + fraction
    let significant = allDigits.drop { $0 == "0" }
    guard !significant.isEmpty else { return sign + "0.0" }
    // Exponent of the first significant digit.
    let exponent = written + whole.count - 1 - (allDigits.count - significant.count)
    var digits = String(significant)
    while digits.count > 1, digits.last == "0" { digits.removeLast() }

    if !(-4..<16).contains(exponent) {
      let size = exponent.magnitude
      let rest = digits.count > 1 ? "." + digits.dropFirst() : ""
      let power = (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + String(size)
      return "\(sign)\(digits.prefix(1))\(rest)e\(power)"
    }
    if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
    if digits.count <= exponent + 1 {
      return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count) + ".0"
    }
    return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
  }
}
