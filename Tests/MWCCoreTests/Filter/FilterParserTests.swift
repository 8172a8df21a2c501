import MWCTestSupport
import Testing

@testable import MWCCore

/// How expressions are read, refused and printed.
@Suite struct FilterParserTests {
  @Test(arguments: [
    // As written, and as printed.
    ("a==1", "a == 1"),
    ("  a\t==\n1 ", "a == 1"),
    ("(((a == 1)))", "a == 1"),
    ("a == 1 and (b == 2 and c == 3)", "a == 1 and b == 2 and c == 3"),
    ("(a == 1 or b == 2) or c == 3", "a == 1 or b == 2 or c == 3"),
    ("(a == 1 and b == 2) or c == 3", "a == 1 and b == 2 or c == 3"),
    ("a == 1 and (b == 2 or c == 3)", "a == 1 and (b == 2 or c == 3)"),
    ("not(a == 1)", "not a == 1"),
    ("not(a == 1 or b == 2)", "not (a == 1 or b == 2)"),
    ("not not a == 1", "not not a == 1"),
    (#"level in("x",1)"#, #"level in ("x", 1)"#),
    ("exists ( $ )", "exists($)"),
    (#"exists(["a"].b["c d"][0])"#, #"exists(a.b["c d"][0])"#),
    (#"$["in"].x == 1"#, "$.in.x == 1"),
    ("$.in.x == .in", "$.in.x == $.in"),
    ("$[0].a==$[12]", "$[0].a == $[12]"),
    (#"$["1x"] == 1"#, "$.1x == 1"),
    (#"a["b.c"] == "\u0041\/""#, #"a["b.c"] == "A/""#),
    ("a == -1.50e+3", "a == -1.50e+3"),
    (#"a matches /x\/y/i"#, #"a matches /x\/y/i"#),
    (#"a matches "x/y""#, #"a matches /x\/y/"#),
    (#"a matches /\\\/[\/]/"#, #"a matches /\\\/[\/]/"#),
    ("é-ü.x_1 == 1", "é-ü.x_1 == 1"),
    ("$.$x == $type", "$.$x == $type"),
  ])
  func printsCanonically(written: String, printed: String) throws {
    let expression = try FilterExpression(written)
    #expect(expression.description == printed)
    #expect(try FilterExpression(expression.description) == expression)
  }

  @Test(arguments: [
    ("", 1, "expected a path such as data.usage, 'not', 'exists' or '(', found the end"),
    ("a", 2, "expected == != < <= > >= 'in', 'contains' or 'matches', found the end"),
    ("a = 1", 3, "one '=' is none; write == to compare"),
    ("a == ", 6, "expected a path or a value after '==', found the end"),
    ("a == 1 b", 8, "expected 'and', 'or' or the end, found 'b'"),
    ("a == 1 AND b == 2", 8, "expected 'and', 'or' or the end, found 'AND'"),
    ("a == 1)", 7, "expected 'and', 'or' or the end, found ')'"),
    ("(a == 1", 8, "expected ')' to end the parentheses, found the end"),
    ("a == 1 and", 11, "expected a path"),
    ("a in 1", 6, "expected '(' after 'in', found '1'"),
    ("a in ()", 7, "expected a value, found ')'"),
    ("a in (1 2)", 9, "expected ')' or ',' after the value, found '2'"),
    ("a in (b)", 7, "expected a value: a number"),
    ("a == 'x'", 6, "text stands in double quotes"),
    ("a == \"x", 6, "this text has no closing quote"),
    (#"a == "é\q""#, 9, "unknown escape"),
    ("a == 01", 6, "'01' is not a number as JSON spells them"),
    ("a == 1x", 6, "'1x' is not a number as JSON spells them"),
    ("a == -", 6, "'-' is not a number"),
    ("and == 1", 1, "'and' is a word of the language; a member of that name is $.and"),
    ("$foo == 1", 1, "there is no '$foo', only $connection, $direction, $kind, $size, $type"),
    ("a. == 1", 3, "expected the name of a member, found ' '"),
    ("a[x] == 1", 3, "expected an index such as [0]"),
    ("a[4294967296] == 1", 3, "expected an index such as [0]"),
    ("a[0 == 1", 4, "expected ']', found ' '"),
    ("é > true", 4, "'>' compares numbers and strings only"),
    ("a matches b", 11, "expected a regular expression such as /^err/, found 'b'"),
    ("a matches /b", 11, "this regular expression has no closing '/'"),
    ("a matches /b/g", 14, "only 'i' may follow"),
    ("a matches /(/", 11, "regular expression: '(' without ')'"),
    ("exists(1)", 9, "'exists' asks for a path"),
    ("exists a", 8, "expected '(' after 'exists', found 'a'"),
    ("a == 1 & b", 8, "found '&'"),
    ("\u{7}", 1, "found a control character"),
  ])
  func saysWhereItStops(text: String, column: Int, reason: String) {
    let error = #expect(throws: FilterError.self) { try FilterExpression(text) }
    #expect(error?.column == column, "\(text): \(error?.description ?? "")")
    #expect(error?.reason.contains(reason) == true, "\(text): \(error?.description ?? "")")
  }

  @Test func hasBounds() throws {
    let deep = { (count: Int) in
      String(repeating: "(", count: count) + "a == 1" + String(repeating: ")", count: count)
    }
    #expect(try FilterExpression(deep(63)).description == "a == 1")
    #expect(throws: FilterError.self) { try FilterExpression(deep(64)) }
    #expect(throws: FilterError.self) {
      try FilterExpression(String(repeating: "not ", count: 100_000) + "a == 1")
    }
    let paths = { (count: Int) in
      (0..<count).map { "p\($0) == 1" }.joined(separator: " or ")
    }
    let many = try FilterExpression(paths(254) + " or $type == 1")
    #expect(throws: FilterError.self) { try FilterExpression(paths(255)) }
    // All of them find their place in one scanner.
    let bytes = Array(#"{"p253":1}"#.utf8)
    let isAccepted = unsafe Filter(many).accepts(
      Message(
        wallTime: 0, monotonicTime: 0, connection: 1, kind: .text, payload: bytes.span.bytes))
    #expect(isAccepted)
    #expect(throws: FilterError.self) {
      try FilterExpression((0...32).map { "m\($0)" }.joined(separator: ".") + " == 1")
    }
    // A thousand alternatives are no deeper than two.
    let wide = (0..<1000).map { "a == \($0)" }.joined(separator: " or ")
    #expect(try FilterExpression(wide).description == wide)
  }

  /// Whatever random words make, reading what was printed gives the same again.
  @Test func randomExpressionsSurvivePrinting() throws {
    var random = TestSupport.generator(for: "random filters")
    let words = [
      "a", "b.c", "$", "$[0]", "$type", "$size", "in", "(", ")", "and", "or", "not", "exists", "==",
      "!=", "<", "1", "-2.5e3", "\"x\\n\"", "true", "null", "contains", "matches", "/a|b/i", ",",
      "[\"q r\"]", "é", ".x", "\"\\ud800\"", "a == 1", "exists(a)",
    ]
    var count = 0
    for _ in 0..<20_000 {
      let text = (0...Int.random(in: 0...8, using: &random))
        .map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
      guard let expression = try? FilterExpression(text) else { continue }
      count += 1
      let printed = expression.description
      #expect(try FilterExpression(printed) == expression, "\(text) -> \(printed)")
    }
    #expect(count > 100)
  }
}
