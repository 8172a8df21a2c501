package import MWCCapture
package import MWCCore

/// Decides which records of a capture a copy of it keeps.
package struct MessageFilter {
  private let connection: UInt32?
  private let filter: Filter?

  /// - Parameters:
  ///   - connection: only records of this one, and those of the recording itself; nil: all.
  ///   - expression: only text and binary messages that meet it; nil: all.
  package init(connection: UInt32?, expression: FilterExpression?) {
    self.connection = connection
    filter = expression.map { Filter($0) }
  }

  /// What happened to a connection is kept as long as anything of it is: it says why messages are
  /// missing.
  private func keeps(_ record: borrowing Message) -> Bool {
    if let connection, record.connection != connection, record.connection != 0 { return false }
    guard record.kind.isData else { return true }
    return filter?.accepts(record) ?? true
  }

  /// Adds what is to be kept to `copy`, and completes it.
  ///
  /// - Parameters:
  ///   - records: the capture.
  ///   - copy: where they go.
  ///   - progress: is told how many bytes of the capture have been read.
  /// - Returns: how many text and binary messages were left out.
  /// - Throws: `CaptureError` of the capture or of the copy.
  package func copy(
    _ records: inout SelectedRecords, to copy: CaptureCopy, progress: (Int64) -> Void
  ) throws(CaptureError) -> UInt64 {
    records.announce(filter?.interest)
    var leftOut: UInt64 = 0
    var read: UInt64 = 0
    while try records.advance() {
      read += 1
      if read % 1024 == 0 { progress(records.position) }
      if keeps(records.current) {
        try copy.append(records.current, of: records.session)
      } else if records.current.kind.isData {
        leftOut += 1
      }
    }
    try copy.close(session: records.session)
    return leftOut
  }
}
