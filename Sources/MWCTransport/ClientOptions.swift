package import MWCCore

/// How to connect to one stream and how to stay connected.
package struct ClientOptions: Sendable {
  package var uri: WebSocketURI
  /// More request headers, in this order. They may carry secrets: nothing logs or stores them.
  package var headers: [Header] = []
  /// Subprotocols to offer, separated by commas.
  package var subprotocol: String?
  /// Whether to offer permessage-deflate.
  package var offersCompression = true
  /// Largest message accepted; a larger one closes the connection with 1009.
  package var maxMessageBytes = 64 << 20
  /// Time between our pings; nil sends none.
  package var pingInterval: Duration? = .seconds(30)
  /// How long after a ping anything at all must have come from the server.
  package var pingTimeout: Duration = .seconds(10)
  /// Time for name lookup, connection, TLS and upgrade together.
  package var connectTimeout: Duration = .seconds(10)
  /// How long a closing handshake may take.
  package var closeTimeout: Duration = .seconds(2)
  package var tls = TLSOptions()
  package var reconnect = ReconnectPolicy()
  /// Messages sent after each successful connect, before anything else.
  package var greetings: [Greeting] = []

  package init(uri: WebSocketURI) { self.uri = uri }

  package struct Header: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A message to send when a connection stands, such as a subscription.
  package struct Greeting: Hashable, Sendable {
    /// `.text` or `.binary`.
    package var kind: Message.Kind
    package var bytes: [UInt8]

    package init(kind: Message.Kind = .text, bytes: [UInt8]) {
      self.kind = kind
      self.bytes = bytes
    }
  }
}

/// TLS on the client's side. The defaults verify the server against the system's authorities.
package struct TLSOptions: Hashable, Sendable {
  /// PEM file of authorities to trust instead of the system's.
  package var caFile: String?
  /// PEM file with our certificate, when the server asks for one.
  package var certificateFile: String?
  /// PEM file with the key of that certificate.
  package var keyFile: String?
  /// False accepts any certificate: the connection is encrypted, but to whom is unknown.
  package var verifies = true

  package init() {}
}
