import MWCCore

/// JSON read slowly and obviously: RFC 8259 rule by rule, one byte after the other, into a tree. What
/// the scanner says is held against this.
struct ReferenceJSON {
  /// A value, where it stands (as `mwc_json.h` counts), and what is in it.
  struct Value: Hashable {
    var kind: JSONKind
    var range: Range<Int>
    var hasEscapes = false
    var isInteger = false
    /// Of an object, in order, duplicates included; keys with escapes resolved.
    var members: [Member] = []
    var elements: [Value] = []
  }

  struct Member: Hashable {
    var key: [UInt8]
    var value: Value
  }

  enum Step: Hashable {
    case name([UInt8])
    case index(Int)
  }

  private let bytes: [UInt8]
  private let isLenient: Bool
  private let depthMax: Int
  private var at = 0
  private var depth = 0

  private init(_ bytes: [UInt8], isLenient: Bool, depthMax: Int) {
    self.bytes = bytes
    self.isLenient = isLenient
    self.depthMax = depthMax
  }

  static func parse(
    _ bytes: [UInt8], isLenient: Bool = false, depthMax: Int = 1024
  ) throws(JSONError) -> Value {
    var parser = ReferenceJSON(bytes, isLenient: isLenient, depthMax: depthMax)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw JSONError(.byteOrderMark, at: 0) }
    let value = try parser.element()
    if parser.at < bytes.count { throw JSONError(.trailing, at: parser.at) }
    return value
  }

  // MARK: Bytes

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skip(_ character: Character) -> Bool {
    guard next == character.asciiValue else { return false }
    at += 1
    return true
  }

  /// The fault of a byte that cannot stand here; at the end it is that there is none.
  private func fault(_ code: JSONError.Code) -> JSONError {
    JSONError(at == bytes.count ? .end : code, at: at)
  }

  private mutating func expect(_ character: Character) throws(JSONError) {
    if !skip(character) { throw fault(.syntax) }
  }

  private mutating func whitespace() {
    while skip(" ") || skip("\t") || skip("\n") || skip("\r") {}
  }

  // MARK: Values

  private mutating func element() throws(JSONError) -> Value {
    whitespace()
    let value = try value()
    whitespace()
    return value
  }

  private mutating func value() throws(JSONError) -> Value {
    let start = at
    switch next.map({ Character(Unicode.Scalar($0)) }) {
    case "{": return try object()
    case "[": return try array()
    case "\"":
      let hasEscapes = try string().hasEscapes
      return Value(kind: .string, range: start + 1..<at - 1, hasEscapes: hasEscapes)
    case "t": return try word("true", .true)
    case "f": return try word("false", .false)
    case "n": return try word("null", .null)
    case "N" where isLenient: return try word("NaN", .number)
    case "I" where isLenient: return try word("Infinity", .number)
    case "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9": return try number()
    case "+": throw fault(.number)
    default: throw fault(.syntax)
    }
  }

  private mutating func word(_ word: String, _ kind: JSONKind) throws(JSONError) -> Value {
    let start = at
    for character in word { try expect(character) }
    return Value(kind: kind, range: start..<at)
  }

  private mutating func open() throws(JSONError) {
    if depth == depthMax { throw JSONError(.depth, at: at) }
    depth += 1
    at += 1
  }

  private mutating func object() throws(JSONError) -> Value {
    let start = at
    try open()
    var members: [Member] = []
    whitespace()
    if !skip("}") {
      repeat {
        whitespace()
        if next != UInt8(ascii: "\"") { throw fault(.syntax) }
        let key = try string().text
        whitespace()
        try expect(":")
        members.append(Member(key: key, value: try element()))
      } while skip(",")
      try expect("}")
    }
    depth -= 1
    return Value(kind: .object, range: start..<at, members: members)
  }

  private mutating func array() throws(JSONError) -> Value {
    let start = at
    try open()
    var elements: [Value] = []
    whitespace()
    if !skip("]") {
      repeat { elements.append(try element()) } while skip(",")
      try expect("]")
    }
    depth -= 1
    return Value(kind: .array, range: start..<at, elements: elements)
  }

  // MARK: Numbers

  /// How many digits there were.
  private mutating func digits() -> Int {
    let start = at
    while let byte = next, byte >= 0x30, byte <= 0x39 { at += 1 }
    return at - start
  }

  private mutating func number() throws(JSONError) -> Value {
    let start = at
    if skip("-"), isLenient, next == UInt8(ascii: "I") {
      at = start
      return try word("-Infinity", .number)
    }
    let first = at
    let count = digits()
    if count == 0 { throw fault(.number) }
    if count > 1, bytes[first] == UInt8(ascii: "0") { throw JSONError(.number, at: first + 1) }
    var isInteger = true
    if skip(".") {
      isInteger = false
      if digits() == 0 { throw fault(.number) }
    }
    if skip("e") || skip("E") {
      isInteger = false
      if !skip("+") { _ = skip("-") }
      if digits() == 0 { throw fault(.number) }
    }
    return Value(kind: .number, range: start..<at, isInteger: isInteger)
  }

  // MARK: Strings

  /// The text of a string, as UTF-8, escapes resolved; a lone surrogate becomes U+FFFD.
  private mutating func string() throws(JSONError) -> (text: [UInt8], hasEscapes: Bool) {
    var units: [UInt16] = []
    var hasEscapes = false
    try expect("\"")
    while !skip("\"") {
      guard let byte = next else { throw fault(.syntax) }
      if byte < 0x20 { throw fault(.control) }
      if skip("\\") {
        hasEscapes = true
        units.append(try escape())
      } else {
        units += try character().utf16
      }
    }
    return (Array(String(decoding: units, as: UTF16.self).utf8), hasEscapes)
  }

  private mutating func escape() throws(JSONError) -> UInt16 {
    let plain: [(Character, UInt16)] = [
      ("\"", 0x22), ("\\", 0x5C), ("/", 0x2F), ("b", 8), ("f", 12), ("n", 10), ("r", 13), ("t", 9),
    ]
    for (letter, unit) in plain where skip(letter) { return unit }
    guard skip("u") else { throw fault(.escape) }
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80
      else { throw fault(.escape) }
      unit = unit << 4 | UInt16(digit)
      at += 1
    }
    return unit
  }

  /// One character that is not escaped: as many bytes as the standard library takes for one.
  private mutating func character() throws(JSONError) -> String {
    for count in 1...4 where at + count <= bytes.count {
      if let text = String(validating: bytes[at..<at + count], as: UTF8.self) {
        at += count
        return text
      }
    }
    throw JSONError(.utf8, at: at)
  }
}

extension ReferenceJSON.Value {
  /// The value that `steps` lead to: of several members with the same name the last one counts.
  func find(_ steps: ArraySlice<ReferenceJSON.Step>) -> ReferenceJSON.Value? {
    switch steps.first {
    case nil: self
    case .name(let name): members.last { $0.key == name }?.value.find(steps.dropFirst())
    case .index(let index):
      elements.indices.contains(index) ? elements[index].find(steps.dropFirst()) : nil
    }
  }

  /// This value and all below it, in the order of the document.
  var all: [ReferenceJSON.Value] {
    [self] + members.flatMap(\.value.all) + elements.flatMap(\.all)
  }

  /// Every path that leads somewhere, in the order of the document.
  var paths: [[ReferenceJSON.Step]] {
    var paths: [[ReferenceJSON.Step]] = [[]]
    for member in members { paths += member.value.paths.map { [.name(member.key)] + $0 } }
    for (index, element) in elements.enumerated() {
      paths += element.paths.map { [.index(index)] + $0 }
    }
    return paths
  }
}
