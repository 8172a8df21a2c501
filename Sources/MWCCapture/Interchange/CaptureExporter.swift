package import MWCCore

/// Spells the records of a capture in a format of somebody else.
///
/// ```swift
/// let exporter = CSVExporter(paths: ["data.memory.percentage"], to: output)
/// while try reader.advance() { try exporter.append(reader.current, of: reader.session) }
/// try exporter.finish()
/// ```
///
/// Memory does not grow with the capture, but for a few bytes for each connection and each MiB where
/// the format wants an index at its end. Not thread-safe.
package protocol CaptureExporter: AnyObject {
  /// All that it reads of most records; nil: all of them as they are.
  var interest: PathInterest? { get }

  /// Adds a record.
  ///
  /// - Parameters:
  ///   - record: it; a view that is not kept.
  ///   - session: the run of the recorder that it belongs to.
  /// - Returns: false when the format has no place for a record of this kind, which is then left out.
  /// - Throws: `CaptureError` when the output cannot be written.
  func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) -> Bool

  /// Writes what belongs at the end, and everything that still waits.
  ///
  /// - Throws: `CaptureError` when the output cannot be written.
  func finish() throws(CaptureError)
}

extension CaptureExporter {
  /// Formats that keep messages need them as they are.
  package var interest: PathInterest? { nil }
}

extension CaptureSession {
  /// The URI of a connection, counted from 1; nil when the session does not tell.
  func uri(of connection: UInt32) -> String? {
    connection >= 1 && Int(connection) <= uris.count ? uris[Int(connection) - 1] : nil
  }
}
