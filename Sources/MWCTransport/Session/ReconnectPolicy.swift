/// When to try again, and how long to wait before it.
package struct ReconnectPolicy: Hashable, Sendable {
  /// False: the session ends with the first failure or close.
  package var isEnabled = true
  /// The first wait; it doubles with each failure in a row.
  package var interval: Duration = .seconds(5)
  /// No wait grows beyond this (nor below `interval`, if that is longer).
  package var maximumInterval: Duration = .seconds(60)
  /// Attempts without success in a row after which the session ends: 3 means three attempts with two
  /// waits between them. Nil is unlimited.
  package var maximumAttempts: Int?

  package init() {}

  /// The wait after the `failures`-th failure in a row (from 1; 0 after a connection that stood).
  /// `jitter` is random, 0 ..< 1: it spreads the wait by a quarter to both sides, so that many clients
  /// do not come back all at once.
  func wait(afterFailures failures: Int, jitter: Double) -> Duration {
    let limit = max(interval, maximumInterval)
    var wait = interval
    for _ in 1..<max(failures, 1) where wait < limit { wait *= 2 }
    return min(wait, limit) * (0.75 + 0.5 * jitter)
  }
}
