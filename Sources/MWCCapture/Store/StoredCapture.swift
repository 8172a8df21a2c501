internal import Glibc
internal import SystemPackage

/// A capture in a folder of this machine, as something to keep or to delete: the file, and its tail
/// where a crash has left one.
package struct StoredCapture: Sendable, Equatable {
  package let path: String
  /// Bytes of both files.
  package let size: Int64
  /// Which file stands under the name. What stands there later may be somebody else's.
  private let identity: Identity

  private struct Identity: Equatable {
    var device: dev_t
    var node: ino_t
  }

  /// The capture at `path`; nil where no regular file stands.
  package init?(at path: String) {
    var status = stat()
    let result = unsafe FilePath(path).withPlatformString { unsafe lstat($0, &status) }
    guard result == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.path = path
    identity = Identity(device: status.st_dev, node: status.st_ino)
    size = Int64(status.st_size) + (LocalFile.size(at: LocalTail.path(of: path)) ?? 0)
  }

  /// Deletes it, and its tail. What stands under the name by now and is another file stays.
  ///
  /// - Throws: `CaptureError`: `locked` when somebody writes it, `io`.
  package func delete() throws(CaptureError) {
    guard StoredCapture(at: path)?.identity == identity else { return }
    do throws(CaptureError) {
      // The lock is what every writer holds.
      let file = try LocalFile.writing(path, existing: .append)
      defer { file.close() }
      do throws(Errno) {
        // First the tail: without its capture it would be taken for all that is left of one.
        try LocalFile.remove(LocalTail.path(of: path))
        try LocalFile.remove(path)
      } catch { throw CaptureError(.io, "", underlying: error) }
    } catch {
      let reason = error.code == .locked ? " while it is being written" : ""
      throw CaptureError(
        error.code, "cannot be deleted\(reason)", file: path, underlying: error.underlying)
    }
  }

  /// The names in a folder, in no order; none when it cannot be read.
  package static func names(in folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
