package import MWCCore

/// A message and its place in the recording.
package struct PlacedMessage: ~Escapable {
  package let message: Message
  /// Nanoseconds from the start of the recording, by the monotonic clock: the wall clock may have been
  /// set while we recorded, and a replay that followed it would stand still or race. Not negative.
  package let position: Int64

  @_lifetime(copy message)
  package init(_ message: Message, position: Int64) {
    self.message = message
    self.position = max(0, position)
  }
}

/// Recorded messages in the order in which they arrived.
package protocol MessageSource: ~Copyable {
  associatedtype Failure: Error

  /// The next message, a view that the next call ends; nil after the last.
  @_lifetime(&self)
  mutating func next() throws(Failure) -> PlacedMessage?

  /// Goes on with the first message at or after `position`. A source that cannot go back is only
  /// asked to go forward.
  mutating func seek(to position: Int64) throws(Failure)
}

/// Where messages go when they are due.
package protocol MessageSink: ~Copyable {
  associatedtype Failure: Error

  /// Takes a message, which may gather in a buffer.
  mutating func deliver(_ message: Message) throws(Failure)

  /// Hands over what has gathered; called before anything is waited for, and at the end.
  mutating func flush() throws(Failure)
}

/// Which messages are played.
package struct MessageSelection: Sendable {
  /// Only this connection; nil: all.
  package var connection: UInt32?
  /// Whether messages that went to the server are played too.
  package var includesSent = false
  /// Whether control frames and events are played too.
  package var includesEvents = false

  package init(
    connection: UInt32? = nil, includesSent: Bool = false, includesEvents: Bool = false
  ) {
    self.connection = connection
    self.includesSent = includesSent
    self.includesEvents = includesEvents
  }

  package func accepts(_ message: borrowing Message) -> Bool {
    if let connection, message.connection != connection { return false }
    if !includesEvents, !message.kind.isData { return false }
    return includesSent || message.direction == .received
  }
}
