import Testing

@testable import MWCCommands

@Suite struct NumberTextTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1_000, "1,000"), (1_431, "1,431"), (1_234_567, "1,234,567"),
    (-1_000, "-1,000"), (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func groupsOfThree(value: Int, text: String) {
    #expect(NumberText.grouped(value) == text)
  }

  @Test(arguments: [
    (45.3, 1, "45.3"), (9.9995, 3, "10.000"), (0.04, 1, "0.0"), (-0.04, 1, "0.0"),
    (-1.25, 1, "-1.3"), (1431.4, 0, "1,431"), (1e15, 1, "-"), (.nan, 1, "-"), (.infinity, 0, "-"),
  ])
  func fixedDecimals(value: Double, decimals: Int, text: String) {
    #expect(NumberText.fixed(value, decimals: decimals) == text)
  }

  @Test func noNumberIsADash() {
    #expect(NumberText.fixed(nil, decimals: 2) == "-")
  }

  @Test(arguments: [
    (0, "0 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (84_123, "84.1 µs"), (999_499, "999 µs"),
    (999_500, "1.00 ms"), (9_994_999, "9.99 ms"), (12_345_678_901, "12.3 s"),
    (3_600_000_000_000, "3,600 s"),
  ])
  func threeDigitsAndAUnit(nanoseconds: UInt64, text: String) {
    #expect(NumberText.brief(nanoseconds: nanoseconds) == text)
  }

  @Test(arguments: [
    (0, "0.000 s"), (12_345_000_000, "12.345 s"), (59_999_400_000, "59.999 s"),
    (59_999_600_000, "1 min 00 s"), (3_723_000_000_000, "1 h 02 min 03 s"),
    (90_000_000_000_000, "1 d 1 h 00 min 00 s"),
  ])
  func lengthsOfTime(nanoseconds: Int64, text: String) {
    #expect(NumberText.length(nanoseconds: nanoseconds) == text)
  }
}

@Suite struct TerminalKeysTests {
  @Test func eachKeyCountsOnce() {
    func keys(_ text: String) -> [UInt8] { TerminalKeys.keys(in: Array(text.utf8)) }
    #expect(keys("a.q") == Array("a.q".utf8))
    // An arrow, a function key with numbers, Alt with a letter, Escape alone, a letter beyond ASCII.
    #expect(keys("\u{1B}[A") == [0x1B])
    #expect(keys("\u{1B}[15~x") == [0x1B, UInt8(ascii: "x")])
    #expect(keys("\u{1B}OP.") == [0x1B, UInt8(ascii: ".")])
    #expect(keys("\u{1B}").count == 1)
    #expect(keys("é").count == 1)
    #expect(keys("").isEmpty)
  }
}
