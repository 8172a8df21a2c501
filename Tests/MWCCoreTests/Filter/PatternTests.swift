import Foundation
import MWCTestSupport
import Testing

@testable import MWCCore

/// Regular expressions of filters.
@Suite struct PatternTests {
  private func matches(
    _ pattern: String, _ text: String, ignoresCase: Bool = false
  ) throws -> Bool {
    var matcher = PatternMatcher(
      try PatternProgram(Array(pattern.utf8), ignoresCase: ignoresCase))
    let bytes = Array(text.utf8)
    return unsafe matcher.matches(bytes.span.bytes)
  }

  @Test(arguments: [
    ("", ["", "x"], []),
    ("b", ["b", "abc"], ["", "a"]),
    ("^b", ["b", "bc"], ["ab"]),
    ("b$", ["b", "ab"], ["bc"]),
    ("^$", [""], ["a"]),
    ("^ab|c$", ["abx", "xc", "c"], ["xab", "cx"]),
    ("^(ab|c)$", ["ab", "c"], ["abc", ""]),
    ("^a*$", ["", "a", "aaa"], ["b", "ab"]),
    ("^a+$", ["a", "aaa"], ["", "b"]),
    ("^a?b$", ["b", "ab"], ["aab"]),
    ("^a{2}$", ["aa"], ["a", "aaa"]),
    ("^a{2,}$", ["aa", "aaaa"], ["a"]),
    ("^a{1,3}$", ["a", "aaa"], ["", "aaaa"]),
    ("^a{0}b$", ["b"], ["ab"]),
    ("^(ab){2}c*$", ["abab", "ababcc"], ["ab", "ababab"]),
    ("^(a*)*$", ["", "aaa"], ["b"]),
    ("^(a|b*)*c$", ["c", "abbac"], ["abd"]),
    ("^[abc-f]$", ["a", "c", "e", "f"], ["g", "", "ab"]),
    ("^[^a-c]$", ["d", "é", "𝄞", "\n"], ["a", "b", ""]),
    ("^[]a]$", ["]", "a"], ["["]),
    ("^[a-]$", ["a", "-"], ["b"]),
    ("^[\\]\\-\\d]+$", ["]-5"], ["a"]),
    ("^.$", ["a", "é", "€", "𝄞", "\n"], ["", "ab", "éa"]),
    ("^.{3}$", ["aé𝄞"], ["aé", "aé𝄞b"]),
    ("^\\d+\\.\\d\\s\\w_$", ["12.5 x_"], ["12x5 x_", "12.5 é_"]),
    ("^\\D\\S\\W$", ["aé-", "\u{e9}x "], ["1é-", "a -"]),
    ("é+", ["xéé"], ["e", "è"]),
    ("^[éx]$", ["é", "x"], ["è", "éx"]),
    ("\\bfail\\b", ["a fail.", "fail"], ["failed", "xfail"]),
    ("\\/\\.\\*\\{\\n", ["/.*{\n"], ["/.*{n"]),
    ("()", ["", "a"], []),
    ("a|", ["", "b"], []),
    ("^(()|a)+$", ["", "aa"], ["b"]),
  ])
  func means(pattern: String, yes: [String], no: [String]) throws {
    for text in yes { #expect(try matches(pattern, text), "/\(pattern)/ in '\(text)'") }
    for text in no { #expect(try !matches(pattern, text), "/\(pattern)/ in '\(text)'") }
  }

  @Test func casesCanBeIgnored() throws {
    #expect(try matches("^err[a-c]$", "ERRB", ignoresCase: true))
    #expect(try !matches("^err[a-c]$", "ERRB"))
    // Beyond ASCII letters are what they are.
    #expect(try !matches("é", "É", ignoresCase: true))
    #expect(try !matches("[@-`]", "A{", ignoresCase: false) == false)
  }

  @Test(arguments: [
    ("(", "without ')'"), (")", "')' without"), ("[a", "'[' without"),
    ("*", "nothing to repeat"), ("a**", "repetition of a repetition"),
    ("a{2", "expected counts"), ("a{3,2}", "expected counts"), ("a{1001}", "expected counts"),
    ("\\q", "no escape '\\q'"), ("a\\", "at the end"), ("[z-a]", "upwards"), ("[a-é]", "ASCII"),
    ("[é-z]", "ASCII"), ("[^é]", "ASCII"), ("[[:alpha:]]", "[:class:]"),
    ("(a{1000}){3}", "too long"),
  ])
  func isRefused(pattern: String, reason: String) {
    let error = #expect(throws: PatternError.self) {
      try PatternProgram(Array(pattern.utf8), ignoresCase: false)
    }
    #expect(error?.reason.contains(reason) == true, "\(pattern): \(error?.reason ?? "")")
  }

  @Test func nestingAndEmptyRepetitionsAreBounded() throws {
    let open = { String(repeating: "(", count: $0) + "a" + String(repeating: ")", count: $0) }
    #expect(try matches(open(64), "a"))
    #expect(throws: PatternError.self) { try matches(open(65), "a") }
    // Nothing, a thousand times a thousand times …
    var empty = "()"
    for _ in 0..<20 { empty = "(\(empty){1000})" }
    #expect(try matches(empty, ""))
  }

  /// What makes other machines go back and try again, for ever, takes no longer than anything else.
  @Test func hardExpressionsAreNotHarder() throws {
    let text = String(repeating: "a", count: 5_000)
    #expect(try !matches("^(a+)+b$", text))
    #expect(try !matches("(a|aa)+$b", text))
    #expect(try matches("(a?){50}a{50}", String(repeating: "a", count: 50)))
    #expect(try matches("(a|b)*a(a|b){300}", text))
  }

  /// Against Python's `re` in all that both understand.
  @Test func agreesWithAnotherImplementation() async throws {
    var random = TestSupport.generator(for: "regular expressions")
    let pieces = [
      "a", "b", "é", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "a*", "b+", "é?", "(a|bé)*", "(a?b){2}",
      "^", "$", "|", "\\d", "\\w", "\\b", "(.a){1,2}", "[a-cé]",
    ]
    let letters = ["a", "b", "é", "c", " ", "1", "_", "𝄞"]
    var cases: [[String]] = []
    for _ in 0..<400 {
      let pattern = (0...Int.random(in: 0...5, using: &random))
        .map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      for _ in 0..<5 {
        let text = (0..<Int.random(in: 0...8, using: &random))
          .map { _ in letters.randomElement(using: &random) ?? "" }.joined()
        cases.append([pattern, text])
      }
    }
    let program = """
      import json, re, sys
      def found(pattern, text):
        # $ is the very end, words and digits are ASCII, and . takes everything.
        pattern = re.sub(r"\\$", r"\\\\Z", pattern)
        return re.search(pattern, text, re.S | re.A) is not None
      print(json.dumps([found(*case) for case in json.load(sys.stdin)]))
      """
    let result = try await ChildProcess.run(
      "/usr/bin/env", ["python3", "-c", program], input: try JSONEncoder().encode(cases))
    try #require(result.status == .exited(0), "\(result.errors)")
    let expected = try JSONDecoder().decode([Bool].self, from: result.output)
    for (one, isFound) in zip(cases, expected) {
      #expect(try matches(one[0], one[1]) == isFound, "/\(one[0])/ in '\(one[1])'")
    }
  }
}
