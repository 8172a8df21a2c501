internal import CMWCKernels

/// One side of a comparison while it is made: a value of the message or of the expression.
struct FilterValue: ~Escapable {
  enum Kind {
    case missing
    case null
    case bool(Bool)
    case number(FilterNumber)
    case string
    case array
    case object
  }

  let kind: Kind
  /// A string as it stands between its quotes; an array with its brackets.
  let text: RawSpan
  /// Whether `text` is a string that has to be unescaped.
  let hasEscapes: Bool

  @_lifetime(copy value)
  init(_ value: JSONValue) {
    text = value.text
    hasEscapes = value.hasEscapes
    kind =
      switch value.kind {
      case .missing: .missing
      case .null: .null
      case .false: .bool(false)
      case .true: .bool(true)
      case .number: .number(FilterNumber(value))
      case .string: .string
      case .array: .array
      case .object: .object
      }
  }

  /// A literal whose text stands in `texts`.
  @_lifetime(copy texts)
  init(_ literal: FilterLiteral, in texts: RawSpan) {
    text = texts.extracting(literal.text)
    hasEscapes = false
    kind =
      switch literal.kind {
      case .null: .null
      case .bool(let value): .bool(value)
      case .number(let number): .number(number)
      case .string: .string
      }
  }

  /// An element of `array`, where `event` found it; nil for what is no value, or stands deeper.
  @_lifetime(copy array)
  init?(_ event: JSONEvent, in array: RawSpan) {
    guard event.depth == 1 else { return nil }
    text = array.extracting(event.range)
    hasEscapes = event.hasEscapes
    switch event.kind {
    case .null: kind = .null
    case .false: kind = .bool(false)
    case .true: kind = .bool(true)
    case .number: kind = .number(FilterNumber(spelling: text))
    case .string: kind = .string
    case .arrayBegin, .objectBegin, .arrayEnd, .objectEnd, .key: return nil
    }
  }

  /// A value without text.
  @_lifetime(immortal)
  init(_ kind: Kind) {
    self.kind = kind
    text = RawSpan()
    hasEscapes = false
  }
}

extension FilterValue {
  var isMissing: Bool { if case .missing = kind { true } else { false } }

  /// Makes `bytes` the text of a string, escapes resolved.
  func getText(_ bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: repeatElement(0, count: text.byteCount))
    let count = unsafe text.withUnsafeBytes { text in
      unsafe bytes.withUnsafeMutableBufferPointer { bytes in
        guard unsafe !text.isEmpty else { return 0 }
        if hasEscapes {
          return unsafe mwc_json_unescape(text.baseAddress, text.count, bytes.baseAddress)
        }
        unsafe UnsafeMutableRawBufferPointer(bytes).copyMemory(from: text)
        return text.count
      }
    }
    bytes.removeLast(bytes.count - count)
  }
}
