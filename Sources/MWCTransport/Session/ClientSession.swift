package import MWCCore
internal import Synchronization

/// One client session of a loop, as other threads see it.
package final class ClientSession: Sendable {
  /// Bytes that may wait to be sent: what one message may have.
  static let queueLimit = 64 << 20

  private let shared: LoopShared
  private let isConnected = Atomic<Bool>(false)
  private let queued = Atomic<Int>(0)

  init(shared: LoopShared) { self.shared = shared }

  /// Sends a message (`.text` or `.binary`) and records it. Returns false, sending nothing, when there
  /// is no connection or too much is waiting already.
  @discardableResult
  package func send(_ kind: Message.Kind, _ bytes: [UInt8]) -> Bool {
    precondition(kind.isData, "only text and binary messages can be sent")
    guard isConnected.load(ordering: .acquiring) else { return false }
    let total = queued.add(bytes.count, ordering: .relaxed).newValue
    guard total <= Self.queueLimit,
      shared.enqueue({ core in
        guard let connection = core.connection(of: self) else { return self.didSend(bytes.count) }
        connection.send(kind, bytes)
      })
    else {
      didSend(bytes.count)
      return false
    }
    return true
  }

  /// Ends the session: a closing handshake, then `.ended(.stopped)`. Calling it twice waits no longer.
  package func close() {
    _ = shared.enqueue { core in core.connection(of: self)?.stop() }
  }

  // MARK: On the loop's thread

  func setConnected(_ isConnected: Bool) {
    self.isConnected.store(isConnected, ordering: .releasing)
  }

  /// So many bytes of messages have been handed to the kernel, or were dropped.
  func didSend(_ count: Int) { queued.subtract(count, ordering: .relaxed) }
}
