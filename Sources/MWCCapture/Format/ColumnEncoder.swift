internal import CMWCKernels
internal import MWCCore

/// Gathers records and makes a block body in columns of them (`docs/FORMAT.md`, section 12), without
/// touching a file.
///
/// ```
///   append ─► payloads, entries ─seal─► literals and values ─► columns ─► deflated streams
/// ```
///
/// Memory: what was appended, once; while sealing, up to 48 times that in the worst case, of which
/// real streams touch two or three. Not thread-safe; it may move to another thread between calls.
///
/// `@safe`: all pointers are to memory that the encoder owns, with the sizes that the kernels ask for.
@safe final class ColumnEncoder {
  /// Most of `rawSize` that one block may have.
  static let maxRawSize = Int(MWC_COLUMN_RAW_MAX)
  /// What each record adds to the raw size beside its payload.
  static let recordSize = 16

  private let payloads = ByteBuffer(capacity: 64 << 10)
  private var entries: [mwc_entry] = []
  private let deflater: StreamDeflater
  private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// - Parameter level: 1 (fast) to 9 (dense).
  init(level: Int) { deflater = StreamDeflater(level: level) }

  deinit { unsafe memory.deallocate() }

  /// Records gathered.
  var count: Int { entries.count }
  /// The raw length of the segment that `seal` makes.
  var rawSize: Int { payloads.count + ColumnEncoder.recordSize * entries.count }

  /// Whether a message still fits into the block. One that does not fit an empty block has to be
  /// stored in another encoding.
  func hasRoom(for message: borrowing Message) -> Bool {
    rawSize + ColumnEncoder.recordSize + message.payload.byteCount <= ColumnEncoder.maxRawSize
  }

  /// Adds a message, copying its payload. There has to be room for it.
  func append(_ message: borrowing Message) {
    precondition(hasRoom(for: message), "a block in columns is bounded")
    precondition(message.connection <= CaptureFormat.maxConnection, "connections are bounded")
    entries.append(
      mwc_entry(
        wall_ns: message.wallTime, monotonic_ns: message.monotonicTime,
        offset: UInt64(payloads.count), length: UInt32(message.payload.byteCount),
        connection: message.connection, kind: message.kind.rawValue,
        direction: message.direction.rawValue, reserved: (0, 0, 0, 0, 0, 0)))
    payloads.append(message.payload)
  }

  /// Appends the body of a segment with all records to `output`, and forgets them. The base times are
  /// those of the block's header.
  func seal(baseWallTime: Int64, baseMonotonicTime: Int64, into output: ByteBuffer) {
    payloads.append(zeros: Int(MWC_COLUMN_PADDING))
    let payloads = payloads
    encode(
      entries, in: payloads.bytes, baseWallTime: baseWallTime,
      baseMonotonicTime: baseMonotonicTime, into: output)
    removeAll()
  }

  /// Appends the body of a segment with records that were gathered elsewhere: `entries` say where in
  /// `bytes` their payloads stand, behind the last of which is the padding of the kernel.
  func encode(
    _ entries: [mwc_entry], in bytes: RawSpan, baseWallTime: Int64, baseMonotonicTime: Int64,
    into output: ByteBuffer
  ) {
    let length = entries.reduce(0) { end, entry in
      precondition(
        entry.offset + UInt64(entry.length) + UInt64(MWC_COLUMN_PADDING)
          <= UInt64(bytes.byteCount), "payloads stand in the memory that is given")
      return end + Int(entry.length)
    }
    reserveMemory(mwc_column_encoder_size(length, entries.count))
    unsafe withUnsafeTemporaryAllocation(
      of: mwc_column_stream.self, capacity: Int(MWC_COLUMN_STREAMS_MAX)
    ) { streams in
      let streamCount = unsafe bytes.withUnsafeBytes { bytes in
        unsafe entries.withUnsafeBufferPointer { entries in
          unsafe mwc_column_encode(
            memory.baseAddress, memory.count, bytes.bindMemory(to: UInt8.self).baseAddress,
            entries.baseAddress, entries.count, baseWallTime, baseMonotonicTime,
            streams.baseAddress)
        }
      }
      precondition(streamCount > 0, "the kernel was given the memory it asked for")
      unsafe append(UnsafeMutableBufferPointer(rebasing: streams[..<streamCount]), to: output)
    }
  }

  /// The table of streams, then the streams.
  private func append(
    _ streams: UnsafeMutableBufferPointer<mwc_column_stream>, to output: ByteBuffer
  ) {
    let body = ByteBuffer(capacity: 64 << 10)
    output.append(varint: UInt64(streams.count))
    for index in streams.indices {
      let stream = unsafe streams[index]
      let stored = unsafe deflater.append(stream, to: body)
      unsafe output.append(varint: UInt64(stream.length))
      output.append(varint: UInt64(stored))
    }
    output.append(body.bytes)
  }

  /// Forgets all records; keeps a few MiB of memory.
  func removeAll() {
    payloads.removeAll(keepingAtMost: 8 << 20)
    entries.removeAll(keepingCapacity: true)
  }

  private func reserveMemory(_ size: Int) {
    guard unsafe memory.count < size else { return }
    unsafe memory.deallocate()
    unsafe memory = .allocate(byteCount: size, alignment: 16)
  }
}
