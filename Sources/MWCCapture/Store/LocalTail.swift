internal import Glibc
package import SystemPackage

/// A tail on this machine: `run.cap.tail` beside `run.cap`, readable and writable by its owner alone,
/// and locked like the capture.
///
/// Not thread-safe.
package final class LocalTail: TailFile {
  package let name: String
  /// Nil until it is there.
  private var file: LocalFile?

  private init(_ name: String, _ file: LocalFile?) {
    self.name = name
    self.file = file
  }

  /// The name of the tail of the capture at `path`: beside the file itself, by whatever link it is
  /// named.
  package static func path(of path: String) -> String {
    (LocalFile.linkTarget(of: path) ?? path) + ".tail"
  }

  /// The tail at `name`, for reading; nil where there is none.
  static func reading(_ name: String) throws(CaptureError) -> LocalFile? {
    guard LocalFile.size(at: name) != nil else { return nil }
    do throws(CaptureError) { return try LocalFile.reading(name) } catch {
      // The writer may just have taken it away.
      if error.underlying == .noSuchFileOrDirectory { return nil }
      throw error
    }
  }

  /// The tail of a capture that was opened for writing; nil for what has none.
  ///
  /// - Throws: `CaptureError`: `exists` when a new capture would meet a tail that is there already;
  ///   `locked`, `cannotCreate`.
  static func beside(
    _ capture: LocalFile, at path: String, existing: LocalFile.Existing
  ) throws(CaptureError) -> LocalTail? {
    guard capture.isRegular else { return nil }
    let name = self.path(of: path)
    guard let old = LocalFile.size(at: name) else { return LocalTail(name, nil) }
    if existing == .refuse, old > 0 {
      throw CaptureError(
        .exists, "is left of an earlier recording",
        advice: "'mwc recover \(name) -o FILE' keeps what it holds, --force overwrites it",
        file: name)
    }
    let file = try LocalFile.writing(name, existing: existing == .append ? .append : .overwrite)
    return LocalTail(name, file)
  }

  package func size() throws(Errno) -> Int64? { try file?.size() ?? 0 }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(Errno) -> Int {
    guard let file else { return 0 }
    return unsafe try file.read(into: buffer, at: offset)
  }

  package func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    if let file { return unsafe try file.write(buffer, at: offset) }
    let new: LocalFile
    do throws(CaptureError) { new = try LocalFile.writing(name, existing: .refuse) } catch {
      throw error.underlying ?? .fileExists
    }
    file = new
    return unsafe try new.write(buffer, at: offset)
  }

  package func sync() throws(Errno) { try file?.sync() }

  package func truncate(to size: Int64) throws(Errno) {
    guard let file else { return }
    guard size > 0 || file.isSame(as: name) else {
      // Somebody has taken it away: the next write makes a new one, which readers find.
      return close()
    }
    try file.truncate(to: size)
  }

  package func freeSpace() throws(Errno) -> Int64? { try file?.freeSpace() }

  package func remove() throws(Errno) {
    guard let file else { return }
    try file.truncate(to: 0)
    // Whoever has moved it keeps an empty file, and what stands there now is not ours.
    if file.isSame(as: name) { try LocalFile.remove(name) }
    file.close()
    self.file = nil
  }

  package func close() {
    file?.close()
    file = nil
  }
}
