import Glibc
internal import MWCCore

/// A thread of the system, for work that blocks.
final class SystemThread: Sendable {
  private let handle: pthread_t
  private let isJoined = Guarded(false)

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread that runs `body`. It is to be joined or detached.
  init(_ body: @escaping @Sendable () -> Void) throws(TransportError) {
    var handle = pthread_t()
    let argument = unsafe Unmanaged.passRetained(Body(body))
    let result = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        // Signals are for the threads that wait for them.
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
        unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    guard result == 0 else {
      unsafe argument.release()
      throw TransportError(
        .system, "the system refuses another thread: \(SystemText.describe(result))",
        systemError: result)
    }
    self.handle = handle
  }

  /// Waits for the thread's end. A later call returns when the first does.
  func join() {
    isJoined.withLock { isJoined in
      if !isJoined { pthread_join(handle, nil) }
      isJoined = true
    }
  }

  /// Lets it run and end by itself.
  func detach() { pthread_detach(handle) }
}
