internal import MWCCore

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
}
