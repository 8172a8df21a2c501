/// The counters of a session as the source system names them.
package struct SessionStatistics: Sendable {
  /// Something that went wrong during the session.
  package struct Failure: Sendable {
    /// Local time, ISO 8601.
    package var timestamp: String
    package var error: String
    /// The kind of failure: a class name in the source system, an error code in ours.
    package var type: String

    package init(timestamp: String, error: String, type: String) {
      self.timestamp = timestamp
      self.error = error
      self.type = type
    }
  }

  package var messagesReceived = 0
  package var messagesSent = 0
  /// Bytes of payload, before compression.
  package var bytesReceived = 0
  package var bytesSent = 0
  /// Seconds since the latest connection was made; nil before the first.
  package var uptimeSeconds: Double?
  package var reconnectAttempts = 0
  package var errorCount = 0
  /// The last five failures, oldest first.
  package var recentErrors: [Failure] = []
  package var currentState = "disconnected"
  /// Without credentials.
  package var uri = ""

  package init() {}
}
