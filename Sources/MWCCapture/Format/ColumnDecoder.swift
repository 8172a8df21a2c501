internal import CMWCKernels
internal import MWCCore

/// Turns the body of a segment in columns (`docs/FORMAT.md`, section 12) into its records.
///
/// Memory: up to 28 times the raw length of the segment, which `CaptureFormat.maxRawColumns` bounds;
/// asked for before anything is decoded, touched only as far as the body reaches. Not thread-safe.
///
/// `@safe`: all pointers are to memory that the decoder owns, with the sizes that the kernels ask for.
@safe final class ColumnDecoder {
  private let streams = ColumnStreams()
  private let payloads = ByteBuffer()
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
    guard streams.open(body, rawLength: rawLength),
      let records = streams.recordCount(rawLength: rawLength)
    else { return false }
    let payloadLength = rawLength - records * ColumnEncoder.recordSize
    reserve(mwc_column_decoder_size(streams.size, rawLength), records: records)
    var written = -1
    unsafe payloads.appendUnsafe(upTo: payloadLength + Int(MWC_COLUMN_PADDING)) { target in
      written = unsafe Int(
        mwc_column_decode(
          memory.baseAddress, memory.count, streams.table.baseAddress, streams.count,
          ColumnStreams.source, streams.context, baseWallTime, baseMonotonicTime,
          target.bindMemory(to: UInt8.self).baseAddress, payloadLength, entries.baseAddress,
          records))
      return max(written, 0)
    }
    guard written == payloadLength else { return false }
    count = records
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
