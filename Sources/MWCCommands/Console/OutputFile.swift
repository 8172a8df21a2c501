internal import MWCCapture

/// The output of a command that runs for a while: nothing half-finished stays when it fails or a
/// signal ends it.
struct OutputFile: ~Copyable {
  let aside: AsideFile
  private let partials: PartialFiles

  /// - Parameters:
  ///   - path: the output; "-" is standard output.
  ///   - force: whether it may take the place of a file.
  ///   - inputs: what is read meanwhile.
  /// - Returns: the output, begun.
  /// - Throws: `CaptureError`: `exists`, `locked`, `cannotCreate`.
  static func creating(
    _ path: String, force: Bool, inputs: [String]
  ) throws(CaptureError) -> OutputFile {
    let partials = PartialFiles()
    return OutputFile(try partials.create(path, force: force, inputs: inputs), partials)
  }

  private init(_ aside: AsideFile, _ partials: PartialFiles) {
    self.aside = aside
    self.partials = partials
  }

  /// Runs `body`, which fills the file, and gives the file its name; or removes it.
  ///
  /// - Parameters:
  ///   - isClosed: whether `body` has synced and closed the file.
  ///   - body: gets the file and its name in errors.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws; `CaptureError` when the file cannot be finished.
  consuming func fill<Result>(
    isClosed: Bool = false, _ body: (LocalFile, String) throws -> Result
  ) throws -> Result {
    // Signals are watched until nothing half-finished is left.
    defer { withExtendedLifetime(partials) {} }
    let result: Result
    do {
      result = try body(aside.file, aside.name)
    } catch {
      aside.abandon()
      throw error
    }
    try aside.finish(isClosed: isClosed)
    return result
  }
}
