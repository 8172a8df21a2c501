internal import CMWCKernels
internal import MWCCore

// MARK: - Numbers

extension OutputBuffer {
  /// A number that is not negative, with at least `digits` digits.
  mutating func appendPadded(_ value: Int, digits: Int) {
    var divisor = 1
    for _ in 1..<digits { divisor *= 10 }
    while value / 10 >= divisor { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  /// Like C's `%*.0f` and `%*.1f`: rounds the exact value, ties to even.
  mutating func appendFixed(_ value: Double, places: UInt32, width: Int = 0) {
    let start = count
    unsafe append(upTo: Int(MWC_FIXED_MAX)) { room in
      unsafe mwc_decimal_fixed(
        value, places, room.baseAddress?.assumingMemoryBound(to: CChar.self))
    }
    padLeft(from: start, width: width)
  }

  /// A size in bytes as `10.0 GB`: divided by 1024 while it is at least that, but no further than TB.
  mutating func appendSize(_ bytes: Double) {
    var value = bytes
    var unit = 0
    while value >= 1024 && unit < 4 {
      value /= 1024
      unit += 1
    }
    appendFixed(value, places: 1)
    switch unit {
    case 0: append(" B" as StaticString)
    case 1: append(" KB" as StaticString)
    case 2: append(" MB" as StaticString)
    case 3: append(" GB" as StaticString)
    default: append(" TB" as StaticString)
    }
  }

  /// Puts spaces before what was appended since `start`, up to `width` bytes.
  mutating func padLeft(from start: Int, width: Int) {
    let missing = width - (count - start)
    guard missing > 0 else { return }
    insert(UInt8(ascii: " "), repeated: missing, at: start)
  }
}

// MARK: - Text from messages

extension OutputBuffer {
  /// UTF-8 text of unknown origin. Control characters (C0 but tab and newline, DEL, C1) are shown as
  /// `\x1b`, so that no message can steer a terminal.
  mutating func appendSafe(_ text: String) {
    for scalar in text.unicodeScalars { appendSafe(scalar.value) }
  }

  /// The text of a JSON string, escapes resolved, made safe as above.
  mutating func appendSafe(string: RawSpan) {
    var position = 0
    while position < string.byteCount {
      let end = string.endOfPlainText(from: position)
      append(string.extracting(position..<end))
      position = end
      if position < string.byteCount { appendSafe(string.nextScalar(&position)) }
    }
  }

  private mutating func appendSafe(_ scalar: UInt32) {
    switch scalar {
    case 0x09, 0x0A: append(UInt8(scalar))
    case 0..<0x20, 0x7F..<0xA0:
      append("\\x" as StaticString)
      appendHex(scalar, digits: 2)
    default: appendUTF8(scalar)
    }
  }

  /// One scalar; a lone surrogate becomes U+FFFD.
  private mutating func appendUTF8(_ scalar: UInt32) {
    let scalar = (0xD800..<0xE000).contains(scalar) ? 0xFFFD : scalar
    switch scalar {
    case 0..<0x80: append(UInt8(scalar))
    case 0x80..<0x800:
      append(UInt8(0xC0 | scalar >> 6))
      append(UInt8(0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      append(UInt8(0xE0 | scalar >> 12))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    default:
      append(UInt8(0xF0 | scalar >> 18))
      append(UInt8(0x80 | scalar >> 12 & 0x3F))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    }
  }

  fileprivate mutating func appendHex(_ value: UInt32, digits: Int) {
    for digit in (0..<digits).reversed() {
      let nibble = UInt8(value >> UInt32(4 * digit) & 15)
      append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble)
    }
  }

  /// JSON that has been checked, on one line: white space between tokens is left out, and DEL and C1
  /// characters in strings are spelled as escapes.
  mutating func appendCompactJSON(_ json: RawSpan) {
    var isInString = false
    var position = 0
    while position < json.byteCount {
      let byte = json.byte(at: position)
      position += 1
      if !isInString {
        if byte > 0x20 { append(byte) }
        isInString = byte == UInt8(ascii: "\"")
        continue
      }
      switch byte {
      case UInt8(ascii: "\""):
        isInString = false
        append(byte)
      case UInt8(ascii: "\\"):
        append(byte)
        append(json.byte(at: position))
        position += 1
      case 0x7F: append("\\u007f" as StaticString)
      case 0xC2 where json.byte(at: position) < 0xA0:
        append("\\u00" as StaticString)
        appendHex(UInt32(json.byte(at: position)), digits: 2)
        position += 1
      default: append(byte)
      }
    }
  }
}

// MARK: - JSON in ASCII

extension OutputBuffer {
  /// A JSON string, spelled again in quotes as Python's `json` module does it: everything beyond ASCII
  /// as `\uXXXX`, in surrogate pairs where needed; lone surrogates stay what they are.
  mutating func appendASCII(string: RawSpan) {
    append(UInt8(ascii: "\""))
    var position = 0
    while position < string.byteCount {
      let end = string.endOfPlainText(from: position)
      append(string.extracting(position..<end))
      position = end
      if position < string.byteCount { appendASCII(string.nextScalar(&position)) }
    }
    append(UInt8(ascii: "\""))
  }

  /// As above, for a text that is no JSON string yet.
  mutating func appendASCII(_ text: String) {
    append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars { appendASCII(scalar.value) }
    append(UInt8(ascii: "\""))
  }

  private mutating func appendASCII(_ scalar: UInt32) {
    switch scalar {
    case 0x22: append("\\\"" as StaticString)
    case 0x5C: append("\\\\" as StaticString)
    case 0x08: append("\\b" as StaticString)
    case 0x09: append("\\t" as StaticString)
    case 0x0A: append("\\n" as StaticString)
    case 0x0C: append("\\f" as StaticString)
    case 0x0D: append("\\r" as StaticString)
    case 0x20..<0x7F: append(UInt8(scalar))
    case 0x10000...:
      appendUnicodeEscape(0xD800 + (scalar - 0x10000) >> 10)
      appendUnicodeEscape(0xDC00 + (scalar - 0x10000) & 0x3FF)
    default: appendUnicodeEscape(scalar)
    }
  }

  private mutating func appendUnicodeEscape(_ unit: UInt32) {
    append("\\u" as StaticString)
    appendHex(unit, digits: 4)
  }

  /// A JSON number in Python's spelling: integers as they are, floats by their shortest digits.
  mutating func appendPython(number: RawSpan, isInteger: Bool) {
    if isInteger {
      let isMinusZero =
        number.byteCount == 2 && number.byte(at: 1) == UInt8(ascii: "0")
        && number.byte(at: 0) == UInt8(ascii: "-")
      append(isMinusZero ? number.extracting(last: 1) : number)
      return
    }
    unsafe append(upTo: Int(MWC_REPR_MAX)) { room in
      unsafe number.withUnsafeBytes { number in
        unsafe mwc_json_respell(
          number.baseAddress, number.count, room.baseAddress?.assumingMemoryBound(to: CChar.self))
      }
    }
  }
}

extension RawSpan {
  /// Where the run of printable ASCII without backslash ends that begins at `start`: text that means
  /// itself in a JSON string and on a terminal.
  fileprivate func endOfPlainText(from start: Int) -> Int {
    var end = start
    while end < byteCount {
      let byte = byte(at: end)
      if byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") { break }
      end += 1
    }
    return end
  }

  /// The scalar of a JSON string that starts at `position`, which moves behind it.
  func nextScalar(_ position: inout Int) -> UInt32 {
    unsafe withUnsafeBytes { bytes in
      unsafe mwc_json_next_scalar(bytes.baseAddress, bytes.count, &position)
    }
  }
}
