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

/// A value where it stands in its message: nothing is copied before it is asked for.
///
/// Unsafe storage, safe to use: what `place` points to belongs to the scanner, and a value lives no
/// longer than the `JSONValues` it is from, which the next scan ends.
@safe @usableFromInline package struct JSONValue: ~Escapable {
  @usableFromInline let json: RawSpan
  @usableFromInline let place: UnsafePointer<mwc_json_value>
  /// Whether a number's value stands in `place`.
  @usableFromInline let isConverted: Bool

  /// The part of `json` that `place` describes.
  @inlinable @_lifetime(copy json)
  init(_ place: UnsafePointer<mwc_json_value>, in json: RawSpan, isConverted: Bool) {
    self.json = json
    unsafe self.place = place
    self.isConverted = isConverted
  }

  @inlinable var flags: UInt8 { unsafe place.pointee.flags }

  /// The bytes as they are spelled: a number, what stands between the quotes of a string, a container
  /// with its brackets; empty for a missing value.
  @inlinable @inline(__always)
  package var text: RawSpan {
    @_lifetime(copy self)
    get {
      let start = unsafe Int(place.pointee.offset)
      return unsafe json.extracting(start..<start + Int(place.pointee.length))
    }
  }

  @inlinable @inline(__always)
  package var kind: JSONKind { unsafe JSONKind(rawValue: place.pointee.type) ?? .missing }
  @inlinable package var isMissing: Bool { kind == .missing }
  /// A string with escapes in it: `text` is not yet what it means.
  @inlinable package var hasEscapes: Bool { flags & UInt8(MWC_JSON_ESCAPED) != 0 }
  /// A number without fraction and exponent.
  @inlinable package var isInteger: Bool { flags & UInt8(MWC_JSON_INTEGER) != 0 }
  /// An array or object without elements.
  @inlinable package var isEmptyContainer: Bool { flags & UInt8(MWC_JSON_EMPTY) != 0 }
}

extension JSONValue {
  /// The scan found an integer in range and converted it.
  @inlinable var holdsInteger: Bool { flags & UInt8(MWC_JSON_INT64) != 0 }

  /// The nearest double, if this is a number; beyond the range of doubles an infinity or zero.
  @inlinable @inline(__always)
  package var double: Double? {
    guard kind == .number else { return nil }
    if holdsInteger { return unsafe Double(place.pointee.number.integer) }
    return unsafe isConverted ? place.pointee.number.real : spelledDouble
  }

  /// The exact value, if this is an integer in range.
  @inlinable @inline(__always)
  package var int64: Int64? {
    if holdsInteger { return unsafe place.pointee.number.integer }
    return isInteger ? spelledInt64 : nil
  }

  /// The exact value, if this is an integer in range.
  package var uint64: UInt64? {
    guard isInteger else { return nil }
    var value: UInt64 = 0
    let fits = unsafe text.withUnsafeBytes {
      unsafe mwc_json_uint64($0.baseAddress, $0.count, &value)
    }
    return fits ? value : nil
  }

  @usableFromInline
  var spelledDouble: Double {
    unsafe text.withUnsafeBytes { unsafe mwc_json_double($0.baseAddress, $0.count) }
  }

  @usableFromInline
  var spelledInt64: Int64? {
    var value: Int64 = 0
    let fits = unsafe text.withUnsafeBytes {
      unsafe mwc_json_int64($0.baseAddress, $0.count, &value)
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
