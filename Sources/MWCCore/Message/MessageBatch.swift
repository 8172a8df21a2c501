package import CMWCKernels

/// Many messages in one arena: the unit in which messages move between threads.
///
/// A batch is filled by one thread and then read by one other; the ring that carries it is what
/// orders the two. It allocates when it is made and when a single message is larger than the whole
/// arena, never per message.
///
/// Not thread-safe: exactly one thread owns a batch at any time. `@unchecked Sendable` holds because
/// a batch changes hands only through a ring whose push happens before the matching pop, and the
/// giver keeps no reference it uses.
@safe package final class MessageBatch: @unchecked Sendable {
  /// The C view, for callbacks that append without crossing into Swift. The pointer is valid as long
  /// as the batch.
  package let storage: UnsafeMutablePointer<mwc_batch>

  /// - Parameters:
  ///   - byteCapacity: size of the arena in bytes.
  ///   - entryCapacity: most messages in the batch.
  package init(byteCapacity: Int, entryCapacity: Int) {
    precondition(byteCapacity > 0 && entryCapacity > 0, "a batch must hold something")
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(
      to: mwc_batch(
        bytes: .allocate(capacity: byteCapacity), byte_capacity: byteCapacity, byte_count: 0,
        entries: .allocate(capacity: entryCapacity), entry_capacity: entryCapacity, entry_count: 0))
  }

  deinit {
    unsafe storage.pointee.bytes.deallocate()
    unsafe storage.pointee.entries.deallocate()
    unsafe storage.deallocate()
  }

  /// Number of messages.
  package var count: Int { unsafe storage.pointee.entry_count }
  /// Payload bytes of all messages together.
  package var byteCount: Int { unsafe storage.pointee.byte_count }
  package var isEmpty: Bool { count == 0 }

  /// Forgets all messages and keeps the memory, unless an exceptional message made it grow beyond
  /// `keepingAtMost` bytes.
  package func removeAll(keepingAtMost limit: Int = .max) {
    unsafe storage.pointee.byte_count = 0
    unsafe storage.pointee.entry_count = 0
    if unsafe storage.pointee.byte_capacity > limit { reallocateBytes(limit) }
  }

  /// Makes room for `byteCount` more payload bytes, which may allocate. Existing messages stay.
  package func reserve(byteCount: Int) {
    let needed = self.byteCount + byteCount
    if unsafe needed > storage.pointee.byte_capacity { reallocateBytes(needed) }
  }

  private func reallocateBytes(_ capacity: Int) {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    unsafe bytes.update(from: storage.pointee.bytes, count: byteCount)
    unsafe storage.pointee.bytes.deallocate()
    unsafe storage.pointee.bytes = bytes
    unsafe storage.pointee.byte_capacity = capacity
  }

  /// Adds a copy of `message`. Returns false, changing nothing, when there is no room.
  package func append(_ message: Message) -> Bool {
    var entry = mwc_entry()
    entry.wall_ns = message.wallTime
    entry.monotonic_ns = message.monotonicTime
    entry.connection = message.connection
    entry.kind = message.kind.rawValue
    entry.direction = message.direction.rawValue
    return unsafe message.payload.withUnsafeBytes { bytes in
      unsafe mwc_batch_append(storage, &entry, bytes.baseAddress, bytes.count) == 0
    }
  }

  /// The message at `index`, a view into this batch.
  package subscript(index: Int) -> Message {
    @_lifetime(borrow self)
    get {
      precondition(index >= 0 && index < count, "message index out of range")
      let entry = unsafe storage.pointee.entries[index]
      let bytes = unsafe UnsafeRawBufferPointer(
        start: storage.pointee.bytes + Int(entry.offset), count: Int(entry.length))
      let message = unsafe Message(
        wallTime: entry.wall_ns, monotonicTime: entry.monotonic_ns, connection: entry.connection,
        direction: Message.Direction(rawValue: entry.direction) ?? .received,
        kind: Message.Kind(rawValue: entry.kind), payload: RawSpan(_unsafeBytes: bytes))
      return unsafe _overrideLifetime(message, borrowing: self)
    }
  }

  /// Visits all messages in order of arrival.
  package func forEach<Failure: Error>(_ body: (Message) throws(Failure) -> Void) throws(Failure) {
    for index in 0..<count { try body(self[index]) }
  }
}
