extension FilterExpression: CustomStringConvertible {
  /// The canonical form: one space between words, parentheses only where they are needed. Reading it
  /// gives the same expression again.
  package var description: String {
    var writer = FilterWriter()
    writer.write(root)
    return String(decoding: writer.text, as: UTF8.self)
  }
}

extension FilterExpression.Path {
  /// As `mwc_json.h` wants it and as people write it: `data.gpus[0].name`, `$.in`, `$["a b"]`.
  var text: [UInt8] {
    var writer = FilterWriter()
    writer.write(self)
    return writer.text
  }
}

extension UInt8 {
  /// Bytes that a member's name may have without being put in brackets and quotes. Letters beyond
  /// ASCII are fine.
  var isFilterNameByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xFF:
      true
    default: StaticBytes.nameSigns.contains(self)
    }
  }

  var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}

private enum StaticBytes {
  static let nameSigns = Set("_-$:@/%#~".utf8)
}

/// Prints expressions.
private struct FilterWriter {
  private(set) var text: [UInt8] = []

  private mutating func put(_ words: String) { text.append(contentsOf: words.utf8) }

  mutating func write(_ node: FilterExpression.Node) {
    switch node {
    case .any(let nodes): write(nodes, separator: " or ") { _ in false }
    case .all(let nodes):
      write(nodes, separator: " and ") { if case .any = $0 { true } else { false } }
    case .not(let inner):
      put("not ")
      switch inner {
      case .any, .all: writeInParentheses(inner)
      case .not, .test: write(inner)
      }
    case .test(let test): write(test)
    }
  }

  private mutating func write(
    _ nodes: [FilterExpression.Node], separator: String,
    needsParentheses: (FilterExpression.Node) -> Bool
  ) {
    for (index, node) in nodes.enumerated() {
      if index > 0 { put(separator) }
      if needsParentheses(node) { writeInParentheses(node) } else { write(node) }
    }
  }

  private mutating func writeInParentheses(_ node: FilterExpression.Node) {
    put("(")
    write(node)
    put(")")
  }

  private mutating func write(_ test: FilterExpression.Test) {
    if case .exists = test.relation {
      put("exists(")
      write(test.left)
      put(")")
      return
    }
    write(test.left)
    switch test.relation {
    case .exists: break
    case .compares(let comparison, let right):
      put(" \(comparison.rawValue) ")
      write(right)
    case .isIn(let literals):
      put(" in (")
      for (index, literal) in literals.enumerated() {
        if index > 0 { put(", ") }
        write(literal)
      }
      put(")")
    case .contains(let literal):
      put(" contains ")
      write(literal)
    case .matches(let pattern):
      put(" matches ")
      write(pattern)
    }
  }

  private mutating func write(_ operand: FilterExpression.Operand) {
    switch operand {
    case .path(let path): write(path)
    case .property(let property): put("$\(property.rawValue)")
    case .literal(let literal): write(literal)
    }
  }

  mutating func write(_ path: FilterExpression.Path) {
    if path.steps.isEmpty { put("$") }
    for (index, step) in path.steps.enumerated() {
      switch step {
      case .element(let number):
        if index == 0 { put("$") }
        put("[\(number)]")
      case .member(let name) where name.isEmpty || !name.allSatisfy(\.isFilterNameByte):
        if index == 0 { put("$") }
        put("[")
        writeString(name)
        put("]")
      case .member(let name):
        if index > 0 { put(".") } else if !Self.canStandFirst(name) { put("$.") }
        text.append(contentsOf: name)
      }
    }
  }

  /// Whether a path may begin with `name`, and nothing before it.
  private static func canStandFirst(_ name: [UInt8]) -> Bool {
    guard let first = name.first, !first.isDigit, first != UInt8(ascii: "-"),
      first != UInt8(ascii: "$"), first != UInt8(ascii: "/")
    else { return false }
    return !FilterExpression.words.contains(String(decoding: name, as: UTF8.self))
  }

  private mutating func write(_ literal: FilterExpression.Literal) {
    switch literal {
    case .null: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .number(let spelling): text.append(contentsOf: spelling)
    case .string(let bytes): writeString(bytes)
    }
  }

  private mutating func writeString(_ bytes: [UInt8]) {
    var json = JSONWriter()
    unsafe json.string(utf8: bytes.span.bytes)
    text.append(contentsOf: json.bytes)
  }

  /// Between slashes, so a slash in it gets a backslash; one that stands behind a backslash is that
  /// backslash's already.
  private mutating func write(_ pattern: FilterExpression.Pattern) {
    put("/")
    var isEscaped = false
    for byte in pattern.text {
      if byte == UInt8(ascii: "/"), !isEscaped { put("\\") }
      text.append(byte)
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    }
    put(pattern.ignoresCase ? "/i" : "/")
  }
}
