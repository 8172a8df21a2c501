/// Where a session stands.
package enum SessionState: Hashable, Sendable {
  case connecting
  case connected
  /// Waiting for `wait` before attempt number `attempt` since the last success (from 1).
  case reconnecting(attempt: Int, wait: Duration)
  /// Nothing is connected and nothing is tried: before the start, or while the end is prepared.
  case disconnected
  /// Over for good.
  case ended(SessionEnd)

  /// The name in state events of a capture.
  package var name: String {
    switch self {
    case .connecting: "connecting"
    case .connected: "connected"
    case .reconnecting: "reconnecting"
    case .disconnected: "disconnected"
    case .ended(.failed): "error"
    case .ended: "disconnected"
    }
  }
}

/// Why a session is over.
package enum SessionEnd: Hashable, Sendable {
  /// We closed it.
  case stopped
  /// The server closed it with a close frame and reconnecting is off.
  case serverClosed(code: Int, reason: String)
  /// Attempts are used up, or trying again would be useless.
  case failed(TransportError)
}
