import Testing

@testable import MWCTransport

@Suite struct WebSocketURITests {
  @Test(arguments: [
    ("ws://localhost:8765", "localhost", 8765, "/", "localhost:8765"),
    ("ws://localhost", "localhost", 80, "/", "localhost"),
    ("wss://host.example/a/b?c=d&e", "host.example", 443, "/a/b?c=d&e", "host.example"),
    ("wss://host:80", "host", 80, "/", "host:80"),
    ("ws://[::1]:9/x", "::1", 9, "/x", "[::1]:9"),
    ("WS://Host:/", "Host", 80, "/", "Host"),
    ("ws://h?q", "h", 80, "/?q", "h"),
    ("ws://u:p@h:1/", "h", 1, "/", "h:1"),
  ])
  func partsAreFound(
    text: String, host: String, port: Int, target: String, header: String
  ) throws {
    let uri = try WebSocketURI(text)
    #expect(uri.host == host)
    #expect(Int(uri.port) == port)
    #expect(uri.target == target)
    #expect(uri.hostHeader == header)
    #expect(uri.socketPath == nil)
  }

  @Test func unixSocketsHaveAPathAndATarget() throws {
    let plain = try WebSocketURI("ws+unix:///run/app.sock")
    #expect(plain.socketPath == "/run/app.sock")
    #expect(plain.target == "/")
    let other = try WebSocketURI("ws+unix:///run/a%20b.sock:/path?q=1")
    #expect(other.socketPath == "/run/a b.sock")
    #expect(other.target == "/path?q=1")
    #expect(other.hostHeader == "localhost")
  }

  @Test(arguments: [
    "ws://user:secret@host/path?token=secret&room=secret", "wss://secret@host/?secret",
    "ws+unix:///s.sock:/p?key=secret",
  ])
  func descriptionsHoldNoSecret(text: String) throws {
    let shown = try WebSocketURI(text).description
    #expect(!shown.contains("secret"), "\(shown)")
    #expect(shown.contains("host") || shown.contains("/s.sock"))
  }

  @Test func userInfoBecomesCredentials() throws {
    #expect(try WebSocketURI("ws://me:p%40ss@host").credentials == "me:p@ss")
    #expect(try WebSocketURI("ws://host").credentials == nil)
  }

  @Test(arguments: [
    ("http://host", "'http' is not a WebSocket scheme: use ws, wss or ws+unix"),
    ("host:8765", "a WebSocket address begins with ws://, wss:// or ws+unix://"),
    ("", "a WebSocket address begins with ws://, wss:// or ws+unix://"),
    ("ws://", "the address names no host"),
    ("ws://host:99999", "port '99999' is not a number from 1 to 65535"),
    ("ws://host:0", "port '0' is not a number from 1 to 65535"),
    ("ws://host:8x", "port '8x' is not a number from 1 to 65535"),
    ("ws://::1/", "an IPv6 address stands in brackets, like ws://[::1]:8765"),
    ("ws://[::1", "the IPv6 address is not closed by ']'"),
    ("ws://[::1]x", "only ':' and a port may follow an IPv6 address"),
    ("ws://[host]", "'host' is not an IPv6 address"),
    ("ws://host/a#b", "a WebSocket address has no fragment: write '#' as %23"),
    ("ws://ho<st", "'ho<st' is not a host name"),
    (
      "ws://host/\r\nEvil: 1",
      "a WebSocket address is plain ASCII: write other characters and spaces percent-encoded"
    ),
    (
      "ws+unix://relative",
      "a unix socket is named by an absolute path, like ws+unix:///run/app.sock"
    ),
    ("ws+unix:///a%0", "'%' is not followed by two hexadecimal digits"),
    ("ws+unix:///a%00", "'%' is not followed by two hexadecimal digits"),
  ])
  func whatIsWrongIsSaid(text: String, message: String) {
    let error = #expect(throws: TransportError.self) { try WebSocketURI(text) }
    #expect(error?.message == message)
    #expect(error?.code == .invalid)
  }

  @Test func lengthsAreBounded() {
    #expect(throws: TransportError.self) {
      try WebSocketURI("ws://host/" + String(repeating: "a", count: 8000))
    }
    #expect(throws: TransportError.self) {
      try WebSocketURI("ws+unix:///" + String(repeating: "a", count: 107))
    }
    #expect(throws: TransportError.self) {
      try WebSocketURI("ws://" + String(repeating: "a", count: 254))
    }
  }
}

@Suite struct ClientRequestTests {
  private let key = [UInt8](0..<16)

  @Test func theRequestIsInTheOrderOfTheSourceSystem() throws {
    let request = ClientRequest(
      ClientOptions(uri: try WebSocketURI("ws://localhost:8765/p?q")), random: key)
    #expect(
      request.head == """
        GET /p?q HTTP/1.1\r
        Host: localhost:8765\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
        User-Agent: mwc\r
        \r

        """)
  }

  @Test func headersOfTheUserComeLastAndReplaceOurs() throws {
    var options = ClientOptions(uri: try WebSocketURI("ws://me:pw@h"))
    options.offersCompression = false
    options.subprotocol = "a, b"
    options.headers = [
      ClientOptions.Header(name: "user-agent", value: "x"),
      ClientOptions.Header(name: "X-Token", value: "t"),
    ]
    let head = ClientRequest(options, random: key).head
    #expect(!head.contains("Sec-WebSocket-Extensions"))
    #expect(!head.contains("User-Agent: mwc"))
    #expect(head.contains("Sec-WebSocket-Protocol: a, b\r\n"))
    #expect(head.contains("Authorization: Basic bWU6cHc=\r\n"))
    #expect(head.hasSuffix("user-agent: x\r\nX-Token: t\r\n\r\n"))
  }

  @Test(arguments: [
    ("X-Evil", "a\r\nB: c"), ("X Evil", "a"), ("", "a"), ("Upgrade", "h2c"),
    ("Sec-WebSocket-Key", "x"), ("X", "\u{0}"),
  ])
  func headersThatWouldBreakTheRequestAreRefused(name: String, value: String) throws {
    var options = ClientOptions(uri: try WebSocketURI("ws://h"))
    options.headers = [ClientOptions.Header(name: name, value: value)]
    let error = #expect(throws: TransportError.self) { try ClientRequest.validate(options) }
    #expect(error?.code == .invalid)
  }

  @Test func requestsThatDoNotFitAreRefused() throws {
    var options = ClientOptions(uri: try WebSocketURI("ws://h"))
    options.headers = [
      ClientOptions.Header(name: "X", value: String(repeating: "v", count: 40_000))
    ]
    #expect(throws: TransportError.self) { try ClientRequest.validate(options) }
  }

  @Test(arguments: ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foobar": "Zm9vYmFy"])
  func base64IsRight(plain: String, encoded: String) {
    #expect(ClientRequest.base64(Array(plain.utf8)) == encoded)
  }
}
