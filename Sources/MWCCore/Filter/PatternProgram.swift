/// A regular expression, compiled: a row of steps that `PatternMatcher` walks with all alternatives at
/// once, so that no text and no expression makes it slow beyond the product of their lengths, and
/// nothing is ever allocated while matching. (The C library's `regexec` keeps every state it has met;
/// Swift's `Regex` goes back and tries again. Neither can run for months on what strangers send.)
///
/// The language is that of POSIX extended regular expressions, with the usual short forms:
///
/// ```
///   .  [a-z_]  [^"]  \d \w \s \D \W \S      one character (ranges and \w are ASCII)
///   ab   a|b   (ab)                         one after the other, either, a group
///   a*  a+  a?  a{3}  a{2,}  a{2,5}         repetition
///   ^  $  \b                                the beginning, the end, the edge of a word
///   \.  \/  \n \t \r                        a sign that would mean something else, control characters
/// ```
///
/// Text is UTF-8: a character beyond ASCII is one character for `.`, `[^…]` and repetitions.
struct PatternProgram {
  enum Step {
    /// One byte of a set.
    case byte(Int)
    /// Goes on at the first and at the second place.
    case split(Int, Int)
    case jump(Int)
    case start
    case end
    case wordEdge
    case accept
  }

  private(set) var steps: [Step] = []
  private(set) var sets: [ByteSet] = []

  /// Steps of one expression at most: each costs a moment per byte of the text.
  static let maxSteps = 2_000
  /// Most repetitions that `{…}` may ask for.
  static let maxRepetitions = 1_000

  /// Reads an expression and compiles it.
  init(_ text: [UInt8], ignoresCase: Bool) throws(PatternError) {
    var parser = PatternParser(text, ignoresCase: ignoresCase)
    try emit(parser.parse())
    steps.append(.accept)
  }

  // MARK: Compiling

  private mutating func emit(_ node: PatternNode) throws(PatternError) {
    switch node {
    case .empty: break
    case .set(let set):
      try append(.byte(number(of: set)))
    case .start: try append(.start)
    case .end: try append(.end)
    case .wordEdge: try append(.wordEdge)
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .alternatives(let nodes): try emit(alternatives: nodes)
    case .repeated(let node, let least, let most):
      for _ in 0..<least {
        let before = steps.count
        try emit(node)
        // Nothing a thousand times is nothing.
        if steps.count == before { break }
      }
      if let most {
        try emit(node, upTo: most - least)
      } else {
        try emit(anyNumberOf: node)
      }
    }
  }

  private mutating func append(_ step: Step) throws(PatternError) {
    guard steps.count < Self.maxSteps else { throw PatternError("it is too long") }
    steps.append(step)
  }

  private mutating func number(of set: ByteSet) -> Int {
    if let number = sets.firstIndex(of: set) { return number }
    sets.append(set)
    return sets.count - 1
  }

  /// split A, B; A: first, jump END; B: second …
  private mutating func emit(alternatives nodes: [PatternNode]) throws(PatternError) {
    var jumps: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard index < nodes.count - 1 else {
        try emit(node)
        break
      }
      let split = steps.count
      try append(.split(split + 1, 0))
      try emit(node)
      jumps.append(steps.count)
      try append(.jump(0))
      steps[split] = .split(split + 1, steps.count)
    }
    for jump in jumps { steps[jump] = .jump(steps.count) }
  }

  /// L: split BODY, END; BODY: node, jump L
  private mutating func emit(anyNumberOf node: PatternNode) throws(PatternError) {
    let split = steps.count
    try append(.split(split + 1, 0))
    try emit(node)
    try append(.jump(split))
    steps[split] = .split(split + 1, steps.count)
  }

  /// split BODY, END; node; split BODY, END; node …
  private mutating func emit(_ node: PatternNode, upTo count: Int) throws(PatternError) {
    var splits: [Int] = []
    for _ in 0..<count {
      splits.append(steps.count)
      try append(.split(steps.count + 1, 0))
      try emit(node)
    }
    for split in splits { steps[split] = .split(split + 1, steps.count) }
  }
}

/// What is wrong with a regular expression.
struct PatternError: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

/// A regular expression as a tree; every leaf is one byte or a place.
indirect enum PatternNode {
  case empty
  case set(ByteSet)
  case start
  case end
  case wordEdge
  case sequence([PatternNode])
  case alternatives([PatternNode])
  /// At least so often, and at most; nil: as often as it likes.
  case repeated(PatternNode, Int, Int?)
}

/// Some of the 256 bytes.
struct ByteSet: Hashable, Sendable {
  private var first: UInt64 = 0
  private var second: UInt64 = 0
  private var third: UInt64 = 0
  private var fourth: UInt64 = 0

  init() {}

  init(_ range: ClosedRange<UInt8>) {
    for byte in range { insert(byte) }
  }

  mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: first |= bit
    case 1: second |= bit
    case 2: third |= bit
    default: fourth |= bit
    }
  }

  mutating func formUnion(_ other: ByteSet) {
    first |= other.first
    second |= other.second
    third |= other.third
    fourth |= other.fourth
  }

  func contains(_ byte: UInt8) -> Bool {
    let word =
      switch byte >> 6 {
      case 0: first
      case 1: second
      case 2: third
      default: fourth
      }
    return word >> UInt64(byte & 63) & 1 != 0
  }

  /// The ASCII characters that are not in the set.
  var asciiComplement: ByteSet {
    var result = ByteSet()
    result.first = ~first
    result.second = ~second
    return result
  }
}
