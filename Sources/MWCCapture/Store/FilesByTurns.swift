internal import SystemPackage

/// Opens captures that are read by turns, thousands of them, and keeps only some open: whichever is
/// read and is not, takes the place of the one that was read longest ago.
///
/// A file that is replaced meanwhile has another id, and is found out as damaged. Not thread-safe.
package final class FilesByTurns {
  /// Well below the 1,024 descriptors that a process usually has.
  package static let maxOpen = 200

  /// Those that are open, the one that was read last at the end.
  private var open: [FileInTurn] = []

  package init() {}

  /// How many are open.
  package var openCount: Int { open.count }

  /// A capture for reading, with its tail if there is one. What is no regular file stays open.
  ///
  /// - Throws: `CaptureError`: `cannotOpen`.
  package func reading(_ path: String) throws(CaptureError) -> any CaptureSource {
    let file = try LocalFile.reading(path)
    guard file.isRegular else { return file }
    let capture = FileInTurn(path, file, of: self)
    let tailName = LocalTail.path(of: path)
    return CapturePair(capture, tailName: tailName) { [unowned self] () throws(CaptureError) in
      guard let tail = try LocalTail.reading(tailName) else { return nil }
      return FileInTurn(tailName, tail, of: self)
    }
  }

  /// It is the turn of `file`, which is open.
  fileprivate func use(_ file: FileInTurn) {
    if open.last === file { return }
    open.removeAll { $0 === file }
    open.append(file)
    if open.count > Self.maxOpen { open.removeFirst().park() }
  }

  fileprivate func forget(_ file: FileInTurn) { open.removeAll { $0 === file } }

  /// Closes what `source`, one of ours, has open: it has been read.
  package func close(_ source: any CaptureSource) {
    guard let pair = source as? CapturePair else { return }
    for file in pair.files {
      guard let file = file as? FileInTurn else { continue }
      file.park()
      forget(file)
    }
  }
}

/// One of them.
private final class FileInTurn: CaptureSource {
  private let path: String
  private var file: LocalFile?
  private unowned let files: FilesByTurns

  init(_ path: String, _ file: LocalFile, of files: FilesByTurns) {
    self.path = path
    self.file = file
    self.files = files
    files.use(self)
  }

  func park() { file = nil }

  private func opened() throws(Errno) -> LocalFile {
    if let file {
      files.use(self)
      return file
    }
    do throws(CaptureError) {
      let new = try LocalFile.reading(path)
      file = new
      files.use(self)
      return new
    } catch { throw error.underlying ?? .noSuchFileOrDirectory }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    unsafe try opened().read(into: buffer, at: offset)
  }

  func size() throws(Errno) -> Int64? { try opened().size() }
}
