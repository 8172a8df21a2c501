internal import Glibc
internal import SystemPackage

/// Small text files that options name.
enum TextFile {
  /// More than any header, token or greeting needs; keeps a wrong file name from filling the memory.
  private static let limit = 16 << 20

  /// The whole text of a file; `option` is named when it cannot be had.
  static func read(_ path: String, for option: String) throws(CommandFailure) -> String {
    let bytes: [UInt8]
    do {
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      bytes = try file.closeAfter { try readAll(file) }
    } catch {
      throw CommandFailure(.noInput, "\(path): cannot be read for \(option): \(error)")
    }
    guard bytes.count <= limit else {
      throw CommandFailure(.noInput, "\(path): too large for \(option), the limit is 16 MiB")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.noInput, "\(path): not UTF-8 text, as \(option) needs")
    }
    return text
  }

  /// Says early, and in words, what a library would say late and in code.
  static func checkReadable(_ path: String, for option: String) throws(CommandFailure) {
    guard unsafe access(path, R_OK) != 0 else { return }
    throw CommandFailure(
      .noInput, "\(path): cannot be read for \(option): \(Errno(rawValue: errno))")
  }

  private static func readAll(_ file: FileDescriptor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= limit {
      let count = unsafe try chunk.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
      if count == 0 { break }
      bytes += chunk.prefix(count)
    }
    return bytes
  }
}
