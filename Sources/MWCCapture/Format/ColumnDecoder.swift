internal import CMWCKernels
internal import MWCCore

/// Turns the body of a segment in columns (`docs/FORMAT.md`, section 12) into its records.
///
/// Memory: up to 20 times the raw length of the segment, which `CaptureFormat.maxRawColumns` bounds;
/// asked for before anything is decoded, touched only as far as the body reaches. Not thread-safe.
///
/// `@safe`: all pointers are to memory that the decoder owns, with the sizes that the kernels ask for.
@safe final class ColumnDecoder {
  private let streamBytes = ByteBuffer()
  private let payloads = ByteBuffer()
  private let inflater = StreamInflater()
  private var entries = unsafe UnsafeMutableBufferPointer<mwc_entry>(start: nil, count: 0)
  private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Records of the segment.
  private(set) var count = 0

  deinit {
    unsafe memory.deallocate()
    unsafe entries.deallocate()
  }

  /// Decodes a segment. False, and no records, when it is malformed or does not hold `rawLength`
  /// bytes: payloads, and 16 for each record.
  func decode(
    _ body: RawSpan, rawLength: Int, baseWallTime: Int64, baseMonotonicTime: Int64
  ) -> Bool {
    count = 0
    payloads.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
    var cursor = ByteCursor(body)
    guard rawLength <= CaptureFormat.maxRawColumns, let streamCount = cursor.readVarint(),
      streamCount >= 4, streamCount <= UInt64(MWC_COLUMN_STREAMS_MAX)
    else { return false }
    return unsafe withUnsafeTemporaryAllocation(
      of: mwc_column_stream.self, capacity: Int(streamCount)
    ) { streams in
      guard unsafe inflate(&cursor, into: streams, rawLength: rawLength) else { return false }
      let records = unsafe mwc_column_count(streams.baseAddress, streams.count)
      guard records >= 0, Int(records) * ColumnEncoder.recordSize <= rawLength else { return false }
      let payloadLength = rawLength - Int(records) * ColumnEncoder.recordSize
      reserve(
        mwc_column_decoder_size(streamBytes.count, rawLength), records: Int(records))
      let written = unsafe decode(
        streams, payloadLength: payloadLength,
        baseWallTime: baseWallTime, baseMonotonicTime: baseMonotonicTime)
      guard written == payloadLength else { return false }
      count = Int(records)
      return true
    }
  }

  private func decode(
    _ streams: UnsafeMutableBufferPointer<mwc_column_stream>, payloadLength: Int,
    baseWallTime: Int64, baseMonotonicTime: Int64
  ) -> Int {
    var written = -1
    unsafe payloads.appendUnsafe(upTo: payloadLength + Int(MWC_COLUMN_PADDING)) { target in
      written = unsafe Int(
        mwc_column_decode(
          memory.baseAddress, memory.count, streams.baseAddress, streams.count, baseWallTime,
          baseMonotonicTime, target.bindMemory(to: UInt8.self).baseAddress, payloadLength,
          entries.baseAddress, entries.count))
      return max(written, 0)
    }
    return written
  }

  /// Inflates all streams behind each other, each with its padding.
  private func inflate(
    _ cursor: inout ByteCursor, into streams: UnsafeMutableBufferPointer<mwc_column_stream>,
    rawLength: Int
  ) -> Bool {
    streamBytes.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
    let padding = Int(MWC_COLUMN_PADDING)
    var total = 0
    for index in streams.indices {
      guard let length = cursor.readVarint(), let stored = cursor.readVarint(), stored <= length,
        length <= UInt64(2 * rawLength + 4096)
      else { return false }
      unsafe streams.initializeElement(
        at: index, to: mwc_column_stream(bytes: nil, length: Int(length), hint: UInt32(stored)))
      total += Int(length) + padding
    }
    guard total <= 3 * rawLength + streams.count * padding + 4096 else { return false }
    streamBytes.reserve(total)
    for index in streams.indices {
      let length = unsafe streams[index].length
      let stored = unsafe Int(streams[index].hint)
      guard let start = cursor.skip(stored) else { return false }
      let bytes = cursor.bytes.extracting(start..<start + stored)
      if stored == length {
        streamBytes.append(bytes)
      } else if !inflater.inflate(bytes, into: streamBytes, length: length) {
        return false
      }
      streamBytes.append(zeros: padding)
    }
    guard cursor.remaining == 0 else { return false }
    let streamBytes = streamBytes
    unsafe streamBytes.bytes.withUnsafeBytes { bytes in
      var at = unsafe bytes.bindMemory(to: UInt8.self).baseAddress
      for index in streams.indices {
        unsafe streams[index].bytes = at
        unsafe at = at?.advanced(by: streams[index].length + padding)
      }
    }
    return true
  }

  private func reserve(_ size: Int, records: Int) {
    if unsafe memory.count < size {
      unsafe memory.deallocate()
      unsafe memory = .allocate(byteCount: size, alignment: 16)
    }
    if unsafe entries.count < records {
      unsafe entries.deallocate()
      unsafe entries = .allocate(capacity: records)
    }
  }

  /// Forgets the records of the segment.
  func removeAll() { count = 0 }

  /// The record at `index`, in the order of arrival; a view that is valid until the next segment.
  subscript(index: Int) -> Message {
    @_lifetime(borrow self)
    get {
      precondition(index >= 0 && index < count, "record index out of range")
      let entry = unsafe entries[index]
      let start = Int(entry.offset)
      let payloads = payloads
      let message = Message(
        wallTime: entry.wall_ns, monotonicTime: entry.monotonic_ns, connection: entry.connection,
        direction: entry.direction == 0 ? .received : .sent,
        kind: Message.Kind(rawValue: entry.kind),
        payload: payloads.bytes.extracting(start..<start + Int(entry.length)))
      return unsafe _overrideLifetime(message, borrowing: self)
    }
  }
}
