internal import Glibc

/// Bytes that grow at the end and keep their memory between uses.
///
/// `@safe`: the pointer is private, every access is checked against `count`, and views borrow the
/// buffer. Not thread-safe; it belongs to the one encoder or decoder that made it.
@safe final class ByteBuffer {
  private var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 0) {
    self.capacity = max(capacity, 64)
    unsafe base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { unsafe base.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// All bytes.
  var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: count))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Forgets the bytes; keeps the memory unless it has grown beyond `limit` bytes.
  func removeAll(keepingAtMost limit: Int = .max) {
    count = 0
    if capacity > limit { reallocate(to: max(limit, 64)) }
  }

  /// Forgets all but the first `count` bytes.
  func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "a buffer is only cut shorter")
    self.count = count
  }

  /// Removes the first `length` bytes.
  func removeFirst(_ length: Int) {
    precondition(length >= 0 && length <= count, "more removed than there is")
    unsafe memmove(base, base + length, count - length)
    count -= length
  }

  /// Makes room for `additional` more bytes; amortised constant cost per byte.
  @inline(__always)
  func reserve(_ additional: Int) {
    if capacity - count < additional { grow(additional) }
  }

  @inline(never)
  private func grow(_ additional: Int) {
    reallocate(to: max(count + additional, min(capacity * 2, capacity + (64 << 20))))
  }

  private func reallocate(to newCapacity: Int) {
    let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    unsafe new.copyMemory(from: base, byteCount: count)
    unsafe base.deallocate()
    unsafe base = new
    capacity = newCapacity
  }

  /// Appends an integer, little endian.
  @inline(__always)
  func append<Value: FixedWidthInteger>(_ value: Value) {
    reserve(MemoryLayout<Value>.size)
    unsafe (base + count).storeBytes(of: value.littleEndian, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  /// Appends a LEB128 integer, 1 to 10 bytes.
  @inline(__always)
  func append(varint value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 0x80 {
      unsafe (base + count).storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      count += 1
      rest >>= 7
    }
    unsafe (base + count).storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    count += 1
  }

  /// Appends a signed integer, zigzag and LEB128.
  @inline(__always)
  func append(zigzag value: Int64) {
    append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// Appends a copy of `bytes`.
  @inline(__always)
  func append(_ bytes: RawSpan) {
    let length = bytes.byteCount
    reserve(length)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { unsafe memcpy(base + count, start, length) }
    }
    count += length
  }

  /// Appends the UTF-8 bytes of `text`.
  func append(_ text: String) {
    var text = text
    text.withUTF8 { unsafe append(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
  }

  func append(zeros length: Int) {
    reserve(length)
    unsafe memset(base + count, 0, length)
    count += length
  }

  /// Writes an integer over bytes that are already there.
  func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "outside of the buffer")
    unsafe (base + offset).storeBytes(of: value.littleEndian, as: Value.self)
  }

  /// Lets `body` write up to `length` bytes behind the end and say how many it wrote.
  func appendUnsafe<Failure: Error>(
    upTo length: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) {
    reserve(length)
    let room = unsafe UnsafeMutableRawBufferPointer(start: base + count, count: length)
    let written = unsafe try body(room)
    precondition(written >= 0 && written <= length, "more written than there was room")
    count += written
  }

  /// Lets `body` write over `count` bytes that are already there.
  func withUnsafeMutableBytes<Result>(
    at offset: Int, count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Result
  ) -> Result {
    precondition(offset >= 0 && count >= 0 && offset + count <= self.count, "outside of the buffer")
    return unsafe body(UnsafeMutableRawBufferPointer(start: base + offset, count: count))
  }

  /// Where the byte at `offset` stands until the buffer next grows or is emptied.
  func pointer(at offset: Int) -> UnsafePointer<UInt8> {
    precondition(offset >= 0 && offset < count, "outside of the buffer")
    return unsafe UnsafePointer((base + offset).assumingMemoryBound(to: UInt8.self))
  }
}
