/// A text message that is an Engine.IO packet around JSON, as Socket.IO sends them:
///
/// ```
///   42/health,7["event",{…}]
///   │└──────┬──┘└─────┬────┘
///   │ Socket.IO: type, attachments, namespace, acknowledgement; then JSON, or nothing
///   Engine.IO: 4 = message, 0 = open (JSON), 2 and 3 = ping and pong (nothing or "probe")
/// ```
///
/// That the rest is JSON is for the caller to check.
package struct SocketIOPacket: ~Escapable {
  /// What stands before the JSON: visible ASCII, also valid as the inside of a JSON string.
  package let head: RawSpan
  /// The JSON, maybe empty.
  package let json: RawSpan

  /// Namespaces are short; a longer head is no packet.
  private static let headLimit = 256

  /// Nil if `text` does not look like a packet.
  @_lifetime(copy text)
  package init?(_ text: RawSpan) {
    var reader = Reader(text: text)
    guard let type = reader.take(in: "0"..."6") else { return nil }
    switch type {
    case UInt8(ascii: "4"): guard reader.skipSocketIOHead() else { return nil }
    case UInt8(ascii: "2"), UInt8(ascii: "3"): _ = reader.skip("probe")
    default: break
    }
    guard reader.position <= Self.headLimit else { return nil }
    head = text.extracting(first: reader.position)
    json = text.extracting(droppingFirst: reader.position)
  }

  /// The JSON of a message: all of it, or what follows the head of a packet, which is then shorter. No
  /// JSON begins with a digit and goes on with a bracket, so nothing is taken for the other.
  @_lifetime(copy payload)
  package static func document(in payload: RawSpan) -> RawSpan {
    guard payload.byteCount > 1, payload.byte(at: 0).isDigit,
      let packet = SocketIOPacket(payload), packet.json.byteCount > 0
    else { return payload }
    let first = packet.json.byte(at: 0)
    return first == UInt8(ascii: "[") || first == UInt8(ascii: "{") ? packet.json : payload
  }

  private struct Reader: ~Escapable {
    let text: RawSpan
    var position = 0

    @_lifetime(copy text)
    init(text: RawSpan) { self.text = text }

    private var next: UInt8? { position < text.byteCount ? text.byte(at: position) : nil }

    @_lifetime(self: copy self)
    mutating func take(in range: ClosedRange<Unicode.Scalar>) -> UInt8? {
      guard let byte = next, range.contains(Unicode.Scalar(byte)) else { return nil }
      position += 1
      return byte
    }

    @_lifetime(self: copy self)
    mutating func skip(_ word: StaticString) -> Bool {
      let start = position
      for index in 0..<word.utf8CodeUnitCount {
        guard unsafe next == word.utf8Start[index] else {
          position = start
          return false
        }
        position += 1
      }
      return true
    }

    /// `<type>[<attachments>-][/<namespace>,][<acknowledgement>]`
    @_lifetime(self: copy self)
    mutating func skipSocketIOHead() -> Bool {
      guard let type = take(in: "0"..."6") else { return false }
      if type >= UInt8(ascii: "5") {
        while take(in: "0"..."9") != nil {}
        guard take(in: "-"..."-") != nil else { return false }
      }
      if next == UInt8(ascii: "/") {
        // The comma may be missing when nothing follows. Names are visible ASCII; what would mean
        // something in a JSON string is left out, so that a head can be treated as one.
        while let byte = next, byte != UInt8(ascii: ","), position <= SocketIOPacket.headLimit {
          guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\")
          else { return false }
          position += 1
        }
        _ = take(in: ","...",")
      }
      while take(in: "0"..."9") != nil {}
      return true
    }
  }
}
