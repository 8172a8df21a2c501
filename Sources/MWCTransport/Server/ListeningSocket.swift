import Glibc

/// A bound and listening socket, before the loop takes it over.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  /// The TCP port; 0 for a unix socket.
  let port: UInt16
  /// The file of a unix socket, to be removed in the end.
  let path: String?

  init(_ endpoint: ServerOptions.Endpoint) throws(TransportError) {
    switch endpoint {
    case .tcp(let host, let port):
      (descriptor, self.port) = try Self.listen(host: host, port: port)
      path = nil
    case .unix(let path):
      descriptor = try Self.listen(path: path)
      port = 0
      self.path = path
    }
  }

  /// When nobody takes it over.
  func close() {
    Glibc.close(descriptor)
    removeFile()
  }

  func removeFile() {
    // Somebody else may have removed it; that is no trouble of ours.
    if let path { unsafe unlink(path) }
  }
}

// MARK: - TCP

extension ListeningSocket {
  private static func listen(
    host: String, port: UInt16
  ) throws(TransportError) -> (descriptor: Int32, port: UInt16) {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let result = unsafe getaddrinfo(host, String(port), &hints, &list)
    defer { unsafe freeaddrinfo(list) }
    guard result == 0, let address = unsafe list?.pointee else {
      let why = unsafe gai_strerror(result).map { unsafe String(cString: $0) } ?? "no address"
      throw TransportError(.dns, "cannot listen on '\(host)': \(why)")
    }
    let descriptor = unsafe try open(address.ai_family)
    var yes: Int32 = 1
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    try check(
      unsafe bind(descriptor, address.ai_addr, address.ai_addrlen), descriptor,
      "cannot listen on \(host):\(port)")
    try check(Glibc.listen(descriptor, 1024), descriptor, "cannot listen on \(host):\(port)")
    return (descriptor, port == 0 ? boundPort(descriptor) : port)
  }

  private static func boundPort(_ descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = unsafe getsockname(descriptor, address, &length)
      }
      // Both kinds of address have their port in the same place.
      return unsafe storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe UInt16(bigEndian: $0.pointee.sin_port)
      }
    }
  }
}

// MARK: - Unix sockets

extension ListeningSocket {
  private static func listen(path: String) throws(TransportError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < capacity, !bytes.contains(0) else {
      throw TransportError(.invalid, "the path of a unix socket has 1 to \(capacity - 1) bytes")
    }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    try removeStale(path, address)
    let descriptor = try open(AF_UNIX)
    let what = "cannot listen on the unix socket '\(path)'"
    try check(unsafe with(address) { unsafe bind(descriptor, $0, $1) }, descriptor, what)
    // Before listen, so that nobody else ever gets in. Who may: the user, as with all our files.
    unsafe try check(chmod(path, 0o600), descriptor, what)
    try check(Glibc.listen(descriptor, 1024), descriptor, what)
    return descriptor
  }

  /// A socket file stays behind when its server is killed. One that answers is somebody's.
  private static func removeStale(_ path: String, _ address: sockaddr_un) throws(TransportError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = try open(AF_UNIX)
    defer { Glibc.close(probe) }
    let answer = unsafe with(address) { unsafe Glibc.connect(probe, $0, $1) }
    if answer != 0, errno == ECONNREFUSED { unsafe unlink(path) }
  }

  private static func with(
    _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

// MARK: - Both

extension ListeningSocket {
  private static func open(_ family: Int32) throws(TransportError) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else {
      let number = errno
      throw TransportError(
        .system, "no socket: \(SystemText.describe(number))", systemError: number)
    }
    return descriptor
  }

  private static func check(
    _ result: Int32, _ descriptor: Int32, _ what: String
  ) throws(TransportError) {
    guard result != 0 else { return }
    let number = errno
    Glibc.close(descriptor)
    throw TransportError(
      .address, "\(what): \(SystemText.describe(number))", systemError: number)
  }
}
