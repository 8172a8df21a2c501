internal import CMWCTransport

/// Who owns a socket. Results of callbacks: 0, or -1 to have the socket closed.
protocol SocketOwner: AnyObject {
  /// Client only: the server has answered the upgrade.
  func socketAnswered(_ link: SocketLink) -> Int32
  /// Bytes came; they may be written to during the call.
  func socketReceived(_ link: SocketLink, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int)
    -> Int32
  func socketWritable(_ link: SocketLink) -> Int32
  /// The socket is gone. Not called after `detach`.
  func socketClosed(_ link: SocketLink, reason: String)
}

extension SocketOwner {
  func socketAnswered(_ link: SocketLink) -> Int32 { -1 }
}

/// One C socket as Swift sees it. The C side holds a reference to the link until the socket is gone,
/// so callbacks always find it; the owner may let go of it at any time.
final class SocketLink {
  private weak var owner: (any SocketOwner)?
  /// Valid until `closed`, after which it is nil.
  private var socket: SocketHandle?

  init(owner: any SocketOwner) { self.owner = owner }

  /// Begins to connect. False: it failed at once, and the owner hears nothing more.
  func connect(
    loop: LoopHandle, target: SocketTarget, head: String, host: HostHandle?
  ) -> Bool {
    socket = unsafe SocketHandle(
      loop: loop, target: target, head: head, host: host, owner: callbacks())
    if socket == nil { unsafe Unmanaged.passUnretained(self).release() }
    return socket != nil
  }

  /// Takes a socket that a listener has accepted, filling in whom it belongs to.
  func adopt(_ socket: SocketHandle, _ owner: UnsafeMutablePointer<mwc_socket_owner>) {
    self.socket = socket
    unsafe owner.pointee = callbacks()
  }

  /// Ends the socket; the owner hears nothing more of it.
  func detach() {
    owner = nil
    socket?.close()
  }

  // The C side's reference to us, given with the callbacks and taken back by `closed`.
  private func callbacks() -> mwc_socket_owner {
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    return unsafe mwc_socket_owner(
      context: context,
      answered: { context in
        unsafe SocketLink.call(context) { owner, link in owner.socketAnswered(link) }
      },
      received: { context, bytes, count in
        guard let bytes = unsafe bytes else { return 0 }
        return unsafe SocketLink.call(context) { owner, link in
          unsafe owner.socketReceived(link, bytes, count)
        }
      },
      writable: { context in
        unsafe SocketLink.call(context) { owner, link in owner.socketWritable(link) }
      },
      closed: { context, reason in
        guard let context = unsafe context else { return }
        let link = unsafe Unmanaged<SocketLink>.fromOpaque(context).takeRetainedValue()
        link.socket = nil
        let text = unsafe reason.map { unsafe String(cString: $0) } ?? ""
        let owner = link.owner
        link.owner = nil
        owner?.socketClosed(link, reason: text)
      })
  }

  private static func call(
    _ context: UnsafeMutableRawPointer?, _ body: (any SocketOwner, SocketLink) -> Int32
  ) -> Int32 {
    guard let context = unsafe context else { return -1 }
    let link = unsafe Unmanaged<SocketLink>.fromOpaque(context).takeUnretainedValue()
    guard let owner = link.owner else { return -1 }
    return body(owner, link)
  }
}

// MARK: - Use

extension SocketLink {
  /// False: the connection is dead, and its owner will hear of it.
  func write(_ bytes: [UInt8]) -> Bool {
    write(bytes, 0..<bytes.count)
  }

  /// Writes `range` of `bytes`.
  func write(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    guard let socket else { return false }
    return unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe socket.write(UnsafeBufferPointer(rebasing: bytes[range]))
    }
  }

  /// Whether the kernel has not taken all that was written.
  var isBlocked: Bool { socket?.isBlocked ?? false }

  func wantWritable() { socket?.wantWritable() }
  func finishWriting() { socket?.finishWriting() }
  func pause() { socket?.pause() }
  func resume() { socket?.resume() }

  /// The peer's address and port, or `unix`.
  var peer: String { socket?.peer ?? "unknown" }

  /// The server's answer, in `socketAnswered`; nil when it is malformed or too long.
  func answer() -> ClientAnswer? { socket.flatMap { ClientAnswer(socket: $0) } }
}
