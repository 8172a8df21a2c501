internal import Dispatch
internal import MWCCapture
internal import MWCCore

/// Completes files and deletes old ones, one after the other, on a thread of its own: a block that is
/// sealed, an index, a sync of the device take their time, and new messages do not wait for them.
final class FileFinisher: Sendable {
  /// What came of it.
  enum Report: Sendable {
    case completed(CompletedFile)
    case deleted(output: Int, StoredCapture)
    case notDeleted(output: Int, StoredCapture, CaptureError)
  }

  struct CompletedFile: Sendable {
    var output: Int
    var path: String
    /// Bytes of the capture.
    var size: Int64
    var hurriedBlocks: UInt64
    /// Why it is not as it should be.
    var error: CaptureError?
  }

  /// A writer on its way to this thread. `@unchecked Sendable` holds because whoever hands it over
  /// keeps no reference that it uses.
  private struct Handover: @unchecked Sendable {
    let writer: CaptureWriter
  }

  private let queue = DispatchQueue(label: "mwc.files")
  private let reports = Guarded<[Report]>([])

  /// Closes a file. The caller does not touch the writer any more.
  func complete(_ writer: CaptureWriter, path: String, output: Int) {
    let handover = Handover(writer: writer)
    queue.async { [reports] in
      let writer = handover.writer
      var failure: CaptureError?
      do throws(CaptureError) { try writer.close() } catch { failure = error }
      let completed = CompletedFile(
        output: output, path: path, size: writer.fileSize,
        hurriedBlocks: writer.statistics.hurriedBlocks, error: failure)
      reports.withLock { $0.append(.completed(completed)) }
    }
  }

  func delete(_ file: StoredCapture, output: Int) {
    queue.async { [reports] in
      let report: Report
      do throws(CaptureError) {
        try file.delete()
        report = .deleted(output: output, file)
      } catch {
        report = .notDeleted(output: output, file, error)
      }
      reports.withLock { $0.append(report) }
    }
  }

  /// What has been done since the last call.
  func takeReports() -> [Report] {
    reports.withLock { reports in
      defer { reports = [] }
      return reports
    }
  }

  /// Returns when everything that was asked for has been done.
  func wait() { queue.sync {} }
}
