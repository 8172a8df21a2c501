internal import MWCCapture

/// Which of the completed files of a recording stay: the newest, as many as wanted.
struct Retention {
  /// Files that stay at most; nil: all.
  let count: Int?
  /// Bytes that they have at most; nil: any. The newest stays in any case.
  let size: Int64?
  /// Oldest first.
  private(set) var files: [StoredCapture] = []

  init(count: Int?, size: Int64?) {
    self.count = count
    self.size = size
  }

  /// Whether anything is ever deleted.
  var isLimited: Bool { count != nil || size != nil }

  /// A file was completed; it is newer than all others.
  mutating func add(_ file: StoredCapture) {
    if isLimited { files.append(file) }
  }

  /// A file could not be deleted: it is the first of those to be deleted next time.
  mutating func putBack(_ file: StoredCapture) { files.insert(file, at: 0) }

  /// Forgets the oldest files beyond the limits, which are to be deleted.
  mutating func excess() -> [StoredCapture] {
    guard !files.isEmpty else { return [] }
    var kept = 1
    var total = files[files.count - 1].size
    for file in files.dropLast().reversed() {
      total += file.size
      if let count, kept >= count { break }
      if let size, total > size { break }
      kept += 1
    }
    defer { files.removeFirst(files.count - kept) }
    return Array(files.dropLast(kept))
  }
}
