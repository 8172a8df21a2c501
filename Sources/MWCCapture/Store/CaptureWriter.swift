package import MWCCore
internal import SystemPackage

/// Writes messages to a capture so that a crash loses at most what the flush interval allows.
///
/// ```
///   append ─► rows ──flush──► tail ───────────────┐
///             lost when        kept when          sync ──► kept after
///             we are killed    we are killed      │        a power cut
///               └─────seal───► dense block ───────┘
/// ```
///
/// Two stores know how: `SealingStore` for files, `DirectStore` for streams and captures that are
/// not compressed. The writer decides when, and what happens when the disk refuses: that does not end
/// a recording. The files are cut back to what is complete, what cannot be stored is counted, and
/// when there is room again a gap record says how much is missing. `takeNotice` tells the owner, once
/// per turn. A pipe that fails is the end.
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
    /// 0 stores, 1 (fast) to 9 (dense) compresses.
    package var level = 6
    /// Every flush goes into the capture itself, as rows, and there is no tail. Always so for streams
    /// and at level 0.
    package var isDirect = false
    /// The most a killed process loses; zero hands every batch to the kernel at once.
    package var flushInterval = Duration.milliseconds(100)
    /// The most a power cut loses; zero syncs every flush, nil never syncs.
    package var syncInterval: Duration? = .seconds(1)
    /// Bytes that stay free on the disk.
    package var minFree: Int64 = 1 << 30
    /// Decoded bytes after which a block is sealed. Larger blocks are denser and no slower: 1 MiB
    /// took 9 % more for the messages of one host and 21 % more for those of a fleet.
    package var blockSize = 4 << 20
    /// Age at which a block is sealed: what a tail holds is as safe, but not as dense.
    package var blockAge = Duration.seconds(600)

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
    /// Blocks that were stored as they are, see `isHurried`.
    package var hurriedBlocks: UInt64 = 0
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
    var batch: RecordBatch
    /// Monotonic time of the next attempt; nil until `tick` says what time it is.
    var retryAt: Int64?

    var messages: UInt64 { batch.count }
  }

  package let options: Options
  /// Whether blocks are stored as they are when they are sealed, and statistics count them: the owner
  /// asks for it when the recording falls behind, which is better than to push back on the sender.
  package var isHurried = false
  /// What `statistics` counts as dropped, by connection, kind and direction.
  package private(set) var droppedTallies = TallyTable()

  private let file: any StoredFile
  private let name: String
  /// Whether it goes where nothing can be taken back or looked at again: a pipe, a device.
  package let isStream: Bool
  private let store: any RecordStore
  private var state = State.recording
  private var notices: [Notice] = []
  private var syncFailure: CaptureError?

  // Deadlines, monotonic nanoseconds; nil when nothing waits.
  private var flushAt: Int64?
  private var syncAt: Int64?
  private var sealAt: Int64?

  /// Wall minus monotonic time of the latest message.
  private var clockOffset: Int64 = 0

  // What the store does not count.
  private var droppedMessages: UInt64 = 0
  private var droppedBytes: UInt64 = 0
  private var ownRecords: UInt64 = 0

  package var statistics: Statistics {
    let counters = store.counters
    return Statistics(
      messages: counters.messages, payloadBytes: counters.payloadBytes,
      bytesWritten: counters.bytes, flushes: counters.flushes, syncs: counters.syncs,
      droppedMessages: droppedMessages, droppedBytes: droppedBytes, ownRecords: ownRecords,
      hurriedBlocks: counters.hurriedBlocks)
  }

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
      let tail = try LocalTail.beside(file, at: path, existing: existing)
      do throws(CaptureError) {
        try self.init(
          file: file, tail: tail, name: path == "-" ? "standard output" : path, session: session,
          options: options, fileID: UInt64.random(in: 1 ... .max))
      } catch {
        tail?.close()
        throw error
      }
    } catch {
      file.abandon()
      throw error
    }
  }

  /// Begins a session in `file`: a new capture when it is empty, else behind what it and its tail
  /// hold. Without a tail every flush seals a block.
  package init(
    file: any StoredFile, tail: (any TailFile)? = nil, name: String, session: CaptureSession,
    options: Options = Options(), fileID: UInt64
  ) throws(CaptureError) {
    precondition((0...9).contains(options.level), "a zlib level is 0 to 9")
    precondition(options.blockSize <= CaptureFormat.maxPayload, "a block is one segment")
    self.file = file
    self.name = name
    self.options = options
    do throws(Errno) {
      isStream = try file.size() == nil
    } catch { throw CaptureError(.io, "cannot be examined", file: name, underlying: error) }
    let opening = try CaptureOpening(file, tail: tail, name: name)
    store = opening.makeStore(options, newFileID: fileID)
    do throws(Errno) {
      if let free = try file.freeSpace(), free < options.minFree { throw .noSpace }
      try opening.prepare(store, syncs: options.syncInterval != nil)
      try store.begin(session)
      if options.syncInterval != nil { try store.sync() }
    } catch { throw failure(error) }
    clockOffset = session.wallAnchor &- session.monotonicAnchor
  }

  /// Begins another session in the same file.
  func begin(_ session: CaptureSession) throws(CaptureError) {
    try seal()
    guard case .recording = state else { return }
    do throws(Errno) { try store.begin(session) } catch { try suspend(error) }
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
      suspension.batch.add(message)
      droppedMessages += 1
      droppedBytes += UInt64(message.payload.byteCount)
      droppedTallies.count(message)
      state = .suspended(suspension)
      return
    case .failed(let error): throw error
    case .closed: preconditionFailure("a closed capture takes no messages")
    }
    do throws(Errno) { try store.makeRoom(for: message) } catch {
      try suspend(error)
      return try appendUnchanged(message)
    }
    do throws(Errno) { try store.append(message) } catch { return try suspend(error) }
    if store.blockRawSize >= options.blockSize { try seal() }
  }

  /// Adds a record that no connection sent.
  func appendOwn(
    _ kind: Message.Kind, _ json: String, wall: Int64, monotonic: Int64
  ) throws(CaptureError) {
    let payload = ByteBuffer()
    payload.append(json)
    let before = droppedMessages
    try appendUnchanged(
      Message(
        wallTime: wall, monotonicTime: monotonic, connection: 0, kind: kind,
        payload: payload.bytes))
    if droppedMessages == before { ownRecords += 1 }
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

    if store.unwritten.count == 0 {
      flushAt = nil
    } else if flushAt == nil {
      flushAt = now.addingSaturating(options.flushInterval.nanosecondsClamped)
    }
    if !store.hasUnsynced {
      syncAt = nil
    } else if syncAt == nil, let interval = options.syncInterval {
      syncAt = now.addingSaturating(interval.nanosecondsClamped)
    }
    if !store.hasOpenBlock {
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
    guard case .recording = state else { return }
    do throws(Errno) { try store.flush() } catch { return try suspend(error) }
    // A large message may have gone to the kernel already.
    if options.syncInterval == .zero, store.hasUnsynced { sync() }
  }

  /// Ends the block.
  private func seal() throws(CaptureError) {
    sealAt = nil
    guard case .recording = state else { return }
    do throws(Errno) { try store.seal(hurried: isHurried) } catch { return try suspend(error) }
    if options.syncInterval == .zero || store.wantsSync { sync() }
  }

  /// Asks the device to keep everything that was flushed. A failure is reported once as a notice,
  /// and again when the file is closed: what was not synced may be lost.
  package func sync() {
    syncAt = nil
    do throws(Errno) { try store.sync() } catch {
      let failure = CaptureError(
        .io, "cannot be synced: what was written last may not survive a power cut",
        file: store.latestFile, underlying: error)
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
    let suspension = Suspension(error: failure, batch: store.unwritten)
    droppedMessages += suspension.messages
    droppedBytes += suspension.batch.payloadBytes
    droppedTallies.add(store.unwrittenTallies)
    store.discard()
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
      try store.repair()
      if suspension.messages > 0 {
        let payload = ByteBuffer()
        payload.append(suspension.gap.json)
        let times = suspension.batch.times
        try store.append(
          Message(
            wallTime: times.maxWall, monotonicTime: times.maxMonotonic, connection: 0, kind: .gap,
            payload: payload.bytes))
        try store.flush()
        ownRecords += 1
      }
    } catch {
      store.discard()
      return
    }
    state = .recording
    notices.append(
      .resumed(messages: suspension.messages, bytes: suspension.batch.payloadBytes))
  }

  /// Free space beyond what is to be kept, so that writing does not stop again at once.
  private static let resumeRoom: Int64 = 64 << 10

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
    default: CaptureError(.io, "cannot be written", file: store.latestFile, underlying: error)
    }
  }

  /// The next thing the owner should tell the user; nil when there is nothing new.
  package func takeNotice() -> Notice? { notices.isEmpty ? nil : notices.removeFirst() }

  /// Whether messages are being counted as missing rather than written.
  package var isSuspended: Bool { if case .suspended = state { true } else { false } }

  /// Size of the capture so far, bytes, without what waits for a flush. What its tail holds counts as
  /// what it will take when it is sealed, about.
  package var fileSize: Int64 { store.size }

  /// Seals what there is when nothing has told yet how dense this capture gets, so that `fileSize`
  /// is worth comparing with a limit.
  ///
  /// - Throws: as `append`.
  package func settleSize() throws(CaptureError) {
    if !store.knowsDensity { try seal() }
  }

  // MARK: Closing

  /// Writes what is left, the index and the trailer, syncs and closes the file. Whatever happens,
  /// the file is closed, and it can be read as far as it was written.
  ///
  /// - Throws: `CaptureError` when the disk stayed full or a sync failed, or the output was gone.
  package func close() throws(CaptureError) {
    if case .closed = state { return }
    defer {
      store.close()
      state = .closed
    }
    try seal()
    if isSuspended {
      try resume()
      try seal()
    }
    switch state {
    case .failed(let error): throw error
    case .suspended(let suspension): throw suspension.error
    case .recording, .closed: break
    }
    do throws(Errno) { try store.finish() } catch {
      store.discard()  // Leaves a clean cut if it can.
      throw failure(error)
    }
    if options.syncInterval != nil { sync() }
    if let syncFailure { throw syncFailure }
    store.tidy()
  }
}

extension CaptureWriter.Suspension {
  /// What the capture will say about it.
  fileprivate var gap: GapRecord {
    let times = batch.times
    return GapRecord(
      reason: error.code == .diskFull ? "disk-full" : "io-error", messages: messages,
      bytes: batch.payloadBytes,
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
