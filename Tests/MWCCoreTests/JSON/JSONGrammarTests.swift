import MWCCore
import Testing

/// RFC 8259 to the letter: what must be taken, what must be refused, and where the fault is.
@Suite struct JSONGrammarTests {
  @Test(arguments: [
    // Values of every kind, alone.
    "null", "true", "false", "0", "-0", "\"\"", "[]", "{}", " \t\r\n1 \t\r\n",
    // Numbers.
    "-1", "10", "1234567890123456789012345678901234567890", "0.5", "-0.0", "1.0e5", "1e5", "1E+05",
    "0e0", "0E-0", "1e400", "-1e-400", "1.7976931348623157e308", "5e-324", "123.456e-789",
    // Strings.
    #""\"\\\/\b\f\n\r\t""#, #""\u0000\u001f\u007F\uABCD\uabcd""#, #""\ud834\udd1e""#,
    "\"\u{7F}\"", "\"é€𝄞\u{10FFFF}\"", "\"\u{FEFF}\"", "\"\u{2028}\u{2029}\"",
    "\" \t\"".replacing("\t", with: " "),
    // Lone surrogates are grammar, if not text.
    #""\ud800""#, #""\udc00""#, #""\udc00\ud800""#, #""\ud800x""#, #""\ud800\n""#,
    #""\ud800\ud800""#,
    // Structure.
    "[1]", "[1,2]", "[ 1 , [ 2 ] , { } ]", #"{"a":1}"#, #"{"a":1,"a":2}"#,
    #"{ "" : "" , "b" : [ ] }"#,
    #"[null,true,false,0,"",[],{}]"#, "[[[[[[[[[[]]]]]]]]]]", "[\n]",
  ])
  func accepts(_ text: String) {
    #expect(verdict(text) == nil)
  }

  @Test(
    arguments: [
      // Nothing, or too little.
      ("", .end, 0), (" ", .end, 1), ("[", .end, 1), ("[1", .end, 2), ("[1,", .end, 3),
      ("{", .end, 1),
      ("{\"", .end, 2), ("{\"a", .end, 3), ("{\"a\"", .end, 4), ("{\"a\":", .end, 5),
      ("{\"a\":1", .end, 6),
      ("{\"a\":1,", .end, 7), ("\"", .end, 1), ("\"a", .end, 2), ("\"\\", .end, 2),
      ("\"\\u12", .end, 5),
      ("t", .end, 1), ("tru", .end, 3), ("nul", .end, 3), ("-", .end, 1), ("1.", .end, 2),
      ("1e", .end, 2),
      ("1e+", .end, 3), ("[[]", .end, 3),
      // What cannot stand there.
      ("[1 2]", .syntax, 3), ("[,1]", .syntax, 1), ("[1,]", .syntax, 3), ("[1,,2]", .syntax, 3),
      ("[1}", .syntax, 2), ("{]", .syntax, 1), ("{,}", .syntax, 1), ("{\"a\"}", .syntax, 4),
      ("{\"a\" 1}", .syntax, 5), ("{\"a\":}", .syntax, 5), ("{\"a\":1,}", .syntax, 7),
      ("{a:1}", .syntax, 1),
      ("{1:1}", .syntax, 1), ("{'a':1}", .syntax, 1), ("{\"a\":1 \"b\":2}", .syntax, 7),
      ("{\"a\"::1}", .syntax, 5), ("]", .syntax, 0), ("}", .syntax, 0), (",", .syntax, 0),
      (":", .syntax, 0),
      ("'a'", .syntax, 0), ("True", .syntax, 0), ("nulL", .syntax, 3), ("trux", .syntax, 3),
      ("/**/1", .syntax, 0), ("[1] // x", .trailing, 4), ("\u{A0}1", .syntax, 0),
      ("\u{B}1", .syntax, 0),
      ("\u{0}", .syntax, 0), (".5", .syntax, 0), ("NaN", .syntax, 0), ("Infinity", .syntax, 0),
      ("undefined", .syntax, 0), ("\\u0031", .syntax, 0), ("[1\u{0}]", .syntax, 2),
      // Numbers.
      ("01", .number, 1), ("-01", .number, 2), ("00", .number, 1), ("+1", .number, 0),
      ("1.e5", .number, 2),
      ("1.x", .number, 2), ("1ee5", .number, 2), ("1e+-5", .number, 3), ("-x", .number, 1),
      ("--1", .number, 1),
      ("-Infinity", .number, 1), ("[-]", .number, 2), ("1.2.3", .trailing, 3),
      ("1e5.5", .trailing, 3),
      ("0x10", .trailing, 1), ("1_000", .trailing, 1), ("1a", .trailing, 1), ("- 1", .number, 1),
      // Strings.
      ("\"\t\"", .control, 1), ("\"\n\"", .control, 1), ("\"a\u{0}\"", .control, 2),
      ("\"\u{1F}\"", .control, 1),
      ("\"abcdefghijkl\u{1F}\"", .control, 13),
      ("\"\\x41\"", .escape, 2), ("\"\\'\"", .escape, 2), ("\"\\a\"", .escape, 2),
      ("\"\\u12g4\"", .escape, 5),
      ("\"\\u 123\"", .escape, 3), ("\"\\U0041\"", .escape, 2), ("\"\\\u{0}\"", .escape, 2),
      ("\"\\é\"", .escape, 2),
      // More than one value.
      ("1 2", .trailing, 2), ("{}{}", .trailing, 2), ("[]]", .trailing, 2),
      ("\"a\"x", .trailing, 3),
      ("null,", .trailing, 4), ("1 \u{0}", .trailing, 2),
      // Byte order marks.
      ("\u{FEFF}1", .byteOrderMark, 0), (" \u{FEFF}1", .syntax, 1),
    ] as [(String, JSONError.Code, Int)])
  func refuses(_ text: String, _ code: JSONError.Code, _ offset: Int) {
    #expect(verdict(text) == JSONError(code, at: offset))
  }

  /// Ill-formed UTF-8 in strings and keys: the offset is that of the sequence's first byte.
  @Test(
    arguments: [
      [0x80], [0xBF], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0xAF],
      [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF0, 0x80, 0x80, 0xAF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9D, 0x84],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
  func refusesIllFormedText(_ bytes: [UInt8]) {
    for prefix in ["\"", "\"abcdefg", "\"abcdefgh12345678", "{\"", "[\"é"] {
      let document = Array(prefix.utf8) + bytes + Array("\"".utf8)
      #expect(verdict(document) == JSONError(.utf8, at: prefix.utf8.count), "after \(prefix)")
    }
    // Outside of strings no byte above 0x7F can stand at all.
    #expect(verdict(bytes) == JSONError(.syntax, at: 0))
  }

  @Test func everyByteOutsideAndInsideOfStrings() {
    for byte in UInt8.min...UInt8.max {
      let alone = verdict([0x5B, byte, 0x5D])
      let isFine = " \t\r\n0123456789".utf8.contains(byte)
      #expect((alone == nil) == isFine, "[\(byte)]")
      let inside = verdict([0x22, byte, 0x22])
      let isText = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
      #expect((inside == nil) == isText, "\"\(byte)\"")
    }
  }

  @Test func wordsThatPythonWrites() {
    for text in ["NaN", "Infinity", "-Infinity", "[NaN,-Infinity]", #"{"a":Infinity}"#] {
      #expect(verdict(text, options: .nonFinite) == nil)
      #expect(
        verdict(text)?.code == (text.hasPrefix("-") ? .number : .syntax) || text.contains("["))
      #expect(verdict(text) != nil)
    }
    for text in [
      "nan", "-NaN", "Nan", "Infinit", "-Infinitx", "+Infinity", "infinity", "NaNN", "-I",
    ] {
      #expect(verdict(text, options: .nonFinite) != nil, "\(text)")
    }
  }

  @Test func depthIsLimited() {
    func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
      Array((String(repeating: open, count: depth) + String(repeating: close, count: depth)).utf8)
    }
    #expect(verdict(nested(1024, "[", "]")) == nil)
    #expect(verdict(nested(1025, "[", "]")) == JSONError(.depth, at: 1024))
    #expect(verdict(nested(3, "[", "]"), depth: 3) == nil)
    #expect(verdict(nested(4, "[", "]"), depth: 3) == JSONError(.depth, at: 3))
    #expect(verdict(Array(repeating: UInt8(ascii: "["), count: 1 << 20))?.code == .depth)
    let objects = Array(
      (String(repeating: #"{"a":"#, count: 1024) + "1" + String(repeating: "}", count: 1024)).utf8)
    #expect(verdict(objects) == nil)
    // Arrays and objects alternate over more than one word of the bookkeeping.
    let mixed =
      String(repeating: #"[{"a":"#, count: 512) + "1" + String(repeating: "}]", count: 512)
    #expect(verdict(mixed) == nil)
    let wrong =
      String(repeating: #"[{"a":"#, count: 512) + "1" + String(repeating: "]}", count: 512)
    #expect(verdict(wrong)?.code == .syntax)
  }
}
