internal import CMWCTransport

/// The upgrade request of a client.
struct ClientRequest {
  /// The request head, through its empty line.
  let head: String
  /// The Sec-WebSocket-Key in it.
  let key: String

  init(_ options: ClientOptions, random: [UInt8]) {
    precondition(random.count == 16, "a key is made of 16 bytes")
    var key = [CChar](repeating: 0, count: Int(MWC_KEY_LENGTH) + 1)
    unsafe mwc_handshake_key(random, &key)
    self.key = String(decoding: key.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)

    var lines = [("Host", options.uri.hostHeader), ("Upgrade", "websocket")]
    lines += [("Connection", "Upgrade"), ("Sec-WebSocket-Key", self.key)]
    lines.append(("Sec-WebSocket-Version", "13"))
    if options.offersCompression { lines.append(("Sec-WebSocket-Extensions", MWC_PMD_OFFER)) }
    if let subprotocol = options.subprotocol {
      lines.append(("Sec-WebSocket-Protocol", subprotocol))
    }
    lines.append(("User-Agent", "mwc"))
    if let credentials = options.uri.credentials {
      lines.append(("Authorization", "Basic " + Self.base64(Array(credentials.utf8))))
    }
    // A header of the user's takes the place of ours.
    let replaced = Set(options.headers.map { $0.name.lowercased() })
    lines.removeAll { replaced.contains($0.0.lowercased()) }
    lines += options.headers.map { ($0.name, $0.value) }
    head =
      "GET \(options.uri.target) HTTP/1.1\r\n"
      + lines.map { "\($0.0): \($0.1)\r\n" }.joined() + "\r\n"
  }

  /// What one entry of a batch can hold, with room to spare.
  private static let messageLimit = 1 << 31

  /// Checks what the user may set. Error texts never contain a value.
  static func validate(_ options: ClientOptions) throws(TransportError) {
    guard (1...messageLimit).contains(options.maxMessageBytes) else {
      throw TransportError(
        .invalid, "the largest message accepted is between 1 and \(messageLimit) bytes")
    }
    for header in options.headers {
      let name = header.name
      guard !name.isEmpty, name.utf8.allSatisfy({ isTokenByte($0) }) else {
        throw TransportError(.invalid, "'\(name)' is not the name of an HTTP header")
      }
      guard header.value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 9 }) else {
        throw TransportError(.invalid, "the value of header '\(name)' holds control characters")
      }
      let lower = name.lowercased()
      if ["upgrade", "connection", "content-length", "transfer-encoding"].contains(lower)
        || lower.hasPrefix("sec-websocket-")
      {
        throw TransportError(
          .invalid, "header '\(name)' belongs to the handshake and cannot be set")
      }
    }
    if let subprotocol = options.subprotocol {
      let names = subprotocol.split(separator: ",", omittingEmptySubsequences: false)
      guard
        names.allSatisfy({ name in
          let name = String(name).trimmingSpaces
          return !name.isEmpty && name.utf8.allSatisfy { isTokenByte($0) }
        })
      else { throw TransportError(.invalid, "'\(subprotocol)' is not a list of subprotocols") }
    }
    let request = ClientRequest(options, random: [UInt8](repeating: 0, count: 16))
    guard request.head.utf8.count <= Int(MWC_CLIENT_REQUEST_MAX) else {
      throw TransportError(
        .invalid, "address and headers together exceed \(MWC_CLIENT_REQUEST_MAX) bytes")
    }
  }

  /// Characters of a token (RFC 9110, section 5.6.2).
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      var digits: [UInt8] = []
      for _ in 0..<4 {
        digits.append(alphabet[Int(bits & 63)])
        bits >>= 6
      }
      text += digits.reversed().prefix(group.count + 1)
      text += [UInt8](repeating: UInt8(ascii: "="), count: 3 - group.count)
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension ClientOptions {
  /// Finds what is wrong with the options themselves, before anything is connected.
  package func validate() throws(TransportError) {
    try ClientRequest.validate(self)
    try tls.validate()
  }
}
