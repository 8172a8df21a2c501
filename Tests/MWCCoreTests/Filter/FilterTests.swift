import MWCTestSupport
import Testing

@testable import MWCCore

/// Which messages an expression accepts.
@Suite struct FilterTests {
  private func accepts(
    _ expression: String, _ payload: String, kind: Message.Kind = .text,
    direction: Message.Direction = .received, connection: UInt32 = 1
  ) throws -> Bool {
    let filter = Filter(try FilterExpression(expression))
    let bytes = Array(payload.utf8)
    return unsafe filter.accepts(
      Message(
        wallTime: 0, monotonicTime: 0, connection: connection, direction: direction, kind: kind,
        payload: bytes.span.bytes))
  }

  private static let reading = #"""
    {"type":"monitoring_data","data":{"processor":{"usage_percent":84.5,"cores":8},"up":true,\#
    "gone":null,"name":"a\u00e9\"b","tags":["x","y\n",3,{"k":"z"},null,[1]],"o":{}},"level":"warn"}
    """#

  @Test(arguments: [
    // The example of the documentation, and what each of its parts does.
    #"type == "monitoring_data" and data.processor.usage_percent > 80 or level in ("error","warn")"#,
    #"type == "x" and data.processor.usage_percent > 80 or level in ("error","warn")"#,
    #"type == "monitoring_data" and data.processor.usage_percent > 80 or level in ("error")"#,
    // Numbers.
    "data.processor.cores == 8", "data.processor.cores == 8.0", "data.processor.cores == 8e0",
    "data.processor.cores != 9", "data.processor.cores >= 8", "data.processor.cores <= 8",
    "data.processor.cores < 8.5", "data.processor.usage_percent > data.processor.cores",
    "80 < data.processor.usage_percent", "data.processor.usage_percent in (1, 84.5)",
    "data.processor.usage_percent == 84.50",
    // Everything else.
    "data.up == true", "data.up != false", "data.gone == null", "data.gone != 0",
    "data.up in (1, true)", "not data.up == false", "not (data.up == false or data.gone == 1)",
    "exists(data.gone)", "exists(data.o)", "not exists(data.missing)", "exists($)",
    #"data.name == "aé\"b""#, #"data.name == "a\u00e9\u0022b""#, #"data.name > "a""#,
    #"data.name contains "é\"""#, #"data.name contains """#, #"level contains "ar""#,
    #"data.tags contains "y\n""#, "data.tags contains 3", "data.tags contains 3.0",
    "data.tags contains null", #"data.name matches /^aé"b$/"#, "level matches /^w/",
    "level matches /WARN/i", #"data["processor"]["cores"] == 8"#, "$.data.processor.cores == 8",
    #"data.tags[0] == "x""#, #"data.tags[3].k == "z""#, #"level < "warnx""#, #"level >= "warn""#,
    // Properties.
    "$connection == 1", #"$direction == "in""#, #"$kind == "text""#, "$size > 100",
    #"$type == "monitoring_data""#, #"$kind in ("text","binary")"#, #"$type matches /^mon/"#,
    // Precedence: not, then and, then or.
    "data.up == true or data.up == false and data.up == false",
    "not data.up == false and data.up == true",
    "not (data.up == true and data.gone == 1)",
    // Constants.
    "1 == 1", "\"a\" < \"b\"",
  ])
  func accepts(expression: String) throws {
    #expect(try accepts(expression, Self.reading))
    // The opposite is refused.
    #expect(try !accepts("not (\(expression))", Self.reading))
  }

  @Test(arguments: [
    // A path that is missing makes every comparison false, also the one for being different.
    "data.missing == 1", "data.missing != 1", "data.missing < 1", "data.missing in (1)",
    "data.missing contains 1", "data.missing matches /./", "exists(data.missing)",
    "data.processor.cores == data.missing", "data.missing != data.processor.cores",
    // Kinds that have nothing in common are neither equal nor ordered.
    #"data.processor.cores == "8""#, "level > 1", "level == null", "data.o == data.o",
    "data.up > level", "data.o contains 1", "data.processor.cores matches /8/",
    #"data.tags contains "z""#, "data.tags contains 1", #"level contains "x""#,
    // Steps that do not fit.
    "data.tags.x == 1", "level[0] == 1", "data[0] == 1", "data.tags[99] == 1",
    "$connection == 2", #"$direction == "out""#, #"$kind == "binary""#, "$size < 100",
  ])
  func refuses(expression: String) throws {
    #expect(try !accepts(expression, Self.reading))
  }

  @Test func numbersAreExact() throws {
    // Doubles would not tell these apart.
    #expect(try accepts("n == 9007199254740993", #"{"n":9007199254740993}"#))
    #expect(try !accepts("n == 9007199254740993", #"{"n":9007199254740992}"#))
    #expect(try !accepts("n == 9007199254740993", #"{"n":9007199254740992.0}"#))
    #expect(try accepts("n > 9007199254740992.0", #"{"n":9007199254740993}"#))
    #expect(try accepts("n == 9223372036854775807", #"{"n":9223372036854775807}"#))
    #expect(try accepts("n < 9223372036854775808", #"{"n":9223372036854775807}"#))
    #expect(try accepts("n > -9223372036854775809", #"{"n":-9223372036854775808}"#) == false)
    #expect(try accepts("n >= -9223372036854775808.0", #"{"n":-9223372036854775808}"#))
    #expect(try accepts("n == 0.1", #"{"n":0.10000000000000000555}"#))
    #expect(try accepts("n == 0", #"{"n":-0.0}"#))
    #expect(try accepts("n > 1e300", #"{"n":1e400}"#))
    // What Python writes for a number that is none is different from everything.
    #expect(try accepts("n != 1", #"{"n":NaN}"#))
    #expect(try !accepts("n < 1 or n >= 1 or n == n", #"{"n":NaN}"#))
    #expect(try accepts("n > 5", #"{"n":Infinity}"#))
  }

  @Test func whatIsNotJSONHasNoValues() throws {
    for payload in ["", "hello", "{", "\u{FEFF}{}", #"{"a":1}x"#] {
      #expect(try !accepts("exists($)", payload))
      #expect(try accepts("not exists(a) and $kind == \"text\" and $size < 20", payload))
    }
    // Binary messages and control frames are not looked into; events are JSON.
    #expect(try !accepts("exists(a)", #"{"a":1}"#, kind: .binary))
    #expect(try !accepts("exists(a)", #"{"a":1}"#, kind: .ping))
    #expect(try accepts("code == 1006 and $kind == \"closed\"", #"{"code":1006}"#, kind: .closed))
    #expect(try accepts("$kind == \"kind-200\"", "", kind: Message.Kind(rawValue: 200)))
  }

  @Test func packetsOfSocketIO() throws {
    let packet = #"42/health,7["cluster:health",{"nodes":3}]"#
    #expect(try accepts(#"$type == "cluster:health" and [1].nodes == 3"#, packet))
    #expect(try accepts(#"[0] == "cluster:health""#, packet))
    #expect(try accepts(#"$type == "event""#, #"42["event"]"#))
    #expect(try accepts("sid == \"x\"", #"0{"sid":"x"}"#))
    #expect(try !accepts("exists($type)", #"0{"sid":"x"}"#))
    // Plain numbers stay what they are.
    #expect(try accepts("$ == 42", "42"))
    #expect(try accepts("$ == 423", "423"))
    #expect(try !accepts("exists($)", "42[1"))
    // An array outside of a packet has no type.
    #expect(try !accepts("exists($type)", #"["event"]"#))
  }

  @Test func propertiesOfOtherMessages() throws {
    #expect(try accepts("$connection in (2, 3)", "{}", connection: 3))
    #expect(try accepts(#"$direction == "out""#, "{}", direction: .sent))
    #expect(try accepts("$size == 0", "", kind: .pong))
  }

  /// One filter judges many messages; what it remembers of one does not reach the next.
  @Test func judgesOneMessageAfterTheOther() throws {
    let filter = Filter(try FilterExpression(#"a == "é\n" and b matches /x.z$/"#))
    let cases = [
      (#"{"a":"\u00e9\n","b":"xyz"}"#, true), (#"{"a":"\u00e9\n","b":"x\nz"}"#, true),
      (#"{"a":"é","b":"xyz"}"#, false), ("no", false), (#"{"a":"é\u000a","b":"xéz"}"#, true),
      (#"{"a":"\u00e9\n"}"#, false),
    ]
    for _ in 0..<3 {
      for (payload, isAccepted) in cases {
        let bytes = Array(payload.utf8)
        let message = unsafe Message(
          wallTime: 0, monotonicTime: 0, connection: 1, kind: .text, payload: bytes.span.bytes)
        let isRight = filter.accepts(message) == isAccepted
        #expect(isRight, "\(payload)")
      }
    }
  }

  @Test func expressionsAreJoined() throws {
    #expect(FilterExpression.all(of: [nil, nil]) == nil)
    let joined = FilterExpression.all(of: [
      .connection(2), nil, .type("a\"b"), try FilterExpression("x == 1 or y == 2"),
    ])
    #expect(
      joined?.description
        == #"$connection == 2 and $type == "a\"b" and (x == 1 or y == 2)"#)
  }
}
