/// Base64 (RFC 4648, section 4), with padding.
package enum Base64 {
  /// The characters for `bytes`, ASCII.
  package static func encode(_ bytes: RawSpan) -> [UInt8] {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let padding = UInt8(ascii: "=")
    var text: [UInt8] = []
    text.reserveCapacity((bytes.byteCount + 2) / 3 * 4)
    func character(_ sextet: UInt32) -> UInt8 {
      // The pointer of a static string holds for ever, and a sextet is less than 64.
      unsafe alphabet.utf8Start[Int(sextet & 63)]
    }
    for start in stride(from: 0, to: bytes.byteCount, by: 3) {
      let count = min(3, bytes.byteCount - start)
      var group: UInt32 = 0
      for index in 0..<3 {
        group = group << 8 | (index < count ? UInt32(bytes.byte(at: start + index)) : 0)
      }
      text.append(character(group >> 18))
      text.append(character(group >> 12))
      text.append(count > 1 ? character(group >> 6) : padding)
      text.append(count > 2 ? character(group) : padding)
    }
    return text
  }

  /// The bytes that `text` spells; nil when it is not base64, or ends with bits that mean nothing.
  /// Padding may be left out at the end, line breaks may not stand between.
  package static func decode(_ text: RawSpan) -> [UInt8]? {
    var length = text.byteCount
    for _ in 0..<2 where length > 0 && text.byte(at: length - 1) == UInt8(ascii: "=") {
      length -= 1
    }
    // Three bytes make four characters, and one character alone makes nothing.
    guard length % 4 != 1, length == text.byteCount || text.byteCount % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length / 4 * 3 + 2)
    var group: UInt32 = 0
    var bits = 0
    for index in 0..<length {
      guard let sextet = sextet(text.byte(at: index)) else { return nil }
      group = group << 6 | UInt32(sextet)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
      }
    }
    guard group & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
    return bytes
  }

  private static func sextet(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
