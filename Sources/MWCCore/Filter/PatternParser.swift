/// Reads a regular expression (`PatternProgram` says which language) into a tree.
struct PatternParser {
  private let text: [UInt8]
  private let ignoresCase: Bool
  private var at = 0
  private var depth = 0

  /// Groups inside of groups at most.
  private static let maxDepth = 64

  init(_ text: [UInt8], ignoresCase: Bool) {
    self.text = text
    self.ignoresCase = ignoresCase
  }

  mutating func parse() throws(PatternError) -> PatternNode {
    let node = try parseAlternatives()
    guard at == text.count else { throw PatternError("')' without '('") }
    return node
  }

  private mutating func parseAlternatives() throws(PatternError) -> PatternNode {
    var nodes = [try parseSequence()]
    while take("|") { nodes.append(try parseSequence()) }
    return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
  }

  private mutating func parseSequence() throws(PatternError) -> PatternNode {
    var nodes: [PatternNode] = []
    while at < text.count, text[at] != UInt8(ascii: "|"), text[at] != UInt8(ascii: ")") {
      let atom = try parseAtom()
      nodes.append(try parseRepetition(of: atom))
    }
    return nodes.isEmpty ? .empty : .sequence(nodes)
  }

  // MARK: Repetition

  private mutating func parseRepetition(
    of atom: PatternNode
  ) throws(PatternError) -> PatternNode {
    let node: PatternNode
    if take("*") {
      node = .repeated(atom, 0, nil)
    } else if take("+") {
      node = .repeated(atom, 1, nil)
    } else if take("?") {
      node = .repeated(atom, 0, 1)
    } else if take("{") {
      node = try parseCounts(of: atom)
    } else {
      return atom
    }
    if at < text.count, "*+?{".utf8.contains(text[at]) {
      throw PatternError("a repetition of a repetition; put the inner one in parentheses")
    }
    return node
  }

  /// `3}`, `2,}` or `2,5}`.
  private mutating func parseCounts(of atom: PatternNode) throws(PatternError) -> PatternNode {
    let wrong = PatternError(
      "after '{' expected counts such as {3}, {2,} or {2,5}, at most "
        + "\(PatternProgram.maxRepetitions); write \\{ for a brace")
    guard let least = takeCount() else { throw wrong }
    var most: Int? = least
    if take(",") { most = takeCount() }
    guard take("}") else { throw wrong }
    if let most, most < least { throw wrong }
    return .repeated(atom, least, most)
  }

  private mutating func takeCount() -> Int? {
    let digits = text[at...].prefix { $0.isDigit }
    guard let count = Int(String(decoding: digits, as: UTF8.self)),
      count <= PatternProgram.maxRepetitions
    else { return nil }
    at += digits.count
    return count
  }

  // MARK: One character

  private mutating func parseAtom() throws(PatternError) -> PatternNode {
    let byte = text[at]
    at += 1
    switch byte {
    case UInt8(ascii: "("):
      guard depth < Self.maxDepth else { throw PatternError("nested too deeply") }
      depth += 1
      defer { depth -= 1 }
      let node = try parseAlternatives()
      guard take(")") else { throw PatternError("'(' without ')'") }
      return node
    case UInt8(ascii: "["): return try parseSet()
    case UInt8(ascii: "."): return Self.anything(but: ByteSet())
    case UInt8(ascii: "^"): return .start
    case UInt8(ascii: "$"): return .end
    case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
      throw PatternError("nothing to repeat before '\(Unicode.Scalar(byte))'")
    case UInt8(ascii: "\\"):
      if take("b") { return .wordEdge }
      return try parseEscape()
    default: return literal(byte)
    }
  }

  /// What stands behind a backslash.
  private mutating func parseEscape() throws(PatternError) -> PatternNode {
    guard at < text.count else { throw PatternError("a backslash at the end") }
    let byte = text[at]
    at += 1
    switch byte {
    case UInt8(ascii: "d"): return .set(.digits)
    case UInt8(ascii: "D"): return Self.anything(but: .digits)
    case UInt8(ascii: "w"): return .set(.word)
    case UInt8(ascii: "W"): return Self.anything(but: .word)
    case UInt8(ascii: "s"): return .set(.space)
    case UInt8(ascii: "S"): return Self.anything(but: .space)
    default: return literal(try Self.escaped(byte))
    }
  }

  /// The character that `\` and `byte` stand for.
  private static func escaped(_ byte: UInt8) throws(PatternError) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "t"): return 0x09
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return byte
    default: throw PatternError("there is no escape '\\\(Self.shown(byte))'")
    }
  }

  private static func shown(_ byte: UInt8) -> Unicode.Scalar {
    byte > 0x20 && byte < 0x7F ? Unicode.Scalar(byte) : "?"
  }

  /// One character, which may have more bytes.
  private mutating func literal(_ byte: UInt8) -> PatternNode {
    guard byte >= 0xC0 else { return .set(cased(byte)) }
    var nodes = [PatternNode.set(ByteSet(byte...byte))]
    while at < text.count, text[at] & 0xC0 == 0x80 {
      nodes.append(.set(ByteSet(text[at]...text[at])))
      at += 1
    }
    return .sequence(nodes)
  }

  /// The byte, and its other case where that makes no difference.
  private func cased(_ byte: UInt8) -> ByteSet {
    var set = ByteSet(byte...byte)
    if ignoresCase, ByteSet.letters.contains(byte) { set.insert(byte ^ 0x20) }
    return set
  }

  // MARK: Sets

  /// `[…]` and `[^…]`, behind the bracket.
  private mutating func parseSet() throws(PatternError) -> PatternNode {
    let isNegated = take("^")
    var set = ByteSet()
    var others: [PatternNode] = []
    var isFirst = true
    while true {
      guard at < text.count else { throw PatternError("'[' without ']'") }
      let byte = text[at]
      // As POSIX has it: a bracket that comes first means itself.
      if byte == UInt8(ascii: "]"), !isFirst { break }
      isFirst = false
      at += 1
      if byte >= 0x80 {
        others.append(literal(byte))
        if at < text.count, text[at] == UInt8(ascii: "-"), at + 1 < text.count,
          text[at + 1] != UInt8(ascii: "]")
        {
          throw PatternError("a range in [ ] has ASCII characters at both ends")
        }
        continue
      }
      try parseMember(byte, into: &set)
    }
    at += 1
    if !isNegated {
      return others.isEmpty ? .set(set) : .alternatives([.set(set)] + others)
    }
    guard others.isEmpty else { throw PatternError("[^ ] takes ASCII characters only") }
    return Self.anything(but: set)
  }

  /// A character, a range or a class such as `\d`.
  private mutating func parseMember(
    _ first: UInt8, into set: inout ByteSet
  ) throws(PatternError) {
    var low = first
    if first == UInt8(ascii: "[") {
      if at < text.count, ":.=".utf8.contains(text[at]) {
        throw PatternError("[:class:] is not understood; write \\d, \\w, \\s or a range")
      }
    } else if first == UInt8(ascii: "\\") {
      guard at < text.count else { throw PatternError("'[' without ']'") }
      let byte = text[at]
      at += 1
      switch byte {
      case UInt8(ascii: "d"): return set.formUnion(.digits)
      case UInt8(ascii: "w"): return set.formUnion(.word)
      case UInt8(ascii: "s"): return set.formUnion(.space)
      default: low = try Self.escaped(byte)
      }
    }
    guard at + 1 < text.count, text[at] == UInt8(ascii: "-"), text[at + 1] != UInt8(ascii: "]")
    else { return set.formUnion(cased(low)) }
    at += 1
    var high = text[at]
    at += 1
    if high == UInt8(ascii: "\\") {
      guard at < text.count else { throw PatternError("'[' without ']'") }
      high = try Self.escaped(text[at])
      at += 1
    }
    guard high < 0x80 else {
      throw PatternError("a range in [ ] has ASCII characters at both ends")
    }
    guard low <= high else { throw PatternError("a range in [ ] goes upwards") }
    for byte in low...high { set.formUnion(cased(byte)) }
  }

  /// Any one character but the ASCII ones in `set`.
  private static func anything(but set: ByteSet) -> PatternNode {
    let next = PatternNode.set(ByteSet(0x80...0xBF))
    return .alternatives([
      .set(set.asciiComplement),
      .sequence([.set(ByteSet(0xC0...0xDF)), next]),
      .sequence([.set(ByteSet(0xE0...0xEF)), next, next]),
      .sequence([.set(ByteSet(0xF0...0xF7)), next, next, next]),
    ])
  }

  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    guard at < text.count, text[at] == UInt8(ascii: sign) else { return false }
    at += 1
    return true
  }
}

extension ByteSet {
  static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))

  static let letters: ByteSet = {
    var set = ByteSet(UInt8(ascii: "a")...UInt8(ascii: "z"))
    set.formUnion(ByteSet(UInt8(ascii: "A")...UInt8(ascii: "Z")))
    return set
  }()

  static let word: ByteSet = {
    var set = letters
    set.formUnion(digits)
    set.insert(UInt8(ascii: "_"))
    return set
  }()

  static let space: ByteSet = {
    var set = ByteSet(0x09...0x0D)
    set.insert(0x20)
    return set
  }()
}
