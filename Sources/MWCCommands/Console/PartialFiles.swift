internal import Glibc
internal import MWCCapture
internal import MWCCore

/// The files that a command is writing under names of their own: a signal that ends the command removes
/// them, at whatever moment it comes.
final class PartialFiles {
  /// Locked while a file is made, and from the signal to the end: so none is made behind its back.
  private let paths: Guarded<[String]>
  private let watch: SignalWatch

  init() {
    let paths = Guarded<[String]>([])
    self.paths = paths
    watch = SignalWatch([SIGINT, SIGTERM, SIGHUP]) { number in
      Console.clearLive()
      paths.withLock { paths in
        for path in paths { unsafe unlink(path) }
        // As the shell spells the end by a signal.
        _exit(128 + number)
      }
    }
  }

  /// Begins an output.
  ///
  /// - Parameters:
  ///   - path: the output; "-" is standard output.
  ///   - force: whether it may take the place of a file.
  ///   - inputs: what is read meanwhile.
  /// - Returns: the output; its parts are removed by a signal as long as this object lives.
  /// - Throws: `CaptureError`: `exists`, `locked`, `cannotCreate`.
  func create(_ path: String, force: Bool, inputs: [String]) throws(CaptureError) -> AsideFile {
    try paths.withLock { (paths) throws(CaptureError) in
      let aside = try AsideFile.creating(path, overwrites: force, inputs: inputs)
      if let partialPath = aside.partialPath { paths.append(partialPath) }
      return aside
    }
  }
}
