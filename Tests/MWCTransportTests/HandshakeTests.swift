import CMWCTransport
import Glibc
import Testing

/// The opening handshake, both sides (RFC 6455, section 4).
@Suite struct HandshakeTests {
  static let key = "dGhlIHNhbXBsZSBub25jZQ=="
  static let usual = """
    GET /chat?a=1&b=2 HTTP/1.1
    Host: server.example.com
    Upgrade: websocket
    Connection: Upgrade
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
    Sec-WebSocket-Version: 13
    """

  /// A request as values.
  struct Request: Equatable {
    var result: Int
    var status: Int
    var method = ""
    var path = ""
    var query: String?
    var host: String?
    var key: String?
    var headers: [String] = []
  }

  private func string(_ slice: mwc_slice) -> String? {
    unsafe slice.start.map { start in
      unsafe start.withMemoryRebound(to: UInt8.self, capacity: slice.length) { bytes in
        unsafe String(
          decoding: UnsafeBufferPointer(start: bytes, count: slice.length), as: UTF8.self)
      }
    }
  }

  /// Parses text whose lines end in plain newlines here and in CR LF on the wire.
  private func parse(_ text: String, end: String = "\r\n\r\n") -> Request {
    parse(bytes: Array((text.replacing("\n", with: "\r\n") + end).utf8))
  }

  private func parse(bytes: [UInt8]) -> Request {
    // Alone in memory, so that reading beyond is seen.
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    defer { unsafe copy.deallocate() }
    _ = unsafe copy.initialize(from: bytes.lazy.map(CChar.init(bitPattern:)))
    let request = UnsafeMutablePointer<mwc_request>.allocate(capacity: 1)
    defer { unsafe request.deallocate() }
    let result = unsafe mwc_request_parse(copy.baseAddress, bytes.count, request)
    let headers = unsafe withUnsafeBytes(of: &request.pointee.headers) { raw in
      unsafe raw.bindMemory(to: mwc_header.self).prefix(request.pointee.header_count).map {
        unsafe "\(string($0.name) ?? "?")=\(string($0.value) ?? "?")"
      }
    }
    unsafe #expect((request.pointee.problem == nil) == [0, 101].contains(request.pointee.status))
    return unsafe Request(
      result: result, status: Int(request.pointee.status),
      method: string(request.pointee.method) ?? "", path: string(request.pointee.path) ?? "",
      query: string(request.pointee.query), host: string(request.pointee.host),
      key: string(request.pointee.key), headers: headers)
  }

  @Test func usualRequest() {
    let bytes = Array((Self.usual.replacing("\n", with: "\r\n") + "\r\n\r\n").utf8)
    let request = parse(bytes: bytes + [0x81, 0x80])
    #expect(request.result == bytes.count)
    #expect(request.status == 101)
    #expect(request.method == "GET")
    #expect(request.path == "/chat")
    #expect(request.query == "a=1&b=2")
    #expect(request.host == "server.example.com")
    #expect(request.key == Self.key)
    #expect(request.headers.count == 5)
    #expect(request.headers.first == "Host=server.example.com")
    for count in 0..<bytes.count {
      #expect(parse(bytes: Array(bytes[..<count])).result == 0, "\(count) bytes are no request yet")
    }
  }

  /// One line of the usual request replaced (or, with nil, left out; or one more added), and the
  /// status it deserves.
  @Test(
    arguments: [
      ("GET", "GET / HTTP/1.1", 101),
      ("GET", "GET http://h:1/x HTTP/1.1", 101),
      ("GET", "GET ws://h/x?y HTTP/1.1", 101),
      ("GET", "GET http://h HTTP/1.1", 400),
      ("GET", "GET x HTTP/1.1", 400),
      ("GET", "GET * HTTP/1.1", 400),
      ("GET", "GET /a#b HTTP/1.1", 400),
      ("GET", "GET /é HTTP/1.1", 400),
      ("GET", "GET  / HTTP/1.1", 400),
      ("GET", "GET /  HTTP/1.1", 400),
      ("GET", "GET / HTTP/1.1 ", 400),
      ("GET", "GET /", 400),
      ("GET", "GET / HTTP/1.", 400),
      ("GET", "GET / http/1.1", 400),
      ("GET", "GET / HTTP/1.0", 426),
      ("GET", "GET / HTTP/2.0", 505),
      ("GET", "get / HTTP/1.1", 405),
      ("GET", "POST / HTTP/1.1", 405),
      ("GET", "HEAD / HTTP/1.1", 405),
      ("GET", "\u{16}\u{3}\u{1}", 400),
      ("Host", nil, 400),
      ("Host", "Host: a\nHost: a", 400),
      ("Host", "Host : a", 400),
      ("Host", "Host", 400),
      ("Host", ": a", 400),
      ("Host", "Host: a\n folded", 400),
      ("Host", "Host: a\u{1}", 400),
      ("Host", "Host: a\rb", 400),
      ("Host", "hOsT:a", 101),
      ("Host", "Host:\t a \t", 101),
      ("Upgrade", nil, 426),
      ("Upgrade", "Upgrade: WebSocket", 101),
      ("Upgrade", "Upgrade: h2c, websocket", 101),
      ("Upgrade", "Upgrade: h2c\nupgrade: websocket", 101),
      ("Upgrade", "Upgrade: websocket2", 426),
      ("Upgrade", "Upgrade: web socket", 426),
      ("Connection", nil, 426),
      ("Connection", "Connection: keep-alive, Upgrade", 101),
      ("Connection", "Connection: keep-alive\nConnection: upgrade", 101),
      ("Connection", "Connection: ,upgrade ,", 101),
      ("Connection", "Connection: keep-alive", 426),
      ("Sec-WebSocket-Key", nil, 400),
      ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", 400),
      ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===", 400),
      ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==", 400),
      ("Sec-WebSocket-Key", "Sec-WebSocket-Key: \(key)\nSec-WebSocket-Key: \(key)", 400),
      ("Sec-WebSocket-Version", nil, 426),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", 426),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013", 426),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\nSec-WebSocket-Version: 13", 400),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\nContent-Length: 0", 101),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\nContent-Length: 1", 400),
      ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\nTransfer-Encoding: chunked", 400),
    ] as [(String, String?, Int)])
  func oneLineDifferent(line: String, replacement: String?, status: Int) {
    let lines = Self.usual.split(separator: "\n").compactMap {
      $0.hasPrefix(line) ? replacement : String($0)
    }
    let request = parse(lines.joined(separator: "\n"))
    #expect(request.status == status)
    #expect((request.result > 0) == [101, 405, 426].contains(status))
  }

  @Test func bounds() {
    let padding = (1...).lazy.map { "X-\($0): y\n" }
    #expect(parse(padding.prefix(59).joined().lines(after: Self.usual)).status == 101)
    #expect(parse(padding.prefix(60).joined().lines(after: Self.usual)).status == 431)
    let rest = 8192 - (Self.usual.replacing("\n", with: "\r\n") + "\r\nX: \r\n\r\n").utf8.count
    let fitting = Self.usual + "\nX: " + String(repeating: "y", count: rest)
    #expect(parse(fitting).status == 101)
    #expect(parse(fitting + "y").status == 431)
    #expect(parse(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 8191)).result == 0)
    #expect(parse(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 8192)).status == 431)
    #expect(parse("GET / HTTP/1.1\nHost: a", end: "\n\n").result == 0, "lines end in CR LF")
    #expect(parse(bytes: [0x16, 3, 1]).status == 400, "a TLS greeting is refused at once")
  }

  // MARK: Answers

  /// The 101 answer to the usual request.
  private func accept(
    subprotocol: String? = nil, extensions: String? = nil, extra: [(String, String)] = [],
    capacity: Int = 1000
  ) -> String {
    let text = Self.usual.replacing("\n", with: "\r\n") + "\r\n\r\n"
    let request = UnsafeMutablePointer<mwc_request>.allocate(capacity: 1)
    defer { unsafe request.deallocate() }
    let slices = Slices()
    let headers = unsafe extra.map {
      unsafe mwc_header(name: slices.make($0.0), value: slices.make($0.1))
    }
    return unsafe text.withCString { bytes in
      _ = unsafe mwc_request_parse(bytes, text.utf8.count, request)
      return unsafe String(unsafeUninitializedCapacity: capacity) { buffer in
        unsafe buffer.withMemoryRebound(to: CChar.self) { out in
          unsafe mwc_response_accept(
            out.baseAddress, capacity, request, subprotocol, extensions, headers, headers.count)
        }
      }
    }
  }

  @Test func acceptAnswer() {
    let start =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    #expect(accept() == start + "\r\n")
    #expect(accept(subprotocol: "", extensions: "") == start + "\r\n")
    #expect(
      accept(subprotocol: "p", extensions: "permessage-deflate", extra: [("Server", "mwc")])
        == start
        + "Sec-WebSocket-Protocol: p\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        + "Server: mwc\r\n\r\n")
    #expect(accept(capacity: (start + "\r\n").utf8.count) == start + "\r\n")
    for capacity in 0..<(start + "\r\n").utf8.count { #expect(accept(capacity: capacity) == "") }
  }

  /// Nothing that came from outside can add a line.
  @Test(arguments: ["a\r\nX: y", "a\nb", "a\rb", "a\u{7F}", "\u{1B}[0m"]) func noInjection(
    value: String
  ) {
    #expect(accept(subprotocol: value) == "")
    #expect(accept(extensions: value) == "")
    #expect(accept(extra: [("Server", value)]) == "")
    #expect(accept(extra: [(value, "x")]) == "")
    #expect(accept(extra: [("", "x")]) == "")
  }

  @Test func plainAnswers() {
    func answer(_ status: Int32, type: String? = nil, body: String? = nil) -> String {
      unsafe String(unsafeUninitializedCapacity: 1000) { buffer in
        unsafe buffer.withMemoryRebound(to: CChar.self) { out in
          unsafe mwc_response_plain(out.baseAddress, 1000, status, type, body)
        }
      }
    }
    #expect(
      answer(426)
        == "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
        + "Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\n"
        + "Content-Length: 17\r\n\r\nUpgrade Required\n")
    #expect(answer(405).contains("\r\nAllow: GET\r\n"))
    #expect(
      answer(200, type: "text/x", body: "é").hasSuffix(
        "\r\nConnection: close\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\né"))
    #expect(answer(99) == "")
  }

  // MARK: The client

  @Test func keys() {
    let key = unsafe String(unsafeUninitializedCapacity: Int(MWC_KEY_LENGTH) + 1) { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { out in
        unsafe mwc_handshake_key(Array("the sample nonce".utf8), out.baseAddress)
      }
      return Int(MWC_KEY_LENGTH)
    }
    #expect(key == Self.key)
  }

  /// The client's judgement of an answer with these lines; nil when it is right.
  private func check(
    status: Int32 = 101, upgrade: String = "WebSocket", connection: String = "Upgrade",
    accept: String = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", subprotocol: String? = nil,
    extensions: String? = nil, offered: String? = nil, deflate: Bool = true
  ) -> String? {
    let slices = Slices()
    var answer = unsafe mwc_answer(
      status: status, upgrade: slices.make(upgrade), connection: slices.make(connection),
      accept: slices.make(accept), subprotocol: slices.make(subprotocol),
      extensions: slices.make(extensions))
    var agreed = mwc_pmd()
    var problem: UnsafePointer<CChar>?
    let result = unsafe mwc_handshake_check(&answer, Self.key, offered, deflate, &agreed, &problem)
    unsafe #expect((result == 0) == (problem == nil))
    return unsafe problem.map { unsafe String(cString: $0) }
  }

  @Test func answersChecked() {
    #expect(check() == nil)
    #expect(check(connection: "keep-alive, upgrade") == nil)
    #expect(check(extensions: "permessage-deflate") == nil)
    #expect(check(subprotocol: "b", offered: "a, b") == nil)
    #expect(check(status: 200) == "the server did not switch protocols")
    #expect(check(upgrade: "h2c")?.contains("Upgrade: websocket") == true)
    #expect(check(connection: "close")?.contains("Connection: Upgrade") == true)
    #expect(check(accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")?.contains("key") == true)
    #expect(check(accept: "")?.contains("key") == true)
    #expect(check(subprotocol: "c", offered: "a, b")?.contains("subprotocol") == true)
    #expect(check(subprotocol: "B", offered: "a, b")?.contains("subprotocol") == true)
    #expect(check(subprotocol: "a")?.contains("subprotocol") == true)
    #expect(check(extensions: "permessage-deflate", deflate: false)?.contains("extension") == true)
    #expect(check(extensions: "permessage-deflate; x")?.contains("parameters") == true)
  }
}

extension String {
  /// `head`, and these lines after it.
  fileprivate func lines(after head: String) -> String { head + "\n" + dropLast() }
}

/// Views of strings that live as long as this does. Owns its copies and frees each once.
@safe private final class Slices {
  private var copies: [UnsafeMutablePointer<CChar>] = unsafe []

  func make(_ text: String?) -> mwc_slice {
    guard let text, let copy = unsafe strdup(text) else { return unsafe mwc_slice() }
    unsafe copies.append(copy)
    return unsafe mwc_slice(start: copy, length: strlen(copy))
  }

  deinit {
    for index in unsafe copies.indices { unsafe free(copies[index]) }
  }
}
