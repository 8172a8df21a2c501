internal import Glibc
package import Logging
package import MWCCore
internal import Synchronization

/// One thread that owns every connection: clients, listeners and what they accepted.
///
/// The thread waits in `poll` and does all reading, parsing and inflating. Other threads leave work in
/// a queue and wake it; what arrived leaves through rings of batches. It is a thread of its own, since
/// it blocks, which the threads of Swift's pool must not.
package final class EventLoop: Sendable {
  let shared: LoopShared
  private let thread: SystemThread

  /// Starts the thread.
  package init(logger: Logger) throws(TransportError) {
    shared = LoopShared(logger: logger)
    let shared = shared
    thread = try SystemThread { LoopCore.run(shared) }
    guard shared.waitUntilStarted() else {
      throw TransportError(
        .system, "the event loop could not be set up: out of memory or file descriptors")
    }
  }

  deinit { stop() }

  /// Connects to a stream and stays connected, as `options` say. Messages and events go to `ring`
  /// under the number `connection`; several sessions of a loop may share a ring. `onState` is called
  /// on the loop's thread.
  package func connect(
    _ options: ClientOptions, connection: UInt32, ring: BatchRing,
    onState: @escaping @Sendable (SessionState) -> Void
  ) throws(TransportError) -> ClientSession {
    try options.validate()
    let session = ClientSession(shared: shared)
    let isAccepted = shared.enqueue { core in
      core.open(options, connection: connection, ring: ring, session: session, onState: onState)
    }
    guard isAccepted else { throw TransportError(.invalid, "the event loop has been stopped") }
    return session
  }

  /// Serves WebSocket clients. Returns when the address is bound.
  package func listen(
    _ options: ServerOptions, handler: any ServerHandler
  ) throws(TransportError) -> WebSocketServer {
    try options.tls?.validate()
    let socket = try ListeningSocket(options.endpoint)
    let server = WebSocketServer(shared: shared, options: options, port: socket.port)
    let outcome = Outcome()
    let isAccepted = shared.enqueue { core in
      outcome.set(core.serve(server, options: options, socket: socket, handler: handler))
    }
    guard isAccepted else {
      socket.close()
      throw TransportError(.invalid, "the event loop has been stopped")
    }
    if let error = outcome.wait() { throw error }
    return server
  }

  /// Poll rounds so far: a loop that has nothing to do makes none.
  package var roundCount: Int { shared.rounds.load(ordering: .relaxed) }

  /// Closes every connection with a close frame, waits for the answers as long as their options
  /// allow, ends the thread and finishes the rings. Calling it again does nothing. Not to be called
  /// on the loop's own thread.
  package func stop() {
    shared.stop()
    thread.join()
  }
}

/// An error, or none, that another thread waits for.
private final class Outcome: Sendable {
  private let error = Guarded<TransportError?>(nil)
  private let place = Parker()

  func set(_ error: TransportError?) {
    self.error.withLock { $0 = error }
    place.wake()
  }

  func wait() -> TransportError? {
    place.sleep()
    return error.withLock { $0 }
  }
}

/// What the loop's thread shares with all others: the queue of work and the bell.
final class LoopShared: Sendable {
  typealias Command = @Sendable (LoopCore) -> Void

  let logger: Logger
  private let state = Guarded(State())
  /// The bell has been rung and the loop has not come round to look yet.
  private let isRung = Atomic<Bool>(false)
  private let started = Parker()
  let rounds = Atomic<Int>(0)
  /// The thread of the loop, 0 before it runs.
  private let threadID = Atomic<UInt>(0)

  /// The C loop. Sendable because only `wake` is called on it here, which any thread may.
  private struct Bell: @unchecked Sendable {
    let loop: LoopHandle
  }

  private struct State {
    var bell: Bell?
    var commands: [Command] = []
    var isStopping = false
    var isOver = false
  }

  init(logger: Logger) { self.logger = logger }

  /// Whether the caller is on the loop's thread.
  var isOnLoop: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Leaves work for the loop. False: it has stopped and the work will not be done.
  func enqueue(_ command: @escaping Command) -> Bool {
    let isAccepted = state.withLock { state in
      guard !state.isOver, !state.isStopping else { return false }
      state.commands.append(command)
      return true
    }
    if isAccepted { wake() }
    return isAccepted
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    wake()
  }

  /// Makes the loop look for work.
  func wake() {
    guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
    // Under the lock, so that the loop cannot be destroyed meanwhile.
    state.withLock { state in
      state.bell?.loop.wake()
    }
  }

  func waitUntilStarted() -> Bool {
    started.sleep()
    return state.withLock { $0.bell != nil || $0.isStopping }
  }

  // MARK: On the loop's thread

  func begin(_ loop: LoopHandle?) {
    threadID.store(UInt(pthread_self()), ordering: .relaxed)
    state.withLock { state in
      state.bell = loop.map { Bell(loop: $0) }
      state.isOver = loop == nil
    }
    started.wake()
  }

  func takeCommands() -> (commands: [Command], isStopping: Bool) {
    isRung.store(false, ordering: .sequentiallyConsistent)
    return state.withLock { state in
      let commands = state.commands
      state.commands.removeAll()
      return (commands, state.isStopping)
    }
  }

  func end() {
    let left = state.withLock { state in
      state.bell = nil
      state.isOver = true
      let left = state.commands
      state.commands.removeAll()
      return left
    }
    _ = left
  }
}
