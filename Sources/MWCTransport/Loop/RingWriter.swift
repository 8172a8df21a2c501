internal import CMWCKernels
import MWCCore

/// The loop's side of one ring: fills batches, publishes them at the end of each poll round, and
/// remembers who has to wait while the ring is full.
///
/// Lives on the loop's thread. All connections that write to the same ring share one writer.
@safe final class RingWriter {
  let ring: BatchRing
  private var batch: MessageBatch?
  /// Events that came while not even a batch was to be had, in order.
  private var deferred = Queue<Event>()
  /// Connections that have stopped reading until there is room.
  private var waiting = Queue<any RoomWaiter>()

  /// An event that has to be written, whatever the ring says.
  struct Event {
    var times: ArrivalTime
    var connection: UInt32
    var direction = Message.Direction.received
    var kind: Message.Kind
    var payload: [UInt8]
  }

  init(ring: BatchRing) { self.ring = ring }

  /// Whether one more message can be taken, of any size. Ask before taking one from the socket.
  var hasRoom: Bool {
    // What had to wait comes first.
    while !deferred.isEmpty {
      guard hasFreeEntry else { return false }
      write(deferred.removeFirst())
    }
    return hasFreeEntry
  }

  private var hasFreeEntry: Bool {
    guard let batch else { return takeBatch() }
    if unsafe batch.storage.pointee.entry_count < batch.storage.pointee.entry_capacity,
      unsafe batch.storage.pointee.byte_count < batch.storage.pointee.byte_capacity
    {
      return true
    }
    return takeBatch()
  }

  /// Adds a message; `hasRoom` has just said yes. `bytes` may be nil when `count` is 0.
  func append(
    _ kind: UInt8, _ direction: Message.Direction, connection: UInt32, times: ArrivalTime,
    bytes: UnsafePointer<UInt8>?, count: Int
  ) {
    var entry = mwc_entry()
    entry.wall_ns = times.wall
    entry.monotonic_ns = times.monotonic
    entry.connection = connection
    entry.kind = kind
    entry.direction = direction.rawValue
    guard let first = batch else { preconditionFailure("append follows hasRoom") }
    if unsafe mwc_batch_append(first.storage, &entry, bytes, count) == 0 { return }
    // It does not fit behind the others. Into the next batch if there is one; else the batch grows
    // for this one message, and no further one is accepted until there is room.
    let target = takeBatch() ? batch ?? first : first
    target.reserve(byteCount: count)
    let failed = unsafe mwc_batch_append(target.storage, &entry, bytes, count)
    precondition(failed == 0, "a batch with a free entry takes what was reserved")
  }

  /// Adds an event now or, when the ring is full, as soon as there is room; order is kept.
  func append(_ event: Event) {
    if hasRoom { write(event) } else { deferred.append(event) }
  }

  /// Hands over what has gathered. To be called at the end of every poll round.
  func publish() {
    guard let batch, !batch.isEmpty else { return }
    self.batch = nil
    ring.publish(batch)
  }

  /// Calls `waiter` when there is room again.
  func wait(_ waiter: any RoomWaiter) {
    waiting.append(waiter)
  }

  /// Lets those who wait go on as far as there is room. To be called when the ring says so.
  func serveWaiting() {
    guard hasWork, hasRoom else { return }
    while !waiting.isEmpty, hasRoom {
      // First come, first served: one that fills the ring at once queues up behind the others.
      waiting.removeFirst().roomIsBack()
    }
  }

  private var hasWork: Bool { !deferred.isEmpty || !waiting.isEmpty }

  /// Whether every event has found room.
  var isDrained: Bool { deferred.isEmpty }

  /// Lets go of those who wait: the loop is over.
  func forgetWaiting() { waiting.removeAll() }

  private func write(_ event: Event) {
    unsafe event.payload.withUnsafeBufferPointer { bytes in
      unsafe append(
        event.kind.rawValue, event.direction, connection: event.connection, times: event.times,
        bytes: bytes.baseAddress, count: bytes.count)
    }
  }

  /// Replaces a full batch by an empty one. False: there is none.
  private func takeBatch() -> Bool {
    guard let next = ring.acquire() else { return false }
    if let batch { ring.publish(batch) }
    batch = next
    return true
  }
}

/// Something that stopped because a ring was full.
protocol RoomWaiter: AnyObject {
  func roomIsBack()
}

/// When something came from a socket, on both clocks.
struct ArrivalTime {
  var wall: Int64
  var monotonic: Int64

  static var now: ArrivalTime {
    ArrivalTime(
      wall: SystemClock.wallNanoseconds(), monotonic: SystemClock.monotonicNanoseconds())
  }
}
