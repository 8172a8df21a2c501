internal import MWCCore

/// What a message is to somebody who watches.
enum MessageRole {
  /// Readings of a host.
  case readings
  /// The welcome of a server.
  case connection
  case error
  case other

  init(_ readings: borrowing Readings) {
    let type = readings[.type]
    if type.isMissing {
      // The metrics dialect sends readings without a type.
      self = readings[.cpuUse].isMissing ? .other : .readings
    } else if type.isString("monitoring_data") {
      self = .readings
    } else if type.isString("connection") || type.isString("connection_message") {
      self = .connection
    } else if type.isString("error") || type.isString("error_message") {
      self = .error
    } else {
      self = .other
    }
  }
}

/// Remembers which connections speak the monitoring dialect. There the original client shows readings
/// and the welcome and nothing else, and so do we; elsewhere nothing is hidden.
struct DialectMemory {
  private var monitoring: Set<UInt32> = []
  /// The one noted last, so that a stream of readings does not ask the set each time.
  private var latest: UInt32?

  /// Whether a message is to be shown, after taking note of what it says about its connection.
  mutating func shows(
    _ role: MessageRole, _ readings: borrowing Readings, connection: UInt32
  ) -> Bool {
    switch role {
    case .readings:
      if !readings[.type].isMissing { note(connection) }
      return true
    case .connection:
      // `connection_message` is in the documentation only; the original does not show it.
      guard readings[.type].isString("connection") else { return !monitoring.contains(connection) }
      // Of the welcomes only that of the monitoring server has the time.
      if !readings[.timestamp].isMissing { note(connection) }
      return true
    case .error, .other:
      return !monitoring.contains(connection)
    }
  }

  private mutating func note(_ connection: UInt32) {
    guard latest != connection else { return }
    latest = connection
    monitoring.insert(connection)
  }
}
