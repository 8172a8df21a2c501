import MWCCore
import Testing

@Suite struct JSONWriterTests {
  private func written(_ body: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    body(&json)
    return json.text
  }

  @Test func putsCommasAndColons() {
    let text = written { json in
      json.beginObject()
      json.member("code", 1006)
      json.member("reason", "gone")
      json.member("status", nil as Int?)
      json.member("subprotocol", nil as String?)
      json.key("list")
      json.beginArray()
      json.integer(UInt64.max)
      json.bool(true)
      json.beginObject()
      json.endObject()
      json.beginArray()
      json.endArray()
      json.null()
      json.endArray()
      json.member("ok", false)
      json.member("rate", 45.0)
      json.endObject()
    }
    #expect(
      text
        == #"{"code":1006,"reason":"gone","status":null,"subprotocol":null,"#
        + #""list":[18446744073709551615,true,{},[],null],"ok":false,"rate":45.0}"#)
  }

  @Test(arguments: [
    ("", #""""#), ("plain", #""plain""#), ("é → 𝄞", #""é → 𝄞""#),
    ("\"\\/", #""\"\\/""#), ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
    ("\u{0}\u{1B}[31m\u{7F}", #""\u0000\u001b[31m\u007f""#),
    ("a\u{80}\u{9F}\u{A0}ÿ", "\"a\\u0080\\u009f\u{A0}ÿ\""),
  ])
  func escapes(_ text: String, _ expected: String) {
    #expect(written { $0.string(text) } == expected)
  }

  @Test(
    arguments: [
      ([0xFF], "\u{FFFD}"), ([0x61, 0xC3], "a\u{FFFD}"), ([0xC3, 0x28], "\u{FFFD}("),
      ([0xED, 0xA0, 0x80, 0x7A], "\u{FFFD}\u{FFFD}\u{FFFD}z"),
    ] as [([UInt8], String)])
  func mendsIllFormedText(_ bytes: [UInt8], _ expected: String) {
    let text = written { json in unsafe json.string(utf8: bytes.span.bytes) }
    #expect(text == "\"\(expected)\"")
  }

  @Test func linesStandAlone() {
    let text = written { json in
      json.integer(1)
      json.endLine()
      json.integer(2)
      json.endLine()
    }
    #expect(text == "1\n2\n")
  }

  @Test func infinityAndNaNBecomeNull() {
    let text = written { json in
      json.beginArray()
      json.number(.infinity)
      json.number(.nan)
      json.number(-0.0)
      json.endArray()
    }
    #expect(text == "[null,null,-0.0]")
  }

  @Test func startsAfreshAfterRemoveAll() {
    var json = JSONWriter()
    json.beginArray()
    json.integer(1)
    json.removeAll()
    json.integer(2)
    #expect(json.text == "2")
  }
}
