package import MWCCapture
package import MWCCore

/// Which part of a capture somebody wants.
package struct CaptureSelection: Sendable {
  /// Where it begins; nil: with the capture.
  package var from: PointInTime?
  /// Where it ends, not included; nil: with the capture.
  package var to: PointInTime?
  /// Only what came over this connection.
  package var connection: UInt32?
  /// Only records that meet it.
  package var filter: FilterExpression?

  package init() {}
}

/// The records of one capture that a selection lets through, in order; knows how far it is.
///
/// One thread.
package struct SelectedRecords: ~Copyable {
  private var reader: CaptureReader
  private let range: Range<Int64>
  private let filter: Filter?
  /// Only what came over this connection; can be changed before `rewind`.
  package var connection: UInt32?
  /// Whether the passage has ended, so that nothing more can come.
  package private(set) var isOver = false

  /// Opens a capture, "-" being standard input, and finds out what the selection means for it.
  ///
  /// - Parameters:
  ///   - file: the capture.
  ///   - selection: the part of it.
  ///   - output: what is written meanwhile: flushed before more is waited for from a pipe.
  /// - Returns: the records, none of them read yet.
  /// - Throws: `PlayerError`: `capture`, `impossible`.
  package static func open(
    _ file: String, _ selection: CaptureSelection, flushing output: DescriptorOutput? = nil
  ) throws(PlayerError) -> SelectedRecords {
    var reader = try openReader(file, output)
    var duration: Int64?
    if selection.needsDuration, reader.isSeekable {
      do { duration = try reader.measureDuration() } catch { throw .capture(error) }
    }
    let start = reader.session.wallAnchor
    let from = try selection.from?.position(startWallTime: start, duration: duration) ?? 0
    let to = try selection.to?.position(startWallTime: start, duration: duration) ?? .max
    guard from <= to else {
      throw .impossible("the end of the passage lies before its beginning")
    }
    if from > 0 {
      do { try reader.seek(toOffset: from) } catch { throw .capture(error) }
    }
    return SelectedRecords(reader, selection, from..<to)
  }

  private static func openReader(
    _ file: String, _ output: DescriptorOutput?
  ) throws(PlayerError) -> CaptureReader {
    do { return try CaptureReader.open(file, flushing: output) } catch { throw .capture(error) }
  }

  private init(
    _ reader: consuming CaptureReader, _ selection: CaptureSelection, _ range: Range<Int64>
  ) {
    self.reader = reader
    self.range = range
    connection = selection.connection
    filter = selection.filter.map { Filter($0) }
    announce(nil)
  }

  /// Says what will be read of the records that are let through; nil: all of them. To be said before
  /// the first.
  package mutating func announce(_ interest: PathInterest?) {
    reader.interests = [filter?.interest, interest].compactMap { $0 }
  }

  /// Whether records of unknown kinds are delivered too.
  package var deliversUnknownKinds: Bool {
    get { reader.deliversUnknownKinds }
    set { reader.deliversUnknownKinds = newValue }
  }

  /// Goes to the next record; false at the end of the passage.
  ///
  /// - Throws: `CaptureError` as the reader does.
  package mutating func advance() throws(CaptureError) -> Bool {
    while try reader.advance() {
      if reader.offset >= range.upperBound {
        isOver = true
        return false
      }
      if let connection, reader.current.connection != connection { continue }
      if let filter, !filter.accepts(reader.current) { continue }
      return true
    }
    return false
  }

  /// The record that `advance` came to last, a view that is valid until it is called again.
  package var current: Message {
    @_lifetime(borrow self)
    get { reader.current }
  }

  /// The run of the recorder that the record belongs to.
  package var session: CaptureSession { reader.session }
  /// Where the record stands in the recording, nanoseconds.
  package var offset: Int64 { reader.offset }
  /// How far the file has been read, bytes.
  package var position: Int64 { reader.position }
  /// How the capture ended; nil when the passage did before it.
  package var ending: CaptureEnding? { reader.ending }
  /// Whether it can be gone through again.
  package var isSeekable: Bool { reader.isSeekable }

  /// Whether more records may come behind the last one, of a capture that is still being written.
  package var canGrow: Bool { !isOver && isSeekable && Follower.canGrow(ending) }

  /// Size of the file, bytes; nil for a pipe.
  ///
  /// - Throws: `CaptureError`: `io`.
  package func size() throws(CaptureError) -> Int64? { try reader.size() }

  /// Goes back to the beginning of the passage. Only what is seekable can.
  ///
  /// - Throws: `CaptureError` as the reader does.
  package mutating func rewind() throws(CaptureError) {
    isOver = false
    try reader.seek(toOffset: range.lowerBound)
  }
}

extension CaptureSelection {
  fileprivate var needsDuration: Bool {
    for case .share in [from, to] { return true }
    return false
  }
}

extension CaptureReader {
  /// Nanoseconds from the start of a recording to its last message; stands at the start afterwards.
  mutating func measureDuration() throws(CaptureError) -> Int64 {
    if let duration = try loadMap().duration { return duration }
    do throws(CaptureError) {
      // Nothing is that late: this goes through the last block to its end.
      try seek(toOffset: .max)
      while try advance() {}
    } catch {
      // What is damaged there will be met again when it is read; this far it is known.
    }
    let last = offset
    try seek(toOffset: 0)
    return last
  }
}
