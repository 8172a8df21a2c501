internal import CMWCKernels
internal import CMWCTransport
import MWCCore

/// One client of a server, on the loop's thread.
///
/// ```
///   handshake ─101─► open ─close frame sent─► closing ─► gone
///       └────other answer, nothing in time────────┘
/// ```
@safe final class ServerClient: SocketOwner {
  private enum Phase {
    case handshake(deadline: Int64)
    case open
    /// A close frame or a refusal has been or will be sent; nothing else will.
    case closing(deadline: Int64)
  }

  let id: ClientID
  private unowned let server: ServerCore
  private var link: SocketLink?
  private var phase: Phase
  /// The handler has been told of this client, and not yet that it has gone.
  private var isKnown = false
  /// What the handler sent first is on its way, so broadcasts may follow.
  private(set) var isJoined = false
  /// A close frame has come.
  private var hasPeerClosed = false
  /// It agreed to permessage-deflate with a window that our frames need.
  private(set) var takesCompressed = false

  private let receiver: UnsafeMutablePointer<mwc_receiver>
  private var requestBytes: [UInt8] = []
  /// What waits for the kernel. Arrays are shared between clients, not copied.
  private var queue = Queue<(bytes: [UInt8], offset: Int)>()
  private var queuedBytes = 0
  private var lastHeard: Int64
  private var pingDue: Int64 = .max
  private var pongDue: Int64 = .max

  init(id: ClientID, server: ServerCore) {
    self.id = id
    self.server = server
    lastHeard = SystemClock.monotonicNanoseconds()
    phase = .handshake(deadline: lastHeard + server.options.handshakeTimeout.nanoseconds)
    unsafe receiver = .allocate(capacity: 1)
    unsafe receiver.initialize(to: mwc_receiver())
  }

  deinit {
    unsafe mwc_receiver_destroy(receiver)
    unsafe receiver.deallocate()
  }

  func adopt(_ socket: SocketHandle, _ owner: UnsafeMutablePointer<mwc_socket_owner>) {
    let link = SocketLink(owner: self)
    unsafe link.adopt(socket, owner)
    self.link = link
  }

  func abandon() { link?.detach() }
}

// MARK: - What the socket says

extension ServerClient {
  func socketReceived(_ link: SocketLink, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int)
    -> Int32
  {
    let times = ArrivalTime.now
    lastHeard = times.monotonic
    switch phase {
    case .handshake:
      unsafe requestBytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
      return answerRequest(times: times)
    case .open, .closing:
      return unsafe parse(mwc_input(bytes: bytes, length: count), times: times)
    }
  }

  func socketWritable(_ link: SocketLink) -> Int32 {
    // It takes what we send, so it lives, though libwebsockets does not read from it meanwhile.
    lastHeard = SystemClock.monotonicNanoseconds()
    flush()
    return 0
  }

  func socketClosed(_ link: SocketLink, reason: String) {
    self.link = nil
    leave(code: 1006, reason: "")
    server.clientGone(self)
  }

  func checkDeadlines(at now: Int64) {
    switch phase {
    case .handshake(let deadline), .closing(let deadline):
      if now >= deadline { drop() }
    case .open:
      if now >= pongDue {
        guard lastHeard >= pongDue - server.options.pingTimeout.nanoseconds else {
          return close(code: 1011, reason: "keepalive ping timeout")
        }
        pongDue = .max
      }
      if now >= pingDue, let interval = server.options.pingInterval {
        var payload = UInt32.random(in: .min ... .max)
        let bytes = unsafe withUnsafeBytes(of: &payload) { unsafe Array($0) }
        unsafe enqueue(Outbox.frame(.ping, bytes.span.bytes))
        pingDue = now + interval.nanoseconds
        if pongDue == .max { pongDue = now + server.options.pingTimeout.nanoseconds }
      }
    }
  }

  /// The handler is told once, when the end is known.
  private func leave(code: Int, reason: String) {
    guard isKnown else { return }
    isKnown = false
    isJoined = false
    server.clientClosed(self, code: code, reason: reason)
    takesCompressed = false
  }

  private func drop() {
    leave(code: 1006, reason: "")
    link?.detach()
    link = nil
    server.clientGone(self)
  }
}

// MARK: - Handshake

extension ServerClient {
  private func answerRequest(times: ArrivalTime) -> Int32 {
    var request = unsafe mwc_request()
    let bytes = requestBytes
    return unsafe bytes.withUnsafeBytes { raw in
      let text = unsafe raw.bindMemory(to: CChar.self)
      let length = unsafe mwc_request_parse(text.baseAddress, text.count, &request)
      if length == 0 { return 0 }
      requestBytes = []
      guard length > 0, unsafe request.status == 101 else {
        return unsafe refuse(Int(request.status), problem: request.problem)
      }
      return unsafe accept(&request, rest: Array(raw[length...]), times: times)
    }
  }

  private func refuse(_ status: Int, problem: UnsafePointer<CChar>?) -> Int32 {
    var out = [CChar](repeating: 0, count: 1024)
    var body: UnsafePointer<CChar>?
    let text = "This is a WebSocket server.\n"
    let length = unsafe text.withCString { text in
      unsafe body = status == 426 ? text : problem
      return unsafe mwc_response_plain(&out, out.count, Int32(status), nil, body)
    }
    finish(with: out.prefix(length).map(UInt8.init(bitPattern:)))
    return 0
  }

  private func accept(
    _ request: inout mwc_request, rest: [UInt8], times: ArrivalTime
  ) -> Int32 {
    var policy = mwc_pmd_policy()
    policy.enabled = server.options.allowsCompression
    policy.server_no_context_takeover = true
    policy.client_no_context_takeover = true
    policy.client_max_window_bits = 15
    var agreed = mwc_pmd()
    var extensions = [CChar](repeating: 0, count: Int(MWC_PMD_ANSWER_MAX))
    guard
      unsafe mwc_request_accept_deflate(&request, &policy, &agreed, &extensions) == 0
    else { return unsafe refuse(400, problem: nil) }
    var out = [CChar](repeating: 0, count: 1024)
    let length = unsafe mwc_response_accept(
      &out, out.count, &request, nil, &extensions, nil, 0)
    guard length > 0 else { return unsafe refuse(400, problem: nil) }
    write(out.prefix(length).map(UInt8.init(bitPattern:)))
    unsafe mwc_receiver_init(
      receiver, MWC_WS_SERVER_ROLE, &agreed, UInt64(server.options.maxMessageBytes))
    phase = .open
    guard server.hasRoom else {
      close(code: 1008, reason: "Server at capacity")
      return 0
    }
    // Compressed frames are made for the largest window; who wants a smaller one gets plain frames.
    takesCompressed = agreed.enabled && agreed.server_max_window_bits == 15
    if let interval = server.options.pingInterval {
      pingDue = times.monotonic + interval.nanoseconds
    }
    let described = unsafe ServerRequest(request, peer: link?.peer ?? "unknown")
    isKnown = true
    server.clientOpened(self, request: described)
    // Not before, so that whatever the handler sent comes first; it may have closed the client.
    isJoined = isKnown
    var rest = rest
    return unsafe rest.withUnsafeMutableBufferPointer { rest in
      guard let start = rest.baseAddress, rest.count > 0 else { return 0 }
      return unsafe parse(mwc_input(bytes: start, length: rest.count), times: times)
    }
  }
}

extension ServerRequest {
  fileprivate init(_ request: mwc_request, peer: String) {
    let headers = unsafe withUnsafeBytes(of: request.headers) { raw in
      let lines = unsafe raw.bindMemory(to: mwc_header.self)
      return unsafe (0..<request.header_count).map { index in
        let line = unsafe lines[index]
        return unsafe ClientOptions.Header(
          name: line.name.text ?? "", value: line.value.text ?? "")
      }
    }
    unsafe self.init(
      path: request.path.text ?? "/", query: request.query.text, headers: headers, peer: peer)
  }
}

// MARK: - Messages in

extension ServerClient {
  private func parse(_ input: mwc_input, times: ArrivalTime) -> Int32 {
    var input = unsafe input
    var event = unsafe mwc_event()
    while link != nil, unsafe mwc_receiver_next(receiver, &input, &event) {
      unsafe take(event, times: times)
    }
    return link == nil ? -1 : 0
  }

  private func take(_ event: mwc_event, times: ArrivalTime) {
    switch unsafe Int(event.kind) {
    case MWC_WS_TEXT, MWC_WS_BINARY:
      guard isKnown else { return }
      let bytes = unsafe UnsafeRawBufferPointer(start: event.bytes, count: event.length)
      unsafe server.received(
        self,
        Message(
          wallTime: times.wall, monotonicTime: times.monotonic, connection: 1,
          kind: Message.Kind(rawValue: event.kind), payload: RawSpan(_unsafeBytes: bytes)))
    case MWC_WS_PING: unsafe enqueue(Outbox.frame(.pong, event.payload.span.bytes))
    case MWC_WS_PONG: break
    case MWC_WS_CLOSE:
      let code = unsafe Int(event.code)
      let reason = unsafe event.text
      hasPeerClosed = true
      if case .open = phase {
        finish(with: Self.closeFrame(code: code, reason: ""))
      } else {
        flush()
      }
      leave(code: code, reason: reason)
    default:
      let problem = unsafe event.problem.map { unsafe String(cString: $0) } ?? ""
      unsafe close(code: Int(event.code), reason: problem)
    }
  }
}

// MARK: - Messages out

extension ServerClient {
  /// Sends frames after those that wait. Too many waiting: the client is let go.
  func enqueue(_ frames: [UInt8]) {
    guard case .open = phase, !frames.isEmpty else { return }
    queue.append((frames, 0))
    queuedBytes += frames.count
    flush()
    guard queuedBytes > server.options.maxQueuedBytes else { return }
    cutQueue()
    server.noteDropped()
    close(code: 1008, reason: "client reads too slowly")
  }

  /// Begins the closing handshake.
  func close(code: Int, reason: String) {
    switch phase {
    case .handshake: drop()
    case .open:
      finish(with: Self.closeFrame(code: code, reason: reason))
      leave(code: code, reason: reason)
    case .closing: break
    }
  }

  /// Sends the last bytes there will be; then the client has to close, within the time allowed.
  private func finish(with bytes: [UInt8]) {
    phase = .closing(
      deadline: SystemClock.monotonicNanoseconds() + server.options.closeTimeout.nanoseconds)
    write(bytes)
  }

  private func write(_ bytes: [UInt8]) {
    queue.append((bytes, 0))
    queuedBytes += bytes.count
    flush()
  }

  /// Hands the kernel what it takes.
  private func flush() {
    guard let link else { return }
    while !queue.isEmpty, !link.isBlocked {
      let (bytes, range) = takePiece()
      guard link.write(bytes, range) else { return }
    }
    if !queue.isEmpty || link.isBlocked {
      link.wantWritable()
    } else if case .closing = phase {
      endOutput(of: link)
    }
  }

  /// Most bytes of one write: more would only be copied when the kernel takes less.
  private static let writeLimit = 65536

  /// Takes the next bytes to write from the queue. Small pieces are put together: for a client that
  /// catches up, one system call for many messages.
  private func takePiece() -> (bytes: [UInt8], range: Range<Int>) {
    let (bytes, start) = queue.first
    let end = min(start + Self.writeLimit, bytes.count)
    advance(to: end)
    guard !queue.isEmpty, end == bytes.count, end - start < Self.writeLimit / 4 else {
      return (bytes, start..<end)
    }
    var piece = Array(bytes[start..<end])
    while !queue.isEmpty, piece.count < Self.writeLimit {
      let (next, offset) = queue.first
      let stop = min(offset + Self.writeLimit - piece.count, next.count)
      piece += next[offset..<stop]
      advance(to: stop)
    }
    return (piece, 0..<piece.count)
  }

  /// Takes the bytes of the first array in the queue up to `end`.
  private func advance(to end: Int) {
    let (bytes, offset) = queue.first
    queuedBytes -= end - offset
    if end == bytes.count { queue.removeFirst() } else { queue.first.offset = end }
  }

  /// The last byte has left. The client sees our end and closes, which takes the socket away without
  /// cutting anything that is still under way. TLS has no such half-close: once the client has said
  /// goodbye as well, we go first.
  private func endOutput(of link: SocketLink) {
    if server.options.tls == nil {
      link.finishWriting()
    } else if hasPeerClosed {
      drop()
    }
  }

  /// Forgets what waits, except for the rest of a frame that has been begun.
  private func cutQueue() {
    guard !queue.isEmpty else { return }
    let (bytes, offset) = queue.first
    var end = 0
    while end < offset { end += Self.frameLength(bytes, at: end) }
    queue.removeAll()
    queuedBytes = end - offset
    if end > offset { queue.append((Array(bytes[..<end]), offset)) }
  }

  /// The length of one of our own frames.
  private static func frameLength(_ bytes: [UInt8], at start: Int) -> Int {
    let short = Int(bytes[start + 1])
    let extra = short == 126 ? 2 : short == 127 ? 8 : 0
    if extra == 0 { return 2 + short }
    return 2 + extra + bytes[(start + 2)..<(start + 2 + extra)].reduce(0) { $0 << 8 | Int($1) }
  }

  private static func closeFrame(code: Int, reason: String) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: Int(MWC_WS_CONTROL_FRAME_MAX))
    let text = Array(reason.utf8).map(CChar.init(bitPattern:))
    let length = unsafe mwc_ws_build_close(&out, UInt32(code), text, text.count, nil)
    return Array(out.prefix(length))
  }
}
