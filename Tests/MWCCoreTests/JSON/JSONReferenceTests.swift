import MWCCore
import MWCTestSupport
import Testing

/// Scanner and walk against the slow reference, on random documents and streams of them.
@Suite struct JSONReferenceTests {
  /// Paths of some values of a document, and one that leads nowhere.
  private func somePaths(
    of value: ReferenceJSON.Value, using random: inout SeededGenerator
  ) -> [[ReferenceJSON.Step]] {
    let all = value.paths
    let chosen = Set((0..<8).compactMap { _ in all.randomElement(using: &random) })
    return chosen + [[.name(Array("nowhere".utf8)), .index(3)]]
  }

  private func check(_ bytes: [UInt8], _ comparison: inout ReferenceComparison) {
    let disagreement = comparison.disagreement(about: bytes)
    #expect(disagreement == nil, "\(String(decoding: bytes, as: UTF8.self))")
  }

  /// Streams of drifting messages, each as the sender makes it, then damaged, then again.
  @Test func driftingStreams() throws {
    var random = TestSupport.generator(for: "JSONReferenceTests.driftingStreams")
    for _ in 0..<40 {
      var maker = MessageMaker(random: SeededGenerator(seed: random.next()))
      let first = Array(maker.next().utf8)
      let paths = somePaths(of: try ReferenceJSON.parse(first), using: &random)
      var comparison = try ReferenceComparison(paths: paths)
      check(first, &comparison)
      for _ in 0..<12 {
        let message = Array(maker.next().utf8)
        check(message, &comparison)
        guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
        var damaged = message
        let index = Int.random(in: damaged.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[index] = UInt8.random(in: 0...255, using: &random)
        case 1: damaged.remove(at: index)
        case 2:
          damaged.insert(Array(#""\{}[]:,0e."#.utf8).randomElement(using: &random) ?? 0, at: index)
        default: damaged.removeSubrange(index...)
        }
        check(damaged, &comparison)
        check(message, &comparison)
      }
    }
  }

  /// Everything a document can be, not in streams.
  @Test func documentsOfTheTable() throws {
    let paths: [[ReferenceJSON.Step]] = [
      [], [.name(Array("a".utf8))], [.index(0)], [.index(1)], [.name([])],
      [.name(Array("a".utf8)), .name(Array("b".utf8))],
    ]
    var comparison = try ReferenceComparison(paths: paths)
    for row in try JSONTable.read() where !row.isLenient && row.document.count < 2000 {
      check(row.document, &comparison)
    }
  }
}

/// Messages of one random shape whose values change.
private struct MessageMaker {
  private indirect enum Shape {
    case object([(key: String, often: Int, shape: Shape)])
    case array(Shape)
    case number
    case string
    case word
  }

  private var random: SeededGenerator
  private var shape = Shape.word
  private var space = ""

  init(random: SeededGenerator) {
    self.random = random
    space = ["", " ", "\n\t "].randomElement(using: &self.random) ?? ""
    shape = makeShape(depth: 0)
  }

  mutating func next() -> String { spell(shape) }

  private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

  private mutating func makeShape(depth: Int) -> Shape {
    switch depth == 0 ? 0 : below(depth > 3 ? 3 : 5) {
    case 0 where depth < 4:
      let keys = ["a", "b", "type", "data", "", "a\\\"b", "k\\u0065y", "usage_percent", "é"]
      return .object(
        (0...below(7)).map { _ in
          let key =
            (keys.randomElement(using: &random) ?? "") + (below(3) == 0 ? "" : "\(below(9))")
          return (key, below(4) == 0 ? 50 : 100, makeShape(depth: depth + 1))
        })
    case 1: return .number
    case 2: return .string
    case 3: return .array(makeShape(depth: depth + 1))
    default: return .word
    }
  }

  private mutating func spell(_ shape: Shape) -> String {
    let numbers = [
      "0", "-0", "-0.0", "1e400", "9223372036854775808", "-9223372036854775808", "0.1", "1E-7",
      "123456789012345678901234567890.5e-10", "100.0", "5e-324",
    ]
    let strings = [
      "", "x", "{\\\"a\\\":1}", "\\u00e9\\ud834\\udd1e", "é€𝄞", "\\\\", "],[",
      "longer than sixty-four bytes, so that it spans blocks of any width there is",
    ]
    switch shape {
    case .number:
      return below(4) == 0
        ? numbers.randomElement(using: &random) ?? "0" : "\(below(1000)).\(below(100))"
    case .string: return "\"\(strings.randomElement(using: &random) ?? "")\(below(50))\""
    case .word: return ["true", "false", "null", "{}", "[ ]"].randomElement(using: &random) ?? ""
    case .array(let element):
      return "[" + (0..<below(5)).map { _ in spell(element) }.joined(separator: "," + space) + "]"
    case .object(let members):
      var texts: [String] = []
      for member in members where below(100) < member.often {
        texts.append("\"\(member.key)\":\(space)\(spell(member.shape))")
      }
      return "{" + texts.joined(separator: "," + space) + "}"
    }
  }
}
