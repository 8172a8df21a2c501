internal import MWCCore

/// Spells JSON again as Python's `json` module does: members in order of arrival, a repeated key at
/// its first place with its last value, everything in ASCII, numbers in Python's spelling.
///
/// A message is first laid out flat, so that a value can be found from its key and skipped at once:
///
/// ```
///   {"a":1,"b":[2,3],"a":4}
///
///   0 {   1 "a"  2 1   3 "b"  4 [  5 2  6 3   7 "a"       8 4   9
///   │9      ╰─8                 │7              repeated        ▲ behind the object
///           ╰─ the last value of "a" is at 8; its later key is not printed
/// ```
///
/// The layout lives in one array that is kept from message to message.
struct JSONPrinter {
  /// Indentation, or one line with a space behind each comma and colon.
  enum Layout { case indented, line }

  private struct Token {
    let offset: UInt32
    let length: UInt32
    /// For a container the index behind all that belongs to it (while it is still open, the container
    /// around it); for a key the index of the value to print, or `repeated`; for others the next index.
    var link: UInt32
    let kind: JSONEvent.Kind
    let isInteger: Bool
    let hasEscapes: Bool

    init(_ event: JSONEvent, link: Int) {
      offset = UInt32(event.range.lowerBound)
      length = UInt32(event.range.count)
      self.link = UInt32(link)
      kind = event.kind
      isInteger = event.isInteger
      hasEscapes = event.hasEscapes
    }
  }

  /// The link of a key that has come before in the same object.
  private static let repeated = UInt32.max

  let layout: Layout
  private var tokens: [Token] = []
  /// Keys of the object that is looked at, as indices into `tokens`.
  private var keys: [Int] = []

  init(_ layout: Layout) { self.layout = layout }

  /// Checks `json` and appends it, without a newline at the end. `depth` is how deep in something
  /// else it stands. Appends nothing if it throws.
  mutating func print(
    _ json: RawSpan, depth: Int = 0, to output: inout OutputBuffer
  ) throws(JSONError) {
    try layOut(json)
    for index in tokens.indices where tokens[index].kind == .objectBegin {
      resolveRepeats(in: index, of: json)
    }
    _ = printValue(at: 0, of: json, depth: depth, to: &output)
  }

  private mutating func layOut(_ json: RawSpan) throws(JSONError) {
    tokens.removeAll(keepingCapacity: true)
    var open = 0
    try JSONEvent.forEach(in: json, options: .nonFinite) { event in
      switch event.kind {
      case .objectBegin, .arrayBegin:
        tokens.append(Token(event, link: open))
        open = tokens.count - 1
      case .objectEnd, .arrayEnd:
        let container = open
        open = Int(tokens[container].link)
        tokens[container].link = UInt32(tokens.count)
      default:
        tokens.append(Token(event, link: tokens.count + 1))
      }
    }
  }
}

// MARK: - Repeated keys

extension JSONPrinter {
  /// Links the first of several equal keys of an object to the last one's value, and marks the others.
  private mutating func resolveRepeats(in object: Int, of json: RawSpan) {
    keys.removeAll(keepingCapacity: true)
    let end = Int(tokens[object].link)
    var key = object + 1
    while key < end {
      keys.append(key)
      key = Int(tokens[key + 1].link)
    }
    // A few keys are compared each with each; many are sorted, which brings equal ones together.
    if keys.count > 16 { return resolveRepeatsBySorting(json) }
    for later in keys.indices.dropFirst() {
      for earlier in keys.indices[..<later]
      where tokens[keys[earlier]].link != Self.repeated
        && areEqual(keys[earlier], keys[later], in: json)
      {
        link(keys[earlier], to: keys[later])
        break
      }
    }
  }

  private mutating func resolveRepeatsBySorting(_ json: RawSpan) {
    var sorted: [Int] = []
    swap(&sorted, &keys)
    sorted.sort {
      let order = order($0, $1, in: json)
      return order < 0 || (order == 0 && $0 < $1)
    }
    var first = sorted[0]
    for key in sorted.dropFirst() {
      if order(first, key, in: json) == 0 { link(first, to: key) } else { first = key }
    }
    swap(&sorted, &keys)
  }

  private mutating func link(_ first: Int, to later: Int) {
    tokens[first].link = UInt32(later + 1)
    tokens[later].link = Self.repeated
  }

  /// Negative, 0 or positive, as the texts of two keys stand to each other.
  private func order(_ left: Int, _ right: Int, in json: RawSpan) -> Int {
    text(of: tokens[left], in: json).order(to: text(of: tokens[right], in: json))
  }

  private func areEqual(_ left: Int, _ right: Int, in json: RawSpan) -> Bool {
    // Most keys differ in length already, which says something only if nothing is escaped.
    if tokens[left].length != tokens[right].length, !tokens[left].hasEscapes,
      !tokens[right].hasEscapes
    {
      return false
    }
    return order(left, right, in: json) == 0
  }

  @_lifetime(copy json)
  private func text(of token: Token, in json: RawSpan) -> RawSpan {
    json.extracting(Int(token.offset)..<Int(token.offset) + Int(token.length))
  }
}

// MARK: - Printing

extension JSONPrinter {
  /// Prints the value at `index` and returns the index behind it.
  ///
  /// Calls itself for containers; the walk has limited how deep they go.
  private func printValue(
    at index: Int, of json: RawSpan, depth: Int, to output: inout OutputBuffer
  ) -> Int {
    let token = tokens[index]
    switch token.kind {
    case .null: output.append("null" as StaticString)
    case .true: output.append("true" as StaticString)
    case .false: output.append("false" as StaticString)
    case .number:
      output.appendPython(number: text(of: token, in: json), isInteger: token.isInteger)
    case .string: output.appendASCII(string: text(of: token, in: json))
    case .arrayBegin: printArray(at: index, of: json, depth: depth, to: &output)
    case .objectBegin: printObject(at: index, of: json, depth: depth, to: &output)
    case .key, .arrayEnd, .objectEnd: preconditionFailure("no value begins here")
    }
    return Int(token.link)
  }

  private func printArray(
    at index: Int, of json: RawSpan, depth: Int, to output: inout OutputBuffer
  ) {
    let end = Int(tokens[index].link)
    output.append(UInt8(ascii: "["))
    var element = index + 1
    while element < end {
      separate(isFirst: element == index + 1, depth: depth + 1, to: &output)
      element = printValue(at: element, of: json, depth: depth + 1, to: &output)
    }
    if end > index + 1 { breakLine(depth: depth, to: &output) }
    output.append(UInt8(ascii: "]"))
  }

  private func printObject(
    at index: Int, of json: RawSpan, depth: Int, to output: inout OutputBuffer
  ) {
    let end = Int(tokens[index].link)
    output.append(UInt8(ascii: "{"))
    var key = index + 1
    while key < end {
      if tokens[key].link != Self.repeated {
        separate(isFirst: key == index + 1, depth: depth + 1, to: &output)
        output.appendASCII(string: text(of: tokens[key], in: json))
        output.append(": " as StaticString)
        _ = printValue(at: Int(tokens[key].link), of: json, depth: depth + 1, to: &output)
      }
      key = Int(tokens[key + 1].link)
    }
    if end > index + 1 { breakLine(depth: depth, to: &output) }
    output.append(UInt8(ascii: "}"))
  }

  private func separate(isFirst: Bool, depth: Int, to output: inout OutputBuffer) {
    if !isFirst { output.append(UInt8(ascii: ",")) }
    switch layout {
    case .indented: breakLine(depth: depth, to: &output)
    case .line: if !isFirst { output.append(UInt8(ascii: " ")) }
    }
  }

  private func breakLine(depth: Int, to output: inout OutputBuffer) {
    guard layout == .indented else { return }
    output.append(UInt8(ascii: "\n"))
    output.append(UInt8(ascii: " "), repeated: 2 * depth)
  }
}

extension RawSpan {
  /// Negative, 0 or positive, as the texts of two JSON strings stand to each other, scalar by scalar.
  fileprivate func order(to other: RawSpan) -> Int {
    var position = 0
    var otherPosition = 0
    while position < byteCount && otherPosition < other.byteCount {
      let scalar = nextScalar(&position)
      let otherScalar = other.nextScalar(&otherPosition)
      if scalar != otherScalar { return scalar < otherScalar ? -1 : 1 }
    }
    return (byteCount - position) - (other.byteCount - otherPosition)
  }
}
