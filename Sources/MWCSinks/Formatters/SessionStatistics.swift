package import MWCCore

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

extension SessionStatistics {
  /// One object with the members and the order of the source system.
  package func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("messages_received", messagesReceived)
    json.member("messages_sent", messagesSent)
    json.member("bytes_received", bytesReceived)
    json.member("bytes_sent", bytesSent)
    json.key("uptime_seconds")
    if let uptimeSeconds { json.number(uptimeSeconds) } else { json.null() }
    json.member("reconnect_attempts", reconnectAttempts)
    json.member("error_count", errorCount)
    json.key("recent_errors")
    json.beginArray()
    for failure in recentErrors {
      json.beginObject()
      json.member("timestamp", failure.timestamp)
      json.member("error", failure.error)
      json.member("type", failure.type)
      json.endObject()
    }
    json.endArray()
    json.member("current_state", currentState)
    json.member("uri", uri)
    json.endObject()
  }
}
