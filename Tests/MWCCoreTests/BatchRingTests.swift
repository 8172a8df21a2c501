import Glibc
import MWCCore
import Testing

/// One message holding `value`, in a batch.
private func append(_ value: Int, to batch: MessageBatch) -> Bool {
  let bytes = Array(String(value).utf8)
  return unsafe batch.append(
    Message(
      wallTime: Int64(value), monotonicTime: Int64(value), connection: 1, kind: .text,
      payload: bytes.span.bytes))
}

private func values(of batch: MessageBatch) -> [Int] {
  (0..<batch.count).map { Int(batch[$0].wallTime) }
}

@Suite struct BatchRingTests {
  @Test func batchesArriveInOrderOnce() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    for round in 0..<5 {
      let batch = try #require(ring.acquire())
      #expect(batch.isEmpty)
      #expect(append(round, to: batch))
      ring.publish(batch)
      let received = try #require(ring.next(until: nil))
      #expect(values(of: received) == [round])
      ring.recycle(received)
    }
    #expect(ring.next(until: 0) == nil)
  }

  @Test func aFullRingRefusesAndTellsAboutRoomOnce() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    let wakes = Guarded(0)
    ring.setSpaceHandler { wakes.withLock { $0 += 1 } }
    for value in 0..<2 {
      let batch = try #require(ring.acquire())
      #expect(append(value, to: batch))
      ring.publish(batch)
    }
    #expect(ring.acquire() == nil)
    #expect(wakes.withLock { $0 } == 0)
    for _ in 0..<2 { ring.recycle(try #require(ring.next(until: nil))) }
    #expect(wakes.withLock { $0 } == 1)
    #expect(ring.acquire() != nil)
  }

  /// Looking at the handler must not change it: once, each wake wrapped it again, until the stack
  /// overflowed after some ten thousand.
  @Test func theLastOfManyWakesCostsWhatTheFirstDid() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    let wakes = Guarded(0)
    ring.setSpaceHandler { wakes.withLock { $0 += 1 } }
    while let batch = ring.acquire() { ring.publish(batch) }
    for _ in 0..<30_000 {
      ring.recycle(try #require(ring.next(until: nil)))
      ring.publish(try #require(ring.acquire()))
      #expect(ring.acquire() == nil)
    }
    #expect(wakes.withLock { $0 } == 30_000)
  }

  @Test func theDeadlineEndsAWaitAndALaterBatchIsStillSeen() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    let start = SystemClock.monotonicNanoseconds()
    #expect(ring.next(until: start + 5_000_000) == nil)
    #expect(SystemClock.monotonicNanoseconds() >= start + 5_000_000)
    #expect(!ring.isFinished)
    let batch = try #require(ring.acquire())
    #expect(append(7, to: batch))
    ring.publish(batch)
    #expect(values(of: try #require(ring.next(until: 0))) == [7])
  }

  @Test func finishingLetsTheConsumerDrainFirst() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    let batch = try #require(ring.acquire())
    #expect(append(1, to: batch))
    ring.publish(batch)
    ring.finish()
    #expect(!ring.isFinished)
    #expect(values(of: try #require(ring.next(until: nil))) == [1])
    #expect(ring.next(until: nil) == nil)
    #expect(ring.isFinished)
  }

  /// An exceptional message makes a batch grow; when it comes back it is as small as it began.
  @Test func recyclingGivesExceptionalMemoryBack() throws {
    let ring = BatchRing(batchCount: 2, byteCapacity: 64, entryCapacity: 4)
    let batch = try #require(ring.acquire())
    batch.reserve(byteCount: 1 << 20)
    ring.publish(batch)
    ring.recycle(try #require(ring.next(until: nil)))
    _ = ring.acquire()
    let again = try #require(ring.acquire())
    #expect(again === batch)
    let big = [UInt8](repeating: 0, count: 65)
    let fits = unsafe again.append(
      Message(
        wallTime: 0, monotonicTime: 0, connection: 1, kind: .binary, payload: big.span.bytes))
    #expect(!fits)
  }

  /// Two threads, a ring small enough that both sides sleep over and over.
  @Test func twoThreadsPassEverythingOnInOrder() async throws {
    let total = 20_000
    let ring = BatchRing(batchCount: 3, byteCapacity: 256, entryCapacity: 7)
    let room = Parker()
    ring.setSpaceHandler { room.wake() }

    let producer = Thread {
      var value = 0
      while value < total {
        guard let batch = ring.acquire() else {
          room.sleep()
          continue
        }
        for _ in 0...(value % 7) where value < total {
          guard append(value, to: batch) else { break }
          value += 1
        }
        ring.publish(batch)
      }
      ring.finish()
    }

    let received = Guarded<[Int]>([])
    let consumer = Thread {
      var all: [Int] = []
      while !ring.isFinished {
        // Now and then a deadline that has passed or passes soon: the paths that race with a wake.
        let deadline: Int64? =
          all.count % 3 == 0 ? SystemClock.monotonicNanoseconds() + Int64(all.count % 50_000) : nil
        guard let batch = ring.next(until: deadline) else { continue }
        all += values(of: batch)
        ring.recycle(batch)
      }
      received.withLock { $0 = all }
    }
    producer.join()
    consumer.join()
    #expect(received.withLock { $0 } == Array(0..<total))
  }
}

/// A plain thread, because a consumer that blocks must not take one of the cooperative pool's.
private final class Thread {
  private let handle: pthread_t

  init(_ body: @escaping @Sendable () -> Void) {
    let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    var handle = pthread_t()
    unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, box)
    self.handle = handle
  }

  func join() { pthread_join(handle, nil) }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
