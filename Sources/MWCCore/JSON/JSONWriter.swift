internal import CMWCKernels

/// Writes JSON into an array of bytes: event payloads, lines of `mwc cat`, reports.
///
/// The spelling is compact (no spaces) and keeps members in the order in which they are written. The
/// writer puts the commas and colons; pairing `begin…` with `end…` and giving each member a key is
/// the caller's part and is checked in debug builds.
///
/// ```swift
/// var json = JSONWriter()
/// json.beginObject()
/// json.member("code", 1006)
/// json.key("headers")
/// json.beginObject()
/// json.endObject()
/// json.endObject()            // json.bytes: {"code":1006,"headers":{}}
/// ```
///
/// Whatever goes in, valid UTF-8 comes out: ill-formed bytes of a string become U+FFFD. Control
/// characters, C1 and DEL included, are always escaped, so a line of JSON cannot steer a terminal.
package struct JSONWriter {
  /// What has been written so far.
  package private(set) var bytes: [UInt8]
  /// Whether a value stands before the place where the next one goes.
  private var needsComma = false
  private var depth = 0

  package init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Forgets what was written and keeps the memory.
  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
    depth = 0
  }

  /// The text so far, for messages and tests.
  package var text: String { String(decoding: bytes, as: UTF8.self) }
}

// MARK: - Structure

extension JSONWriter {
  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The name of the member whose value is written next.
  package mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Ends a line of JSON lines; the next value starts afresh.
  package mutating func endLine() {
    assert(depth == 0, "a line ends inside an object or array")
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
    depth += 1
  }

  private mutating func close(_ bracket: UInt8) {
    assert(depth > 0, "nothing is open")
    bytes.append(bracket)
    needsComma = true
    depth -= 1
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }
}

// MARK: - Values

extension JSONWriter {
  package mutating func null() { literal("null") }
  package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }
  package mutating func integer(_ value: some BinaryInteger) { literal(value.description) }

  /// The shortest digits that give `value` back, spelled as Python spells floats (`45.0`, `1e-05`).
  /// JSON has no infinities and no NaN: they become `null`.
  package mutating func number(_ value: Double) {
    guard value.isFinite else { return null() }
    separate()
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MWC_REPR_MAX)) { room in
      let count = unsafe mwc_decimal_repr(value, room.baseAddress)
      for index in 0..<count { unsafe bytes.append(UInt8(bitPattern: room[index])) }
    }
  }

  package mutating func string(_ value: String) {
    var value = value
    value.withUTF8 { utf8 in
      unsafe string(utf8: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(utf8)))
    }
  }

  /// A string from bytes that should be UTF-8.
  package mutating func string(utf8: RawSpan) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var rest = utf8
    while rest.byteCount > 0 {
      let valid = unsafe rest.withUnsafeBytes {
        unsafe mwc_utf8_valid_prefix($0.baseAddress, $0.count)
      }
      appendEscaped(rest.extracting(first: valid))
      if valid == rest.byteCount { break }
      bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
      rest = rest.extracting(droppingFirst: valid + 1)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// JSON that stands already spelled: the caller promises one whole valid value.
  package mutating func verbatim(_ json: RawSpan) {
    separate()
    append(json)
  }

  private mutating func literal(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func append(_ span: RawSpan) {
    unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  /// Copies runs that need no escape in one piece; `text` is valid UTF-8.
  private mutating func appendEscaped(_ text: RawSpan) {
    var start = 0
    var index = 0
    while index < text.byteCount {
      let byte = text.byte(at: index)
      // C1 controls are C2 80 … C2 9F.
      let isC1 = byte == 0xC2 && text.byte(at: index + 1) < 0xA0
      guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F || isC1 else {
        index += 1
        continue
      }
      append(text.extracting(start..<index))
      if isC1 {
        appendEscape(text.byte(at: index + 1))
        index += 2
      } else {
        appendEscape(byte)
        index += 1
      }
      start = index
    }
    append(text.extracting(start..<text.byteCount))
  }

  private mutating func appendEscape(_ scalar: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch scalar {
    case 0x22, 0x5C: bytes.append(scalar)
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    default:
      let digits: StaticString = "0123456789abcdef"
      bytes.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
      unsafe bytes.append(digits.utf8Start[Int(scalar >> 4)])
      unsafe bytes.append(digits.utf8Start[Int(scalar & 15)])
    }
  }
}

// MARK: - Members in one call

extension JSONWriter {
  package mutating func member(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  package mutating func member(_ name: String, _ value: some BinaryInteger) {
    key(name)
    integer(value)
  }

  package mutating func member(_ name: String, _ value: Double) {
    key(name)
    number(value)
  }

  package mutating func member(_ name: String, _ value: Bool) {
    key(name)
    bool(value)
  }

  /// The string, or `null`.
  package mutating func member(_ name: String, _ value: String?) {
    key(name)
    if let value { string(value) } else { null() }
  }

  /// The integer, or `null`.
  package mutating func member(_ name: String, _ value: (some BinaryInteger)?) {
    key(name)
    if let value { integer(value) } else { null() }
  }
}
