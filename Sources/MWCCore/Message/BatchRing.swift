import Synchronization

/// A fixed ring of batches between one thread that fills them and one that empties them.
///
/// ```
///              acquire            publish            next             recycle
///   free ─────────────► filling ──────────► waiting ───────► reading ─────────► free
///            (producer)          (producer)         (consumer)       (consumer)
/// ```
///
/// All batches are made with the ring and go round for ever, so a running stream allocates nothing.
/// Batches are published in the order they were acquired and recycled in the order they were taken;
/// the ring is therefore no more than four counters over one array. When the consumer is slow the
/// ring fills up, `acquire` answers nil, and the producer stops reading from its peer.
///
/// A side that has to wait sleeps in the kernel; the other side makes a system call only when it
/// knows somebody sleeps, hence at most one wake per batch.
///
/// Exactly one thread may call the producer's methods and exactly one the consumer's.
package final class BatchRing: Sendable {
  private let batches: [MessageBatch]
  /// What a recycled batch may keep of its memory, see `MessageBatch.removeAll`.
  private let byteCapacity: Int

  // Counters of batches since the beginning; the slot is the counter modulo the number of batches.
  private let acquired = Atomic<Int>(0)  // written and read by the producer only
  private let published = Atomic<Int>(0)  // written by the producer
  private let taken = Atomic<Int>(0)  // written by the consumer
  private let recycled = Atomic<Int>(0)  // written by the consumer
  private let finished = Atomic<Bool>(false)

  /// The consumer sleeps or is about to. Set by the consumer; whoever clears it owes it a wake.
  private let consumerSleeps = Atomic<Bool>(false)
  /// `acquire` has answered nil and nobody has told the producer about room since.
  private let producerStarves = Atomic<Bool>(false)
  private let consumerPlace = Parker()
  private let spaceHandler = Guarded(SpaceHandler())

  /// In a structure of its own: a bare closure in a mutex is wrapped once more each time it is looked
  /// at (the mutex is generic and lends its value for writing), without end.
  private struct SpaceHandler {
    var wake: (@Sendable () -> Void)?
  }

  /// - Parameters:
  ///   - batchCount: number of batches, at least 2: one to fill while the other is emptied.
  ///   - byteCapacity: payload bytes of one batch.
  ///   - entryCapacity: messages of one batch.
  package init(batchCount: Int = 8, byteCapacity: Int = 256 << 10, entryCapacity: Int = 2048) {
    precondition(batchCount >= 2, "a ring needs at least two batches")
    batches = (0..<batchCount).map { _ in
      MessageBatch(byteCapacity: byteCapacity, entryCapacity: entryCapacity)
    }
    self.byteCapacity = byteCapacity
  }
}

// MARK: - Producer

extension BatchRing {
  /// An empty batch to fill, or nil when all are waiting for the consumer: push back on the peer and
  /// try again when the space handler was called.
  package func acquire() -> MessageBatch? {
    let count = acquired.load(ordering: .relaxed)
    if count - recycled.load(ordering: .acquiring) >= batches.count {
      // Announce first and look again, or room made in between would go unnoticed.
      producerStarves.store(true, ordering: .sequentiallyConsistent)
      if count - recycled.load(ordering: .sequentiallyConsistent) >= batches.count { return nil }
      producerStarves.store(false, ordering: .sequentiallyConsistent)
    }
    acquired.store(count + 1, ordering: .relaxed)
    return batches[count % batches.count]
  }

  /// Hands the batch acquired longest ago to the consumer. The producer must not touch it afterwards.
  package func publish(_ batch: MessageBatch) {
    let count = published.load(ordering: .relaxed)
    precondition(
      count < acquired.load(ordering: .relaxed) && batch === batches[count % batches.count],
      "batches are published in the order they were acquired")
    published.store(count + 1, ordering: .sequentiallyConsistent)
    wakeConsumer()
  }

  /// Says that no more batches will come. Acquired batches that were not published are lost.
  package func finish() {
    finished.store(true, ordering: .sequentiallyConsistent)
    wakeConsumer()
  }

  /// Sets what is called, on the consumer's thread, when `acquire` had answered nil and there is room
  /// again. It should only wake the producer.
  package func setSpaceHandler(_ wake: @escaping @Sendable () -> Void) {
    spaceHandler.withLock { $0.wake = wake }
  }

  /// Batches that wait for the consumer, as a share of all there are. Any thread may ask.
  package var backlog: Double {
    let waiting = published.load(ordering: .relaxed) - taken.load(ordering: .relaxed)
    return Double(max(0, waiting)) / Double(batches.count)
  }

  private func wakeConsumer() {
    if consumerSleeps.exchange(false, ordering: .sequentiallyConsistent) {
      consumerPlace.wake()
    }
  }
}

// MARK: - Consumer

extension BatchRing {
  /// The next batch in order of publication; sleeps until there is one.
  ///
  /// - Parameter deadline: monotonic time in nanoseconds at which to give up; nil waits for ever.
  /// - Returns: nil at the deadline, or when the ring is finished and drained (`isFinished`).
  package func next(until deadline: Int64?) -> MessageBatch? {
    let count = taken.load(ordering: .relaxed)
    while true {
      if count < published.load(ordering: .acquiring) { return take(count) }
      if finished.load(ordering: .acquiring) {
        // The last batch may have been published between the two questions.
        return count < published.load(ordering: .acquiring) ? take(count) : nil
      }
      consumerSleeps.store(true, ordering: .sequentiallyConsistent)
      let mustSleep =
        count == published.load(ordering: .sequentiallyConsistent)
        && !finished.load(ordering: .sequentiallyConsistent)
      if mustSleep, consumerPlace.sleep(until: deadline) { continue }
      // Awake without having been woken. If the flag is gone the producer's wake is on its way and
      // has to be used up, or it would end some later sleep at once.
      if !consumerSleeps.exchange(false, ordering: .sequentiallyConsistent) {
        consumerPlace.sleep()
      } else if mustSleep {
        return nil
      }
    }
  }

  /// Gives back the batch taken longest ago, emptied here.
  package func recycle(_ batch: MessageBatch) {
    let count = recycled.load(ordering: .relaxed)
    precondition(
      count < taken.load(ordering: .relaxed) && batch === batches[count % batches.count],
      "batches are recycled in the order they were taken")
    batch.removeAll(keepingAtMost: byteCapacity)
    recycled.store(count + 1, ordering: .sequentiallyConsistent)
    if producerStarves.exchange(false, ordering: .sequentiallyConsistent) {
      let wake = spaceHandler.withLock { $0.wake }
      wake?()
    }
  }

  /// Whether the producer has finished and everything it published has been taken.
  package var isFinished: Bool {
    finished.load(ordering: .acquiring)
      && taken.load(ordering: .acquiring) == published.load(ordering: .acquiring)
  }

  private func take(_ count: Int) -> MessageBatch {
    taken.store(count + 1, ordering: .releasing)
    return batches[count % batches.count]
  }
}
