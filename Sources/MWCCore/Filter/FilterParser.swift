/// Reads filter expressions, by recursive descent:
///
/// ```
///   any        = all { "or" all }
///   all        = negation { "and" negation }
///   negation   = "not" negation | "(" any ")" | "exists" "(" operand ")" | comparison
///   comparison = operand ( ("==" | "!=" | "<" | "<=" | ">" | ">=") operand
///                        | "in" "(" literal { "," literal } ")"
///                        | "contains" literal
///                        | "matches" ( "/" regular expression "/" ["i"] | string ) )
///   operand    = path | "$" property | literal
/// ```
struct FilterParser {
  private let text: [UInt8]
  private var at = 0
  private var depth = 0
  private var paths: Set<FilterExpression.Path> = []

  init(_ text: String) { self.text = Array(text.utf8) }

  mutating func parse() throws(FilterError) -> FilterExpression {
    guard text.count <= FilterExpression.Limit.length else {
      throw error("an expression has at most \(FilterExpression.Limit.length) bytes", at: 0)
    }
    let root = try parseAny()
    skipSpace()
    guard at == text.count else {
      throw error("expected 'and', 'or' or the end, found \(found)")
    }
    return FilterExpression(root: root)
  }

  // MARK: Nodes

  private mutating func parseAny() throws(FilterError) -> FilterExpression.Node {
    var nodes = [try parseAll()]
    while take(word: "or") { nodes.append(try parseAll()) }
    return .disjunction(of: nodes)
  }

  private mutating func parseAll() throws(FilterError) -> FilterExpression.Node {
    var nodes = [try parseNegation()]
    while take(word: "and") { nodes.append(try parseNegation()) }
    return .conjunction(of: nodes)
  }

  private mutating func parseNegation() throws(FilterError) -> FilterExpression.Node {
    skipSpace()
    guard depth < FilterExpression.Limit.depth else {
      throw error("nested more than \(FilterExpression.Limit.depth) deep")
    }
    depth += 1
    defer { depth -= 1 }
    if take(word: "not") { return .not(try parseNegation()) }
    if take("(") {
      let inner = try parseAny()
      try expect(")", "to end the parentheses")
      return inner
    }
    if take(word: "exists") {
      try expect("(", "after 'exists'")
      let operand = try parseOperand("a path")
      if case .literal = operand { throw error("'exists' asks for a path, not for a value") }
      try expect(")", "after the path")
      return .test(FilterExpression.Test(left: operand, relation: .exists))
    }
    return .test(try parseTest())
  }

  private mutating func parseTest() throws(FilterError) -> FilterExpression.Test {
    let left = try parseOperand("a path such as data.usage, 'not', 'exists' or '('")
    skipSpace()
    for comparison in FilterExpression.Comparison.allCases where take(comparison.rawValue) {
      let place = at
      let right = try parseOperand("a path or a value after '\(comparison.rawValue)'")
      try check(comparison, left, right, at: place)
      return FilterExpression.Test(left: left, relation: .compares(comparison, right))
    }
    if take(word: "in") {
      return FilterExpression.Test(left: left, relation: .isIn(try parseList()))
    }
    if take(word: "contains") {
      let literal = try parseLiteral("a value after 'contains'")
      return FilterExpression.Test(left: left, relation: .contains(literal))
    }
    if take(word: "matches") {
      return FilterExpression.Test(left: left, relation: .matches(try parsePattern()))
    }
    if peek == UInt8(ascii: "=") { throw error("one '=' is none; write == to compare") }
    throw error("expected == != < <= > >= 'in', 'contains' or 'matches', found \(found)")
  }

  /// Order needs something that has one.
  private func check(
    _ comparison: FilterExpression.Comparison, _ left: FilterExpression.Operand,
    _ right: FilterExpression.Operand, at place: Int
  ) throws(FilterError) {
    guard comparison != .equal, comparison != .notEqual else { return }
    for case .literal(let literal) in [left, right] {
      switch literal {
      case .null, .bool:
        throw error("'\(comparison.rawValue)' compares numbers and strings only", at: place)
      case .number, .string: break
      }
    }
  }

  private mutating func parseList() throws(FilterError) -> [FilterExpression.Literal] {
    try expect("(", "after 'in'")
    var literals = [try parseLiteral("a value")]
    while take(",") { literals.append(try parseLiteral("a value after ','")) }
    try expect(")", "or ',' after the value")
    return literals
  }

  private mutating func parseLiteral(
    _ expected: String
  ) throws(FilterError) -> FilterExpression.Literal {
    skipSpace()
    let place = at
    guard case .literal(let literal) = try parseOperand(expected) else {
      throw error("expected \(expected): a number, \"text\", true, false or null", at: place)
    }
    return literal
  }

  // MARK: Operands

  private mutating func parseOperand(
    _ expected: String
  ) throws(FilterError) -> FilterExpression.Operand {
    skipSpace()
    guard let first = peek else { throw error("expected \(expected), found \(found)") }
    switch first {
    case UInt8(ascii: "\""): return .literal(.string(try parseString()))
    case UInt8(ascii: "'"): throw error("text stands in double quotes, like \"text\"")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .literal(.number(try parseNumber()))
    case UInt8(ascii: "$"):
      if at + 1 < text.count, text[at + 1].isFilterNameByte {
        return .property(try parseProperty())
      }
    case UInt8(ascii: "."), UInt8(ascii: "["): break
    case UInt8(ascii: "/"): throw error("expected \(expected), found \(found)")
    case _ where first.isFilterNameByte:
      if let literal = try parseWord() { return .literal(literal) }
    default: throw error("expected \(expected), found \(found)")
    }
    return .path(try parsePath())
  }

  /// `true`, `false` and `null`; nil when a path begins here.
  private mutating func parseWord() throws(FilterError) -> FilterExpression.Literal? {
    let word = String(decoding: text[at..<endOfName(from: at)], as: UTF8.self)
    switch word {
    case "true", "false":
      at += word.utf8.count
      return .bool(word == "true")
    case "null":
      at += word.utf8.count
      return .null
    case _ where FilterExpression.words.contains(word):
      throw error("'\(word)' is a word of the language; a member of that name is $.\(word)")
    default: return nil
    }
  }

  private mutating func parseProperty() throws(FilterError) -> FilterExpression.Property {
    let name = String(decoding: text[(at + 1)..<endOfName(from: at + 1)], as: UTF8.self)
    guard let property = FilterExpression.Property(rawValue: name) else {
      let known = FilterExpression.Property.allCases.map { "$\($0.rawValue)" }
      throw error(
        "there is no '$\(name)', only \(known.joined(separator: ", ")); a member of the JSON is "
          + "written without '$'")
    }
    at += 1 + name.utf8.count
    return property
  }

  private mutating func parsePath() throws(FilterError) -> FilterExpression.Path {
    let start = at
    var path = FilterExpression.Path(steps: [])
    let hasRoot = take("$", skippingSpace: false)
    while let byte = peek {
      if byte == UInt8(ascii: "[") {
        at += 1
        path.steps.append(try parseBracket())
      } else if byte == UInt8(ascii: ".") || (path.steps.isEmpty && !hasRoot) {
        if byte == UInt8(ascii: ".") { at += 1 }
        let end = endOfName(from: at)
        guard end > at else { throw error("expected the name of a member, found \(found)") }
        path.steps.append(.member(Array(text[at..<end])))
        at = end
      } else {
        break
      }
    }
    guard path.steps.count <= FilterExpression.Limit.steps else {
      throw error("a path has at most \(FilterExpression.Limit.steps) steps", at: start)
    }
    paths.insert(path)
    guard paths.count <= FilterExpression.Limit.paths else {
      throw error("more than \(FilterExpression.Limit.paths) different paths", at: start)
    }
    return path
  }

  /// What stands in brackets, and the closing one.
  private mutating func parseBracket() throws(FilterError) -> FilterExpression.Path.Step {
    let step: FilterExpression.Path.Step
    if peek == UInt8(ascii: "\"") {
      step = .member(try parseString())
    } else {
      let digits = text[at...].prefix { $0.isDigit }
      guard let number = UInt32(String(decoding: digits, as: UTF8.self)) else {
        throw error("expected an index such as [0], or a name such as [\"a b\"], found \(found)")
      }
      at += digits.count
      step = .element(number)
    }
    guard take("]", skippingSpace: false) else { throw error("expected ']', found \(found)") }
    return step
  }

  // MARK: Values

  /// A string with the escapes of JSON; what it means.
  private mutating func parseString() throws(FilterError) -> [UInt8] {
    let start = at
    var end = at + 1
    while end < text.count, text[end] != UInt8(ascii: "\"") {
      end += text[end] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard end < text.count else { throw error("this text has no closing quote", at: start) }
    var bytes: [UInt8] = []
    do throws(JSONError) {
      try readJSON(start..<end + 1) { value in value.appendString(to: &bytes) }
    } catch {
      throw self.error("not a JSON string: \(error.reason)", at: start + error.offset)
    }
    at = end + 1
    return bytes
  }

  private mutating func parseNumber() throws(FilterError) -> [UInt8] {
    let spelling = text[at...].prefix { $0.isFilterNumberByte }
    let end = at + spelling.count
    var isNumber = false
    do throws(JSONError) {
      try readJSON(at..<end) { value in isNumber = value.kind == .number }
    } catch {
      // Said below, like everything else that is no number.
    }
    guard isNumber, end == text.count || !text[end].isFilterNameByte else {
      let word = String(decoding: text[at..<max(end, endOfName(from: at))], as: UTF8.self)
      throw error("'\(word)' is not a number as JSON spells them")
    }
    at = end
    return Array(spelling)
  }

  private func readJSON(
    _ range: Range<Int>, _ body: (JSONValue) -> Void
  ) throws(JSONError) {
    let bytes = Array(text[range])
    var scanner = JSONScanner(valid: ["$"])
    let json = unsafe bytes.span.bytes
    let values = try scanner.scan(json)
    body(values[0])
  }

  private mutating func parsePattern() throws(FilterError) -> FilterExpression.Pattern {
    skipSpace()
    let start = at
    var pattern = FilterExpression.Pattern(text: [], ignoresCase: false)
    if peek == UInt8(ascii: "\"") {
      pattern.text = Self.unescapingSlashes(try parseString()[...])
    } else {
      guard take("/") else {
        throw error("expected a regular expression such as /^err/, found \(found)")
      }
      var end = at
      while end < text.count, text[end] != UInt8(ascii: "/") {
        end += text[end] == UInt8(ascii: "\\") ? 2 : 1
      }
      guard end < text.count else {
        throw error("this regular expression has no closing '/'", at: start)
      }
      pattern.text = Self.unescapingSlashes(text[at..<end])
      at = end + 1
      if peek == UInt8(ascii: "i") {
        pattern.ignoresCase = true
        at += 1
      }
      if let next = peek, next.isFilterNameByte {
        throw error("after a regular expression only 'i' may follow, to ignore case")
      }
    }
    do throws(PatternError) {
      _ = try PatternProgram(pattern.text, ignoresCase: pattern.ignoresCase)
    } catch {
      throw self.error("regular expression: \(error.reason)", at: start)
    }
    return pattern
  }

  /// `\/` means `/`: the backslash is there only to keep the pattern from ending.
  private static func unescapingSlashes(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
        result.append(byte)
        continue
      }
      if next != UInt8(ascii: "/") { result.append(byte) }
      result.append(next)
    }
    return result
  }
}

// MARK: - Bytes

extension FilterParser {
  private var peek: UInt8? { at < text.count ? text[at] : nil }

  private mutating func skipSpace() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
  }

  private mutating func take(_ sign: String, skippingSpace: Bool = true) -> Bool {
    if skippingSpace { skipSpace() }
    guard text[at...].starts(with: sign.utf8) else { return false }
    at += sign.utf8.count
    return true
  }

  /// Takes `word` where it stands alone.
  private mutating func take(word: String) -> Bool {
    skipSpace()
    guard text[at..<endOfName(from: at)].elementsEqual(word.utf8) else { return false }
    at += word.utf8.count
    return true
  }

  private mutating func expect(_ sign: String, _ why: String) throws(FilterError) {
    guard take(sign) else { throw error("expected '\(sign)' \(why), found \(found)") }
  }

  private func endOfName(from start: Int) -> Int {
    var end = start
    while end < text.count, text[end].isFilterNameByte { end += 1 }
    return end
  }

  /// What stands at the place where something else was expected.
  private var found: String {
    guard let first = peek else { return "the end" }
    let end = endOfName(from: at)
    guard end == at else { return "'\(String(decoding: text[at..<end], as: UTF8.self))'" }
    return first < 0x20 || first == 0x7F
      ? "a control character" : "'\(Unicode.Scalar(first))'"
  }

  private func error(_ reason: String, at place: Int? = nil) -> FilterError {
    let before = text.prefix(place ?? at)
    // Every character has one byte that does not continue another.
    return FilterError(column: before.count { $0 & 0xC0 != 0x80 } + 1, reason: reason)
  }
}

extension UInt8 {
  fileprivate var isFilterNumberByte: Bool {
    isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "+") || self == UInt8(ascii: ".")
      || self == UInt8(ascii: "e") || self == UInt8(ascii: "E")
  }
}

extension JSONError {
  /// What is wrong, without the place.
  fileprivate var reason: String {
    switch code {
    case .escape: "unknown escape"
    case .control: "a control character must be escaped"
    default: "not understood"
    }
  }
}
