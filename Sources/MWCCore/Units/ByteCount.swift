/// A size as people type it: `1MiB`, `1.5GB`, or plain bytes.
package struct ByteCount: Hashable, Sendable {
  /// Bytes, never negative.
  package let bytes: Int64

  package init(bytes: Int64) {
    precondition(bytes >= 0, "a size is not negative")
    self.bytes = bytes
  }

  private static let units: [(name: String, bytes: Int64)] = [
    ("", 1), ("B", 1),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
  ]

  /// - Returns: nil when `text` is not a number with one of `KiB MiB GiB TiB KB MB GB TB B` or
  ///   nothing behind it. Letter case does not matter.
  package init?(_ text: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let name = text.dropFirst(number.count)
    guard
      !number.isEmpty,
      let unit = Self.units.first(where: { $0.name.lowercased() == name.lowercased() }),
      let bytes = DecimalText.scaled(number, by: unit.bytes)
    else { return nil }
    self.bytes = bytes
  }
}

extension ByteCount: CustomStringConvertible {
  /// For people: at most one decimal, in binary units, `1.5 MiB`.
  package var description: String {
    var unit = 0
    var scale: Int64 = 1
    let names = ["B", "KiB", "MiB", "GiB", "TiB"]
    while unit < names.count - 1, bytes >= scale * 1024 {
      scale *= 1024
      unit += 1
    }
    if unit == 0 { return "\(bytes) B" }
    // Tenths, rounded half up; 1023.96 KiB may print as 1024.0 KiB, which is still true.
    let tenths = (Double(bytes) / Double(scale) * 10).rounded()
    return "\(Int64(tenths) / 10).\(Int64(tenths) % 10) \(names[unit])"
  }
}
