import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

/// Random documents, sound and damaged, given to Python's `json` module too: both must take and refuse
/// the same, find the same values at the same paths, and spell everything alike.
@Suite struct PythonComparisonTests {
  private struct Question: Encodable {
    var json: Data
    var paths: [[Step]]
  }

  private struct Answer: Decodable {
    var text: String
    var values: [String?]
  }

  private enum Step: Encodable, Hashable {
    case name(String)
    case index(Int)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .name(let name): try container.encode(name)
      case .index(let index): try container.encode(index)
      }
    }
  }

  @Test func agreesWithPython() async throws {
    var generator = TestSupport.generator(for: "JSON against Python")
    var questions: [Question] = []
    for _ in 0..<4000 {
      var maker = DocumentMaker(generator: generator)
      var document = maker.document()
      if Bool.random(using: &maker.generator) { maker.damage(&document) }
      let paths = Set((0..<4).map { _ in maker.path() })
      generator = maker.generator
      questions.append(Question(json: Data(document), paths: Array(paths)))
    }
    let encoder = JSONEncoder()
    let input = try questions.map { try encoder.encode($0) }.joined(separator: Data("\n".utf8))
    let result = try await ChildProcess.run(
      "/usr/bin/env", ["python3", TestSupport.packageRoot + "/Tests/Peers/json_reference.py"],
      input: Data(input))
    try #require(result.status == .exited(0), "\(result.errors)")
    let answers = try result.lines.map {
      try JSONDecoder().decode(Answer?.self, from: Data($0.utf8))
    }
    try #require(answers.count == questions.count)
    var taken = 0
    for (question, answer) in zip(questions, answers) {
      let document = Array(question.json)
      let ours = try Self.answer(document, question.paths)
      let shown = String(decoding: document, as: UTF8.self)
      #expect(ours?.text == answer?.text, "\(shown)")
      #expect(ours?.values == answer?.values, "\(question.paths) in \(shown)")
      if answer != nil { taken += 1 }
    }
    // Both sides of the comparison were exercised.
    #expect(taken > questions.count / 3 && taken < questions.count * 9 / 10)
  }

  private static func answer(_ document: [UInt8], _ paths: [[Step]]) throws -> Answer? {
    var scanner = try JSONScanner(paths: paths.map(spelled))
    do throws(JSONError) {
      let values = unsafe try scanner.scan(document.span.bytes)
      var found: [String?] = []
      for index in paths.indices {
        let value = values[index]
        guard !value.isMissing else {
          found.append(nil)
          continue
        }
        // What stands between the quotes of a string is no value by itself.
        var json = Array(unsafe value.text.withUnsafeBytes { unsafe Array($0) })
        if value.kind == .string { json = [0x22] + json + [0x22] }
        found.append(try printed(json, .line))
      }
      return Answer(text: try printed(document, .indented), values: found)
    } catch {
      return nil
    }
  }

  private static func printed(
    _ json: [UInt8], _ layout: JSONPrinter.Layout
  ) throws(JSONError) -> String {
    var printer = JSONPrinter(layout)
    var output = OutputBuffer()
    // Python's words for numbers that are none were refused by the scan before.
    try unsafe printer.print(json.span.bytes, to: &output)
    return output.text
  }

  private static func spelled(_ path: [Step]) -> String {
    "$"
      + path.map { step in
        switch step {
        case .name(let name):
          var json = JSONWriter()
          json.string(name)
          return "[\(json.text)]"
        case .index(let index): return "[\(index)]"
        }
      }.joined()
  }

  /// Makes documents out of few names, so that keys repeat and paths meet something.
  private struct DocumentMaker {
    var generator: SeededGenerator

    private static let names = ["a", "b", "ab", "", "é", "a.b", "\"", "[0]", "𝄞"]
    private static let strings = [
      #""""#, #""text""#, #""\u00e9é\ud834\udd1e𝄞""#, #""\"\\\/\b\f\n\r\t""#, #""\ud800 \udc00""#,
      "\"\u{7F}\u{80}\u{2028}\u{FFFF}\"", #""abcdefghijklmnopqrstuvwxyz""#, #""\u0000\u001F""#,
    ]
    private static let spaces = ["", "", "", " ", "\n\t\r "]

    private mutating func pick<T>(_ choices: [T]) -> T {
      choices[Int.random(in: choices.indices, using: &generator)]
    }

    mutating func document() -> [UInt8] { Array((space() + value(depth: 0) + space()).utf8) }

    mutating func path() -> [Step] {
      (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        Bool.random(using: &generator)
          ? .name(pick(Self.names)) : .index(Int.random(in: 0...3, using: &generator))
      }
    }

    private mutating func space() -> String { pick(Self.spaces) }

    private mutating func value(depth: Int) -> String {
      switch Int.random(in: 0..<(depth < 5 ? 9 : 5), using: &generator) {
      case 0: return pick(["null", "true", "false"])
      case 1, 2: return number()
      case 3, 4: return pick(Self.strings)
      case 5, 6:
        let elements = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
          space() + value(depth: depth + 1) + space()
        }
        return "[" + (elements.isEmpty ? space() : elements.joined(separator: ",")) + "]"
      default:
        // Now and then more members than are compared each with each.
        let count = pick([0, 1, 2, 3, 5, 8, 25])
        let members = (0..<count).map { _ in
          space() + key() + space() + ":" + space() + value(depth: depth + (count > 8 ? 4 : 1))
            + space()
        }
        return "{" + (members.isEmpty ? space() : members.joined(separator: ",")) + "}"
      }
    }

    /// A name, with some of its characters escaped.
    private mutating func key() -> String {
      var json = "\""
      for unit in pick(Self.names).utf16 {
        let isSurrogate = UTF16.isSurrogate(unit)
        if isSurrogate || unit == 0x22 || Int.random(in: 0..<4, using: &generator) == 0 {
          json += String(format: "\\u%04x", Int(unit))
        } else {
          json += String(decoding: [unit], as: UTF16.self)
        }
      }
      return json + "\""
    }

    private mutating func number() -> String {
      func digits(_ count: ClosedRange<Int>) -> String {
        (0..<Int.random(in: count, using: &generator)).map { _ in
          String(Int.random(in: 0...9, using: &generator))
        }.joined()
      }
      let sign = pick(["", "", "-"])
      let whole = pick(["0", "1", "9" + digits(0...3), "7" + digits(15...25)])
      let fraction = pick(["", "", "." + digits(1...3), "." + digits(15...30)])
      let exponent = pick(["", "", "", "e\(Int.random(in: -30...30, using: &generator))", "E+330"])
      return sign + whole + fraction + exponent
    }

    /// Changes, drops or doubles a few bytes.
    mutating func damage(_ document: inout [UInt8]) {
      for _ in 0..<Int.random(in: 1...2, using: &generator) where !document.isEmpty {
        let index = Int.random(in: document.indices, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: document[index] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: document.remove(at: index)
        case 2: document.insert(pick(Array("{}[]\",:\\0-eu \n".utf8)), at: index)
        default: document.removeSubrange(index...)
        }
      }
    }
  }
}
