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

/// The streams of a segment in columns: a table, and bytes that are inflated when somebody asks for
/// them.
///
/// `@safe`: the table and all bytes handed out are memory that this object owns; it keeps the segment
/// only as a copy. Not thread-safe.
@safe final class ColumnStreams {
  private let inflater = Inflater()
  private let stored = ByteBuffer()
  private let inflated = ByteBuffer()
  /// Where each stream is stored, and where it is to be inflated.
  private var places: [(stored: Range<Int>, inflated: Int)] = []
  private(set) var table = UnsafeMutableBufferPointer<mwc_column_stream>.allocate(
    capacity: Int(MWC_COLUMN_STREAMS_MAX))
  /// How many streams there are.
  private(set) var count = 0

  deinit { unsafe table.deallocate() }

  /// Bytes of all streams, with the padding behind each.
  private(set) var size = 0

  /// Reads the table of a segment and keeps its bytes. False when it is malformed.
  func open(_ body: RawSpan, rawLength: Int) -> Bool {
    count = 0
    size = 0
    places.removeAll(keepingCapacity: true)
    stored.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
    inflated.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
    var cursor = ByteCursor(body)
    guard rawLength <= CaptureFormat.maxRawColumns, let streamCount = cursor.readVarint(),
      streamCount >= 4, streamCount <= UInt64(MWC_COLUMN_STREAMS_MAX)
    else { return false }
    var storedSize = 0
    for index in 0..<Int(streamCount) {
      guard let length = cursor.readVarint(), let stored = cursor.readVarint(), stored <= length,
        length <= UInt64(2 * rawLength + 4096)
      else { return false }
      unsafe table.initializeElement(
        at: index, to: mwc_column_stream(bytes: nil, length: Int(length), hint: 0))
      places.append((storedSize..<storedSize + Int(stored), size))
      storedSize += Int(stored)
      size += Int(length) + Int(MWC_COLUMN_PADDING)
    }
    guard size <= 3 * rawLength + Int(streamCount) * Int(MWC_COLUMN_PADDING) + 4096,
      cursor.remaining == storedSize
    else { return false }
    stored.append(body.extracting(cursor.offset..<body.byteCount))
    unsafe inflated.appendUnsafe(upTo: size) { _ in size }
    count = Int(streamCount)
    return true
  }

  /// The bytes of a stream, with padding behind them; nil when they are malformed.
  func bytes(of index: Int) -> UnsafePointer<UInt8>? {
    guard index >= 0, index < count else { return nil }
    let place = places[index]
    let length = unsafe table[index].length
    let stored = stored
    let bytes = stored.bytes.extracting(place.stored)
    let padding = Int(MWC_COLUMN_PADDING)
    let isGood = unsafe inflated.withUnsafeMutableBytes(
      at: place.inflated, count: length + padding
    ) { room in
      let target = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(length))
      for index in length..<room.count { unsafe room[index] = 0 }
      if bytes.byteCount < length { return unsafe inflater.inflate(bytes, into: target) }
      unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
      return true
    }
    guard isGood else { return nil }
    return unsafe inflated.pointer(at: place.inflated)
  }

  /// Records of the segment; nil when it is malformed or has not room for so many.
  func recordCount(rawLength: Int) -> Int? {
    guard let head = unsafe bytes(of: 0) else { return nil }
    unsafe table[0].bytes = head
    let records = unsafe Int(mwc_column_count(head, table[0].length))
    return records >= 0 && records * ColumnEncoder.recordSize <= rawLength ? records : nil
  }

  /// What the kernels call to have a stream.
  static let source: @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafePointer<UInt8>? = {
    context, index in
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<ColumnStreams>.fromOpaque(context).takeUnretainedValue()
      .bytes(of: index)
  }

  /// What `source` is called with. The object has to live until the last call.
  var context: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }
}
