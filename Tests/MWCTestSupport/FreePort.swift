import Glibc

extension TestSupport {
  /// A TCP port of the loopback address that nobody listened on a moment ago.
  ///
  /// For programs that cannot be told port 0. The kernel hands out ports in a spread-out order, so
  /// that another test gets the same one in between is unlikely, not impossible.
  package static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SystemCallError(call: "socket", code: errno) }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // A `sockaddr_in` is what the calls take under the name of its common prefix; both calls stay
    // inside `length` bytes of it.
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        let bound = unsafe bind(descriptor, generic, length)
        return unsafe bound == 0 ? getsockname(descriptor, generic, &length) : bound
      }
    }
    guard result == 0 else { throw SystemCallError(call: "bind", code: errno) }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// A system call of the test itself failed.
package struct SystemCallError: Error, CustomStringConvertible {
  package var call: String
  package var code: Int32

  package var description: String { unsafe "\(call): \(String(cString: strerror(code)))" }
}
