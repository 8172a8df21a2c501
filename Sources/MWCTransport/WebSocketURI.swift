/// Where a stream is: `ws://`, `wss://` or `ws+unix://`.
///
/// ```
///   wss://user:secret@host.example:8443/path?query
///   ws://[::1]/                        an IPv6 address stands in brackets
///   ws+unix:///run/app.sock            a unix socket, request path "/"
///   ws+unix:///run/app.sock:/path?q    … and another request path
/// ```
///
/// Path and query are sent exactly as given. Credentials are kept apart: neither `description` nor
/// anything else that is shown or stored contains them.
package struct WebSocketURI: Hashable, Sendable {
  package enum Scheme: String, Sendable { case ws, wss, unix = "ws+unix" }

  package let scheme: Scheme
  /// Host name or address, without brackets; empty for a unix socket.
  package let host: String
  /// TCP port; 0 for a unix socket.
  package let port: UInt16
  /// Path of the unix socket.
  package let socketPath: String?
  /// What stands in the request line: path and query.
  package let target: String
  /// `user:password` as given, percent-escapes resolved.
  let credentials: String?

  /// Longest URI accepted: what common servers take as request line.
  static let lengthLimit = 8000

  package init(_ text: String) throws(TransportError) {
    guard text.utf8.count <= Self.lengthLimit else {
      throw Self.invalid("a WebSocket address has at most \(Self.lengthLimit) characters")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw Self.invalid(
        "a WebSocket address is plain ASCII: write other characters and spaces percent-encoded")
    }
    guard !text.contains("#") else {
      throw Self.invalid("a WebSocket address has no fragment: write '#' as %23")
    }
    guard let colon = text.firstRange(of: "://") else {
      throw Self.invalid("a WebSocket address begins with ws://, wss:// or ws+unix://")
    }
    guard let scheme = Scheme(rawValue: text[..<colon.lowerBound].lowercased()) else {
      throw Self.invalid(
        "'\(text[..<colon.lowerBound])' is not a WebSocket scheme: use ws, wss or ws+unix")
    }
    let rest = text[colon.upperBound...]
    self.scheme = scheme
    if scheme == .unix {
      (socketPath, target) = try Self.socket(rest)
      (host, port, credentials) = ("", 0, nil)
    } else {
      let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      let tail = rest[end...]
      target = tail.hasPrefix("/") ? String(tail) : "/" + tail
      socketPath = nil
      var authority = rest[..<end]
      if let at = authority.lastIndex(of: "@") {
        credentials = try Self.percentDecoded(authority[..<at])
        authority = authority[authority.index(after: at)...]
      } else {
        credentials = nil
      }
      (host, port) = try Self.hostAndPort(authority, default: scheme == .wss ? 443 : 80)
    }
  }

  /// What goes into the Host header and, without a port, into the TLS server name.
  package var hostHeader: String {
    switch scheme {
    case .unix: "localhost"
    case .ws: port == 80 ? bracketedHost : "\(bracketedHost):\(port)"
    case .wss: port == 443 ? bracketedHost : "\(bracketedHost):\(port)"
    }
  }

  private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }
}

extension WebSocketURI: CustomStringConvertible {
  /// The address as it may be shown and stored: without credentials, and with the values of the query
  /// replaced, since tokens travel there.
  package var description: String {
    let shownTarget = Self.redacted(target)
    if let socketPath {
      return "ws+unix://\(socketPath)\(shownTarget == "/" ? "" : ":\(shownTarget)")"
    }
    return "\(scheme.rawValue)://\(hostHeader)\(shownTarget == "/" ? "" : shownTarget)"
  }

  private static func redacted(_ target: String) -> String {
    guard let mark = target.firstIndex(of: "?") else { return target }
    let pairs = target[target.index(after: mark)...].split(
      separator: "&", omittingEmptySubsequences: false
    ).map { pair -> String in
      // A query without names may be a token as a whole.
      guard let equals = pair.firstIndex(of: "=") else { return pair.isEmpty ? "" : "***" }
      return pair[...equals] + "***"
    }
    return target[...mark] + pairs.joined(separator: "&")
  }
}

// MARK: - Parts

extension WebSocketURI {
  private static func invalid(_ message: String) -> TransportError {
    TransportError(.invalid, message)
  }

  private static func hostAndPort(
    _ authority: Substring, default defaultPort: UInt16
  ) throws(TransportError) -> (String, UInt16) {
    var host = authority
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let bracket = authority.firstIndex(of: "]") else {
        throw invalid("the IPv6 address is not closed by ']'")
      }
      host = authority[authority.index(after: authority.startIndex)..<bracket]
      let after = authority[authority.index(after: bracket)...]
      guard after.isEmpty || after.hasPrefix(":") else {
        throw invalid("only ':' and a port may follow an IPv6 address")
      }
      portText = after.isEmpty ? nil : after.dropFirst()
      guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || ":.%".contains($0) }) else {
        throw invalid("'\(host)' is not an IPv6 address")
      }
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      portText = authority[authority.index(after: colon)...]
      guard portText?.contains(":") == false else {
        throw invalid("an IPv6 address stands in brackets, like ws://[::1]:8765")
      }
    }
    guard !host.isEmpty else { throw invalid("the address names no host") }
    guard host.utf8.count <= 253 else { throw invalid("a host name has at most 253 characters") }
    guard
      host.allSatisfy({
        $0.isLetter || $0.isNumber || "-._~:%".contains($0)
      })
    else { throw invalid("'\(host)' is not a host name") }
    guard let portText else { return (String(host), defaultPort) }
    // An empty port is allowed by RFC 3986 and means the default.
    if portText.isEmpty { return (String(host), defaultPort) }
    guard portText.allSatisfy(\.isNumber), let port = UInt16(portText), port > 0 else {
      throw invalid("port '\(portText)' is not a number from 1 to 65535")
    }
    return (String(host), port)
  }

  private static func socket(
    _ rest: Substring
  ) throws(TransportError) -> (path: String, target: String) {
    var path = rest
    var target = "/"
    if let separator = rest.firstRange(of: ":/") {
      path = rest[..<separator.lowerBound]
      target = String(rest[rest.index(after: separator.lowerBound)...])
    }
    guard path.hasPrefix("/") else {
      throw invalid("a unix socket is named by an absolute path, like ws+unix:///run/app.sock")
    }
    // sun_path holds 108 bytes with the final zero (unix(7)).
    guard path.utf8.count <= 107 else {
      throw invalid("the path of a unix socket has at most 107 bytes")
    }
    return (try percentDecoded(path), target)
  }

  private static func percentDecoded(_ text: Substring) throws(TransportError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, let value = UInt8(String(Substring(digits)), radix: 16), value != 0
      else { throw invalid("'%' is not followed by two hexadecimal digits") }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
