internal import Glibc

/// Looks up host names on threads of its own, since the system's lookup blocks.
enum Resolver {
  /// The numeric addresses of `host` in the order of preference of the system (RFC 6724), or why there
  /// are none. `done` is called on some other thread; for a numeric host at once, on the caller's.
  static func resolve(
    _ host: String, done: @escaping @Sendable (Result<[String], TransportError>) -> Void
  ) {
    if isNumeric(host) { return done(.success([host])) }
    do throws(TransportError) {
      try SystemThread { done(lookUp(host)) }.detach()
    } catch {
      done(.failure(error))
    }
  }

  static func isNumeric(_ host: String) -> Bool {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICHOST
    var list: UnsafeMutablePointer<addrinfo>?
    defer { unsafe freeaddrinfo(list) }
    return unsafe getaddrinfo(host, nil, &hints, &list) == 0
  }

  static func lookUp(_ host: String) -> Result<[String], TransportError> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    // No IPv6 addresses on machines without IPv6.
    unsafe hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let result = unsafe getaddrinfo(host, nil, &hints, &list)
    defer { unsafe freeaddrinfo(list) }
    guard result == 0 else {
      let why = unsafe gai_strerror(result).map { unsafe String(cString: $0) } ?? "unknown"
      let reason = why.prefix(1).lowercased() + why.dropFirst()
      return .failure(TransportError(.dns, "cannot look up '\(host)': \(reason)"))
    }
    var addresses: [String] = []
    var entry = unsafe list
    while let current = unsafe entry {
      if let text = unsafe numeric(current.pointee), !addresses.contains(text) {
        addresses.append(text)
      }
      unsafe entry = current.pointee.ai_next
    }
    return .success(addresses)
  }

  private static func numeric(_ entry: addrinfo) -> String? {
    var text = [CChar](repeating: 0, count: 128)
    let result = unsafe getnameinfo(
      entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    guard result == 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
