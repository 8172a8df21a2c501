import MWCCore
import MWCTransport
import Testing

/// A message or event that came through a ring.
struct Arrived: Hashable, Sendable, CustomStringConvertible {
  var kind: Message.Kind
  var direction: Message.Direction
  var connection: UInt32
  var bytes: [UInt8]
  var text: String { String(decoding: bytes, as: UTF8.self) }
  var description: String { "\(connection) \(kind) \(text.prefix(80))" }
}

/// The consumer of a ring, for tests that wait for what they expect. Used by one thread.
final class Inbox {
  let ring: BatchRing
  private(set) var all: [Arrived] = []
  private var next = 0

  init(ring: BatchRing = BatchRing()) { self.ring = ring }

  /// The next arrival that `matches`; those before it are passed over.
  @discardableResult
  func wait(
    seconds: Int = 20, _ what: String, where matches: (Arrived) -> Bool
  ) throws -> Arrived {
    let deadline = SystemClock.monotonicNanoseconds() + Int64(seconds) * 1_000_000_000
    while true {
      while next < all.count {
        next += 1
        if matches(all[next - 1]) { return all[next - 1] }
      }
      guard take(until: deadline) else {
        throw Missing(what: what, last: all.suffix(8).map(\.description))
      }
    }
  }

  @discardableResult
  func wait(for kind: Message.Kind, seconds: Int = 20) throws -> Arrived {
    try wait(seconds: seconds, "\(kind)") { $0.kind == kind }
  }

  /// The next text or binary messages.
  func messages(_ count: Int, seconds: Int = 30) throws -> [Arrived] {
    try (0..<count).map { index in
      try wait(seconds: seconds, "message \(index)") { $0.kind.isData && $0.direction == .received }
    }
  }

  /// Takes one batch; false when none came in time.
  func take(until deadline: Int64?) -> Bool {
    guard let batch = ring.next(until: deadline) else { return false }
    for index in 0..<batch.count {
      let message = batch[index]
      let bytes = unsafe message.payload.withUnsafeBytes { unsafe Array($0) }
      all.append(
        Arrived(
          kind: message.kind, direction: message.direction, connection: message.connection,
          bytes: bytes))
    }
    ring.recycle(batch)
    return true
  }

  struct Missing: Error, CustomStringConvertible {
    let what: String
    let last: [String]
    var description: String { "no \(what) in time; the last to come were \(last)" }
  }
}

/// What a server's handler was told, and what to do about it.
final class RecordingHandler: ServerHandler {
  struct Log {
    var connected: [(id: ClientID, request: ServerRequest)] = []
    var received: [(id: ClientID, kind: Message.Kind, bytes: [UInt8])] = []
    var closed: [(id: ClientID, code: Int, reason: String)] = []
  }

  private let log = Guarded(Log())
  private let changed = Parker()
  private let onConnect: @Sendable (ClientID) -> Void
  private let onMessage: @Sendable (ClientID, Message.Kind, [UInt8]) -> Void

  init(
    onConnect: @escaping @Sendable (ClientID) -> Void = { _ in },
    onMessage: @escaping @Sendable (ClientID, Message.Kind, [UInt8]) -> Void = { _, _, _ in }
  ) {
    self.onConnect = onConnect
    self.onMessage = onMessage
  }

  func clientConnected(_ id: ClientID, request: ServerRequest) {
    log.withLock { $0.connected.append((id, request)) }
    onConnect(id)
    changed.wake()
  }

  func received(_ id: ClientID, _ message: Message) {
    let bytes = unsafe message.payload.withUnsafeBytes { unsafe Array($0) }
    log.withLock { $0.received.append((id, message.kind, bytes)) }
    onMessage(id, message.kind, bytes)
    changed.wake()
  }

  func clientClosed(_ id: ClientID, code: Int, reason: String) {
    log.withLock { $0.closed.append((id, code, reason)) }
    changed.wake()
  }

  /// Waits until the log says so; one thread at a time.
  func wait<Value: Sendable>(
    _ what: String, seconds: Int64 = 20, until found: (Log) -> Value?
  ) throws -> Value {
    let deadline = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
    while true {
      if let value = log.withLock({ found($0) }) { return value }
      guard changed.sleep(until: deadline) else {
        throw Inbox.Missing(what: what, last: [])
      }
    }
  }
}
