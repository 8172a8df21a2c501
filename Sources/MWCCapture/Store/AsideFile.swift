internal import Glibc
internal import SystemPackage

/// An output that is there complete or not at all: it is written beside its place, under a name of
/// its own, and takes its real name at the end.
///
/// ```
///   .run.csv.5f3a91c2.part  ──finish──►  run.csv
/// ```
///
/// Standard output, pipes and devices cannot be moved and are written directly. Not thread-safe.
package final class AsideFile {
  /// Where the bytes go.
  package let file: LocalFile
  /// The output as errors name it.
  package let name: String
  /// The name while it is written; nil for what is written directly. Whoever ends the process
  /// without `finish` or `abandon`, as a signal does, removes it.
  package let partialPath: String?
  private let path: String
  private let overwrites: Bool
  /// The file that is to be replaced: locked, so that no capture that is being recorded is.
  private let replaced: LocalFile?

  private init(
    _ file: LocalFile, path: String, partialPath: String?, overwrites: Bool, replaced: LocalFile?
  ) {
    self.file = file
    self.path = path
    name = path == "-" ? "standard output" : path
    self.partialPath = partialPath
    self.overwrites = overwrites
    self.replaced = replaced
  }

  /// Begins an output, readable and writable by its owner alone; "-" is standard output.
  ///
  /// - Parameters:
  ///   - path: its name in the end.
  ///   - overwrites: whether it may take the place of a file.
  ///   - inputs: files that are read meanwhile and must stay.
  /// - Returns: the output; nothing of its real name is touched yet.
  /// - Throws: `CaptureError`: `exists`, `locked`, `cannotCreate`.
  package static func creating(
    _ path: String, overwrites: Bool, inputs: [String] = []
  ) throws(CaptureError) -> AsideFile {
    for input in inputs where path != "-" && input != "-" {
      // What cannot be opened is told by whoever reads it.
      guard let file = try? LocalFile.reading(input) else { continue }
      defer { file.close() }
      if file.isSame(as: path) {
        throw CaptureError(
          .exists, "is what is to be read", advice: "name another output", file: path)
      }
    }
    var status = stat()
    let found = unsafe FilePath(path).withPlatformString { unsafe stat($0, &status) } == 0
    let kind = found ? status.st_mode & S_IFMT : S_IFREG
    if kind == S_IFDIR {
      throw CaptureError(.cannotCreate, "is a folder", advice: "name a file in it", file: path)
    }
    if path == "-" || kind != S_IFREG {
      let file = try LocalFile.writing(path, existing: .overwrite)
      return AsideFile(file, path: path, partialPath: nil, overwrites: true, replaced: nil)
    }
    if found, !overwrites { throw existsAlready(path) }
    let replaced = found ? try LocalFile.writing(path, existing: .append) : nil
    let partialPath = name(besides: path)
    do throws(CaptureError) {
      let file = try LocalFile.writing(partialPath, existing: .refuse)
      return AsideFile(
        file, path: path, partialPath: partialPath, overwrites: overwrites, replaced: replaced)
    } catch {
      replaced?.close()
      var error = error
      error.file = path
      throw error
    }
  }

  private static func name(besides path: String) -> String {
    let digits = String(UInt32.random(in: .min ... .max), radix: 16)
    let full = FilePath(path)
    let name = full.lastComponent?.string ?? "output"
    return full.removingLastComponent().appending(".\(name.prefix(60)).\(digits).part").string
  }

  private static func existsAlready(_ path: String) -> CaptureError {
    CaptureError(.exists, "exists already", advice: "--force overwrites it", file: path)
  }

  /// Makes the device keep the bytes, and gives the file its name.
  ///
  /// - Parameter isClosed: whether a writer has synced and closed the file already.
  /// - Throws: `CaptureError`: `io`, or `exists` when somebody else was faster. Nothing is left then.
  package func finish(isClosed: Bool = false) throws(CaptureError) {
    defer { replaced?.close() }
    do throws(Errno) {
      if !isClosed {
        try file.sync()
        file.close()
      }
      guard let partialPath else { return }
      try move(FilePath(partialPath), to: FilePath(path))
      try LocalFile.syncFolder(FilePath(path).removingLastComponent())
    } catch {
      removePartial()
      throw error == .fileExists
        ? AsideFile.existsAlready(path)
        : CaptureError(.io, "cannot be finished", file: name, underlying: error)
    }
  }

  /// Closes and removes what was written.
  package func abandon() {
    replaced?.close()
    file.abandon()
  }

  private func move(_ source: FilePath, to target: FilePath) throws(Errno) {
    let result = unsafe source.withPlatformString { source in
      unsafe target.withPlatformString { target in
        if !overwrites {
          // A link never replaces anything; file systems without links have only the other way.
          if unsafe link(source, target) == 0 { return unsafe unlink(source) }
          if errno == EEXIST { return -1 }
        }
        return unsafe rename(source, target)
      }
    }
    if result != 0 { throw Errno(rawValue: errno) }
  }

  private func removePartial() {
    guard let partialPath else { return }
    // An error is being reported already.
    _ = unsafe unlink(partialPath)
  }
}
