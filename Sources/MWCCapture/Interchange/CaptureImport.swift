internal import MWCCore

/// What an import made of a file of somebody else.
package struct CaptureImport: Sendable, Equatable {
  /// Records in the capture.
  package var records: UInt64 = 0
  package var payloadBytes: UInt64 = 0
  /// Things in the file that a capture has no place for.
  package var leftOut: UInt64 = 0

  /// The formats that can be read.
  package enum Format: Sendable, Equatable {
    case jsonLines(JSONLinesImporter.Options)
    case mcap
    case har
  }

  /// Reads a file and writes what it holds into a new capture: messages in the order of the file, at
  /// the times that it tells. Memory is bounded by the largest message, whatever the file's lengths
  /// say.
  ///
  /// - Parameters:
  ///   - source: the file to read.
  ///   - name: of it, in errors.
  ///   - format: of it.
  ///   - progress: is told from time to time how many bytes have been read.
  ///   - makeWriter: makes the capture for a session. Asked when there is a first message, so that
  ///     nothing is written for what holds none.
  /// - Returns: what was read.
  /// - Throws: `CaptureError`: `damaged` with the offset, when the file is not what it should be;
  ///   `unsupported`, `tooLarge`; or what the writer throws.
  package static func read(
    _ source: any CaptureSource, name: String, as format: Format,
    progress: (Int64) -> Void = { _ in },
    makeWriter: @escaping (CaptureSession) throws(CaptureError) -> CaptureWriter
  ) throws(CaptureError) -> CaptureImport {
    let target = ImportTarget(makeWriter)
    let window = SourceWindow(source, name: name)
    do throws(CaptureError) {
      switch format {
      case .jsonLines(let options):
        var importer = JSONLinesImporter(options)
        try importer.read(window, into: target, progress)
      case .mcap:
        var importer = MCAPImporter(window, target)
        try importer.read(progress)
      case .har:
        var importer = HARImporter(window, target)
        try importer.read(progress)
      }
      guard target.outcome.records > 0 else {
        throw CaptureError(.damaged, "holds no messages")
      }
    } catch { throw error.inFile(name) }
    try target.close()
    return target.outcome
  }

  /// The most bytes of a line, or of an element of an array, that are held at once: the largest
  /// payload, spelled in base64 or with some escapes.
  static let maxText = 2 * CaptureFormat.maxPayload
}

/// The capture that an import writes.
///
/// Other formats know one clock: the monotonic time is that clock's distance from the first message,
/// and stands still where it goes back.
final class ImportTarget {
  /// URIs of the connections that are known when the first message comes.
  var uris: [String] = []
  private(set) var outcome = CaptureImport()

  private let makeWriter: (CaptureSession) throws(CaptureError) -> CaptureWriter
  private var writer: CaptureWriter?
  private var start: Int64 = 0
  private var latest: Int64 = 0

  init(_ makeWriter: @escaping (CaptureSession) throws(CaptureError) -> CaptureWriter) {
    self.makeWriter = makeWriter
  }

  /// Counts something that a capture has no place for.
  func leaveOut() { outcome.leftOut += 1 }

  /// Adds a record, whose payload is copied.
  ///
  /// - Throws: `CaptureError`: `tooLarge`, or what the writer throws.
  func add(
    _ kind: Message.Kind, _ payload: RawSpan, at wallTime: Int64, connection: UInt32,
    direction: Message.Direction = .received
  ) throws(CaptureError) {
    guard payload.byteCount <= CaptureFormat.maxPayload, connection <= CaptureFormat.maxConnection
    else {
      throw CaptureError(
        .tooLarge,
        "a message of \(payload.byteCount) bytes on connection \(connection) is beyond what a "
          + "capture can hold")
    }
    let writer = try beginIfNeeded(at: wallTime)
    latest = max(latest, wallTime.subtractingSaturating(start))
    try writer.appendUnchanged(
      Message(
        wallTime: wallTime, monotonicTime: latest, connection: connection, direction: direction,
        kind: kind, payload: payload))
    // A copy is all or nothing: a full disk ends it.
    if case .suspended(let error)? = writer.takeNotice() { throw error }
    outcome.records += 1
    outcome.payloadBytes += UInt64(payload.byteCount)
  }

  private func beginIfNeeded(at wallTime: Int64) throws(CaptureError) -> CaptureWriter {
    if let writer { return writer }
    start = wallTime
    let new = try makeWriter(
      CaptureSession(
        wallAnchor: wallTime, monotonicAnchor: 0, tool: "mwc import",
        uris: ImportTarget.withoutSecrets(uris)))
    writer = new
    return new
  }

  /// A capture names no user, password or query (`docs/FORMAT.md`, section 5).
  private static func withoutSecrets(_ uris: [String]) -> [String] {
    // All of them together fit in the head of a capture.
    let limit = min(2048, CaptureFormat.maxSession / 2 / max(1, uris.count))
    return uris.map { withoutSecrets($0, limit: limit) }
  }

  private static func withoutSecrets(_ uri: String, limit: Int) -> String {
    var text = uri.prefix { $0 != "?" && $0 != "#" }
    if let scheme = text.firstRange(of: "://") {
      let authority = text[scheme.upperBound...].prefix { $0 != "/" }
      if let at = authority.lastIndex(of: "@") {
        text.removeSubrange(scheme.upperBound...at)
      }
    }
    while text.utf8.count > limit { text.removeLast() }
    return String(text)
  }

  func close() throws(CaptureError) {
    try writer?.close()
    if case .suspended(let error)? = writer?.takeNotice() { throw error }
  }
}
