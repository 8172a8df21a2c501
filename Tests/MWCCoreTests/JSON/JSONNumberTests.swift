import CMWCKernels
import Foundation
import MWCCore
import MWCTestSupport
import Testing

@Suite struct JSONNumberTests {
  private func double(_ text: String) -> Double {
    unsafe Array(text.utf8).withUnsafeBufferPointer {
      unsafe mwc_json_double($0.baseAddress, $0.count)
    }
  }

  private func text(
    capacity: Int, _ body: (UnsafeMutablePointer<CChar>) -> Int
  ) -> String {
    var room = [CChar](repeating: 0, count: capacity)
    let count = unsafe room.withUnsafeMutableBufferPointer { room in
      unsafe room.baseAddress.map { unsafe body($0) } ?? 0
    }
    return String(decoding: room.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private func repr(_ value: Double) -> String {
    unsafe text(capacity: MWC_REPR_MAX) { unsafe mwc_decimal_repr(value, $0) }
  }

  private func respelled(_ number: String) -> String {
    unsafe text(capacity: MWC_REPR_MAX) { out in
      unsafe Array(number.utf8).withUnsafeBufferPointer {
        unsafe mwc_json_respell($0.baseAddress, $0.count, out)
      }
    }
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", -0.0), ("0.1", 0.1), ("45.2", 45.2), ("1e22", 1e22), ("1e23", 1e23),
      ("9007199254740993", 9_007_199_254_740_992),
      ("9007199254740993.0000000000000001", 9_007_199_254_740_994),
      ("1.7976931348623157e308", Double.greatestFiniteMagnitude),
      ("1.7976931348623159e308", .infinity),
      ("-1e400", -.infinity), ("4.9e-324", .leastNonzeroMagnitude), ("2.4703282292062327e-324", 0),
      ("2.4703282292062328e-324", .leastNonzeroMagnitude), ("1e-400", 0),
      ("0e999999999999999999999", 0),
      ("1e-99999999999999999999", 0), ("1e99999999999999999999", .infinity),
      ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
      ("2.2250738585072014e-308", .leastNormalMagnitude),
    ] as [(String, Double)])
  func convertsExactly(_ text: String, _ expected: Double) {
    #expect(double(text).bitPattern == expected.bitPattern)
  }

  @Test func digitsBeyondCount() {
    // 1 + 2^-53 is half way; one more digit, however far away, decides.
    let half = "1.00000000000000011102230246251565404236316680908203125"
    #expect(double(half) == 1)
    #expect(double(half + String(repeating: "0", count: 5000)) == 1)
    #expect(double(half + String(repeating: "0", count: 5000) + "1") == 1.0.nextUp)
    // The same with the digits before the point and a long exponent.
    let digits = half.replacing(".", with: "") + String(repeating: "0", count: 900) + "1"
    #expect(double(digits + "e-\(digits.count - 1)") == 1.0.nextUp)
    #expect(double("0." + String(repeating: "0", count: 4000) + "1e4001") == 1)
    #expect(double(String(repeating: "9", count: 400)) == .infinity)
    #expect(double("1" + String(repeating: "0", count: 400) + "e-400") == 1)
  }

  @Test func everyDoubleComesBack() {
    var generator = TestSupport.generator(for: "JSON doubles")
    for _ in 0..<20_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let spelled = repr(value)
      #expect(double(spelled).bitPattern == value.bitPattern, "\(spelled)")
      // The standard library finds the same digits.
      #expect(Double(spelled)?.description == value.description)
      #expect(digits(spelled) == digits(value.description), "\(spelled)")
    }
    for exponent in -1074...1023 {
      let value = Double(sign: .plus, exponent: exponent, significand: 1)
      for near in [value.nextDown, value, value.nextUp] where near > 0 {
        #expect(double(repr(near)) == near)
        #expect(digits(repr(near)) == digits(near.description))
      }
    }
  }

  /// Significant digits of a spelled number.
  private func digits(_ text: String) -> String {
    let mantissa = text.prefix { $0 != "e" }.filter(\.isNumber)
    return String(mantissa.drop { $0 == "0" }.reversed().drop { $0 == "0" }.reversed())
  }

  @Test(
    arguments: [
      (0.0, "0.0"), (-0.0, "-0.0"), (45, "45.0"), (0.0001, "0.0001"), (0.00001, "1e-05"),
      (1e15, "1000000000000000.0"),
      (1e16, "1e+16"), (123_456_789_012_345_680, "1.2345678901234568e+17"), (1e22, "1e+22"),
      (1.5e300, "1.5e+300"),
      (.leastNonzeroMagnitude, "5e-324"), (9_999_999_999_999_998, "9999999999999998.0"),
      (12_345_678_901_234_568, "1.2345678901234568e+16"),
      (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"),
      (5.684341886080802e-14, "5.684341886080802e-14"),
    ] as [(Double, String)])
  func spellsLikePython(_ value: Double, _ expected: String) {
    #expect(repr(value) == expected)
  }

  @Test(arguments: [
    ("1E2", "100.0"), ("1e400", "Infinity"), ("-1e400", "-Infinity"), ("4.52E+1", "45.2"),
    ("0.10", "0.1"),
    ("0e5", "0.0"), ("-0.0", "-0.0"), ("-0e0", "-0.0"), ("100000e-10", "1e-05"),
    ("123456789012345e10", "1.23456789012345e+24"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("0.300000000000000040000", "0.30000000000000004"),
    ("1.0000", "1.0"), ("1e15", "1000000000000000.0"), ("1e16", "1e+16"), ("1e-400", "0.0"),
    ("NaN", "NaN"),
    ("3e-324", "5e-324"), ("-Infinity", "-Infinity"), ("1.7976931348623159e308", "Infinity"),
  ])
  func respells(_ number: String, _ expected: String) {
    #expect(respelled(number) == expected)
  }

  @Test func respellingIsReadingAndSpelling() {
    var generator = TestSupport.generator(for: "JSON respelling")
    for _ in 0..<20_000 {
      let whole = UInt64.random(in: 0..<1_000_000_000, using: &generator)
      let places = Int.random(in: 1...12, using: &generator)
      let fraction = String(UInt64.random(in: 0..<1_000_000_000_000, using: &generator)).prefix(
        places)
      let exponent =
        Bool.random(using: &generator) ? "e\(Int.random(in: -330...320, using: &generator))" : ""
      let number = "\(whole).\(fraction)\(exponent)"
      #expect(respelled(number) == repr(double(number)), "\(number)")
    }
  }

  @Test func integersAreExact() throws {
    func integers(_ text: String) throws -> (Int64?, UInt64?) {
      var scanner = try JSONScanner(paths: ["$"])
      let bytes = Array(text.utf8)
      let value = unsafe try scanner.scan(bytes.span.bytes)[0]
      return (value.int64, value.uint64)
    }
    for (text, signed, unsigned) in [
      ("0", 0, 0), ("-0", 0, 0), ("-1", -1, nil),
      ("9223372036854775807", .max, 9_223_372_036_854_775_807),
      ("9223372036854775808", nil, 9_223_372_036_854_775_808), ("-9223372036854775808", .min, nil),
      ("-9223372036854775809", nil, nil), ("18446744073709551615", nil, .max),
      ("18446744073709551616", nil, nil), ("1.0", nil, nil), ("1e2", nil, nil),
      ("99999999999999999999", nil, nil),
      ("\"1\"", nil, nil), ("100000000000000000000000", nil, nil),
    ] as [(String, Int64?, UInt64?)] {
      let found = try integers(text)
      #expect(found.0 == signed && found.1 == unsigned, "\(text)")
    }
  }

  /// What the scan converts on the way is what the value says when it is asked later.
  @Test func conversionDuringTheScanChangesNoValue() throws {
    let numbers = [
      "0", "-0", "7", "-45", "45.2", "-0.0", "0.0", "1e5", "1E-7", "9007199254740993",
      "9223372036854775807", "-9223372036854775808", "9223372036854775808",
      "18446744073709551615", "123456789012345678901234567890", "0.1234567890123456789", "1e400",
      "-1e-400", "25463.158534049988", "NaN", "-Infinity",
    ]
    var later = JSONScanner(valid: ["[0]"], options: .nonFinite)
    var during = JSONScanner(valid: ["[0]"], options: [.nonFinite, .convert])
    for number in numbers {
      let document = Array("[\(number)]".utf8)
      // Twice, because a scanner may remember the first.
      for _ in 0..<2 {
        let expected = unsafe try later.scan(document.span.bytes)[0]
        let (double, int64, uint64) = (expected.double, expected.int64, expected.uint64)
        let found = unsafe try during.scan(document.span.bytes)[0]
        #expect(found.double?.bitPattern == double?.bitPattern, "\(number)")
        #expect(found.int64 == int64 && found.uint64 == uint64, "\(number)")
      }
    }
  }

  @Test func fixedPlacesAreThoseOfPrintf() {
    var generator = TestSupport.generator(for: "fixed places")
    func fixed(_ value: Double, _ places: UInt32) -> String {
      unsafe text(capacity: MWC_FIXED_MAX) {
        unsafe mwc_decimal_fixed(value, places, $0)
      }
    }
    var values: [Double] = [
      0.5, 1.5, 2.5, 0.25, 0.75, 0.05, 0.15, 28.5, 45.5, 9.95, -0.04, -0.0, 1e15 + 0.5,
      4503599627370496.5,
      9_007_199_254_740_994, 0x1p62, 0x1.fffffffffffffp62, 0x1p63, 1e22, 1e300,
      .leastNonzeroMagnitude, .infinity,
      .nan,
    ]
    for _ in 0..<20_000 {
      values.append(Double(bitPattern: generator.next()))
      values.append(Double(Int.random(in: -1_000_000...1_000_000, using: &generator)) / 1000)
      values.append(Double(Int.random(in: -100_000...100_000, using: &generator)) / 16)
    }
    for value in values {
      for places in [0, 1] as [UInt32] {
        // The sign of a NaN is not of interest.
        let expected = value.isNaN ? "nan" : printed(value, places)
        #expect(fixed(value, places) == expected)
      }
    }
  }
}

/// What C's `printf` makes of a number.
private func printed(_ value: Double, _ places: UInt32) -> String {
  String(format: "%.\(places)f", value)
}
