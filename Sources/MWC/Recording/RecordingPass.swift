internal import Logging
internal import MWCCapture
internal import MWCCore

/// The writing half of a recording: takes batches, decides what belongs to the recording, keeps the
/// counters and hands everything to the writer.
///
/// Lives on one thread. Sockets and clocks are elsewhere: times come in as arguments.
final class RecordingPass {
  private let writer: CaptureWriter
  private let limits: RecorderOptions.Limits
  private let filter: Filter?
  private let logger: Logger
  /// Monotonic time at which the recording began.
  private let start: Int64
  private var sleep = SleepWatch()
  private var events: [StreamEvents]
  /// Messages admitted, for the limit.
  private var recorded: Int64 = 0
  /// The writer's count of lost records when they were attributed last.
  private var lossesCounted: UInt64 = 0

  private(set) var statistics: RecordingStatistics
  /// The limit that ended the recording; nil while it goes on.
  private(set) var limitReached: RecordingResult.End?
  /// The disk refuses to be written and nobody asked to wait for room.
  private(set) var diskError: CaptureError?

  /// `uris` are the streams without credentials, the first is connection 1; `start` is monotonic
  /// nanoseconds.
  init(
    writer: CaptureWriter, uris: [String], limits: RecorderOptions.Limits,
    filter: FilterExpression? = nil, start: Int64, logger: Logger
  ) {
    self.writer = writer
    self.limits = limits
    self.filter = filter.map { Filter($0) }
    self.logger = logger
    self.start = start
    statistics = RecordingStatistics(uris: uris)
    statistics.hasFilter = filter != nil
    events = uris.map { StreamEvents(uri: $0) }
  }

  /// When the recording ends by itself, monotonic nanoseconds; nil: it does not.
  var deadline: Int64? {
    limits.duration.map { start.addingReportingOverflow($0) }
      .flatMap { $0.overflow ? nil : $0.partialValue }
  }

  /// Records what belongs to the recording.
  ///
  /// - Throws: when the output is gone for good.
  func take(_ batch: MessageBatch) throws(CaptureError) {
    for index in 0..<batch.count {
      let message = batch[index]
      let stream = Int(message.connection) - 1
      precondition(events.indices.contains(stream), "the loop invents no connections")
      if message.kind.isData, message.direction == .received {
        guard admit(message, stream) else { continue }
      } else {
        note(message, stream)
      }
      try writer.append(message)
    }
    if writer.options.flushInterval == .zero { try writer.flush() }
    checkSize()
  }

  /// Does what is due at `now`, monotonic nanoseconds.
  ///
  /// - Returns: when to call again at the latest; nil when nothing waits.
  /// - Throws: when the output is gone for good.
  func tick(now: Int64) throws(CaptureError) -> Int64? {
    if limitReached == nil, let deadline, now >= deadline { limitReached = .durationReached }
    let next = try writer.tick(now: now)
    while let notice = writer.takeNotice() { say(notice) }
    checkSize()
    statistics.elapsed = now - start
    statistics.fileBytes = writer.fileSize
    statistics.isDiskFull = writer.isSuspended
    statistics.hurriedBlocks = Int64(writer.statistics.hurriedBlocks)
    countLosses()
    return [next, limitReached == nil ? deadline : nil].compactMap { $0 }.min()
  }

  /// Hands everything to the kernel and the device.
  ///
  /// - Throws: when the output is gone for good.
  func sync() throws(CaptureError) {
    try writer.flush()
    writer.sync()
  }

  /// Completes the file.
  ///
  /// - Throws: when the disk is still full, or the file could not be completed or synced.
  func close(now: Int64) throws(CaptureError) {
    defer {
      statistics.elapsed = now - start
      statistics.fileBytes = writer.fileSize
      statistics.isDiskFull = writer.isSuspended
      statistics.hurriedBlocks = Int64(writer.statistics.hurriedBlocks)
      countLosses()
    }
    try writer.close()
  }

  /// Stores blocks as they are where the recording falls behind: that is better than to push back on
  /// the sender, who would have to wait or drop.
  ///
  /// - Parameter backlog: share of the ring that waits for us.
  func adapt(toBacklog backlog: Double) {
    writer.isHurried = backlog >= 0.75
  }
}

// MARK: - What belongs to the recording

extension RecordingPass {
  /// Counts a received message and says whether it is recorded.
  private func admit(_ message: Message, _ stream: Int) -> Bool {
    let size = message.payload.byteCount
    statistics.connections[stream].received.add(size)
    if limitReached == nil, let deadline, message.monotonicTime >= deadline {
      limitReached = .durationReached
    }
    guard limitReached == nil, filter?.accepts(message) ?? true else {
      statistics.connections[stream].filtered.add(size)
      return false
    }
    recorded += 1
    if recorded == limits.messages { limitReached = .messagesReached }
    return true
  }

  private func checkSize() {
    if limitReached == nil, let limit = limits.bytes, writer.fileSize >= limit {
      limitReached = .bytesReached
    }
  }

  /// What the writer could not store, stream by stream.
  private func countLosses() {
    guard writer.statistics.droppedMessages != lossesCounted else { return }
    lossesCounted = writer.statistics.droppedMessages
    for stream in statistics.connections.indices {
      let lost = writer.droppedTallies.total {
        $0.connection == UInt32(stream + 1) && $0.kind.isData && $0.direction == .received
      }
      statistics.connections[stream].dropped = RecordingStatistics.Tally(
        messages: Int64(lost.messages), bytes: Int64(lost.bytes))
    }
  }
}

// MARK: - Events

extension RecordingPass {
  /// Counts everything that is not a received message.
  private func note(_ message: Message, _ stream: Int) {
    switch message.kind {
    case .text, .binary: statistics.connections[stream].sent.add(message.payload.byteCount)
    case .opened: statistics.connections[stream].connects += 1
    case .error: statistics.connections[stream].errors += 1
    case .gap:
      statistics.connections[stream].gaps += 1
      statistics.connections[stream].gapTime += events[stream].silence(until: message.monotonicTime)
    default: break
    }
    if let line = events[stream].observe(message) { logger.log(level: line.level, "\(line.text)") }
  }

  /// Records that the machine slept, if it did since the last call.
  ///
  /// - Throws: when the output is gone for good.
  func noteSleep(_ clocks: SleepWatch.Reading) throws(CaptureError) {
    guard let slept = sleep.observe(clocks) else { return }
    logger.warning("the machine slept; what the streams said meanwhile is missing")
    var json = JSONWriter()
    json.beginObject()
    json.member("reason", "suspended")
    json.key("messages")
    json.null()
    json.key("bytes")
    json.null()
    json.member("duration_ns", slept)
    json.endObject()
    unsafe try writer.append(
      Message(
        wallTime: SystemClock.wallNanoseconds(), monotonicTime: clocks.monotonic, connection: 0,
        kind: .gap,
        payload: json.bytes.span.bytes))
    for stream in statistics.connections.indices {
      statistics.connections[stream].gaps += 1
      statistics.connections[stream].gapTime += slept
    }
  }

  private func say(_ notice: CaptureWriter.Notice) {
    switch notice {
    case .suspended(let error):
      guard writer.options.minFree > 0 else {
        // Whoever leaves nothing free has nothing to wait for.
        diskError = error
        return
      }
      logger.error("\(error); recording goes on when there is room again")
    case .resumed(let messages, let bytes):
      logger.warning("there is room again; \(messages) messages (\(bytes) bytes) were not recorded")
    case .syncFailed(let error): logger.error("\(error)")
    }
  }
}
