internal import Glibc

/// Turns what OpenSSL and libwebsockets say into a sentence for a person.
enum TLSText {
  /// Why a client's handshake failed. `line` is the last error line of libwebsockets, `reason` its
  /// text for the connection.
  static func handshake(line: String, reason: String) -> String {
    // "SSL error: certificate has expired (preverify_ok=0;err=10;depth=0)"
    if let start = line.firstRange(of: "SSL error: "), let end = line.firstRange(of: " (preverify")
    {
      let detail = String(line[start.upperBound..<end.lowerBound])
      return "the server's certificate is not trusted: \(certificate(detail))"
    }
    return reason.contains("SSL err")
      ? "the TLS handshake failed: the server does not speak TLS on this port, or not with us"
      : "the TLS handshake failed: the server ended the connection"
  }

  /// Why a set of files cannot be used.
  static func setUp(_ line: String, files: [String]) -> String {
    let what =
      files.isEmpty ? "the system's certificate authorities" : files.joined(separator: ", ")
    return line.isEmpty ? "TLS cannot use \(what)" : "TLS cannot use \(what): \(line)"
  }

  private static func certificate(_ detail: String) -> String {
    switch detail.lowercased() {
    case "hostname mismatch", "ip address mismatch": "it is made out to another name"
    case "certificate has expired": "it has expired"
    case "certificate is not yet valid": "it is not valid yet"
    case "self-signed certificate", "self signed certificate": "it is self-signed"
    default: detail
    }
  }
}

extension TLSOptions {
  var files: [String] { [caFile, certificateFile, keyFile].compactMap { $0 } }

  /// Looks at the files before OpenSSL does, whose errors do not name them.
  func validate() throws(TransportError) {
    try checkReadable(files)
    guard (certificateFile == nil) == (keyFile == nil) else {
      throw TransportError(.invalid, "a client certificate and its key belong together")
    }
  }
}

extension ServerTLS {
  var files: [String] { [certificateFile, keyFile] + (clientCAFile.map { [$0] } ?? []) }

  func validate() throws(TransportError) { try checkReadable(files) }
}

private func checkReadable(_ files: [String]) throws(TransportError) {
  for file in files where unsafe access(file, R_OK) != 0 {
    let number = errno
    throw TransportError(
      .tls, "cannot read '\(file)': \(SystemText.describe(number))", systemError: number)
  }
}

/// The system's words for its error numbers.
enum SystemText {
  static func describe(_ number: Int32) -> String {
    // Safe on any thread since glibc 2.32 for every number it knows.
    guard let words = unsafe strerror(number) else { return "error \(number)" }
    let text = unsafe String(cString: words)
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

extension String {
  var trimmingSpaces: String {
    let start = drop { $0 == " " }
    guard let end = start.lastIndex(where: { $0 != " " }) else { return "" }
    return String(start[...end])
  }
}
