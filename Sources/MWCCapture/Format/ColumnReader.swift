internal import CMWCKernels
package import MWCCore

/// Reads the values of some paths from segments in columns, without putting messages together: only
/// the columns that hold them are inflated and decoded.
///
/// ```swift
/// let reader = ColumnReader(paths: ["type", "data.memory.percentage"])
/// reader.open(body, …)
/// while true {
///   switch reader.next() {
///   case .values: reader.values[1] …     // as a scan of the message would have found it
///   case .whole: …                       // only the message itself tells: decode the segment
///   case .ended: return
///   }
/// }
/// ```
///
/// Memory: as `ColumnDecoder`. Not thread-safe.
///
/// `@safe`: all pointers are to memory that the reader or its streams own, with the sizes that the
/// kernels ask for; the kernel's reader is used only until the next `open`.
@safe package final class ColumnReader {
  /// What `next` has come to.
  package enum Step {
    /// There are no more records.
    case ended
    /// `values` are those of the message.
    case values
    /// The message is not JSON, or has an array or object at one of the paths: it has to be looked at.
    case whole
  }

  private let streams = ColumnStreams()
  private let scanner: JSONScanner
  private let wants: [UInt8]
  private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var reader: OpaquePointer?
  private var entry = mwc_entry()
  private var json: UnsafePointer<UInt8>?
  private var length = 0
  private var located: UnsafePointer<mwc_json_value>?

  /// - Parameters:
  ///   - paths: as those of `JSONScanner`; good ones.
  ///   - presence: indexes of paths of which, when an array or object is there, only that and whether
  ///     it is empty is of interest: its bytes then mean nothing.
  package init(paths: [String], presence: Set<Int> = []) {
    scanner = JSONScanner(valid: paths, options: .nonFinite)
    wants = paths.indices.map { presence.contains($0) ? UInt8(MWC_COLUMN_PRESENCE) : 0 } + [0]
  }

  deinit { unsafe memory.deallocate() }

  /// Begins with the first record of a segment. False when it is malformed, or when there is too much
  /// to remember: then it has to be decoded as a whole.
  package func open(
    _ body: RawSpan, rawLength: Int, baseWallTime: Int64, baseMonotonicTime: Int64
  ) -> Bool {
    unsafe reader = nil
    guard streams.open(body, rawLength: rawLength),
      let records = streams.recordCount(rawLength: rawLength)
    else { return false }
    let size = mwc_column_decoder_size(streams.size, rawLength)
    if unsafe memory.count < size {
      unsafe memory.deallocate()
      unsafe memory = .allocate(byteCount: size, alignment: 16)
    }
    unsafe reader = scanner.withKernel { scanner in
      unsafe wants.withUnsafeBufferPointer { wants in
        var paths = unsafe mwc_column_paths(
          scanner: scanner, count: wants.count - 1, wants: wants.baseAddress)
        return unsafe mwc_column_reader_open(
          memory.baseAddress, memory.count, streams.table.baseAddress, streams.count,
          ColumnStreams.source, streams.context, baseWallTime, baseMonotonicTime,
          rawLength - records * ColumnEncoder.recordSize, records, &paths, 1)
      }
    }
    return unsafe reader != nil
  }

  /// Goes to the next record, in the order of arrival.
  package func next() -> Step {
    guard let reader = unsafe reader else { return .ended }
    let step = unsafe mwc_column_reader_next(reader, &entry, &json, &length, &located)
    switch step {
    case Int32(MWC_COLUMN_VALUES): return .values
    case Int32(MWC_COLUMN_WHOLE): return .whole
    default: return .ended
    }
  }

  /// Wall clock at arrival of the record, nanoseconds since 1970 (UTC).
  package var wallTime: Int64 { entry.wall_ns }
  /// Monotonic clock at arrival of the record, nanoseconds.
  package var monotonicTime: Int64 { entry.monotonic_ns }
  /// Which connection, counted from 1; 0 speaks of the recording itself.
  package var connection: UInt32 { entry.connection }
  /// Who sent it.
  package var direction: Message.Direction { entry.direction == 0 ? .received : .sent }
  /// What it is.
  package var kind: Message.Kind { Message.Kind(rawValue: entry.kind) }

  /// The values of the paths, after `next` has said `values`; a view that is valid until the reader is
  /// used again. The bytes around them are not those of the message.
  package var values: JSONValues {
    @_lifetime(borrow self)
    get {
      guard let json = unsafe json, let located = unsafe located else {
        preconditionFailure("there are no values")
      }
      let bytes = unsafe UnsafeRawBufferPointer(start: json, count: length)
      let span = unsafe RawSpan(_unsafeBytes: bytes)
      let values = unsafe JSONValues(located: located, in: span, count: wants.count - 1)
      return unsafe _overrideLifetime(values, borrowing: self)
    }
  }
}
