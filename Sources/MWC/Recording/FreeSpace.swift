internal import Glibc
internal import SystemPackage

/// Room on the file system that holds a path.
enum FreeSpace {
  /// Bytes that a user without privileges can still write; nil when the path does not exist, is no
  /// file or folder, or nobody knows.
  static func bytes(at path: FilePath) -> Int64? {
    unsafe path.withPlatformString { name in
      var file = stat()
      guard unsafe stat(name, &file) == 0,
        [S_IFREG, S_IFDIR].contains(file.st_mode & S_IFMT)
      else { return nil }
      var status = statvfs()
      guard unsafe statvfs(name, &status) == 0 else { return nil }
      let (bytes, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(
        by: UInt64(status.f_frsize))
      return overflows ? .max : Int64(clamping: bytes)
    }
  }
}
