internal import Dispatch
package import Logging
internal import MWCCapture
internal import MWCCore
internal import MWCTransport
internal import SystemPackage

/// Records live streams into a capture.
///
/// ```
///   event loop's thread            ring             the thread that calls run
///   sockets ─► frames ─► batch ─► ○○○○○○○○ ─► batch ─► RecordingPass ─► CaptureWriter ─► file
///              ▲                                │
///              └──── stops reading while ───────┘               FileFinisher: completes the files
///                    the ring is full                          before it, deletes old ones
/// ```
///
/// `run` is called once and returns when the recording is over; everything else may be called on any
/// thread at any time. The loop never waits for the disk: when the ring is full it stops reading, and
/// TCP pushes back on the sender.
package final class Recorder: Sendable {
  let options: RecorderOptions
  private let logger: Logger
  private let shared: Guarded<Shared>

  /// What other threads see and ask for.
  private struct Shared {
    var statistics: RecordingStatistics
    var isStopRequested = false
    var isSyncRequested = false
    var isRotationRequested = false
    /// Streams that are over for good.
    var ended: Set<Int> = []
    var failures: [Int: TransportError] = [:]
  }

  /// The longest that a request of another thread waits to be seen, and that statistics are old.
  private static let patience: Int64 = 50_000_000

  package init(_ options: RecorderOptions, logger: Logger) {
    self.options = options
    self.logger = logger
    let uris = options.streams.map(\.uri.description)
    shared = Guarded(Shared(statistics: RecordingStatistics(uris: uris)))
  }

  /// Ends the recording: connections are closed, what they sent is written, the file is completed.
  package func stop() { shared.withLock { $0.isStopRequested = true } }

  /// Writes everything received so far and forces it to the disk, soon.
  package func sync() { shared.withLock { $0.isSyncRequested = true } }

  /// Goes on in a new file, soon.
  package func rotate() { shared.withLock { $0.isRotationRequested = true } }

  /// The counters, at most a moment old.
  package var statistics: RecordingStatistics { shared.withLock { $0.statistics } }
}

// MARK: - Running

extension Recorder {
  /// Records until something ends it, on the calling thread.
  ///
  /// - Throws: when it could not begin: the output cannot be created, a stream cannot be tried.
  package func run() throws(RecorderError) -> RecordingResult {
    do throws(TransportError) {
      for stream in options.streams { try stream.validate() }
    } catch {
      throw .transport(error)
    }
    let wallAnchor = SystemClock.wallNanoseconds()
    let monotonicAnchor = SystemClock.monotonicNanoseconds()
    let outputs = try openOutputs(wallAnchor: wallAnchor, monotonicAnchor: monotonicAnchor)
    let pass = RecordingPass(
      outputs: outputs, uris: options.streams.map(\.uri.description), limits: options.limits,
      filter: options.filter, start: monotonicAnchor, logger: logger)
    let ring = BatchRing()
    let loop: EventLoop
    do throws(TransportError) {
      loop = try connect(to: ring)
    } catch {
      // The file is a complete recording of nothing; closing it cannot make the error any clearer.
      try? pass.close(now: SystemClock.monotonicNanoseconds())
      throw .transport(error)
    }
    let end = record(from: ring, loop: loop, pass: pass)
    loop.stop()
    return conclude(pass, end)
  }

  private func connect(to ring: BatchRing) throws(TransportError) -> EventLoop {
    let loop = try EventLoop(logger: logger)
    do throws(TransportError) {
      for (index, stream) in options.streams.enumerated() {
        // The session lives in the loop; nothing is asked of it later.
        _ = try loop.connect(stream, connection: UInt32(index + 1), ring: ring) { [self] state in
          follow(state, of: index)
        }
      }
      return loop
    } catch {
      loop.stop()
      throw error
    }
  }

  /// Passes batches on until the loop has stopped and the ring is empty. Says why it ended.
  private func record(
    from ring: BatchRing, loop: EventLoop, pass: RecordingPass
  ) -> RecordingResult.End {
    var end: RecordingResult.End?
    var nextExchange: Int64 = 0
    while true {
      let now = SystemClock.monotonicNanoseconds()
      do throws(CaptureError) {
        let next = try pass.tick(now: now)
        // A limit that was reached is not left waiting: what follows it is thrown away.
        if now >= nextExchange || (end == nil && pass.limitReached != nil) {
          nextExchange = now + Self.patience / 2
          try pass.noteSleep(.now())
          try takeRequests(pass)
          try pass.lookAtFiles(wall: SystemClock.wallNanoseconds())
          exchange(pass)
          if end == nil, let reason = reasonToStop(pass) {
            end = reason
            // The loop may be waiting for room in the ring, which only this thread makes: it must
            // not wait for the loop in turn.
            DispatchQueue.global().async { loop.stop() }
          }
        }
        let deadline = min(next ?? .max, now + Self.patience)
        guard let batch = ring.next(until: deadline) else {
          // Nobody asked the loop to stop: it has broken down.
          if ring.isFinished { return end ?? .loopFailed }
          try pass.rotateIfDue(
            wall: SystemClock.wallNanoseconds(), now: SystemClock.monotonicNanoseconds())
          continue
        }
        // Given back in any case: the loop waits for it.
        defer { ring.recycle(batch) }
        pass.adapt(toBacklog: ring.backlog)
        try pass.take(batch)
      } catch {
        drain(ring, loop: loop)
        return error.code == .outputClosed ? .outputClosed : .outputFailed(error)
      }
    }
  }

  /// The output is gone: what still comes is thrown away until the loop has stopped.
  private func drain(_ ring: BatchRing, loop: EventLoop) {
    DispatchQueue.global().async { loop.stop() }
    while !ring.isFinished {
      if let batch = ring.next(until: nil) { ring.recycle(batch) }
    }
  }

  private func reasonToStop(_ pass: RecordingPass) -> RecordingResult.End? {
    if let error = pass.diskError { return .outputFailed(error) }
    if let limit = pass.limitReached { return limit }
    return shared.withLock { shared in
      if shared.isStopRequested { return .stopped }
      return shared.ended.count == options.streams.count ? .streamsEnded : nil
    }
  }

  private func conclude(
    _ pass: RecordingPass, _ end: RecordingResult.End
  ) -> RecordingResult {
    var end = end
    var diskError: CaptureError?
    do throws(CaptureError) {
      try pass.close(now: SystemClock.monotonicNanoseconds())
    } catch {
      switch (end, error.code) {
      case (.outputFailed, _), (.outputClosed, _): break  // Said already, by the same writer.
      case (_, .outputClosed): end = .outputClosed
      case (_, .diskFull): diskError = error
      default: end = .outputFailed(error)
      }
    }
    exchange(pass)
    return shared.withLock { shared in
      RecordingResult(
        end: end, statistics: shared.statistics, failures: shared.failures, diskError: diskError)
    }
  }
}

// MARK: - Between the threads

extension Recorder {
  /// Publishes the counters. How each stream stands is the loop's to say and stays.
  private func exchange(_ pass: RecordingPass) {
    shared.withLock { shared in
      let before = shared.statistics.connections
      shared.statistics = pass.statistics
      for stream in before.indices {
        shared.statistics.connections[stream].status = before[stream].status
      }
    }
  }

  private func takeRequests(_ pass: RecordingPass) throws(CaptureError) {
    let (syncs, rotates) = shared.withLock { shared in
      defer { (shared.isSyncRequested, shared.isRotationRequested) = (false, false) }
      return (shared.isSyncRequested, shared.isRotationRequested)
    }
    if syncs { try pass.sync() }
    if rotates { pass.requestRotation() }
  }

  /// Called on the loop's thread.
  private func follow(_ state: SessionState, of stream: Int) {
    let uri = options.streams[stream].uri.description
    shared.withLock { shared in
      shared.statistics.connections[stream].status = state.name
      guard case .ended(let end) = state else { return }
      shared.ended.insert(stream)
      if case .failed(let error) = end { shared.failures[stream] = error }
    }
    switch state {
    case .ended(.failed(let error)): logger.error("\(uri): \(error.message)")
    case .ended(.serverClosed(let code, let reason)):
      let words = reason.isEmpty ? "" : ", \(reason)"
      logger.info("\(uri): the server closed the connection (\(code)\(words))")
    default: break
    }
  }
}
