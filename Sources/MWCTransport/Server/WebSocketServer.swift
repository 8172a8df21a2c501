package import MWCCore
internal import Synchronization

/// A server of a loop, as other threads see it. Everything may be called from any thread, from the
/// handler's methods too; what one thread sends arrives in its order.
package final class WebSocketServer: Sendable {
  private let shared: LoopShared
  let outbox: Outbox
  private let count = Atomic<Int>(0)
  private let dropped = Atomic<Int>(0)
  /// What `send` leaves while the handler runs on the loop's thread: it comes before any broadcast
  /// that is still waiting, so a welcome is always the first message.
  let immediate: Outbox

  /// The bound TCP port; 0 for a unix socket.
  package let port: UInt16

  init(shared: LoopShared, options: ServerOptions, port: UInt16) {
    self.shared = shared
    self.port = port
    outbox = Outbox(compressionLevel: options.compressionLevel)
    immediate = Outbox(compressionLevel: options.compressionLevel)
  }

  /// Clients that have completed their upgrade and are not being closed.
  package var clientCount: Int { count.load(ordering: .relaxed) }

  /// Clients that were closed because they read too slowly.
  package var droppedClientCount: Int { dropped.load(ordering: .relaxed) }

  /// Sends a message or a ping or pong to every client.
  package func broadcast(_ kind: Message.Kind, _ bytes: RawSpan) {
    Self.check(kind, bytes.byteCount)
    outbox.broadcast(kind, bytes)
    shared.wake()
  }

  package func broadcast(_ kind: Message.Kind, _ bytes: [UInt8]) {
    unsafe broadcast(kind, bytes.span.bytes)
  }

  /// Sends the like to one client; nothing happens when it has gone.
  package func send(to client: ClientID, _ kind: Message.Kind, _ bytes: [UInt8]) {
    Self.check(kind, bytes.count)
    unsafe leave(.message(client, frame: Outbox.frame(kind, bytes.span.bytes)))
  }

  /// Closes one client with a closing handshake.
  package func close(_ client: ClientID, code: Int = 1000, reason: String = "") {
    leave(.close(client, code: code, reason: reason))
  }

  /// Stops listening and closes all clients with 1001.
  package func stop() { leave(.stop) }

  private static func check(_ kind: Message.Kind, _ length: Int) {
    precondition(kind.isFrame, "only frames can be sent")
    precondition(kind.isData || length <= 125, "a control frame holds at most 125 bytes")
  }

  private func leave(_ item: Outbox.Item) {
    (shared.isOnLoop ? immediate : outbox).append(item)
    shared.wake()
  }

  // MARK: On the loop's thread

  func setClientCount(_ clients: Int, compressed: Int) {
    count.store(clients, ordering: .relaxed)
    outbox.compressedClients.store(compressed, ordering: .relaxed)
  }

  func noteDropped() { dropped.add(1, ordering: .relaxed) }
}
