/// A filter expression as a row of tests. Each knows where to go on when it holds and when it does
/// not, so `and`, `or`, `not` and parentheses are gone:
///
/// ```
///   a == 1 and (b > 2 or not c < 3)      0  a == 1   1   no
///                                        1  b > 2    yes 2
///                                        2  c < 3    no  yes
/// ```
struct FilterProgram {
  struct Test {
    var left: Operand
    var relation: Relation
    /// The next test, or one of the two answers.
    var whenTrue: Int
    var whenFalse: Int
  }

  static let yes = -1
  static let no = -2

  enum Operand {
    /// A value of the scanner, by the index of its path.
    case path(Int)
    case property(FilterExpression.Property)
    /// One of `literals`.
    case literal(Int)
  }

  enum Relation {
    case compares(FilterExpression.Comparison, Operand)
    /// Any of these `literals`.
    case isIn(Range<Int>)
    /// One of `literals`.
    case contains(Int)
    /// One of the matchers.
    case matches(Int)
    case exists
  }

  private(set) var tests: [Test] = []
  private(set) var literals: [FilterLiteral] = []
  /// The texts of all literals, one behind the other.
  private(set) var text: [UInt8] = []
  private(set) var patterns: [PatternProgram] = []
  /// What the scanner is to look for.
  private(set) var paths: [FilterExpression.Path] = []
  /// Indices of the paths behind `$type`, if it is asked for: the member `type` of an object, and the
  /// first element of a packet.
  private(set) var typePaths: (member: Int, element: Int)?
  /// The first of the literals that are the words for directions and kinds, in the order of their
  /// numbers; only meant where something asks for them.
  private(set) var directions = 0
  private(set) var kinds = 0
  /// Where it begins; an answer when there is no test.
  private(set) var start = FilterProgram.yes

  init(_ expression: FilterExpression) {
    start = compile(expression.root, whenTrue: Self.yes, whenFalse: Self.no)
  }

  // MARK: Compiling

  /// Adds the tests of `node` behind those that follow it, and says which is to be made first.
  private mutating func compile(
    _ node: FilterExpression.Node, whenTrue: Int, whenFalse: Int
  ) -> Int {
    switch node {
    case .not(let inner): return compile(inner, whenTrue: whenFalse, whenFalse: whenTrue)
    case .all(let nodes):
      return nodes.reversed().reduce(whenTrue) { next, node in
        compile(node, whenTrue: next, whenFalse: whenFalse)
      }
    case .any(let nodes):
      return nodes.reversed().reduce(whenFalse) { next, node in
        compile(node, whenTrue: whenTrue, whenFalse: next)
      }
    case .test(let test):
      let left = compile(test.left)
      let relation: Relation
      switch test.relation {
      case .compares(let comparison, let right): relation = .compares(comparison, compile(right))
      case .isIn(let values):
        let first = literals.count
        for value in values { add(value) }
        relation = .isIn(first..<literals.count)
      case .contains(let value):
        add(value)
        relation = .contains(literals.count - 1)
      case .matches(let pattern):
        patterns.append(PatternProgram(valid: pattern))
        relation = .matches(patterns.count - 1)
      case .exists: relation = .exists
      }
      tests.append(Test(left: left, relation: relation, whenTrue: whenTrue, whenFalse: whenFalse))
      return tests.count - 1
    }
  }

  private mutating func compile(_ operand: FilterExpression.Operand) -> Operand {
    switch operand {
    case .path(let path): return .path(number(of: path))
    case .property(let property):
      prepare(property)
      return .property(property)
    case .literal(let literal):
      add(literal)
      return .literal(literals.count - 1)
    }
  }

  private mutating func prepare(_ property: FilterExpression.Property) {
    switch property {
    case .connection, .size: break
    case .type:
      let member = number(of: FilterExpression.Path(steps: [.member(Array("type".utf8))]))
      let element = number(of: FilterExpression.Path(steps: [.element(0)]))
      typePaths = (member, element)
    case .direction:
      directions = literals.count
      for word in ["in", "out"] { add(.string(Array(word.utf8))) }
    case .kind:
      kinds = literals.count
      for number in UInt8.min...UInt8.max {
        add(.string(Array(Message.Kind(rawValue: number).description.utf8)))
      }
    }
  }

  private mutating func add(_ literal: FilterExpression.Literal) {
    let kind: FilterLiteral.Kind
    let start = text.count
    switch literal {
    case .null: kind = .null
    case .bool(let value): kind = .bool(value)
    case .number(let spelling):
      kind = .number(unsafe FilterNumber(spelling: spelling.span.bytes))
    case .string(let bytes):
      kind = .string
      text += bytes
    }
    literals.append(FilterLiteral(kind: kind, text: start..<text.count))
  }

  private mutating func number(of path: FilterExpression.Path) -> Int {
    if let number = paths.firstIndex(of: path) { return number }
    paths.append(path)
    return paths.count - 1
  }
}

extension FilterProgram {
  /// The paths, and what the tests make of their values: the elements of an array matter only to
  /// `contains`, and the text of a value that is only compared with numbers to nobody.
  var interest: PathInterest {
    var enough = paths.map { _ in [.presence, .amount] as PathInterest.Enough }
    if let typePaths {
      enough[typePaths.member] = .presence
      enough[typePaths.element] = .presence
    }
    for test in tests {
      switch test.relation {
      case .compares(_, let right):
        need(of: test.left, against: right, &enough)
        need(of: right, against: test.left, &enough)
      case .isIn(let range):
        if !range.allSatisfy({ hasNoText(literals[$0]) }) {
          remove(.amount, of: test.left, from: &enough)
        }
      case .contains:
        remove([.presence, .amount], of: test.left, from: &enough)
      case .matches: remove(.amount, of: test.left, from: &enough)
      case .exists: break
      }
    }
    return PathInterest(
      paths.map { String(decoding: $0.text, as: UTF8.self) }, enough: enough)
  }

  private func need(
    of operand: Operand, against other: Operand, _ enough: inout [PathInterest.Enough]
  ) {
    if case .literal(let index) = other, hasNoText(literals[index]) { return }
    remove(.amount, of: operand, from: &enough)
  }

  private func remove(
    _ what: PathInterest.Enough, of operand: Operand, from enough: inout [PathInterest.Enough]
  ) {
    if case .path(let index) = operand { enough[index].subtract(what) }
    if case .property(.type) = operand, let typePaths {
      enough[typePaths.member].subtract(what)
      enough[typePaths.element].subtract(what)
    }
  }

  private func hasNoText(_ literal: FilterLiteral) -> Bool {
    if case .string = literal.kind { false } else { true }
  }
}

extension PatternProgram {
  /// A pattern that was compiled before, when the expression was read.
  init(valid pattern: FilterExpression.Pattern) {
    do throws(PatternError) {
      try self.init(pattern.text, ignoresCase: pattern.ignoresCase)
    } catch {
      preconditionFailure("\(error.reason): \(pattern)")
    }
  }
}

/// A value that stands in the expression, ready to be compared with.
struct FilterLiteral {
  enum Kind {
    case null
    case bool(Bool)
    case number(FilterNumber)
    case string
  }

  let kind: Kind
  /// Where the text of a string stands in that of all literals.
  let text: Range<Int>
}
