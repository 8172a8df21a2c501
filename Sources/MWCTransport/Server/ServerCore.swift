internal import CMWCTransport
import Glibc
import MWCCore
import Synchronization

/// One server on the loop's thread: its listener and its clients.
final class ServerCore {
  private unowned let core: LoopCore
  private let server: WebSocketServer
  let options: ServerOptions
  let handler: any ServerHandler
  private var listener: ListenerHandle?
  private var socketFile: ListeningSocket?
  private var clients: [ClientID: ServerClient] = [:]
  private var openClients = 0
  private var compressedClients = 0
  private var isStopping = false
  private lazy var timer = LoopTimer(loop: core.loop) { [weak self] in self?.sweep() }

  private static let lastID = Atomic<UInt64>(0)

  /// Connections in handshakes or being told that the server is full, beyond `maxClients`.
  private static let handshakeSlots = 256

  init(
    core: LoopCore, server: WebSocketServer, options: ServerOptions, handler: any ServerHandler
  ) {
    self.core = core
    self.server = server
    self.options = options
    self.handler = handler
  }

  func start(socket: ListeningSocket, host: HostHandle?) -> Bool {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    listener = unsafe ListenerHandle(
      loop: core.loop, descriptor: socket.descriptor, host: host,
      accept: { context, socket, owner in
        guard let context = unsafe context, let socket = unsafe socket, let owner = unsafe owner
        else { return -1 }
        let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
        return unsafe core.accept(SocketHandle(socket), owner) ? 0 : -1
      }, context: context)
    socketFile = socket
    if listener == nil { socket.removeFile() }
    return listener != nil
  }

  /// No more clients; those that are get 1001. The core is forgotten when the last has gone.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    stopListening()
    for client in clients.values { client.close(code: 1001, reason: "server is shutting down") }
    forgetIfDone()
  }

  /// The loop has broken down.
  func abandon() {
    stopListening()
    for client in clients.values { client.abandon() }
    clients.removeAll()
  }

  private func stopListening() {
    listener?.destroy()
    listener = nil
    socketFile?.removeFile()
    socketFile = nil
  }

  private func forgetIfDone() {
    guard isStopping, clients.isEmpty else { return }
    timer.cancel()
    core.forget(server)
  }
}

// MARK: - Clients come and go

extension ServerCore {
  private func accept(
    _ socket: SocketHandle, _ owner: UnsafeMutablePointer<mwc_socket_owner>
  ) -> Bool {
    guard !isStopping, clients.count < options.maxClients + Self.handshakeSlots else {
      return false
    }
    let id = ClientID(
      rawValue: Self.lastID.add(1, ordering: .relaxed).newValue)
    let client = ServerClient(id: id, server: self)
    unsafe client.adopt(socket, owner)
    clients[id] = client
    if clients.count == 1 { timer.set(after: tick) }
    return true
  }

  /// Whether one more client may stay.
  var hasRoom: Bool { openClients < options.maxClients }

  func clientOpened(_ client: ServerClient, request: ServerRequest) {
    count(opened: 1, compressed: client.takesCompressed ? 1 : 0)
    handler.clientConnected(client.id, request: request)
    drainImmediate()
  }

  func clientClosed(_ client: ServerClient, code: Int, reason: String) {
    count(opened: -1, compressed: client.takesCompressed ? -1 : 0)
    handler.clientClosed(client.id, code: code, reason: reason)
    drainImmediate()
  }

  func received(_ client: ServerClient, _ message: Message) {
    handler.received(client.id, message)
    drainImmediate()
  }

  func clientGone(_ client: ServerClient) {
    clients[client.id] = nil
    forgetIfDone()
  }

  func noteDropped() { server.noteDropped() }

  private func count(opened: Int, compressed: Int) {
    openClients += opened
    compressedClients += compressed
    server.setClientCount(openClients, compressed: compressedClients)
  }

  /// How often deadlines are looked at: once a second unless a shorter one is set.
  private var tick: Int64 {
    let shortest =
      [
        options.handshakeTimeout, options.pingInterval ?? .seconds(60), options.pingTimeout,
        options.closeTimeout,
      ].map(\.nanoseconds).min() ?? 0
    return min(max(shortest / 4, 10_000_000), 1_000_000_000)
  }

  private func sweep() {
    let now = SystemClock.monotonicNanoseconds()
    for client in clients.values { client.checkDeadlines(at: now) }
    if !clients.isEmpty { timer.set(after: tick) }
  }
}

// MARK: - What is to be sent

extension ServerCore {
  func drainOutbox() {
    drainImmediate()
    for item in server.outbox.take() { deliver(item) }
  }

  private func drainImmediate() {
    for item in server.immediate.take() { deliver(item) }
  }

  private func deliver(_ item: Outbox.Item) {
    switch item {
    case .frames(let plain, let compressed):
      for client in clients.values where client.isJoined {
        client.enqueue(client.takesCompressed && !compressed.isEmpty ? compressed : plain)
      }
    case .message(let id, let frame): clients[id]?.enqueue(frame)
    case .close(let id, let code, let reason): clients[id]?.close(code: code, reason: reason)
    case .stop: stop()
    }
  }
}
