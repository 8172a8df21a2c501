internal import CMWCTransport

/// What a server answered to an upgrade request. The slices point into a buffer of its own.
@safe struct ClientAnswer: ~Copyable {
  private let buffer: UnsafeMutablePointer<CChar>
  private let answer: mwc_answer
  private let serverHeader: mwc_slice

  /// Room for the few headers that are read, whatever else the server sends.
  private static let capacity = 8192

  init?(socket: SocketHandle) {
    unsafe buffer = .allocate(capacity: Self.capacity)
    var answer = unsafe mwc_answer()
    var server = unsafe mwc_slice()
    let fits = unsafe mwc_socket_answer(socket.pointer, buffer, Self.capacity, &answer, &server)
    unsafe self.answer = answer
    unsafe serverHeader = server
    guard fits else { return nil }
  }

  deinit { unsafe buffer.deallocate() }

  var status: Int { unsafe Int(answer.status) }
  var subprotocol: String? { unsafe answer.subprotocol.text }
  var extensions: String? { unsafe answer.extensions.text }
  var server: String? { unsafe serverHeader.text }

  /// Checks a 101 answer against the request; returns what was agreed on compression.
  func check(
    request: ClientRequest, options: ClientOptions
  ) throws(TransportError) -> mwc_pmd {
    var answer = unsafe answer
    var agreed = mwc_pmd()
    var problem: UnsafePointer<CChar>?
    let result = unsafe request.key.withCString { key in
      guard let subprotocol = options.subprotocol else {
        return unsafe mwc_handshake_check(
          &answer, key, nil, options.offersCompression, &agreed, &problem)
      }
      return unsafe subprotocol.withCString { subprotocol in
        unsafe mwc_handshake_check(
          &answer, key, subprotocol, options.offersCompression, &agreed, &problem)
      }
    }
    if result == 0 { return agreed }
    let text = unsafe problem.map { unsafe String(cString: $0) } ?? "the upgrade is not valid"
    throw TransportError(.protocol, text)
  }
}

extension mwc_slice {
  /// The characters, nil when absent.
  var text: String? {
    guard let start = unsafe start else { return nil }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}

/// Words for HTTP statuses.
enum HTTPText {
  /// The error for an answer other than 101.
  static func refusal(_ status: Int) -> TransportError {
    let name = phrases[status].map { " \($0)" } ?? ""
    let what = "\(status)\(name)"
    switch status {
    case 401, 403:
      return TransportError(
        .authentication, "the server refuses us with \(what): check token, headers and path",
        status: status)
    case 404:
      return TransportError(.http, "the server answers \(what): check the path", status: status)
    case 300..<400:
      return TransportError(
        .http, "the server answers \(what) and redirects us: use the address it means",
        status: status)
    default:
      return TransportError(
        .http, "the server answers \(what) instead of upgrading to WebSocket", status: status)
    }
  }

  private static let phrases = [
    200: "OK", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 426: "Upgrade Required",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
  ]
}
