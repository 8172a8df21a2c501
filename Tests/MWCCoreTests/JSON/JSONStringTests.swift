import MWCCore
import Testing

@Suite struct JSONStringTests {
  @Test(arguments: [
    (#""""#, ""), (#""plain""#, "plain"), (#""é→𝄞""#, "é→𝄞"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud834\udd1e!""#, "𝄞!"), (#""\u0000""#, "\0"),
    // Surrogates without a partner.
    (#""\ud834""#, "\u{FFFD}"), (#""\udd1e""#, "\u{FFFD}"), (#""\ud834x""#, "\u{FFFD}x"),
    (#""\ud834\ud834\udd1e""#, "\u{FFFD}𝄞"), (#""\ud834\u0041""#, "\u{FFFD}A"),
    (#""\udd1e\ud834""#, "\u{FFFD}\u{FFFD}"),
    (#""\ud834\\udd1e""#, "\u{FFFD}\\udd1e"),
  ])
  func resolvesEscapes(_ json: String, _ expected: String) throws {
    var scanner = try JSONScanner(paths: ["$"])
    let bytes = Array(json.utf8)
    let value = unsafe try scanner.scan(bytes.span.bytes)[0]
    let (string, hasEscapes) = (value.string, value.hasEscapes)
    #expect(string.map { Array($0.utf8) } == Array(expected.utf8))
    #expect(hasEscapes == json.contains("\\"))
    var appended: [UInt8] = [1]
    value.appendString(to: &appended)
    #expect(appended == [1] + Array(expected.utf8))
  }

  @Test func comparesWithoutCopying() throws {
    var scanner = try JSONScanner(paths: ["$"])
    for (json, isEqual) in [
      (#""monitoring_data""#, true), (#""monitoring\u005fdata""#, true),
      (#""monitoring_dat""#, false),
      (#""monitoring_data ""#, false), (#""""#, false), ("1", false), ("null", false),
      (#""monitoring_dat\u0061""#, true), (#""monitoring_dat\ud800""#, false),
    ] {
      let bytes = Array(json.utf8)
      let value = unsafe try scanner.scan(bytes.span.bytes)[0]
      let found = value.isString("monitoring_data")
      #expect(found == isEqual, "\(json)")
    }
  }

  @Test func otherKindsAreNoStrings() throws {
    var scanner = try JSONScanner(paths: ["$"])
    for json in ["1", "null", "[]", "{}", "true"] {
      let bytes = Array(json.utf8)
      let value = unsafe try scanner.scan(bytes.span.bytes)[0]
      let (string, double, bool) = (value.string, value.double, value.bool)
      #expect(string == nil)
      #expect(double == (json == "1" ? 1 : nil))
      #expect(bool == (json == "true" ? true : nil))
    }
  }

  /// What the writer writes, the scanner reads.
  @Test func writerAndScannerAgree() throws {
    var scanner = try JSONScanner(paths: ["text", "number", "list[1]"])
    for scalar in (0..<0x3000).compactMap(Unicode.Scalar.init) + ["\u{FFFF}", "\u{10FFFF}"] {
      let text = "a\(scalar)b\\\""
      var json = JSONWriter()
      json.beginObject()
      json.member("text", text)
      json.member("number", Double(scalar.value) / 7)
      json.key("list")
      json.beginArray()
      json.null()
      json.integer(scalar.value)
      json.endArray()
      json.endObject()
      let values = unsafe try scanner.scan(json.bytes.span.bytes)
      let found = (values[0].string, values[1].double, values[2].uint64)
      #expect(found == (text, Double(scalar.value) / 7, UInt64(scalar.value)))
    }
  }
}
