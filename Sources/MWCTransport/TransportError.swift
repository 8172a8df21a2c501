/// What went wrong between us and a peer: a code for programs, one sentence for a person.
///
/// The sentence names the reason and, where there is something to do about it, says what. It never
/// contains credentials, and it does not repeat the address: whoever shows it knows that.
package struct TransportError: Error, Hashable, Sendable {
  package let code: Code
  /// One sentence without a full stop.
  package let message: String
  /// The HTTP status, when the server answered with another one than 101.
  package let status: Int?
  /// The system's error number behind it, if there is one.
  package let systemError: Int32?

  package init(
    _ code: Code, _ message: String, status: Int? = nil, systemError: Int32? = nil
  ) {
    self.code = code
    self.message = message
    self.status = status
    self.systemError = systemError
  }
}

extension TransportError {
  /// The kinds of trouble. Raw values are what error events of a capture carry as `code`.
  package struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }

    /// An address or an option that cannot be used as it is.
    package static let invalid = Code(rawValue: "invalid")
    /// Nobody listens there, or the network says it cannot be reached.
    package static let refused = Code(rawValue: "refused")
    /// The host name has no address.
    package static let dns = Code(rawValue: "dns")
    /// The TLS handshake failed, or the peer's certificate is not to be trusted.
    package static let tls = Code(rawValue: "tls")
    /// The server answered the upgrade with another status than 101.
    package static let http = Code(rawValue: "http")
    /// The server answered 401 or 403.
    package static let authentication = Code(rawValue: "authentication")
    /// No connection, or no pong, within the time allowed.
    package static let timeout = Code(rawValue: "timeout")
    /// The peer does not speak WebSocket as it should.
    package static let `protocol` = Code(rawValue: "protocol")
    /// A message above the limit.
    package static let tooBig = Code(rawValue: "too-big")
    /// The connection ended without a closing handshake.
    package static let lost = Code(rawValue: "lost")
    /// The server closed the connection and said that something is wrong.
    package static let closed = Code(rawValue: "closed")
    /// A listening address is taken or not ours.
    package static let address = Code(rawValue: "address")
    /// The system refused something: memory, descriptors, threads.
    package static let system = Code(rawValue: "system")
  }
}

extension TransportError: CustomStringConvertible {
  package var description: String { message }
}
