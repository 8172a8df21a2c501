internal import Logging
internal import MWCCapture
internal import MWCCore

/// The writing half of a recording: takes batches, decides what belongs to the recording and which
/// file it goes to, keeps the counters and hands everything to the writers.
///
/// Lives on one thread. Sockets and clocks are elsewhere: times come in as arguments.
final class RecordingPass {
  /// One for all streams, or one for each.
  private let outputs: [RecordingOutput]
  private let finisher = FileFinisher()
  private let limits: RecorderOptions.Limits
  private let filter: Filter?
  private let logger: Logger
  /// Monotonic time at which the recording began.
  private let start: Int64
  private var sleep = SleepWatch()
  private var events: [StreamEvents]
  private var standings: [ConnectionStanding]
  /// Messages admitted, for the limit.
  private var recorded: Int64 = 0
  /// Of each output, its writer's count of lost records when they were attributed last.
  private var lossesCounted: [UInt64]
  /// Of each stream, what was lost in the files before.
  private var lostBefore: [RecordingStatistics.Tally]
  /// What the completed files have, and of each output the one that is being completed.
  private var completed = FileFigures()
  private var completing: [Int: FileFigures] = [:]
  /// Files that the finisher has not reported yet.
  private var unreported = 0
  /// Why a file before the last ones is not as it should be.
  private var completionError: CaptureError?
  private var hasSaidUndeleted = false

  private struct FileFigures {
    var bytes: Int64 = 0
    var hurriedBlocks: UInt64 = 0

    init() {}

    init(bytes: Int64, hurriedBlocks: UInt64) {
      self.bytes = bytes
      self.hurriedBlocks = hurriedBlocks
    }

    init(_ writer: CaptureWriter) {
      self.init(bytes: writer.fileSize, hurriedBlocks: writer.statistics.hurriedBlocks)
    }

    mutating func add(_ other: FileFigures) {
      bytes += other.bytes
      hurriedBlocks += other.hurriedBlocks
    }
  }

  private(set) var statistics: RecordingStatistics
  /// The limit that ended the recording; nil while it goes on.
  private(set) var limitReached: RecordingResult.End?
  /// The disk refuses to be written and nobody asked to wait for room.
  private(set) var diskError: CaptureError?

  /// `uris` are the streams without credentials, the first is connection 1; `start` is monotonic
  /// nanoseconds. There is one output, or one for each stream.
  init(
    outputs: [RecordingOutput], uris: [String], limits: RecorderOptions.Limits,
    filter: FilterExpression? = nil, start: Int64, logger: Logger
  ) {
    precondition([1, uris.count].contains(outputs.count), "each stream has its output")
    self.outputs = outputs
    self.limits = limits
    self.filter = filter.map { Filter($0) }
    self.logger = logger
    self.start = start
    statistics = RecordingStatistics(uris: uris)
    statistics.hasFilter = filter != nil
    events = uris.map { StreamEvents(uri: $0) }
    standings = uris.map { _ in ConnectionStanding() }
    lossesCounted = outputs.map { _ in 0 }
    lostBefore = uris.map { _ in RecordingStatistics.Tally() }
    for output in outputs { statistics.addFile(output.path) }
    for index in outputs.indices { deleteExcess(of: index) }
  }

  /// Whether each stream has a file of its own, in which it is connection 1.
  private var hasOwnFiles: Bool { outputs.count > 1 }

  private func output(of stream: Int) -> Int { hasOwnFiles ? stream : 0 }

  /// When the recording ends by itself, monotonic nanoseconds; nil: it does not.
  var deadline: Int64? {
    limits.duration.map { start.addingReportingOverflow($0) }
      .flatMap { $0.overflow ? nil : $0.partialValue }
  }

  /// Records what belongs to the recording.
  ///
  /// - Throws: when the output is gone for good.
  func take(_ batch: MessageBatch) throws(CaptureError) {
    let mayRotate = mayRotate(within: batch)
    for index in 0..<batch.count {
      let message = batch[index]
      let stream = Int(message.connection) - 1
      precondition(events.indices.contains(stream), "the loop invents no connections")
      if mayRotate {
        try rotateIfDue(
          output(of: stream), wall: message.wallTime, monotonic: message.monotonicTime)
      }
      if message.kind.isData, message.direction == .received {
        guard admit(message, stream) else { continue }
      } else {
        note(message, stream)
      }
      try append(message, stream)
    }
    for output in outputs where output.writer.options.flushInterval == .zero {
      try output.writer.flush()
    }
    checkSize()
  }

  private func append(_ message: borrowing Message, _ stream: Int) throws(CaptureError) {
    guard hasOwnFiles else { return try outputs[0].writer.append(message) }
    try outputs[stream].writer.append(
      Message(
        wallTime: message.wallTime, monotonicTime: message.monotonicTime, connection: 1,
        direction: message.direction, kind: message.kind, payload: message.payload))
  }

  /// Does what is due at `now`, monotonic nanoseconds.
  ///
  /// - Returns: when to call again at the latest; nil when nothing waits.
  /// - Throws: when the output is gone for good.
  func tick(now: Int64) throws(CaptureError) -> Int64? {
    if limitReached == nil, let deadline, now >= deadline { limitReached = .durationReached }
    var next = limitReached == nil ? deadline : nil
    for output in outputs {
      if let time = try output.writer.tick(now: now) { next = min(next ?? .max, time) }
      while let notice = output.writer.takeNotice() { say(notice) }
    }
    if unreported > 0 { takeReports() }
    checkSize()
    count(now: now)
    return next
  }

  /// Hands everything to the kernel and the device.
  ///
  /// - Throws: when the output is gone for good.
  func sync() throws(CaptureError) {
    for output in outputs {
      try output.writer.flush()
      output.writer.sync()
    }
  }

  /// Completes the files.
  ///
  /// - Throws: when the disk is still full, or a file could not be completed or synced.
  func close(now: Int64) throws(CaptureError) {
    finisher.wait()
    takeReports()
    var failure: CaptureError?
    for (index, output) in outputs.enumerated() {
      do throws(CaptureError) { try output.writer.close() } catch { failure = failure ?? error }
      keep(output.path, index)
    }
    finisher.wait()
    takeReports()
    count(now: now)
    if let error = failure ?? completionError { throw error }
  }

  private func count(now: Int64) {
    statistics.elapsed = now - start
    var all = completed
    for figures in completing.values { all.add(figures) }
    statistics.isDiskFull = false
    for output in outputs {
      all.add(FileFigures(output.writer))
      if output.writer.isSuspended { statistics.isDiskFull = true }
    }
    statistics.fileBytes = all.bytes
    statistics.hurriedBlocks = Int64(all.hurriedBlocks)
    countLosses()
  }

  /// Stores blocks as they are where the recording falls behind: that is better than to push back on
  /// the sender, who would have to wait or drop.
  ///
  /// - Parameter backlog: share of the ring that waits for us.
  func adapt(toBacklog backlog: Double) {
    for output in outputs { output.writer.isHurried = backlog >= 0.75 }
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
    guard limitReached == nil, let limit = limits.bytes else { return }
    let before = completing.values.reduce(completed.bytes) { $0 + $1.bytes }
    if outputs.reduce(before, { $0 + $1.writer.fileSize }) >= limit {
      limitReached = .bytesReached
    }
  }

  /// What the writers could not store, stream by stream.
  private func countLosses() {
    for (index, output) in outputs.enumerated() {
      let dropped = output.writer.statistics.droppedMessages
      guard dropped != lossesCounted[index] else { continue }
      lossesCounted[index] = dropped
      for stream in streams(of: index) {
        statistics.connections[stream].dropped = lostBefore[stream] + lost(stream, output.writer)
      }
    }
  }

  private func lost(_ stream: Int, _ writer: CaptureWriter) -> RecordingStatistics.Tally {
    let connection = connection(of: stream)
    let lost = writer.droppedTallies.total {
      $0.connection == connection && $0.kind.isData && $0.direction == .received
    }
    return RecordingStatistics.Tally(messages: Int64(lost.messages), bytes: Int64(lost.bytes))
  }

  private func streams(of output: Int) -> Range<Int> {
    hasOwnFiles ? output..<output + 1 : standings.indices
  }

  /// The number of a stream in its file.
  private func connection(of stream: Int) -> UInt32 { hasOwnFiles ? 1 : UInt32(stream + 1) }
}

// MARK: - Rotation

extension RecordingPass {
  /// Begins new files as soon as possible.
  func requestRotation() { outputs.forEach { $0.request() } }

  /// Whether a file is being completed, or deleted.
  var isWaitingForFiles: Bool { unreported > 0 }

  /// Looks whether files have become large enough; to be called every now and then.
  ///
  /// - Throws: when the output is gone for good.
  func lookAtFiles(wall: Int64) throws(CaptureError) {
    for output in outputs { try output.look(wall: wall) }
  }

  /// Whether a message of the batch may go to a new file: then each of them is asked.
  private func mayRotate(within batch: MessageBatch) -> Bool {
    guard limitReached == nil, batch.count > 0 else { return false }
    let last = batch[batch.count - 1]
    let (wall, monotonic) = (last.wallTime, last.monotonicTime)
    return outputs.contains { $0.isDue(wall: wall, monotonic: monotonic) }
  }

  /// Begins the files that are due. Only when no batch waits: what it holds may be older.
  ///
  /// - Throws: when the output is gone for good.
  func rotateIfDue(wall: Int64, now: Int64) throws(CaptureError) {
    guard limitReached == nil else { return }
    for index in outputs.indices { try rotateIfDue(index, wall: wall, monotonic: now) }
  }

  private func rotateIfDue(
    _ index: Int, wall: Int64, monotonic: Int64
  ) throws(CaptureError) {
    let output = outputs[index]
    guard output.isDue(wall: wall, monotonic: monotonic),
      let old = try output.rotate(wall: wall, monotonic: monotonic, logger: logger)
    else { return }
    while let notice = old.writer.takeNotice() { say(notice) }
    // Whatever it has lost, it has lost by now: nothing in it waits to be written.
    for stream in streams(of: index) {
      lostBefore[stream] = lostBefore[stream] + lost(stream, old.writer)
      statistics.connections[stream].dropped = lostBefore[stream]
    }
    lossesCounted[index] = 0
    completing[index] = FileFigures(old.writer)
    unreported += 1
    // Nobody waits for this file any more.
    old.writer.isHurried = false
    finisher.complete(old.writer, path: old.path, output: index)
    statistics.addFile(output.path)
    try writeStandings(to: output.writer, index, wall: wall, monotonic: monotonic)
  }

  /// Says at the start of a file how its streams stand.
  private func writeStandings(
    to writer: CaptureWriter, _ index: Int, wall: Int64, monotonic: Int64
  ) throws(CaptureError) {
    for stream in streams(of: index) {
      let payload = standings[stream].payload
      unsafe try writer.append(
        Message(
          wallTime: wall, monotonicTime: monotonic, connection: connection(of: stream),
          kind: .state, payload: payload.span.bytes))
    }
  }

  /// Hears what became of files.
  private func takeReports() {
    for report in finisher.takeReports() {
      unreported -= 1
      switch report {
      case .completed(let file):
        completing[file.output] = nil
        completed.add(FileFigures(bytes: file.size, hurriedBlocks: file.hurriedBlocks))
        outputs[file.output].hasCompleted()
        if let error = file.error {
          logger.error("\(error)")
          completionError = completionError ?? error
        } else {
          logger.info("\(file.path): complete, \(ByteCount(bytes: file.size))")
        }
        keep(file.path, file.output)
      case .deleted(_, let file):
        statistics.deletedFiles += 1
        logger.info("\(file.path): deleted, newer files are kept")
      case .notDeleted(let output, let file, let error):
        if !hasSaidUndeleted { logger.error("\(error); it is tried again with the next file") }
        hasSaidUndeleted = true
        outputs[output].retention.putBack(file)
      }
    }
  }

  /// A file is complete: older ones may go.
  private func keep(_ path: String, _ index: Int) {
    guard outputs[index].retention.isLimited, let file = StoredCapture(at: path) else { return }
    outputs[index].retention.add(file)
    deleteExcess(of: index)
  }

  private func deleteExcess(of index: Int) {
    for file in outputs[index].retention.excess() {
      unreported += 1
      finisher.delete(file, output: index)
    }
  }
}

// MARK: - Events

extension RecordingPass {
  /// Counts everything that is not a received message.
  private func note(_ message: Message, _ stream: Int) {
    standings[stream].observe(message)
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
    for output in outputs {
      unsafe try output.writer.append(
        Message(
          wallTime: SystemClock.wallNanoseconds(), monotonicTime: clocks.monotonic, connection: 0,
          kind: .gap,
          payload: json.bytes.span.bytes))
    }
    for stream in statistics.connections.indices {
      statistics.connections[stream].gaps += 1
      statistics.connections[stream].gapTime += slept
    }
  }

  private func say(_ notice: CaptureWriter.Notice) {
    switch notice {
    case .suspended(let error):
      guard outputs[0].writer.options.minFree > 0 else {
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
