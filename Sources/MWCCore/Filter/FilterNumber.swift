internal import CMWCKernels

/// A number, exactly: integers of 64 bits as themselves, everything else as the nearest double.
enum FilterNumber {
  case integer(Int64)
  case real(Double)

  /// What a scan made of a number.
  init(_ value: borrowing JSONValue) {
    if let integer = value.int64 {
      self = .integer(integer)
    } else {
      self = .real(value.double ?? .nan)
    }
  }

  /// As JSON spells it.
  init(spelling: RawSpan) {
    var integer: Int64 = 0
    let isInteger = unsafe spelling.withUnsafeBytes {
      unsafe mwc_json_int64($0.baseAddress, $0.count, &integer)
    }
    self =
      isInteger
      ? .integer(integer)
      : .real(
        unsafe spelling.withUnsafeBytes { unsafe mwc_json_double($0.baseAddress, $0.count) })
  }

  /// Whether this is less than, equal to (0) or greater than `other`; nil when one of them is not a
  /// number. Integers and doubles are compared by what they mean, not after being rounded to one
  /// another.
  func order(_ other: FilterNumber) -> Int? {
    switch (self, other) {
    case (.integer(let left), .integer(let right)): Self.order(left, right)
    case (.real(let left), .real(let right)): Self.order(left, right)
    case (.integer(let left), .real(let right)): Self.order(left, right)
    case (.real(let left), .integer(let right)): Self.order(right, left).map { -$0 }
    }
  }

  private static func order(_ left: Int64, _ right: Int64) -> Int? {
    left < right ? -1 : left > right ? 1 : 0
  }

  private static func order(_ left: Double, _ right: Double) -> Int? {
    if left.isNaN || right.isNaN { return nil }
    return left < right ? -1 : left > right ? 1 : 0
  }

  private static func order(_ left: Int64, _ right: Double) -> Int? {
    if right.isNaN { return nil }
    // 2^63 and its negative are doubles; between them every whole double is an Int64.
    if right >= 0x1p63 { return -1 }
    if right < -0x1p63 { return 1 }
    let whole = right.rounded(.towardZero)
    let integer = Int64(whole)
    if left != integer { return left < integer ? -1 : 1 }
    return order(whole, right)
  }
}
