internal import ArgumentParser
internal import MWC
internal import MWCCapture

/// The capture that a command makes of others.
struct WritingOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The capture to write; - is standard output.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var output: String

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  @OptionGroup var compression: CompressionOptions

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output needs a name") }
  }

  /// The copy that goes to a file.
  func copy(to file: LocalFile, name: String) -> CaptureCopy {
    compression.copy(to: file, name: name)
  }

  /// Says what came of it to whoever sits at a terminal.
  func report(_ text: String) {
    if output != "-", Console.isTerminal(2) { Console.say("\(output): \(text)") }
  }
}

/// How densely a copy is written.
struct CompressionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("zlib level of the file, 0 (none) to 9.", valueName: "0-9"))
  var level = 6

  func validate() throws {
    if !(0...9).contains(level) { throw ValidationError("--level is 0 to 9") }
  }

  /// The copy that goes to a file.
  func copy(to file: LocalFile, name: String, blockSize: Int = 1 << 20) -> CaptureCopy {
    var options = CaptureRecovery.defaultOptions
    options.level = level
    options.blockSize = blockSize
    let chosen = options
    return CaptureCopy { (session) throws(CaptureError) in
      try CaptureWriter(
        file: file, name: name, session: session, options: chosen,
        fileID: UInt64.random(in: 1 ... .max))
    }
  }
}

/// Runs `body` and turns what it throws into the end of a command.
func reportingFailures(about file: String, _ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as CaptureError {
    throw CommandFailure(error)
  } catch let error as PlayerError {
    throw CommandFailure(error, file: file)
  }
}
