internal import MWCCapture

/// The names of the files of one output, one after the other: no two are the same, and none is that
/// of a file that is there already.
///
/// ```
///   session.cap, rotated by hand      session.cap  session.0001.cap  session.0002.cap …
///   session.cap, rotated by a rule    session.0001.cap  session.0002.cap …
///   session-%H%M.cap                  session-1000.cap  session-1100.cap …
///   the same, twice in a minute       session-1000.cap  session-1000.0001.cap
/// ```
struct FileSeries {
  let name: OutputName
  private let host: String
  private let stream: Int
  /// Does not change any more. Empty, or with a slash at its end.
  private let folder: String
  /// Every file has a number.
  private let isNumbered: Bool
  /// The name that was used last, without its number, and that number.
  private var lastBase: String?
  private var lastNumber = 0

  /// - Parameters:
  ///   - name: the pattern.
  ///   - host: this host's name.
  ///   - stream: the number of the stream, from 1, where each has files of its own.
  ///   - isNumbered: whether every file has a number.
  ///   - time: now, nanoseconds since 1970.
  init(_ name: OutputName, host: String, stream: Int = 1, isNumbered: Bool, time: Int64) {
    self.name = name
    self.host = host
    self.stream = stream
    self.isNumbered = isNumbered
    folder = name.expandedFolder(.init(time: time, host: host, stream: stream))
    guard isNumbered else { return }
    // What was deleted stays deleted: numbers only grow.
    lastBase = name.expandedFile(values(at: time))
    lastNumber = candidates().map(\.number).max() ?? 0
  }

  private func values(at time: Int64) -> OutputName.Values {
    OutputName.Values(time: time, host: host, stream: stream)
  }

  /// Names beyond this are not tried: a folder so full of them is not what anybody meant.
  private static let maxAttempts = 10_000

  /// Finds a name for a file, by trying to make it.
  ///
  /// - Parameters:
  ///   - time: what it is named after, nanoseconds since 1970.
  ///   - mayNumber: whether a name that is taken gets a number.
  ///   - make: makes the file.
  /// - Returns: what `make` does, and the path.
  /// - Throws: what `make` throws, unless it is `exists` and there are other names.
  mutating func makeFile<File>(
    at time: Int64, mayNumber: Bool, _ make: (String) throws(CaptureError) -> File
  ) throws(CaptureError) -> (file: File, path: String) {
    let base = name.expandedFile(values(at: time))
    var number = isNumbered ? lastNumber + 1 : 0
    var attempts = 1
    while true {
      let path = folder + OutputName.numbered(base, number)
      do throws(CaptureError) {
        let file = try make(path)
        (lastBase, lastNumber) = (base, number)
        return (file, path)
      } catch {
        guard error.code == .exists, mayNumber, attempts < Self.maxAttempts else { throw error }
      }
      attempts += 1
      number = number == 0 && lastBase == base ? lastNumber + 1 : number + 1
    }
  }

  /// Files in the folder whose name this series could have given.
  private func candidates() -> [(path: String, number: Int)] {
    StoredCapture.names(in: folder.isEmpty ? "." : folder).compactMap { file in
      name.number(of: file, values(at: 0)).map { (folder + file, $0) }
    }
  }

  /// The captures that earlier recordings of this series have left, oldest first.
  ///
  /// A name alone proves nothing: the file says itself, at its head, which host and which series it is
  /// of. Whatever cannot be read is nobody's.
  func earlierFiles() -> [StoredCapture] {
    var found: [(time: Int64, file: StoredCapture)] = []
    for (path, _) in candidates() {
      guard let file = StoredCapture(at: path), let session = Self.session(of: path),
        session.host == host, session.options.contains(option)
      else { continue }
      found.append((session.wallAnchor, file))
    }
    return found.sorted { ($0.time, $0.file.path) < ($1.time, $1.file.path) }.map(\.file)
  }

  /// What the session of each file says about the series, see `CaptureSession.options`.
  var option: String { "series=\(name.file)" }

  private static func session(of path: String) -> CaptureSession? {
    do throws(CaptureError) {
      let reader = try CaptureReader.open(path)
      return reader.session
    } catch {
      return nil
    }
  }
}
