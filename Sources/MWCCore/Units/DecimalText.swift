/// Reads `digits[.digits]` exactly and scales it, without going through floating point: `0.1` of
/// 1,000,000,000 is 100,000,000, not one less.
enum DecimalText {
  /// The value of `text` times `unit`, truncated towards zero below one.
  ///
  /// - Returns: nil when `text` is not a plain decimal number or the result does not fit.
  static func scaled(_ text: Substring, by unit: Int64) -> Int64? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, !(whole.isEmpty && parts.count == 1) else {
      return nil
    }
    guard let integer = digits(whole) else { return nil }
    let (scaled, overflow) = integer.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return scaled }
    guard !(parts[1].isEmpty && whole.isEmpty) else { return nil }

    // Digits beyond eighteen cannot change the result: no unit has that many.
    guard parts[1].allSatisfy({ digit($0) != nil }) else { return nil }
    let kept = parts[1].prefix(18)
    let numerator = digits(kept) ?? 0
    let denominator = (0..<kept.count).reduce(Int64(1)) { power, _ in power * 10 }
    let (fraction, _) = denominator.dividingFullWidth(unit.multipliedFullWidth(by: numerator))
    let (sum, sumOverflow) = scaled.addingReportingOverflow(fraction)
    return sumOverflow ? nil : sum
  }

  private static func digit(_ byte: UInt8) -> Int64? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  private static func digits(_ text: Substring.UTF8View.SubSequence) -> Int64? {
    var value: Int64 = 0
    for byte in text {
      guard let digit = digit(byte) else { return nil }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = tens.addingReportingOverflow(digit)
      if overflow || sumOverflow { return nil }
      value = sum
    }
    return value
  }
}
