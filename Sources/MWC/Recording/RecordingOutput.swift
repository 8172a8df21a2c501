internal import Logging
internal import MWCCapture
internal import MWCCore

/// One file after the other: where the messages of a recording go, or those of one of its streams.
///
/// ```
///   session.0001.cap ──────────┤ complete      messages go on in the next file before the one
///          session.0002.cap ───┼────────────   before it is completed, on another thread
/// ```
///
/// The next file begins only when the one before the current one is complete, so there are never more
/// than two. Where it cannot be begun the recording goes on in the current one, and it is tried again.
/// A file that is suspended, because its disk is full, is not left: it has a gap to record.
///
/// Lives on the thread of the recording. Times come in as arguments.
final class RecordingOutput {
  /// Makes a file.
  typealias Opener = (String, CaptureSession) throws(CaptureError) -> CaptureWriter

  /// The file that is being written.
  private(set) var writer: CaptureWriter
  private(set) var path: String
  /// Files so far, this one included.
  private(set) var fileCount = 1
  /// Whether the file before this one is not complete yet.
  private(set) var isCompleting = false
  /// What stays of the files before.
  var retention: Retention

  /// What the session of every file says; its anchors are those of the first.
  private let session: CaptureSession
  private let rules: RecorderOptions.Rotation
  private var series: FileSeries
  private var schedule: RotationSchedule
  private let open: Opener
  private var isRequested = false
  /// Monotonic time before which the next file is not tried again.
  private var retryAt = Int64.min
  private var hasFailed = false

  /// Begins with the first file.
  ///
  /// - Parameters:
  ///   - session: of the first file.
  ///   - series: the names.
  ///   - rules: when the next one begins.
  ///   - schedule: the same; for tests, which have time zones of their own.
  ///   - first: makes the first file.
  ///   - open: makes all others; `exists` when the name is taken.
  /// - Throws: what `first` throws.
  init(
    _ session: CaptureSession, series: FileSeries, rules: RecorderOptions.Rotation,
    schedule: RotationSchedule? = nil, first: Opener, open: @escaping Opener
  ) throws(CaptureError) {
    var noted = session
    if rules.isAsked { noted.options.append(series.option) }
    let session = noted
    self.session = session
    self.rules = rules
    self.open = open
    var series = series
    var retention = Retention(count: rules.keep, size: rules.keepSize)
    if retention.isLimited { series.earlierFiles().forEach { retention.add($0) } }
    self.retention = retention
    (writer, path) = try series.makeFile(
      at: session.wallAnchor, mayNumber: rules.isAsked
    ) { (path) throws(CaptureError) in try first(path, session) }
    self.series = series
    self.schedule = schedule ?? RotationSchedule(interval: rules.interval)
    self.schedule.begin(wall: session.wallAnchor, monotonic: session.monotonicAnchor)
  }

  /// Output without names, such as a pipe: there is one file.
  init(_ writer: CaptureWriter, path: String) {
    self.writer = writer
    self.path = path
    session = CaptureSession(wallAnchor: 0, monotonicAnchor: 0)
    rules = RecorderOptions.Rotation()
    retention = Retention(count: nil, size: nil)
    series = FileSeries(OutputName(pattern: path), host: "", isNumbered: false, time: 0)
    schedule = RotationSchedule(interval: nil)
    open = { (path, _) throws(CaptureError) in
      throw CaptureError(.cannotCreate, "cannot be followed by another file", file: path)
    }
  }

  // MARK: When

  /// Somebody wants the next file now.
  func request() { isRequested = true }

  /// Looks at the size of the file, and whether the clock was set.
  ///
  /// - Throws: when the output is gone for good.
  func look(wall: Int64) throws(CaptureError) {
    schedule.noteClock(wall: wall)
    guard let size = rules.size, writer.fileSize >= size else { return }
    try writer.settleSize()
    if writer.fileSize >= size { isRequested = true }
  }

  /// Whether a message of this time goes to the next file.
  func isDue(wall: Int64, monotonic: Int64) -> Bool {
    (isRequested || schedule.isDue(wall: wall, monotonic: monotonic))
      && !isCompleting && monotonic >= retryAt && !writer.isSuspended
  }

  // MARK: The next file

  /// Time between attempts to begin a file that could not be.
  private static let retryInterval: Int64 = 1_000_000_000

  /// Begins the next file, if that is possible.
  ///
  /// - Parameters:
  ///   - wall: when it begins: not after the first message that goes there.
  ///   - monotonic: the same moment.
  ///   - logger: is told once when it is not possible.
  /// - Returns: the file before, flushed, which the caller completes and then calls `hasCompleted`;
  ///   nil: the recording goes on there.
  /// - Throws: when the output is gone for good.
  func rotate(
    wall: Int64, monotonic: Int64, logger: Logger
  ) throws(CaptureError) -> (writer: CaptureWriter, path: String)? {
    guard !writer.isStream else {
      isRequested = false
      logger.warning("\(path): a pipe or device is not a series of files; nothing was rotated")
      return nil
    }
    // What the new file has, the old one must not lose.
    try writer.flush()
    guard !writer.isSuspended else { return nil }
    let session = nextSession(wall: wall, monotonic: monotonic)
    let isScheduled = schedule.isDue(wall: wall, monotonic: monotonic)
    let next: (file: CaptureWriter, path: String)
    do throws(CaptureError) {
      next = try series.makeFile(
        at: isScheduled ? schedule.roundTime(at: wall) : wall, mayNumber: true
      ) { (path) throws(CaptureError) in try open(path, session) }
    } catch {
      retryAt = monotonic + Self.retryInterval
      if !hasFailed { logger.error("\(error); the recording goes on in \(path)") }
      hasFailed = true
      return nil
    }
    if hasFailed { logger.warning("\(next.path): files can be made again") }
    hasFailed = false
    isRequested = false
    schedule.begin(wall: wall, monotonic: monotonic)
    defer {
      (writer, path) = (next.file, next.path)
      fileCount += 1
      isCompleting = true
    }
    return (writer, path)
  }

  /// The file before this one is complete, or will never be.
  func hasCompleted() { isCompleting = false }

  /// Each file stands alone, with anchors of its own; what they are parts of is an option.
  private func nextSession(wall: Int64, monotonic: Int64) -> CaptureSession {
    var next = session
    let zone = LocalTime.zone(atNanoseconds: wall)
    next.wallAnchor = wall
    next.monotonicAnchor = monotonic
    next.utcOffset = zone.offset
    next.options += session.asRecording.options(part: fileCount + 1)
    return next
  }
}
