/// A header to send with the handshake, as people type it: `Name: value`.
struct HeaderField: Hashable, Sendable {
  let name: String
  let value: String

  init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  /// - Returns: nil when `text` has no colon, when the name is not a token (RFC 9110, section 5.6.2),
  ///   or when the value holds control characters, which could end the header and begin another.
  init?(_ text: some StringProtocol) {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    name = String(text[..<colon])
    value = text[text.index(after: colon)...].trimmingBlanks()
    guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenCharacter), Self.isSafe(value) else {
      return nil
    }
  }

  /// Whether the value can stand in a header: no control characters but the tab.
  static func isSafe(_ value: String) -> Bool {
    value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  }

  /// Whether the handshake itself decides this header, so that another value could only break it.
  var belongsToHandshake: Bool {
    let name = name.lowercased()
    return name.hasPrefix("sec-websocket-")
      || ["host", "connection", "upgrade", "content-length", "transfer-encoding"].contains(name)
  }

  private static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

extension HeaderField {
  /// The fields in the text of a `--header-file`: one on each line; empty lines and lines that begin
  /// with `#` do not count.
  ///
  /// - Returns: the fields, or the number of the first line that is not one. The line itself is not
  ///   returned: it may hold a secret.
  static func list(_ text: String) -> Result<[HeaderField], BadLine> {
    var fields: [HeaderField] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let line = line.trimmingBlanks()
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let field = HeaderField(line), !field.belongsToHandshake else {
        return .failure(BadLine(number: index + 1))
      }
      fields.append(field)
    }
    return .success(fields)
  }

  struct BadLine: Error { let number: Int }
}

extension StringProtocol {
  /// Without spaces and tabs at both ends.
  func trimmingBlanks() -> String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    let front = drop(while: isBlank)
    return String(front.prefix(front.count - front.reversed().prefix(while: isBlank).count))
  }
}
