internal import CMWCKernels
internal import CMWCTransport
import Glibc
import MWCCore

/// One client session on the loop's thread: carries out what the `SessionMachine` says and feeds it
/// with what happens.
@safe final class ClientConnection: RoomWaiter {
  private unowned let core: LoopCore
  private let options: ClientOptions
  private let number: UInt32
  private let writer: RingWriter
  private let session: ClientSession
  private let onState: @Sendable (SessionState) -> Void
  private var machine: SessionMachine
  private lazy var timer = LoopTimer(loop: core.loop) { [weak self] in self?.timerFired() }
  /// Ends an attempt at one address when others have not been tried.
  private lazy var addressTimer = LoopTimer(loop: core.loop) { [weak self] in
    self?.addressTimerFired()
  }

  /// The socket that is being made or stands.
  private var link: SocketLink?
  /// Addresses of this attempt that have not been tried.
  private var addresses: [String] = []
  /// The one that is being tried, or was last.
  private var address = ""
  /// Tells answers of an old lookup from those of the current.
  private var attempt = 0
  private var request: ClientRequest?
  /// What goes into the opened event.
  private var openedPayload: [UInt8] = []
  private var shownState = "disconnected"
  private var isForgotten = false

  /// Turns bytes into messages while a connection stands.
  private let receiver: UnsafeMutablePointer<mwc_receiver>
  /// Bytes that were read but not parsed because the ring is full.
  private var leftover: [UInt8] = []
  private var leftoverTimes = ArrivalTime(wall: 0, monotonic: 0)
  private var isPaused = false
  /// The connection was lost while `leftover` still waits to be parsed.
  private var isLostAfterLeftover = false
  /// Frames that wait for the kernel, with the message bytes each carries.
  private var outgoing = Queue<(frame: [UInt8], messageBytes: Int)>()
  /// Payload of the newest ping that could not be answered at once. The older ones need no answer
  /// (RFC 6455, section 5.5.3), so a server that pings and does not read fills no memory.
  private var unansweredPing: [UInt8]?
  private var writesEnded = false

  init(
    core: LoopCore, options: ClientOptions, connection: UInt32, writer: RingWriter,
    session: ClientSession, onState: @escaping @Sendable (SessionState) -> Void
  ) {
    self.core = core
    self.options = options
    self.writer = writer
    self.session = session
    self.onState = onState
    number = connection
    machine = SessionMachine(options: options) { Double.random(in: 0..<1) }
    unsafe receiver = .allocate(capacity: 1)
    unsafe receiver.initialize(to: mwc_receiver())
  }

  deinit {
    unsafe mwc_receiver_destroy(receiver)
    unsafe receiver.deallocate()
  }

  func start() { handle(.start) }

  func stop() { handle(.stop) }

  /// The loop has broken down: no more callbacks may reach this object.
  func abandon() { link?.detach() }

  private func timerFired() {
    // While we do not read because of a full ring, the server's silence is our doing.
    if isPaused { machine.noteTraffic(at: SystemClock.monotonicNanoseconds()) }
    handle(.time)
  }
}

// MARK: - Carrying out

extension ClientConnection {
  private func handle(_ input: SessionMachine.Input) {
    let times = ArrivalTime.now
    for action in machine.handle(input, at: times.monotonic) { perform(action, times: times) }
    if let deadline = machine.deadline {
      timer.set(after: deadline - times.monotonic)
    } else {
      timer.cancel()
    }
    if case .ended = machine.phase, !isForgotten {
      isForgotten = true
      core.forget(session)
    }
  }

  private func perform(_ action: SessionMachine.Action, times: ArrivalTime) {
    switch action {
    case .connect: connect()
    case .ping: write(frame(MWC_WS_PING, []), messageBytes: 0)
    case .sendClose(let code, let reason): sendClose(code: code, reason: reason)
    case .drop: drop()
    case .state(let state):
      if case .connected = state {
        session.setConnected(true)
      } else {
        session.setConnected(false)
      }
      showState(state.name, times: times)
      onState(state)
    case .errorState: showState("error", times: times)
    case .recordOpened:
      record(.opened, openedPayload, times: times)
      for greeting in options.greetings { send(greeting.kind, greeting.bytes, counts: false) }
    case .recordClosed(let code, let reason, let by):
      record(.closed, SessionEvents.closed(code: code, reason: reason, by: by), times: times)
    case .recordError(let error): record(.error, SessionEvents.error(error), times: times)
    case .recordGap(let duration):
      record(.gap, SessionEvents.gap(nanoseconds: duration), times: times)
    }
  }

  private func showState(_ name: String, times: ArrivalTime) {
    guard name != shownState else { return }
    record(.state, SessionEvents.state(from: shownState, to: name), times: times)
    shownState = name
  }

  private func record(_ kind: Message.Kind, _ payload: [UInt8], times: ArrivalTime) {
    writer.append(
      RingWriter.Event(times: times, connection: number, kind: kind, payload: payload))
  }

  /// Gives the socket up. What was read and not parsed goes with it.
  private func drop() {
    addressTimer.cancel()
    addresses = []
    attempt += 1
    leftover = []
    isPaused = false
    isLostAfterLeftover = false
    outgoing.forEach { session.didSend($0.messageBytes) }
    outgoing.removeAll()
    unansweredPing = nil
    link?.detach()
    link = nil
  }
}

// MARK: - Connecting

extension ClientConnection {
  private func connect() {
    drop()
    writesEnded = false
    if options.uri.socketPath != nil {
      addresses = [""]
      return connectNext(failure: nil)
    }
    let attempt = attempt
    let shared = core.shared
    let session = session
    Resolver.resolve(options.uri.host) { result in
      let isAccepted = shared.enqueue { core in
        core.connection(of: session)?.resolved(result, attempt: attempt)
      }
      // Otherwise the loop has stopped and nobody waits for the answer.
      _ = isAccepted
    }
  }

  private func resolved(_ result: Result<[String], TransportError>, attempt: Int) {
    guard attempt == self.attempt, case .connecting = machine.phase else { return }
    switch result {
    case .failure(let error): handle(.failedToConnect(error))
    case .success(let addresses):
      self.addresses = addresses
      connectNext(
        failure: TransportError(.dns, "host '\(options.uri.host)' has no address we can reach"))
    }
  }

  /// Tries the next address; `failure` is what to report when there is none left.
  private func connectNext(failure: TransportError?) {
    var failure = failure
    while !addresses.isEmpty {
      address = addresses.removeFirst()
      do throws(TransportError) {
        return try connectToAddress()
      } catch {
        failure = error
      }
    }
    if let failure { handle(.failedToConnect(failure)) }
  }

  private func connectToAddress() throws(TransportError) {
    let isTLS = options.uri.scheme == .wss
    let host = isTLS ? try core.host(for: options.tls) : nil
    var generator = SystemRandomNumberGenerator()
    let random = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let upgrade = ClientRequest(options, random: random)
    request = upgrade
    let link = SocketLink(owner: self)
    let target = SocketTarget(
      address: options.uri.socketPath.map { "+" + $0 } ?? address,
      port: Int32(options.uri.port), serverName: options.uri.host, isTLS: isTLS,
      isInsecure: !options.tls.verifies, headLength: upgrade.head.utf8.count)
    let isUnderWay = link.connect(
      loop: core.loop, target: target, head: upgrade.head, host: host)
    guard isUnderWay else { throw refusal }
    self.link = link
    addressTimer.cancel()
    if !addresses.isEmpty, let deadline = machine.deadline {
      // An equal share of what is left for this address and each of the others.
      let rest = deadline - SystemClock.monotonicNanoseconds()
      addressTimer.set(after: rest / Int64(addresses.count + 1))
    }
  }

  private func addressTimerFired() {
    guard case .connecting = machine.phase, link != nil, !addresses.isEmpty else { return }
    link?.detach()
    link = nil
    connectNext(failure: refusal)
  }

  private var refusal: TransportError {
    if let path = options.uri.socketPath {
      return TransportError(.refused, "nobody listens on the unix socket '\(path)'")
    }
    let shown = address.contains(":") ? "[\(address)]" : address
    return TransportError(
      .refused, "nobody answers at \(shown):\(options.uri.port), or the network does not get there")
  }
}

// MARK: - What the socket says

extension ClientConnection: SocketOwner {
  func socketAnswered(_ link: SocketLink) -> Int32 {
    guard link === self.link, let request else { return -1 }
    do throws(TransportError) {
      try accept(link, request: request)
    } catch {
      handleLater(.failedToConnect(error), from: link)
      return -1
    }
    handle(.opened)
    return 0
  }

  private func accept(_ link: SocketLink, request: ClientRequest) throws(TransportError) {
    let answer = link.answer()
    guard let answer else {
      throw TransportError(
        .protocol, "the server's answer to the upgrade is malformed or has too long headers")
    }
    guard answer.status == 101 else { throw HTTPText.refusal(answer.status) }
    let agreed = try answer.check(request: request, options: options)
    unsafe mwc_receiver_destroy(receiver)
    var pmd = agreed
    unsafe mwc_receiver_init(
      receiver, MWC_WS_CLIENT_ROLE, &pmd, UInt64(options.maxMessageBytes))
    openedPayload = SessionEvents.opened(
      uri: options.uri, address: link.peer, subprotocol: answer.subprotocol,
      extensions: answer.extensions, server: answer.server)
  }

  /// The socket ends because of us: what follows must not touch it any more.
  private func handleLater(_ input: SessionMachine.Input, from link: SocketLink) {
    link.detach()
    self.link = nil
    handle(input)
  }

  func socketReceived(_ link: SocketLink, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int)
    -> Int32
  {
    guard link === self.link else { return -1 }
    let times = ArrivalTime.now
    machine.noteTraffic(at: times.monotonic)
    unsafe parse(mwc_input(bytes: bytes, length: count), times: times)
    return self.link === link ? 0 : -1
  }

  func socketWritable(_ link: SocketLink) -> Int32 {
    guard link === self.link else { return -1 }
    flush()
    return self.link === link ? 0 : -1
  }

  func socketClosed(_ link: SocketLink, reason: String) {
    guard link === self.link else { return }
    self.link = nil
    guard case .connecting = machine.phase else {
      // What was read before the end still counts, as soon as there is room for it.
      isLostAfterLeftover = isPaused
      return isPaused ? () : handle(.lost)
    }
    if reason == "Unable to connect" { return connectNext(failure: refusal) }
    if reason.hasPrefix("HS:") || reason.contains("header") {
      let error = TransportError(.protocol, "the server's answer to the upgrade is not HTTP")
      return handle(.failedToConnect(error))
    }
    guard options.uri.scheme == .wss else { return handle(.lost) }
    let line = core.loop.takeError()
    handle(.failedToConnect(TransportError(.tls, TLSText.handshake(line: line, reason: reason))))
  }
}

// MARK: - Messages in

extension ClientConnection {
  /// Takes messages from `input` until it is used up or the ring is full.
  private func parse(_ input: mwc_input, times: ArrivalTime) {
    var input = unsafe input
    var event = unsafe mwc_event()
    let attempt = attempt
    // A message may end the connection, and with it the rest of the input.
    while attempt == self.attempt {
      guard writer.hasRoom else { return unsafe pause(with: input, times: times) }
      guard unsafe mwc_receiver_next(receiver, &input, &event) else { return }
      unsafe take(event, times: times)
    }
  }

  private func take(_ event: mwc_event, times: ArrivalTime) {
    switch unsafe Int(event.kind) {
    case MWC_WS_CLOSE:
      unsafe handle(.closeReceived(code: Int(event.code), reason: event.text))
    case MWC_WS_FAILED:
      var problem = unsafe event.problem.map { unsafe String(cString: $0) } ?? "protocol error"
      var code = TransportError.Code.protocol
      if unsafe event.code == UInt16(MWC_WS_TOO_BIG) {
        code = .tooBig
        problem += " of \(ByteCount(bytes: Int64(options.maxMessageBytes)))"
      }
      unsafe handle(.violated(TransportError(code, problem), code: Int(event.code)))
    default:
      unsafe writer.append(
        event.kind, .received, connection: number, times: times, bytes: event.bytes,
        count: event.length)
      if unsafe event.kind == UInt8(MWC_WS_PING) {
        unsafe answerPing(event.payload)
      }
    }
  }

  private func pause(with input: mwc_input, times: ArrivalTime) {
    unsafe leftover = Array(UnsafeBufferPointer(start: input.bytes, count: input.length))
    leftoverTimes = times
    isPaused = true
    link?.pause()
    writer.wait(self)
  }

  func roomIsBack() {
    guard isPaused else { return }
    isPaused = false
    var bytes = leftover
    leftover = []
    unsafe bytes.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress, bytes.count > 0 else { return }
      unsafe parse(mwc_input(bytes: start, length: bytes.count), times: leftoverTimes)
    }
    guard !isPaused else { return }
    if isLostAfterLeftover {
      isLostAfterLeftover = false
      return handle(.lost)
    }
    machine.noteTraffic(at: SystemClock.monotonicNanoseconds())
    link?.resume()
  }
}

// MARK: - Messages out

extension ClientConnection {
  /// Sends and records a message. `counts`: it is part of what `ClientSession.send` limits.
  func send(_ kind: Message.Kind, _ bytes: [UInt8], counts: Bool = true) {
    let messageBytes = counts ? bytes.count : 0
    guard link != nil, case .open = machine.phase else { return session.didSend(messageBytes) }
    writer.append(
      RingWriter.Event(
        times: .now, connection: number, direction: .sent, kind: kind, payload: bytes))
    write(frame(Int(kind.rawValue), bytes), messageBytes: messageBytes)
  }

  private func sendClose(code: Int, reason: String) {
    var out = [UInt8](repeating: 0, count: Int(MWC_WS_CONTROL_FRAME_MAX))
    let text = Array(reason.utf8)
    let length = unsafe text.withUnsafeBufferPointer { text in
      unsafe text.withMemoryRebound(to: CChar.self) { text in
        unsafe mwc_ws_build_close(&out, UInt32(code), text.baseAddress, text.count, Self.mask())
      }
    }
    unansweredPing = nil
    write(Array(out.prefix(length)), messageBytes: 0)
    writesEnded = true
  }

  /// A whole masked frame.
  private func frame(_ opcode: Int, _ payload: [UInt8]) -> [UInt8] {
    let length = mwc_ws_header_length(UInt64(payload.count), true) + payload.count
    return unsafe [UInt8](unsafeUninitializedCapacity: length) { out, count in
      count = unsafe mwc_ws_build_frame(
        out.baseAddress, UInt8(opcode), false, payload, payload.count, Self.mask())
    }
  }

  /// A fresh key; RFC 6455, section 5.3, wants it unpredictable.
  private static func mask() -> [UInt8] {
    let bits = UInt32.random(in: .min ... .max)
    return (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
  }

  private func write(_ frame: [UInt8], messageBytes: Int) {
    guard let link, !writesEnded else { return session.didSend(messageBytes) }
    outgoing.append((frame, messageBytes))
    if !link.isBlocked { flush() } else { link.wantWritable() }
  }

  private func answerPing(_ payload: [UInt8]) {
    guard link != nil, !writesEnded else { return }
    unansweredPing = payload
    flush()
  }

  private func flush() {
    guard let link else { return }
    while !outgoing.isEmpty, !link.isBlocked {
      let (frame, messageBytes) = outgoing.removeFirst()
      session.didSend(messageBytes)
      // A failure is followed by the news that the socket has closed.
      guard link.write(frame) else { break }
    }
    if let payload = unansweredPing, outgoing.isEmpty, !link.isBlocked, !writesEnded {
      unansweredPing = nil
      _ = link.write(frame(MWC_WS_PONG, payload))
    }
    if !outgoing.isEmpty || unansweredPing != nil { link.wantWritable() }
  }
}

extension mwc_event {
  /// The payload as an array: for the few that are answered or shown.
  var payload: [UInt8] { unsafe Array(UnsafeBufferPointer(start: bytes, count: length)) }
  var text: String { unsafe String(decoding: payload, as: UTF8.self) }
}
