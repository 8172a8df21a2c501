public import CMWCKernels

/// What a JSON value is.
@usableFromInline package enum JSONKind: UInt8, Sendable {
  /// The document has no such value.
  case missing = 0
  case null = 1
  case `false` = 2
  case `true` = 3
  case number = 4
  case string = 5
  case array = 6
  case object = 7
}

/// A value where it stands in its message: nothing is converted before it is asked for.
@usableFromInline package struct JSONValue: ~Escapable {
  @usableFromInline let json: RawSpan
  @usableFromInline let place: mwc_json_value

  /// The part of `json` that `place` describes.
  @inlinable @_lifetime(copy json)
  init(_ place: mwc_json_value, in json: RawSpan) {
    self.json = json
    self.place = place
  }

  /// The bytes as they are spelled: a number, what stands between the quotes of a string, a container
  /// with its brackets; empty for a missing value.
  @inlinable
  package var text: RawSpan {
    @_lifetime(copy self)
    get { json.extracting(Int(place.offset)..<Int(place.offset) + Int(place.length)) }
  }

  @inlinable package var kind: JSONKind { JSONKind(rawValue: place.type) ?? .missing }
  @inlinable package var isMissing: Bool { kind == .missing }
  /// A string with escapes in it: `text` is not yet what it means.
  @inlinable package var hasEscapes: Bool { place.flags & UInt8(MWC_JSON_ESCAPED) != 0 }
  /// A number without fraction and exponent.
  @inlinable package var isInteger: Bool { place.flags & UInt8(MWC_JSON_INTEGER) != 0 }
  /// An array or object without elements.
  @inlinable package var isEmptyContainer: Bool { place.flags & UInt8(MWC_JSON_EMPTY) != 0 }
}

extension JSONValue {
  /// The nearest double, if this is a number; beyond the range of doubles an infinity or zero.
  @inlinable
  package var double: Double? {
    guard kind == .number else { return nil }
    return unsafe text.withUnsafeBytes { unsafe mwc_json_double($0.baseAddress, $0.count) }
  }

  /// The exact value, if this is an integer in range.
  @inlinable
  package var int64: Int64? {
    guard kind == .number else { return nil }
    var value: Int64 = 0
    let fits = unsafe text.withUnsafeBytes {
      unsafe mwc_json_int64($0.baseAddress, $0.count, &value)
    }
    return fits ? value : nil
  }

  /// The exact value, if this is an integer in range.
  @inlinable
  package var uint64: UInt64? {
    guard kind == .number else { return nil }
    var value: UInt64 = 0
    let fits = unsafe text.withUnsafeBytes {
      unsafe mwc_json_uint64($0.baseAddress, $0.count, &value)
    }
    return fits ? value : nil
  }

  @inlinable
  package var bool: Bool? {
    switch kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  /// Whether this is a string and means exactly `other`. Copies nothing.
  @inlinable
  package func isString(_ other: StaticString) -> Bool {
    guard kind == .string else { return false }
    return unsafe text.withUnsafeBytes { bytes in
      unsafe mwc_json_equal(
        bytes.baseAddress, bytes.count, other.utf8Start, other.utf8CodeUnitCount)
    }
  }

  /// The string, escapes resolved; nil for anything else. Makes a `String`: for the control plane.
  package var string: String? {
    guard kind == .string else { return nil }
    return unsafe text.withUnsafeBytes { bytes in
      unsafe String(unsafeUninitializedCapacity: bytes.count) { room in
        unsafe bytes.isEmpty
          ? 0 : mwc_json_unescape(bytes.baseAddress, bytes.count, room.baseAddress)
      }
    }
  }

  /// Appends the string, escapes resolved, to `bytes`; nothing if this is no string.
  package func appendString(to bytes: inout [UInt8]) {
    guard kind == .string else { return }
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: text.byteCount))
    let count = unsafe text.withUnsafeBytes { text in
      unsafe bytes.withUnsafeMutableBufferPointer { bytes in
        let room = bytes.extracting(start...)
        return unsafe text.isEmpty
          ? 0 : mwc_json_unescape(text.baseAddress, text.count, room.baseAddress)
      }
    }
    bytes.removeLast(bytes.count - start - count)
  }
}
