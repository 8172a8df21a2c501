/// The life of one client session without I/O: what happened and what time it is go in, what is to be
/// done comes out.
///
/// ```
///              ┌────────────── wait over ──────────────┐
///              ▼                                       │
///   idle ─► connecting ──opened──► open ──┐            │
///              │                    │     │ closing    │
///              │ failed        lost │     ▼            │
///              │                    │  closing ──gone──┤
///              └────────────────────┴──────────────► waiting ─► ended
/// ```
///
/// A failure is fatal when nothing was ever received from that address and trying again would only
/// repeat it: a refused login, a certificate nobody trusts, an answer that is no WebSocket. Whoever
/// mistypes an address shall hear of it; whoever records for days shall not be stopped by a proxy that
/// answers 403 for a minute.
struct SessionMachine {
  enum Phase: Equatable {
    case idle
    case connecting(deadline: Int64)
    case open(nextPing: Int64?, pongDeadline: Int64?)
    /// A closing handshake is under way; whatever happens, it is over at the deadline.
    case closing(deadline: Int64, then: Next)
    case waiting(until: Int64)
    case ended
  }

  /// What follows when the connection is gone.
  enum Next: Equatable {
    case stop
    /// `failed` nil: the server has closed normally.
    case retry(closed: ServerClose?, failed: TransportError?)
  }

  struct ServerClose: Equatable {
    var code: Int
    var reason: String
  }

  enum Input {
    case start
    /// The upgrade is complete.
    case opened
    /// No connection came about.
    case failedToConnect(TransportError)
    /// The server has sent a close frame.
    case closeReceived(code: Int, reason: String)
    /// The server broke the protocol or a limit; `code` is what to close with.
    case violated(TransportError, code: Int)
    /// The socket is gone.
    case lost
    /// A deadline may have passed.
    case time
    case stop
  }

  enum Action: Equatable {
    case connect
    case ping
    case sendClose(code: Int, reason: String)
    /// Give the socket up; no more input comes from it.
    case drop
    case state(SessionState)
    /// An error state between two others, for the record only.
    case errorState
    case recordOpened
    case recordClosed(code: Int, reason: String, by: String)
    case recordError(TransportError)
    /// Messages may be missing since the connection was lost so many nanoseconds ago.
    case recordGap(Int64)
  }

  private(set) var phase = Phase.idle
  /// Failures in a row.
  private(set) var failures = 0
  private var wasEverOpen = false
  /// When the last connection ended; nil before the first.
  private var goneSince: Int64?
  private var lastHeard: Int64 = 0
  private let options: ClientOptions
  private let jitter: () -> Double

  /// `jitter` gives random numbers, 0 ..< 1.
  init(options: ClientOptions, jitter: @escaping () -> Double) {
    self.options = options
    self.jitter = jitter
  }

  /// When to come back with `.time` at the latest; nil: only other things can happen.
  var deadline: Int64? {
    switch phase {
    case .idle, .ended: nil
    case .connecting(let deadline), .closing(let deadline, _), .waiting(let deadline): deadline
    case .open(let nextPing, let pongDeadline):
      if let nextPing, let pongDeadline {
        min(nextPing, pongDeadline)
      } else {
        nextPing ?? pongDeadline
      }
    }
  }

  /// Any byte from the server shows that it lives.
  mutating func noteTraffic(at now: Int64) { lastHeard = now }

  mutating func handle(_ input: Input, at now: Int64) -> [Action] {
    switch (phase, input) {
    case (.idle, .start): return connect(at: now)
    case (.idle, .stop): return end(.stopped)
    case (.connecting, .opened): return open(at: now)
    case (.connecting, .failedToConnect(let error)):
      return failed(error, at: now, isShownAsError: Self.isShownAsError(error))
    case (.connecting, .lost):
      return failed(
        TransportError(.lost, "the server ended the connection before it answered"), at: now,
        isShownAsError: true)
    case (.connecting(let deadline), .time) where now >= deadline:
      let error = TransportError(
        .timeout, "no connection within \(Self.seconds(options.connectTimeout))")
      return [.drop] + failed(error, at: now, isShownAsError: true)
    case (.connecting, .stop): return [.drop] + end(.stopped)
    case (.open, _): return whileOpen(input, at: now)
    case (.closing(_, let next), .closeReceived(let code, let reason)):
      // The answer to our close frame: the handshake is complete.
      if next == .stop {
        return [.recordClosed(code: code, reason: reason, by: "client"), .drop] + end(.stopped)
      }
      return []
    case (.closing(_, let next), .lost): return gone(next, at: now)
    case (.closing(let deadline, let next), .time) where now >= deadline:
      return [.drop] + gone(next, at: now)
    case (.closing(_, let next), .stop):
      // Asked twice, or on the way to another attempt: no more waiting.
      return next == .stop
        ? [.recordClosed(code: 1006, reason: "", by: "client"), .drop] + end(.stopped)
        : [.drop] + end(.stopped)
    case (.waiting(let until), .time) where now >= until: return connect(at: now)
    case (.waiting, .stop): return end(.stopped)
    default: return []
    }
  }
}

// MARK: - Connecting

extension SessionMachine {
  private mutating func connect(at now: Int64) -> [Action] {
    phase = .connecting(deadline: now + options.connectTimeout.nanoseconds)
    return [.state(.connecting), .connect]
  }

  private mutating func open(at now: Int64) -> [Action] {
    phase = .open(
      nextPing: options.pingInterval.map { now + $0.nanoseconds }, pongDeadline: nil)
    failures = 0
    wasEverOpen = true
    lastHeard = now
    var actions: [Action] = [.state(.connected)]
    if let since = goneSince { actions.append(.recordGap(now - since)) }
    goneSince = nil
    return actions + [.recordOpened]
  }

  /// The source system shows these as an error before it waits; it does not for HTTP answers.
  private static func isShownAsError(_ error: TransportError) -> Bool { error.status == nil }

  private mutating func failed(
    _ error: TransportError, at now: Int64, isShownAsError: Bool
  ) -> [Action] {
    failures += 1
    let actions: [Action] = [.recordError(error)] + (isShownAsError ? [.errorState] : [])
    return actions + retry(closed: nil, failed: error, at: now)
  }

  private mutating func retry(
    closed: ServerClose?, failed error: TransportError?, at now: Int64
  ) -> [Action] {
    let policy = options.reconnect
    let isUsedUp = policy.maximumAttempts.map { failures >= $0 } ?? false
    let isFatal = !wasEverOpen && (error?.repeatsItself ?? false)
    guard policy.isEnabled, !isUsedUp, !isFatal else {
      if let closed { return end(.serverClosed(code: closed.code, reason: closed.reason)) }
      return end(error.map { .failed($0) } ?? .stopped)
    }
    let wait = policy.wait(afterFailures: failures, jitter: jitter())
    phase = .waiting(until: now + wait.nanoseconds)
    return [.state(.reconnecting(attempt: failures + 1, wait: wait))]
  }

  private mutating func end(_ reason: SessionEnd) -> [Action] {
    phase = .ended
    return [.state(.ended(reason))]
  }
}

// MARK: - Open

extension SessionMachine {
  private mutating func whileOpen(_ input: Input, at now: Int64) -> [Action] {
    switch input {
    case .closeReceived(let code, let reason):
      let isNormal = code == 1000 || code == 1001
      let error =
        isNormal ? nil : TransportError(.closed, Self.sentence(code: code, reason: reason))
      let next = Next.retry(closed: ServerClose(code: code, reason: reason), failed: error)
      phase = .closing(deadline: now + options.closeTimeout.nanoseconds, then: next)
      goneSince = now
      return [.recordClosed(code: code, reason: reason, by: "server")]
        + (error.map { [.recordError($0)] } ?? [])
        // The server's code goes back to it; one that may not be sent gives an empty close frame.
        + [.sendClose(code: code, reason: "")]
    case .violated(let error, let code):
      phase = .closing(
        deadline: now + options.closeTimeout.nanoseconds,
        then: .retry(closed: nil, failed: error))
      goneSince = now
      return [
        .recordError(error), .recordClosed(code: code, reason: error.message, by: "client"),
        .sendClose(code: code, reason: error.message),
      ]
    case .lost:
      let error = TransportError(.lost, "the connection was lost without a closing handshake")
      goneSince = now
      return [.recordError(error), .recordClosed(code: 1006, reason: "", by: "network")]
        + retry(closed: nil, failed: error, at: now)
    case .time: return keepAlive(at: now)
    case .stop:
      phase = .closing(deadline: now + options.closeTimeout.nanoseconds, then: .stop)
      return [.sendClose(code: 1000, reason: "")]
    case .start, .opened, .failedToConnect: return []
    }
  }

  private mutating func keepAlive(at now: Int64) -> [Action] {
    guard case .open(var nextPing, var pongDeadline) = phase else { return [] }
    var actions: [Action] = []
    if let deadline = pongDeadline, now >= deadline {
      // The ping was sent a timeout before its deadline; anything since then counts as an answer.
      guard lastHeard >= deadline - options.pingTimeout.nanoseconds else {
        let error = TransportError(
          .timeout, "no answer to a ping within \(Self.seconds(options.pingTimeout))")
        goneSince = now
        return [
          .recordError(error), .sendClose(code: 1000, reason: "ping timeout"),
          .recordClosed(code: 1006, reason: "ping timeout", by: "client"), .drop,
        ] + retry(closed: nil, failed: error, at: now)
      }
      pongDeadline = nil
    }
    if let due = nextPing, let interval = options.pingInterval, now >= due {
      actions.append(.ping)
      nextPing = now + interval.nanoseconds
      if pongDeadline == nil { pongDeadline = now + options.pingTimeout.nanoseconds }
    }
    phase = .open(nextPing: nextPing, pongDeadline: pongDeadline)
    return actions
  }

  /// The connection has ended, in whatever way, after its closing handshake began.
  private mutating func gone(_ next: Next, at now: Int64) -> [Action] {
    switch next {
    case .stop:
      return [.recordClosed(code: 1006, reason: "", by: "client")] + end(.stopped)
    case .retry(let closed, let error):
      return retry(closed: closed, failed: error, at: now)
    }
  }

  private static func sentence(code: Int, reason: String) -> String {
    let how = code == 1005 ? "without a code" : "with \(code)"
    return "the server closed the connection \(how)" + (reason.isEmpty ? "" : " (\(reason))")
  }

  private static func seconds(_ duration: Duration) -> String {
    let seconds = Double(duration.nanoseconds) / 1e9
    return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
  }
}

extension TransportError {
  /// Whether another attempt at the same address can only fail in the same way.
  var repeatsItself: Bool {
    switch code {
    case .invalid, .authentication, .protocol: true
    // 5xx is the server's trouble and may pass; 408, 425 and 429 ask for another try.
    case .http: status.map { $0 < 500 && ![408, 425, 429].contains($0) } ?? true
    case .tls: isCertificate
    default: false
    }
  }

  private var isCertificate: Bool { message.contains("certificate") }
}

extension Duration {
  /// Whole nanoseconds; at the ends of the range when it does not fit.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflows { return seconds < 0 ? .min / 4 : .max / 4 }
    return min(max(product + attoseconds / 1_000_000_000, .min / 4), .max / 4)
  }
}
