internal import CZlib

/// A raw deflate stream (RFC 1951) that is flushed to a byte boundary again and again.
///
/// `@safe`: the stream stands in memory of its own, because zlib keeps a pointer to it; it is ended
/// exactly once. Not thread-safe; it belongs to one encoder.
@safe final class Deflater {
  private let stream: UnsafeMutablePointer<z_stream>

  /// - Parameter level: 1 (fast) to 9 (dense).
  init(level: Int) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let result = unsafe mwc_zlib_deflate_init(
      stream, Int32(level), -15, 8, Int32(Z_DEFAULT_STRATEGY))
    // Fails only without memory, or for a level that the writer's options do not let through.
    precondition(result == Z_OK, "zlib cannot begin a stream")
  }

  deinit {
    _ = unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Begins a new stream that knows nothing of the one before.
  func reset() { _ = unsafe deflateReset(stream) }

  /// Deflates `bytes`, appending what comes out. With `flushing` the output ends on a byte boundary
  /// and without the four bytes `00 00 FF FF`.
  func deflate(_ bytes: RawSpan, into output: ByteBuffer, flushing: Bool) {
    let flush = flushing ? Int32(Z_SYNC_FLUSH) : Int32(Z_NO_FLUSH)
    unsafe bytes.withUnsafeBytes { input in
      // zlib's interface lacks the const; it does not write to its input.
      unsafe stream.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      unsafe stream.pointee.avail_in = UInt32(input.count)
      var isDone = false
      while !isDone {
        let room = unsafe max(4096, Int(stream.pointee.avail_in) / 4)
        unsafe output.appendUnsafe(upTo: room) { target in
          unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
          unsafe stream.pointee.avail_out = UInt32(target.count)
          _ = unsafe CZlib.deflate(stream, flush)
          isDone = unsafe stream.pointee.avail_out > 0
          return unsafe target.count - Int(stream.pointee.avail_out)
        }
      }
    }
    if flushing {
      let end = output.bytes.extracting(last: 4).integer(at: 0, as: UInt32.self)
      precondition(end == 0xFFFF_0000, "zlib ends a sync flush with 00 00 FF FF")
      output.truncate(to: output.count - 4)
    }
  }
}

/// The other direction.
///
/// `@safe` and threads: as `Deflater`.
@safe final class Inflater {
  private let stream: UnsafeMutablePointer<z_stream>

  init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let result = unsafe mwc_zlib_inflate_init(stream, -15)
    precondition(result == Z_OK, "zlib cannot begin a stream")
  }

  deinit {
    _ = unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func reset() { _ = unsafe inflateReset(stream) }

  /// Inflates one segment, appending exactly `rawLength` bytes to `output`. Returns false when the
  /// segment is malformed or holds more or less. Never writes more than `rawLength`, and asks for
  /// memory only as bytes come out.
  func inflate(_ segment: RawSpan, into output: ByteBuffer, rawLength: Int) -> Bool {
    var missing = rawLength
    guard feed(segment, into: output, missing: &missing) else { return false }
    let end: [4 of UInt8] = [0, 0, 0xFF, 0xFF]
    return unsafe feed(end.span.bytes, into: output, missing: &missing) && missing == 0
  }

  /// Fills `target` with a whole stream; false when `bytes` are malformed or hold more or less.
  func inflate(_ bytes: RawSpan, into target: UnsafeMutableRawBufferPointer) -> Bool {
    unsafe bytes.withUnsafeBytes { input in
      _ = unsafe inflateReset(stream)
      unsafe stream.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      unsafe stream.pointee.avail_in = UInt32(input.count)
      unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
      unsafe stream.pointee.avail_out = UInt32(target.count)
      let result = unsafe CZlib.inflate(stream, Z_FINISH)
      return unsafe result == Z_STREAM_END && stream.pointee.avail_in == 0
        && stream.pointee.avail_out == 0
    }
  }

  /// Inflates all of `bytes`; false when malformed or when more than `missing` bytes come out.
  private func feed(_ bytes: RawSpan, into output: ByteBuffer, missing: inout Int) -> Bool {
    unsafe bytes.withUnsafeBytes { input in
      unsafe stream.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      unsafe stream.pointee.avail_in = UInt32(input.count)
      while unsafe stream.pointee.avail_in > 0 {
        var result = Int32(Z_OK)
        var written = 0
        if missing > 0 {
          unsafe output.appendUnsafe(upTo: min(missing, 256 << 10)) { target in
            (result, written) = unsafe step(target)
            return written
          }
        } else {
          // One byte of room shows an excess without storing it.
          unsafe withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { target in
            (result, written) = unsafe step(target)
          }
          if written > 0 { return false }
        }
        missing -= written
        // Z_BUF_ERROR: no progress possible, which at the end of the input is as it should be.
        if result == Z_BUF_ERROR, unsafe stream.pointee.avail_in == 0 { break }
        guard result == Z_OK else { return false }
      }
      return true
    }
  }

  private func step(_ target: UnsafeMutableRawBufferPointer) -> (Int32, Int) {
    unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(target.count)
    let result = unsafe CZlib.inflate(stream, Int32(Z_SYNC_FLUSH))
    return unsafe (result, target.count - Int(stream.pointee.avail_out))
  }
}
