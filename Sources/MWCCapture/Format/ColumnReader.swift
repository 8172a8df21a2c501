internal import CMWCKernels
package import MWCCore

/// Reads the values of some paths from segments in columns, without putting messages together: only
/// the columns that hold them are inflated and decoded. A message that somebody asks for is put
/// together alone.
///
/// ```swift
/// let reader = ColumnReader([PathInterest(["type", "data.memory.percentage"])])
/// guard reader.open(body, …) else { … }       // decode the segment as a whole
/// while reader.next() { … reader.current … }  // messages that know these values
/// ```
///
/// Memory: as `ColumnDecoder`, and a message. Not thread-safe.
///
/// `@safe`: all pointers are to memory that the reader, its paths or its streams own, with the sizes
/// that the kernels ask for; the kernel's reader is used only until the next `open`.
@safe package final class ColumnReader {
  /// Paths, the scanner that finds them, and what the kernel is to know of their values.
  ///
  /// `@safe`: `wants` is allocated and freed here and has an element for each path.
  @safe private final class Paths {
    let interest: PathInterest
    let scanner: JSONScanner
    let wants: UnsafeMutableBufferPointer<UInt8>

    init(_ interest: PathInterest) {
      self.interest = interest
      scanner = JSONScanner(valid: interest.paths, options: .nonFinite)
      unsafe wants = .allocate(capacity: interest.paths.count)
      _ = unsafe wants.initialize(from: interest.enough.map { $0.wants })
    }

    deinit { unsafe wants.deallocate() }
  }

  private let streams = ColumnStreams()
  private let paths: [Paths]
  /// Where the values of each stand among those of all.
  private let sets: [(interest: ObjectIdentifier, places: Range<Int>)]
  private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var reader: OpaquePointer?
  private var entry = mwc_entry()
  private var found = unsafe mwc_column_values()

  /// The segment, in case that a message cannot be put together alone.
  private let body = ByteBuffer()
  private var rawLength = 0
  private var baseWallTime: Int64 = 0
  private var baseMonotonicTime: Int64 = 0
  private lazy var decoder = ColumnDecoder()
  private var isDecoded = false
  /// The message that the reader stands at, once somebody has asked for it.
  private let message = ByteBuffer()
  private var hasMessage = false

  /// Records of the segment.
  package private(set) var count = 0
  /// How many of them `next` has come to.
  private var position = 0
  /// Whether a message could not be put together, because the segment contradicts itself.
  package private(set) var hasFailed = false

  /// - Parameter interests: whose values are to be known; at most eight.
  package init(_ interests: [PathInterest]) {
    precondition(interests.count <= Int(MWC_COLUMN_READERS_MAX), "too many to read for")
    paths = interests.map { Paths($0) }
    var first = 0
    sets = interests.map { interest in
      defer { first += interest.paths.count }
      return (ObjectIdentifier(interest), first..<first + interest.paths.count)
    }
  }

  deinit { unsafe memory.deallocate() }

  /// Begins with the first record of a segment. False when it is malformed, or when there is too much
  /// to remember: then it has to be decoded as a whole.
  package func open(
    _ body: RawSpan, rawLength: Int, baseWallTime: Int64, baseMonotonicTime: Int64
  ) -> Bool {
    close()
    guard streams.open(body, rawLength: rawLength),
      let records = streams.recordCount(rawLength: rawLength)
    else { return false }
    let size = mwc_column_decoder_size(streams.size, rawLength)
    if unsafe memory.count < size {
      unsafe memory.deallocate()
      unsafe memory = .allocate(byteCount: size, alignment: 16)
    }
    let sets = unsafe paths.map { paths in
      unsafe paths.scanner.withKernel { scanner in
        unsafe mwc_column_paths(
          scanner: scanner, count: paths.wants.count, wants: paths.wants.baseAddress)
      }
    }
    unsafe reader = mwc_column_reader_open(
      memory.baseAddress, memory.count, streams.table.baseAddress, streams.count,
      ColumnStreams.source, streams.context, baseWallTime, baseMonotonicTime,
      rawLength - records * ColumnEncoder.recordSize, records, sets, sets.count)
    guard unsafe reader != nil else { return false }
    count = records
    self.body.append(body)
    self.rawLength = rawLength
    self.baseWallTime = baseWallTime
    self.baseMonotonicTime = baseMonotonicTime
    return true
  }

  /// Forgets the segment.
  package func close() {
    unsafe reader = nil
    count = 0
    position = 0
    hasFailed = false
    unsafe found = mwc_column_values()
    hasMessage = false
    isDecoded = false
    body.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
  }

  /// Goes to the next record, in the order of arrival; false behind the last.
  package func next() -> Bool {
    guard let reader = unsafe reader else { return false }
    hasMessage = false
    guard unsafe mwc_column_reader_next(reader, &entry, &found) else { return false }
    position += 1
    return true
  }

  /// Wall clock at arrival of the record, nanoseconds since 1970.
  package var wallTime: Int64 { entry.wall_ns }
  /// Monotonic clock at arrival of the record, nanoseconds.
  package var monotonicTime: Int64 { entry.monotonic_ns }
  /// Which connection, counted from 1; 0 speaks of the recording itself.
  package var connection: UInt32 { entry.connection }

  /// The record that `next` has come to; a view that is valid until the reader is used again.
  package var current: Message {
    @_lifetime(borrow self)
    get {
      let message = unsafe Message(
        wallTime: entry.wall_ns, monotonicTime: entry.monotonic_ns, connection: entry.connection,
        direction: entry.direction == 0 ? .received : .sent,
        kind: Message.Kind(rawValue: entry.kind), unsafeSource: self)
      return unsafe _overrideLifetime(message, borrowing: self)
    }
  }
}

extension ColumnReader: PayloadSource {
  /// The message that the reader stands at. Empty when the segment is malformed; `hasFailed` tells.
  package var payload: RawSpan {
    @_lifetime(borrow self)
    get {
      if !hasMessage, !isDecoded { putTogether() }
      if isDecoded, position > 0, position <= decoder.count {
        let payload = decoder[position - 1].payload
        return unsafe _overrideLifetime(payload, borrowing: self)
      }
      let message = message
      let bytes = message.bytes
      return unsafe _overrideLifetime(bytes, borrowing: self)
    }
  }

  private func putTogether() {
    hasMessage = true
    message.removeAll(keepingAtMost: CaptureFormat.maxRawColumns)
    let room = rawLength - count * ColumnEncoder.recordSize
    var written: Int64 = -1
    unsafe message.appendUnsafe(upTo: room + Int(MWC_COLUMN_PADDING)) { target in
      guard let reader = unsafe reader else { return 0 }
      unsafe written = mwc_column_reader_message(
        reader, target.bindMemory(to: UInt8.self).baseAddress, room)
      return max(0, Int(written))
    }
    guard written < 0 else { return }
    let body = body
    isDecoded = decoder.decode(
      body.bytes, rawLength: rawLength, baseWallTime: baseWallTime,
      baseMonotonicTime: baseMonotonicTime)
    if !isDecoded { hasFailed = true }
  }

  @_lifetime(borrow self)
  package func values(of interest: PathInterest) -> JSONValues? {
    for (number, set) in sets.enumerated() where set.interest == ObjectIdentifier(interest) {
      guard unsafe found.known >> number & 1 == 1, let located = unsafe found.values else { break }
      let bytes = unsafe UnsafeRawBufferPointer(start: found.json, count: found.length)
      let span = unsafe RawSpan(_unsafeBytes: bytes)
      let values = unsafe JSONValues(
        located: located + set.places.lowerBound, in: span, count: set.places.count)
      return unsafe _overrideLifetime(values, borrowing: self)
    }
    return nil
  }
}

extension PathInterest.Enough {
  /// As the kernel spells it.
  fileprivate var wants: UInt8 {
    (contains(.presence) ? UInt8(MWC_COLUMN_PRESENCE) : 0)
      | (contains(.amount) ? UInt8(MWC_COLUMN_AMOUNT) : 0)
  }
}
