internal import CMWCKernels

/// Reads integers from bytes, front to back; nil where the bytes end first.
struct ByteCursor: ~Escapable {
  let bytes: RawSpan
  private(set) var offset = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  var remaining: Int { bytes.byteCount - offset }

  @inline(__always)
  mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) -> Value? {
    guard remaining >= MemoryLayout<Value>.size else { return nil }
    let value = bytes.integer(at: offset, as: Value.self)
    offset += MemoryLayout<Value>.size
    return value
  }

  /// A LEB128 integer; nil when cut, or when it does not fit 64 bits.
  @inline(__always)
  mutating func readVarint() -> UInt64? {
    guard remaining > 0 else { return nil }
    let first = bytes.integer(at: offset, as: UInt8.self)
    if first < 0x80 {
      offset += 1
      return UInt64(first)
    }
    return readLongVarint()
  }

  private mutating func readLongVarint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while remaining > 0 {
      let byte = UInt64(bytes.integer(at: offset, as: UInt8.self))
      offset += 1
      if shift == 63, byte > 1 { return nil }
      value |= (byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  /// A zigzag integer; nil as `readVarint`.
  @inline(__always)
  mutating func readZigzag() -> Int64? {
    guard let value = readVarint() else { return nil }
    return Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
  }

  /// The offset of the next `length` bytes, which are skipped; nil when there are fewer.
  mutating func skip(_ length: Int) -> Int? {
    guard length >= 0, remaining >= length else { return nil }
    let start = offset
    offset += length
    return start
  }
}

extension RawSpan {
  /// The little-endian integer at `offset`; the caller has checked that it is inside.
  @inline(__always)
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Value.Type) -> Value
  {
    // Any bit pattern is a valid integer, and the load checks its bounds.
    Value(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// The CRC-32C of what `crc` covers, followed by these bytes.
  func crc32c(after crc: UInt32 = 0) -> UInt32 {
    unsafe withUnsafeBytes { buffer in
      unsafe mwc_crc32c(
        crc, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
    }
  }
}
