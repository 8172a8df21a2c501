internal import SystemPackage

/// Small text files of the kernel, read whole into a bounded buffer and taken apart as bytes.
enum SystemFile {
  /// The first `limit` bytes of a file, without a last line that the limit cut; empty when the file
  /// cannot be read, because a kernel may be built without any of these files.
  static func read(_ path: FilePath, limit: Int) -> [UInt8] {
    // A file that is missing or unreadable is an answer here, not an error.
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else {
      return []
    }
    var bytes = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled < limit {
      let room = filled
      // A read that fails ends the file: what came before it is still true.
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe (try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[room...]))) ?? 0
      }
      if count == 0 { break }
      filled += count
    }
    try? file.close()  // Nothing was written, so nothing can be lost by closing.
    let isCut = filled == limit
    bytes.removeLast(limit - filled)
    if isCut { bytes.removeLast(bytes.count - ((bytes.lastIndex(of: newline) ?? -1) + 1)) }
    return bytes
  }

  /// The lines of a file.
  static func lines(_ path: FilePath, limit: Int) -> [ArraySlice<UInt8>] {
    read(path, limit: limit).split(separator: newline)
  }

  /// The words of a line, split at spaces and tabs.
  static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }

  /// The value of a line `key : value`, with blanks removed, if its key is `key`.
  static func value(of key: StaticString, in line: ArraySlice<UInt8>) -> Substring? {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let name = words(line[..<colon]).joined(separator: [UInt8(ascii: " ")])
    guard name.elementsEqual(key.description.utf8) else { return nil }
    let text = Substring(decoding: line[(colon + 1)...], as: UTF8.self)
    return text.drop { $0 == " " || $0 == "\t" }
  }

  private static let newline = UInt8(ascii: "\n")
}
