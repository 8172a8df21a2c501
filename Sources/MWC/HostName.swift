internal import Glibc

/// The name of this host.
package enum HostName {
  package static var current: String {
    // HOST_NAME_MAX is 64 on Linux.
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
