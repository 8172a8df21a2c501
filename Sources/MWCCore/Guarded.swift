internal import Glibc

/// A value that one thread at a time may touch.
///
/// The same as `Mutex` of the standard library, on a lock of the system's: the thread sanitizer knows
/// that one and reports nothing where there is nothing. (It cannot look into the library's, and took
/// every use of it for a race.)
///
/// Sendable whatever the value is: the value was handed over when this was made, and nobody gets at it
/// without holding the lock. The pointer is to that lock, which lives as long as the object.
@safe package final class Guarded<Value: ~Copyable>: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  package init(_ value: consuming sending Value) {
    self.value = value
    unsafe lock = .allocate(capacity: 1)
    unsafe lock.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(lock, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(lock)
    unsafe lock.deallocate()
  }

  /// Calls `body` with the value while no other thread has it. Not to be called from within itself.
  package func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}
