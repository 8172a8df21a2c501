package import MWCCore
internal import SystemPackage

/// Writes messages to a capture so that a crash loses at most what the flush interval allows.
///
/// ```
///   append ─► rows ──flush──► segment ──write──► kernel ──sync──► device
///             lost when       kept when          kept after
///             we are killed   we are killed      a power cut
/// ```
///
/// A disk that refuses a write does not end the recording: the file is cut back to its last complete
/// segment, what cannot be stored is counted, and when there is room again a gap record says how
/// much is missing. `takeNotice` tells the owner, once per turn. A pipe that fails is the end.
///
/// ```swift
/// let writer = try CaptureWriter(path: "run.cap", session: session)
/// while let batch = ring.next(until: deadline) {
///   try writer.append(batch)
///   deadline = try writer.tick(now: clock.now)
/// }
/// try writer.close()
/// ```
///
/// Not thread-safe: it belongs to one thread at a time.
package final class CaptureWriter {
  /// How a capture is written.
  package struct Options: Sendable {
    /// 0 stores, 1 (fast) to 9 (dense) deflates.
    package var level = 6
    /// The most a killed process loses; zero hands every batch to the kernel at once.
    package var flushInterval = Duration.milliseconds(100)
    /// The most a power cut loses; zero syncs every flush, nil never syncs.
    package var syncInterval: Duration? = .seconds(1)
    /// Bytes that stay free on the disk.
    package var minFree: Int64 = 1 << 30
    /// Decoded bytes after which a block is sealed.
    package var blockSize = 1 << 20
    /// Age at which a block is sealed.
    package var blockAge = Duration.seconds(30)

    package init() {}
  }

  /// What the owner should tell the user.
  package enum Notice: Sendable, Equatable {
    /// Writing has stopped, and what comes now is counted as missing.
    case suspended(CaptureError)
    /// Writing goes on; so much is missing.
    case resumed(messages: UInt64, bytes: UInt64)
    /// What was written since the last sync may not survive a power cut.
    case syncFailed(CaptureError)
  }

  /// Counters since the writer was made. received = written + dropped, once everything is flushed.
  package struct Statistics: Sendable, Equatable {
    /// Records that are in the file.
    package var messages: UInt64 = 0
    /// Their payload bytes.
    package var payloadBytes: UInt64 = 0
    /// Bytes written to the file, whatever they hold.
    package var bytesWritten: UInt64 = 0
    package var flushes: UInt64 = 0
    package var syncs: UInt64 = 0
    /// Messages that could not be stored, and their payload bytes.
    package var droppedMessages: UInt64 = 0
    package var droppedBytes: UInt64 = 0
    /// Gap and clock jump records that the writer added by itself; part of `messages`.
    package var ownRecords: UInt64 = 0
  }

  private enum State {
    case recording
    /// The disk is full or fails.
    case suspended(Suspension)
    /// The output is gone for good.
    case failed(CaptureError)
    case closed
  }

  /// What is missing since the disk refused a write.
  fileprivate struct Suspension {
    var error: CaptureError
    var messages: UInt64 = 0
    var bytes: UInt64 = 0
    var times = TimeSpan()
    /// Monotonic time of the next attempt; nil until `tick` says what time it is.
    var retryAt: Int64?

    var isDiskFull: Bool { error.code == .diskFull }
  }

  package let options: Options
  package private(set) var statistics = Statistics()
  /// What `statistics` counts as dropped, by connection, kind and direction.
  package private(set) var droppedTallies = TallyTable()

  private let file: any StoredFile
  private let name: String
  private let isStream: Bool
  private var encoder: CaptureEncoder
  private var state = State.recording
  private var notices: [Notice] = []
  private var syncFailure: CaptureError?

  // Deadlines, monotonic nanoseconds; nil when nothing waits.
  private var flushAt: Int64?
  private var syncAt: Int64?
  private var sealAt: Int64?
  private var hasUnsynced = false

  /// Wall minus monotonic time of the latest message.
  private var clockOffset: Int64 = 0

  // MARK: Opening

  /// Creates a capture, or continues one; "-" streams to standard output.
  ///
  /// - Throws: `CaptureError`: `exists`, `locked`, `cannotCreate` and the file is untouched; when
  ///   continuing also `notACapture`, `newerVersion`, `damaged`; `diskFull`, `io`.
  package convenience init(
    path: String, session: CaptureSession, options: Options = Options(),
    existing: LocalFile.Existing = .refuse
  ) throws(CaptureError) {
    let file = try LocalFile.writing(path, existing: existing)
    do throws(CaptureError) {
      try self.init(
        file: file, name: path == "-" ? "standard output" : path, session: session,
        options: options,
        fileID: UInt64.random(in: 1 ... .max))
    } catch {
      file.abandon()
      throw error
    }
  }

  /// Begins a session in `file`: a new capture when it is empty, else behind what it holds.
  package convenience init(
    file: any StoredFile, name: String, session: CaptureSession, options: Options = Options(),
    fileID: UInt64
  ) throws(CaptureError) {
    let isStream: Bool
    do throws(Errno) {
      isStream = try file.size() == nil
    } catch { throw CaptureError(.io, "cannot be examined", file: name, underlying: error) }
    let walk = try CaptureWriter.walk(file, name: name)
    self.init(file, name, options, isStream: isStream, walk: walk, fileID: fileID)
    try beginFile(session)
  }

  private init(
    _ file: any StoredFile, _ name: String, _ options: Options, isStream: Bool, walk: CaptureWalk?,
    fileID: UInt64
  ) {
    precondition((0...9).contains(options.level), "a zlib level is 0 to 9")
    self.file = file
    self.name = name
    self.options = options
    self.isStream = isStream
    if let walk {
      encoder = CaptureEncoder(continuing: walk, level: options.level)
    } else {
      encoder = CaptureEncoder(fileID: fileID, level: options.level)
    }
  }

  /// What is in the file; nil when it is empty or was killed before its head was complete.
  private static func walk(
    _ file: any StoredFile, name: String
  ) throws(CaptureError) -> CaptureWalk? {
    let size: Int64?
    do throws(Errno) { size = try file.size() } catch {
      throw CaptureError(.io, "cannot be examined", file: name, underlying: error)
    }
    guard let size, size > 0 else { return nil }
    if size < CaptureFormat.preambleSize {
      let head = try SourceWindow(file, name: name).load(at: 0, length: Int(size))
      if Preamble.isCut(head.bytes) { return nil }
    }
    return try CaptureWalk.forAppending(to: file, name: name)
  }

  /// Begins the first session of this writer. Once it returns, a power cut leaves a capture, even if
  /// nothing is ever received.
  private func beginFile(_ session: CaptureSession) throws(CaptureError) {
    do throws(Errno) {
      if let free = try file.freeSpace(), free < options.minFree { throw .noSpace }
      if !isStream, try file.size() != Int64(encoder.position) {
        try file.truncate(to: Int64(encoder.position))
      }
      encoder.begin(session)
      try writeOutput()
      if !isStream, options.syncInterval != nil {
        try file.sync()
        statistics.syncs += 1
      }
    } catch { throw failure(error) }
    clockOffset = session.wallAnchor &- session.monotonicAnchor
  }

  /// Begins another session in the same file.
  func begin(_ session: CaptureSession) throws(CaptureError) {
    try flush()
    guard case .recording = state else { return }
    encoder.begin(session)
    try write()
    clockOffset = session.wallAnchor &- session.monotonicAnchor
  }

  // MARK: Appending

  /// Adds all messages of a batch.
  ///
  /// - Throws: `CaptureError` when the output is gone for good, every time from then on.
  package func append(_ batch: MessageBatch) throws(CaptureError) {
    for index in 0..<batch.count { try append(batch[index]) }
    if options.flushInterval == .zero { try flush() }
  }

  /// Adds one message.
  ///
  /// - Throws: `CaptureError`: `tooLarge`, and nothing is added; or as above.
  package func append(_ message: Message) throws(CaptureError) {
    guard message.payload.byteCount <= CaptureFormat.maxPayload,
      message.connection <= CaptureFormat.maxConnection
    else {
      throw CaptureError(
        .tooLarge,
        "a message of \(message.payload.byteCount) bytes on connection "
          + "\(message.connection) is beyond what a capture can hold", file: name)
    }
    let step = (message.wallTime &- message.monotonicTime).subtractingSaturating(clockOffset)
    clockOffset = message.wallTime &- message.monotonicTime
    if step.magnitude >= CaptureWriter.clockJump, message.kind != .clockJump {
      try appendOwn(
        .clockJump, #"{"by_ns":\#(step)}"#, wall: message.wallTime,
        monotonic: message.monotonicTime)
    }
    try appendUnchanged(message)
  }

  /// Wall and monotonic clock are read one after the other, and the thread may have to wait in
  /// between; what differs less than this is not called a jump.
  private static let clockJump: UInt64 = 250_000_000

  /// Adds a message within the limits, and nothing of the writer's own.
  func appendUnchanged(_ message: borrowing Message) throws(CaptureError) {
    switch state {
    case .recording: break
    case .suspended(var suspension):
      suspension.count(message)
      statistics.droppedMessages += 1
      statistics.droppedBytes += UInt64(message.payload.byteCount)
      droppedTallies.count(
        connection: message.connection, kind: message.kind, direction: message.direction,
        bytes: message.payload.byteCount)
      state = .suspended(suspension)
      return
    case .failed(let error): throw error
    case .closed: preconditionFailure("a closed capture takes no messages")
    }
    if encoder.isLarge(message) {
      try flush()
      guard case .recording = state else { return try appendUnchanged(message) }
      encoder.flush(adding: message)
      try write()
    } else {
      if !encoder.hasRoom(for: message) {
        try flush()
        guard case .recording = state else { return try appendUnchanged(message) }
      }
      encoder.append(message)
    }
    if encoder.blockRawSize >= options.blockSize { try seal() }
  }

  /// Adds a record that no connection sent.
  func appendOwn(
    _ kind: Message.Kind, _ json: String, wall: Int64, monotonic: Int64
  ) throws(CaptureError) {
    let payload = ByteBuffer()
    payload.append(json)
    let before = statistics.droppedMessages
    try appendUnchanged(
      Message(
        wallTime: wall, monotonicTime: monotonic, connection: 0, kind: kind,
        payload: payload.bytes))
    if statistics.droppedMessages == before { statistics.ownRecords += 1 }
  }

  // MARK: Time

  /// Does what is due: flushes, syncs, seals, tries again to write to a disk that was full.
  ///
  /// - Parameter now: monotonic nanoseconds.
  /// - Returns: when to call again at the latest; nil when nothing waits. Call it after every
  ///   append, too: it learns only here when something began to wait.
  /// - Throws: as `append`.
  package func tick(now: Int64) throws(CaptureError) -> Int64? {
    if case .suspended(var suspension) = state {
      guard let retryAt = suspension.retryAt, now >= retryAt else {
        if suspension.retryAt == nil {
          suspension.retryAt = now.addingSaturating(CaptureWriter.retryInterval)
          state = .suspended(suspension)
        }
        return suspension.retryAt
      }
      suspension.retryAt = now.addingSaturating(CaptureWriter.retryInterval)
      state = .suspended(suspension)
      try resume()
    }
    if let sealAt, now >= sealAt { try seal() }
    if let flushAt, now >= flushAt { try flush() }
    if let syncAt, now >= syncAt { sync() }
    guard case .recording = state else { return try retryTime() }

    if encoder.uncommitted.count == 0 {
      flushAt = nil
    } else if flushAt == nil {
      flushAt = now.addingSaturating(options.flushInterval.nanosecondsClamped)
    }
    if !hasUnsynced {
      syncAt = nil
    } else if syncAt == nil, let interval = options.syncInterval {
      syncAt = now.addingSaturating(interval.nanosecondsClamped)
    }
    if !encoder.hasOpenBlock {
      sealAt = nil
    } else if sealAt == nil {
      sealAt = now.addingSaturating(options.blockAge.nanosecondsClamped)
    }
    return [flushAt, syncAt, sealAt].compactMap { $0 }.min()
  }

  /// Time between attempts to write to a disk that has refused.
  private static let retryInterval: Int64 = 1_000_000_000

  private func retryTime() throws(CaptureError) -> Int64? {
    if case .failed(let error) = state { throw error }
    if case .suspended(let suspension) = state { return suspension.retryAt }
    return nil
  }

  // MARK: Writing

  /// Hands everything appended so far to the kernel.
  ///
  /// - Throws: as `append`.
  package func flush() throws(CaptureError) {
    flushAt = nil
    guard case .recording = state, encoder.uncommitted.count > 0 else { return }
    encoder.flush()
    try write()
  }

  private func seal() throws(CaptureError) {
    try flush()
    sealAt = nil
    guard case .recording = state, encoder.hasOpenBlock else { return }
    encoder.sealBlock()
    try write()
  }

  /// Writes what the encoder has put out. A refusal suspends the recording.
  private func write() throws(CaptureError) {
    let output = encoder.output
    do throws(Errno) {
      let size = Int64(output.count)
      if let free = try file.freeSpace(), free - size < options.minFree {
        throw .noSpace
      }
      try file.writeAll(output.bytes, at: Int64(encoder.position))
    } catch {
      try suspend(error)
      return
    }
    statistics.flushes += 1
    statistics.bytesWritten += UInt64(output.count)
    statistics.messages += UInt64(encoder.uncommitted.count)
    statistics.payloadBytes += encoder.uncommitted.payloadBytes
    encoder.commit()
    hasUnsynced = !isStream
    if options.syncInterval == .zero { sync() }
  }

  /// Asks the device to keep everything that was flushed. A failure is reported once as a notice,
  /// and again when the file is closed: what was not synced may be lost.
  package func sync() {
    syncAt = nil
    guard hasUnsynced else { return }
    hasUnsynced = false
    do throws(Errno) {
      try file.sync()
      statistics.syncs += 1
    } catch {
      let failure = CaptureError(
        .io, "cannot be synced: what was written last may not survive a power cut", file: name,
        underlying: error)
      if syncFailure == nil { notices.append(.syncFailed(failure)) }
      syncFailure = failure
    }
  }

  // MARK: When the disk refuses

  private func suspend(_ error: Errno) throws(CaptureError) {
    let failure = failure(error)
    guard !isStream else {
      state = .failed(failure)
      throw failure
    }
    var suspension = Suspension(error: failure)
    suspension.messages = UInt64(encoder.uncommitted.count)
    suspension.bytes = encoder.uncommitted.payloadBytes
    suspension.times = encoder.uncommitted.times
    statistics.droppedMessages += suspension.messages
    statistics.droppedBytes += suspension.bytes
    droppedTallies.add(encoder.uncommittedTallies)
    encoder.discard()
    // Best effort, so that others see no broken end; before writing goes on it is done for certain.
    try? file.truncate(to: Int64(encoder.position))
    flushAt = nil
    sealAt = nil
    state = .suspended(suspension)
    notices.append(.suspended(failure))
  }

  /// Tries to go on: cut, seal, and say in a gap record what is missing. Stays suspended, silently,
  /// when that fails.
  private func resume() throws(CaptureError) {
    guard case .suspended(let suspension) = state else { return }
    do throws(Errno) {
      let room = options.minFree + CaptureWriter.resumeRoom
      if let free = try file.freeSpace(), free < room { return }
      try file.truncate(to: Int64(encoder.position))
      if encoder.hasOpenBlock {
        encoder.sealBlock()
        try writeOutput()
      }
      if suspension.messages > 0 {
        let payload = ByteBuffer()
        payload.append(suspension.gap.json)
        encoder.append(
          Message(
            wallTime: suspension.times.maxWall, monotonicTime: suspension.times.maxMonotonic,
            connection: 0, kind: .gap, payload: payload.bytes))
        encoder.flush()
        try writeOutput()
        statistics.messages += 1
        statistics.payloadBytes += UInt64(payload.count)
        statistics.ownRecords += 1
      }
    } catch {
      encoder.discard()
      return
    }
    state = .recording
    hasUnsynced = true
    notices.append(.resumed(messages: suspension.messages, bytes: suspension.bytes))
  }

  /// Free space beyond what is to be kept, so that writing does not stop again at once.
  private static let resumeRoom: Int64 = 64 << 10

  private func writeOutput() throws(Errno) {
    let output = encoder.output
    try file.writeAll(output.bytes, at: Int64(encoder.position))
    statistics.bytesWritten += UInt64(output.count)
    encoder.commit()
  }

  private func failure(_ error: Errno) -> CaptureError {
    switch error {
    case .noSpace, .diskQuotaExceeded:
      options.minFree > 0
        ? CaptureError(
          .diskFull, "the disk has less than \(options.minFree) bytes free", file: name,
          underlying: error)
        : CaptureError(.diskFull, "the disk is full", file: name, underlying: error)
    case .brokenPipe:
      CaptureError(.outputClosed, "whoever read the output has gone", file: name)
    default: CaptureError(.io, "cannot be written", file: name, underlying: error)
    }
  }

  /// The next thing the owner should tell the user; nil when there is nothing new.
  package func takeNotice() -> Notice? { notices.isEmpty ? nil : notices.removeFirst() }

  /// Whether messages are being counted as missing rather than written.
  package var isSuspended: Bool { if case .suspended = state { true } else { false } }

  /// Size of the capture so far, bytes, without what waits for a flush.
  package var fileSize: Int64 { Int64(encoder.position) }

  // MARK: Closing

  /// Writes what is left, the index and the trailer, syncs and closes the file. Whatever happens,
  /// the file is closed, and it can be read as far as it was written.
  ///
  /// - Throws: `CaptureError` when the disk stayed full or a sync failed, or the output was gone.
  package func close() throws(CaptureError) {
    if case .closed = state { return }
    defer {
      file.close()
      state = .closed
    }
    try flush()
    if isSuspended { try resume() }
    switch state {
    case .failed(let error): throw error
    case .suspended(let suspension): throw suspension.error
    case .recording, .closed: break
    }
    encoder.finish()
    do throws(Errno) {
      try writeOutput()
    } catch {
      encoder.discard()
      try? file.truncate(to: Int64(encoder.position))  // Leaves a clean cut if it can.
      throw failure(error)
    }
    hasUnsynced = !isStream && options.syncInterval != nil
    sync()
    if let syncFailure { throw syncFailure }
  }
}

extension CaptureWriter.Suspension {
  fileprivate mutating func count(_ message: borrowing Message) {
    messages += 1
    bytes += UInt64(message.payload.byteCount)
    times.include(wall: message.wallTime, monotonic: message.monotonicTime)
  }

  /// What the capture will say about it.
  fileprivate var gap: GapRecord {
    GapRecord(
      reason: isDiskFull ? "disk-full" : "io-error", messages: messages, bytes: bytes,
      duration: times.isEmpty ? 0 : times.maxMonotonic.subtractingSaturating(times.minMonotonic))
  }
}

extension Duration {
  /// Nanoseconds, at most what an `Int64` holds; never negative.
  var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : max(0, whole.addingSaturating(attoseconds / 1_000_000_000))
  }
}
