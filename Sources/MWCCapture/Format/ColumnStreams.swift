internal import CMWCKernels
internal import CZlib

/// Whole streams at once: the pieces of a column block (`docs/FORMAT.md`, section 12).
///
/// `@safe`: as `Deflater`. Not thread-safe; it belongs to one encoder.
@safe final class StreamDeflater {
  private let text: UnsafeMutablePointer<z_stream>
  private let noise: UnsafeMutablePointer<z_stream>

  /// - Parameter level: 1 (fast) to 9 (dense).
  init(level: Int) {
    unsafe text = StreamDeflater.open(level, Z_DEFAULT_STRATEGY)
    // Matches in noise are accidents that cost more than they save; runs are none.
    unsafe noise = StreamDeflater.open(level, Z_RLE)
  }

  private static func open(_ level: Int, _ strategy: Int32) -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let result = unsafe mwc_zlib_deflate_init(stream, Int32(level), -15, 8, strategy)
    // Fails only without memory, or for a level that the writer's options do not let through.
    precondition(result == Z_OK, "zlib cannot begin a stream")
    return unsafe stream
  }

  deinit {
    _ = unsafe deflateEnd(text)
    _ = unsafe deflateEnd(noise)
    unsafe text.deallocate()
    unsafe noise.deallocate()
  }

  /// Appends the bytes of a stream, deflated where that makes them shorter; returns how many.
  func append(_ stream: mwc_column_stream, to output: ByteBuffer) -> Int {
    let length = unsafe stream.length
    let start = output.count
    if unsafe length >= 16 && stream.hint != UInt32(MWC_COLUMN_BITS) {
      let zlib = unsafe stream.hint == UInt32(MWC_COLUMN_NOISE) ? noise : text
      unsafe output.appendUnsafe(upTo: length - 1) { target in
        _ = unsafe deflateReset(zlib)
        // zlib's interface lacks the const; it does not write to its input.
        unsafe zlib.pointee.next_in = UnsafeMutablePointer(mutating: stream.bytes)
        unsafe zlib.pointee.avail_in = UInt32(length)
        unsafe zlib.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe zlib.pointee.avail_out = UInt32(target.count)
        let isDone = unsafe deflate(zlib, Z_FINISH) == Z_STREAM_END
        return unsafe isDone ? target.count - Int(zlib.pointee.avail_out) : 0
      }
    }
    if output.count == start, length > 0 {
      output.append(
        unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: stream.bytes, count: length)))
    }
    return output.count - start
  }
}

/// The other direction.
///
/// `@safe` and threads: as `StreamDeflater`.
@safe final class StreamInflater {
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

  /// Appends exactly `length` inflated bytes; false when `bytes` are malformed or hold something
  /// else.
  func inflate(_ bytes: RawSpan, into output: ByteBuffer, length: Int) -> Bool {
    var isWhole = false
    unsafe bytes.withUnsafeBytes { input in
      unsafe output.appendUnsafe(upTo: length) { target in
        _ = unsafe inflateReset(stream)
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
          mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(input.count)
        unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(target.count)
        let result = unsafe CZlib.inflate(stream, Z_FINISH)
        isWhole =
          unsafe result == Z_STREAM_END && stream.pointee.avail_in == 0
          && stream.pointee.avail_out == 0
        return unsafe target.count - Int(stream.pointee.avail_out)
      }
    }
    return isWhole
  }
}
