package import MWCCore

/// A capture that is made of records of others, as they are: their times, numbers and payloads stay.
///
/// ```swift
/// let copy = CaptureCopy { session in try CaptureWriter(file: output, …) }
/// while try reader.advance() { try copy.append(reader.current, of: reader.session) }
/// try copy.close(session: reader.session)
/// ```
///
/// A copy is all or nothing: a disk that is full ends it with an error. Not thread-safe.
package final class CaptureCopy {
  /// What was copied so far.
  package private(set) var records: UInt64 = 0
  /// Text and binary messages among them.
  package private(set) var messages: UInt64 = 0

  private let makeWriter: (CaptureSession) throws(CaptureError) -> CaptureWriter
  private var writer: CaptureWriter?
  private var session: CaptureSession?

  /// - Parameter makeWriter: makes the capture, with its first session; asked when there is a record,
  ///   or at the end.
  package init(makeWriter: @escaping (CaptureSession) throws(CaptureError) -> CaptureWriter) {
    self.makeWriter = makeWriter
  }

  /// Bytes of the capture so far, without what waits in memory.
  package var fileSize: Int64 { writer?.fileSize ?? 0 }

  /// Adds a record of a run of the recorder.
  ///
  /// - Throws: `CaptureError` when the capture cannot be written.
  package func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) {
    let writer = try writer(for: session)
    try writer.appendUnchanged(record)
    try check(writer)
    records += 1
    if record.kind.isData { messages += 1 }
  }

  private func writer(for session: CaptureSession) throws(CaptureError) -> CaptureWriter {
    guard let writer else {
      let new = try makeWriter(session)
      writer = new
      self.session = session
      return new
    }
    if session != self.session {
      try writer.begin(session)
      self.session = session
    }
    return writer
  }

  /// Completes the capture, and its file.
  ///
  /// - Parameter session: of a capture that no record was added to.
  /// - Throws: `CaptureError` when the capture cannot be written.
  package func close(session: CaptureSession) throws(CaptureError) {
    let writer = try writer(for: self.session ?? session)
    try writer.close()
    try check(writer)
  }

  private func check(_ writer: CaptureWriter) throws(CaptureError) {
    if case .suspended(let error)? = writer.takeNotice() { throw error }
  }
}
