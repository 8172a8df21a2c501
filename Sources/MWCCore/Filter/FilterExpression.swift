/// A condition on messages, as people write it:
///
/// ```
///   type == "monitoring_data" and data.processor.usage_percent > 80 or level in ("error", "warn")
/// ```
///
/// `docs/FILTERS.md` is the reference of the language. An expression is a value: it is parsed once,
/// printed in one canonical form, and compiled into a `Filter` for each thread that judges messages.
package struct FilterExpression: Hashable, Sendable {
  let root: Node

  init(root: Node) { self.root = root }

  /// Bounds of an expression. People write a line; who generates expressions gets an error with a
  /// column rather than a stack that overflows.
  enum Limit {
    /// Bytes of the text.
    static let length = 65_536
    /// Parentheses and `not` around one comparison.
    static let depth = 64
    /// Different paths: what one scanner can look for, less the two that `$type` may need.
    static let paths = 254
    /// Steps of one path, as the scanner counts them.
    static let steps = 32
  }

  indirect enum Node: Hashable, Sendable {
    case all([Node])
    case any([Node])
    case not(Node)
    case test(Test)
  }

  /// One comparison.
  struct Test: Hashable, Sendable {
    var left: Operand
    var relation: Relation
  }

  enum Operand: Hashable, Sendable {
    case path(Path)
    case property(Property)
    case literal(Literal)
  }

  enum Relation: Hashable, Sendable {
    case compares(Comparison, Operand)
    case isIn([Literal])
    case contains(Literal)
    case matches(Pattern)
    case exists
  }

  enum Comparison: String, Hashable, Sendable, CaseIterable {
    // The longer ones first: that is how they are read.
    case equal = "=="
    case notEqual = "!="
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case less = "<"
    case greater = ">"
  }

  /// What a message is, beside what its JSON says.
  enum Property: String, Hashable, Sendable, CaseIterable {
    case connection, direction, kind, size, type
  }

  /// Bytes, not a `String`: JSON members are equal when their bytes are.
  struct Path: Hashable, Sendable {
    enum Step: Hashable, Sendable {
      case member([UInt8])
      case element(UInt32)
    }
    var steps: [Step]
  }

  enum Literal: Hashable, Sendable {
    case null
    case bool(Bool)
    /// As it is spelled.
    case number([UInt8])
    case string([UInt8])
  }

  /// A regular expression, without its slashes.
  struct Pattern: Hashable, Sendable {
    var text: [UInt8]
    var ignoresCase: Bool
  }

  /// Words that mean something, so that a path that begins with one is written `$.in`.
  static let words: Set<String> = [
    "and", "or", "not", "in", "contains", "matches", "exists", "true", "false", "null",
  ]
}

// MARK: - Making expressions

extension FilterExpression {
  /// Reads an expression.
  ///
  /// - Throws: `FilterError` with the column at which it stops being one.
  package init(_ text: String) throws(FilterError) {
    var parser = FilterParser(text)
    self = try parser.parse()
  }

  /// Messages that came over one connection.
  package static func connection(_ number: UInt32) -> FilterExpression {
    FilterExpression(
      root: .test(
        Test(
          left: .property(.connection),
          relation: .compares(.equal, .literal(.number(Array(String(number).utf8)))))))
  }

  /// Messages of one type: the JSON member `type`, or the event of a Socket.IO packet.
  package static func type(_ name: String) -> FilterExpression {
    FilterExpression(
      root: .test(
        Test(
          left: .property(.type),
          relation: .compares(.equal, .literal(.string(Array(name.utf8)))))))
  }

  /// Messages that do not meet this one.
  package var negated: FilterExpression { FilterExpression(root: .not(root)) }

  /// Messages that meet all of `expressions`; nil when there is none, and nothing is asked for.
  package static func all(of expressions: [FilterExpression?]) -> FilterExpression? {
    let roots = expressions.compactMap { $0?.root }
    return roots.isEmpty ? nil : FilterExpression(root: .conjunction(of: roots))
  }
}

extension FilterExpression.Node {
  /// All of `nodes`, without `all` inside of `all`.
  static func conjunction(of nodes: [FilterExpression.Node]) -> FilterExpression.Node {
    if nodes.count == 1 { return nodes[0] }
    return .all(nodes.flatMap { if case .all(let inner) = $0 { inner } else { [$0] } })
  }

  /// Any of `nodes`, without `any` inside of `any`.
  static func disjunction(of nodes: [FilterExpression.Node]) -> FilterExpression.Node {
    if nodes.count == 1 { return nodes[0] }
    return .any(nodes.flatMap { if case .any(let inner) = $0 { inner } else { [$0] } })
  }
}

/// Where a text stops being a filter expression, and what was expected there.
package struct FilterError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Counted in characters, from 1.
  package let column: Int
  package let reason: String

  package var description: String { "column \(column): \(reason)" }
}
