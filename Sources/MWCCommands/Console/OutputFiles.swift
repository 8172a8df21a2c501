internal import MWCCapture

/// Several outputs of a command, which are all there in the end, or none of them: nothing half-finished
/// stays when it fails or a signal ends it.
final class OutputFiles {
  private let force: Bool
  private let inputs: [String]
  private var files: [AsideFile] = []
  private var isFinished = false
  private let partials = PartialFiles()

  /// - Parameters:
  ///   - force: whether they may take the place of files.
  ///   - inputs: what is read meanwhile.
  init(force: Bool, inputs: [String]) {
    self.force = force
    self.inputs = inputs
  }

  deinit {
    if !isFinished { files.forEach { $0.abandon() } }
  }

  /// Begins an output.
  func create(_ path: String) throws(CaptureError) -> AsideFile {
    let aside = try partials.create(path, force: force, inputs: inputs)
    files.append(aside)
    return aside
  }

  /// Gives all outputs their names. They have been synced and closed.
  func finish() throws(CaptureError) {
    while let aside = files.first {
      files.removeFirst()
      try aside.finish(isClosed: true)
    }
    isFinished = true
  }
}
