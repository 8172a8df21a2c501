internal import MWCCore
internal import SystemPackage

/// Bytes of an export on their way to a file: gathered, written in large pieces, counted.
///
/// Not thread-safe.
package final class ExportOutput {
  /// The bytes that wait.
  let buffer = ByteBuffer(capacity: 2 * ExportOutput.pieceSize)
  private let file: any StoredFile
  private let name: String
  private var written: Int64 = 0

  /// Bytes that make a write worth its system call.
  private static let pieceSize = 256 << 10

  /// - Parameters:
  ///   - file: an empty file or a stream.
  ///   - name: of it in errors.
  package init(_ file: any StoredFile, name: String) {
    self.file = file
    self.name = name
  }

  /// How many bytes the export has so far.
  package var position: Int64 { written + Int64(buffer.count) }

  package func append(_ text: String) { buffer.append(text) }

  func append(_ json: borrowing JSONWriter) {
    unsafe buffer.append(json.bytes.span.bytes)
  }

  /// Writes if enough has gathered.
  func flushIfDue() throws(CaptureError) {
    if buffer.count >= ExportOutput.pieceSize { try flush() }
  }

  /// Writes what waits.
  ///
  /// - Throws: `CaptureError`: `diskFull`, `outputClosed`, `io`.
  package func flush() throws(CaptureError) {
    let buffer = buffer
    do throws(Errno) {
      try file.writeAll(buffer.bytes, at: written)
    } catch {
      throw switch error {
      case .noSpace, .diskQuotaExceeded:
        CaptureError(.diskFull, "the disk is full", file: name, underlying: error)
      case .brokenPipe:
        CaptureError(.outputClosed, "whoever read the output has gone", file: name)
      default: CaptureError(.io, "cannot be written", file: name, underlying: error)
      }
    }
    written += Int64(buffer.count)
    buffer.removeAll(keepingAtMost: 4 * ExportOutput.pieceSize)
  }
}
