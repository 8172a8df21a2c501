package import MWCCore

/// Where and how to serve. The defaults let nobody in from outside this machine.
package struct ServerOptions: Sendable {
  package var endpoint = Endpoint.tcp(host: "127.0.0.1", port: 0)
  /// Clients beyond this are told "Server at capacity" (1008) and let go.
  package var maxClients = 1000
  /// Time for TLS and a complete upgrade request.
  package var handshakeTimeout: Duration = .seconds(10)
  /// Largest message accepted from a client; a larger one closes with 1009.
  package var maxMessageBytes = 1 << 20
  /// Bytes that may wait for a client that reads too slowly before it is closed with 1008.
  package var maxQueuedBytes = 8 << 20
  /// Time between pings to each client; nil sends none.
  package var pingInterval: Duration? = .seconds(20)
  /// How long after a ping anything at all must have come from the client.
  package var pingTimeout: Duration = .seconds(20)
  /// How long a closing handshake may take.
  package var closeTimeout: Duration = .seconds(2)
  /// Whether to agree to permessage-deflate.
  package var allowsCompression = true
  /// zlib level for what is sent compressed: 1 costs a fifth of 6 and gives nearly its size.
  package var compressionLevel = 1
  /// Present: serve TLS.
  package var tls: ServerTLS?

  package init() {}

  package enum Endpoint: Hashable, Sendable {
    /// Host name or address to bind, and a port; 0 takes any free one.
    case tcp(host: String, port: UInt16)
    /// Path of a unix socket. A stale socket there is replaced, anything else is not.
    case unix(path: String)
  }
}

/// TLS on the server's side.
package struct ServerTLS: Hashable, Sendable {
  /// PEM file with the certificate and its chain.
  package var certificateFile: String
  package var keyFile: String
  /// PEM file of authorities: clients must present a certificate issued by one of them.
  package var clientCAFile: String?

  package init(certificateFile: String, keyFile: String, clientCAFile: String? = nil) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.clientCAFile = clientCAFile
  }
}

/// Names a client of a server, never used twice in a process.
package struct ClientID: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt64
  package var description: String { String(rawValue) }
}

/// What a client asked for when it connected.
package struct ServerRequest: Hashable, Sendable {
  /// Path of the request, as sent.
  package let path: String
  /// What followed the question mark, as sent.
  package let query: String?
  /// Header lines in order of arrival.
  package let headers: [ClientOptions.Header]
  /// `127.0.0.1:50412`, `[::1]:50412`, or `unix`.
  package let peer: String

  /// The value of the first header called `name`, in any case.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// Who wants to know what clients do. Called on the loop's thread: return soon, and do not call back
/// into anything that waits for the loop.
package protocol ServerHandler: Sendable {
  /// A client has completed its upgrade; messages sent to it from here on arrive in order.
  func clientConnected(_ id: ClientID, request: ServerRequest)
  /// A message (text or binary) of a client, valid during the call.
  func received(_ id: ClientID, _ message: Message)
  /// A client has gone. `code` is the peer's close code, 1005 when it gave none, 1006 when the
  /// connection was lost.
  func clientClosed(_ id: ClientID, code: Int, reason: String)
}
