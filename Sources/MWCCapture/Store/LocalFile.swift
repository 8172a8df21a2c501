internal import Glibc
package import SystemPackage

/// A file, pipe or device of this machine behind the door of `StoredFile`.
///
/// Not thread-safe. Calls that a signal interrupts are repeated.
package final class LocalFile: StoredFile {
  private let descriptor: FileDescriptor
  /// Not ours to close.
  private let isStandard: Bool
  /// A regular file, which has a size and can be written and read anywhere.
  let isRegular: Bool
  /// Path of a file that this object has created.
  private let createdPath: FilePath?
  private var isClosed = false
  /// Whether the folder's entry for that file is not known to be on the device yet.
  private var needsFolderSync: Bool

  private init(
    _ descriptor: FileDescriptor, created path: FilePath? = nil
  ) throws(Errno) {
    self.descriptor = descriptor
    isStandard = false
    isRegular = try LocalFile.status(of: descriptor).st_mode & S_IFMT == S_IFREG
    createdPath = path
    needsFolderSync = path != nil
  }

  /// Standard input or output. Always a stream, even where the shell has put a file: its position
  /// is shared with other programs.
  private init(standard descriptor: FileDescriptor) {
    self.descriptor = descriptor
    isStandard = true
    isRegular = false
    createdPath = nil
    needsFolderSync = false
  }

  deinit { close() }

  /// A file that owns `descriptor`, which is closed where that fails.
  private static func owning(
    _ descriptor: FileDescriptor, created path: FilePath? = nil
  ) throws(Errno) -> LocalFile {
    do throws(Errno) { return try LocalFile(descriptor, created: path) } catch {
      try? descriptor.close()  // Nothing was written that could get lost.
      throw error
    }
  }

  // MARK: Opening

  /// What is to be done with a file that is already there.
  package enum Existing: Sendable {
    /// It is an error, and nothing is touched.
    case refuse
    /// It is emptied.
    case overwrite
    /// It is continued.
    case append
  }

  /// Opens a file for reading; "-" is standard input.
  package static func reading(_ path: String) throws(CaptureError) -> LocalFile {
    do throws(Errno) {
      if path == "-" { return LocalFile(standard: .standardInput) }
      let descriptor = try orErrno {
        try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      }
      let file = try owning(descriptor)
      // Opening a folder succeeds, and reading it does not.
      if try status(of: descriptor).st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return file
    } catch {
      throw CaptureError(.cannotOpen, "cannot be opened", file: path, underlying: error)
    }
  }

  /// Opens a file for writing, readable and writable by its owner alone, and locks it; "-" is
  /// standard output. A pipe or device is written as a stream.
  ///
  /// - Throws: `CaptureError`: `exists`, `locked`, `cannotCreate`. The file is untouched then.
  package static func writing(_ path: String, existing: Existing) throws(CaptureError) -> LocalFile
  {
    do throws(Errno) {
      if path == "-" { return LocalFile(standard: .standardOutput) }
      let path = FilePath(path)
      let mode: FilePermissions = .ownerReadWrite
      var isNew = true
      var descriptor: FileDescriptor
      do throws(Errno) {
        descriptor = try orErrno {
          try FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: mode)
        }
      } catch .fileExists {
        isNew = false
        descriptor = try openExisting(path, existing)
      }
      let file = try owning(descriptor, created: isNew ? path : nil)
      if file.isRegular {
        try lock(descriptor)
        if !isNew, existing == .overwrite { try file.empty() }
      }
      return file
    } catch .fileExists {
      throw CaptureError(
        .exists, "exists already", advice: "--force overwrites it, --append continues it",
        file: path)
    } catch .wouldBlock {
      throw CaptureError(.locked, "is being written by another process", file: path)
    } catch {
      throw CaptureError(.cannotCreate, "cannot be created", file: path, underlying: error)
    }
  }

  private static func openExisting(
    _ path: FilePath, _ existing: Existing
  ) throws(Errno) -> FileDescriptor {
    var status = stat()
    let result = unsafe path.withPlatformString { unsafe stat($0, &status) }
    let kind = result == 0 ? status.st_mode & S_IFMT : S_IFREG
    // A pipe or a device holds nothing that could be overwritten.
    if existing == .refuse, [S_IFREG, S_IFDIR].contains(kind) { throw .fileExists }
    if kind == S_IFIFO {
      // Opened for reading too, we would be our own reader and never hear that the other has gone.
      return try orErrno { try FileDescriptor.open(path, .writeOnly, options: .closeOnExec) }
    }
    do throws(Errno) {
      return try orErrno {
        try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
      }
    } catch .permissionDenied {
      throw .permissionDenied
    } catch {
      // Some devices cannot be opened for reading too.
      return try orErrno { try FileDescriptor.open(path, .writeOnly, options: .closeOnExec) }
    }
  }

  private static func lock(_ descriptor: FileDescriptor) throws(Errno) {
    while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
      let error = Errno(rawValue: errno)
      if error != .interrupted { throw error }
    }
  }

  /// Empties a file that is to be overwritten, now that it is locked.
  private func empty() throws(Errno) {
    try truncate(to: 0)
    if fchmod(descriptor.rawValue, S_IRUSR | S_IWUSR) != 0 { throw Errno(rawValue: errno) }
  }

  private static func status(of descriptor: FileDescriptor) throws(Errno) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
    return status
  }

  /// Size of what is at `path`; nil when there is nothing.
  static func size(at path: String) -> Int64? {
    var status = stat()
    let result = unsafe FilePath(path).withPlatformString { unsafe stat($0, &status) }
    return result == 0 ? Int64(status.st_size) : nil
  }

  /// Where a symbolic link leads in the end; nil when `path` is none, or leads nowhere.
  static func linkTarget(of path: String) -> String? {
    var status = stat()
    let result = unsafe FilePath(path).withPlatformString { unsafe lstat($0, &status) }
    guard result == 0, status.st_mode & S_IFMT == S_IFLNK,
      let target = unsafe FilePath(path).withPlatformString({ unsafe realpath($0, nil) })
    else { return nil }
    defer { unsafe free(target) }
    return unsafe String(cString: target)
  }

  /// Takes the name `path` away.
  static func remove(_ path: String) throws(Errno) {
    let result = unsafe FilePath(path).withPlatformString { unsafe unlink($0) }
    if result != 0, errno != ENOENT { throw Errno(rawValue: errno) }
  }

  /// Whether `path` is another name of this file.
  package func isSame(as path: String) -> Bool {
    var other = stat()
    let result = unsafe FilePath(path).withPlatformString { unsafe stat($0, &other) }
    // No such path: another file, or none. Our own descriptor is open, so fstat answers for it.
    guard result == 0, let own = try? LocalFile.status(of: descriptor) else { return false }
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }

  // MARK: StoredFile

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(Errno) -> Int {
    let descriptor = descriptor
    let isRegular = isRegular
    return try orErrno {
      isRegular
        ? unsafe try descriptor.read(fromAbsoluteOffset: offset, into: buffer)
        : unsafe try descriptor.read(into: buffer)
    }
  }

  package func size() throws(Errno) -> Int64? {
    guard isRegular else { return nil }
    return Int64(try LocalFile.status(of: descriptor).st_size)
  }

  package func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    let descriptor = descriptor
    let isRegular = isRegular
    return try orErrno {
      isRegular
        ? unsafe try descriptor.write(toAbsoluteOffset: offset, buffer)
        : unsafe try descriptor.write(buffer)
    }
  }

  package func sync() throws(Errno) {
    guard isRegular else { return }
    while fdatasync(descriptor.rawValue) != 0 {
      let error = Errno(rawValue: errno)
      if error != .interrupted { throw error }
    }
    if needsFolderSync, let createdPath {
      try LocalFile.syncFolder(createdPath.removingLastComponent())
      needsFolderSync = false
    }
  }

  /// A new file survives a power cut only when its folder's entry does.
  static func syncFolder(_ folder: FilePath) throws(Errno) {
    let path = folder.isEmpty ? FilePath(".") : folder
    let descriptor = try orErrno { try FileDescriptor.open(path, .readOnly) }
    defer { try? descriptor.close() }  // Opened for reading: closing it loses nothing.
    // Some file systems cannot sync folders, and say so with EINVAL.
    if fsync(descriptor.rawValue) != 0, errno != EINVAL { throw Errno(rawValue: errno) }
  }

  package func truncate(to size: Int64) throws(Errno) {
    guard isRegular else { throw .illegalSeek }
    let descriptor = descriptor
    try orErrno { try descriptor.resize(to: size) }
  }

  package func freeSpace() throws(Errno) -> Int64? {
    guard isRegular else { return nil }
    var status = statvfs()
    guard unsafe fstatvfs(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow ? .max : Int64(clamping: bytes)
  }

  package func close() {
    // The number may belong to another file by the time of a second call.
    guard !isClosed else { return }
    isClosed = true
    guard !isStandard else { return }
    // A program that was started a moment ago may still have the descriptor, and with it the lock. It
    // cannot fail: on what was never locked it does nothing.
    _ = flock(descriptor.rawValue, LOCK_UN)
    // Whoever needs to know that the bytes are safe has called `sync`.
    try? descriptor.close()
  }

  /// Closes the file and, if it was created here, removes it: what failed at its start leaves
  /// nothing behind.
  package func abandon() {
    // Nothing helps when this fails, and an error is being reported already.
    if let createdPath { _ = unsafe createdPath.withPlatformString { unsafe unlink($0) } }
    close()
  }

  /// Swift System throws untyped; what it throws is always an `Errno`.
  private static func orErrno<Value>(_ body: () throws -> Value) throws(Errno) -> Value {
    do {
      return try body()
    } catch let error as Errno {
      throw error
    } catch {
      throw .invalidArgument
    }
  }

  private func orErrno<Value>(_ body: () throws -> Value) throws(Errno) -> Value {
    try LocalFile.orErrno(body)
  }
}
