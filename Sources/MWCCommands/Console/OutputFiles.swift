internal import Glibc
internal import MWCCapture
internal import MWCCore

/// Several outputs of a command, which are all there in the end, or none of them: nothing half-finished
/// stays when it fails or a signal ends it.
final class OutputFiles {
  private let force: Bool
  private let inputs: [String]
  private var files: [AsideFile] = []
  private var isFinished = false
  /// What a signal removes.
  private let partialPaths = Guarded<[String]>([])
  private let watch: SignalWatch

  /// - Parameters:
  ///   - force: whether they may take the place of files.
  ///   - inputs: what is read meanwhile.
  init(force: Bool, inputs: [String]) {
    self.force = force
    self.inputs = inputs
    let partialPaths = partialPaths
    watch = SignalWatch([SIGINT, SIGTERM, SIGHUP]) { number in
      Console.clearLive()
      for path in partialPaths.withLock({ $0 }) { unsafe unlink(path) }
      // As the shell spells the end by a signal.
      _exit(128 + number)
    }
  }

  deinit {
    if !isFinished { files.forEach { $0.abandon() } }
  }

  /// Begins an output.
  func create(_ path: String) throws(CaptureError) -> AsideFile {
    let aside = try AsideFile.creating(path, overwrites: force, inputs: inputs)
    files.append(aside)
    if let partialPath = aside.partialPath {
      partialPaths.withLock { $0.append(partialPath) }
    }
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
