internal import MWC
internal import MWCCapture
internal import MWCSinks

extension CommandFailure {
  /// How a command ends that an error of a capture stopped.
  init(_ error: CaptureError) {
    let status: ExitStatus =
      switch error.code {
      case .cannotOpen, .notACapture, .newerVersion, .unsupported: .noInput
      case .damaged: .badData
      case .exists, .cannotCreate, .locked: .cannotCreate
      // The reader of our output has what it wanted.
      case .outputClosed: .done
      default: .inputOutput
      }
    self.init(status, status == .done ? "" : error.description)
  }

  /// How a command ends that cannot read a part of a capture.
  init(_ error: PlayerError, file: String) {
    switch error {
    case .capture(let error): self.init(error)
    case .impossible(let reason): self.init(.usage, "\(file): \(reason)")
    case .output(let error): self.init(error)
    }
  }

  /// How a command ends that cannot write to standard output: quietly when its reader has what it
  /// wanted, as with `| head`.
  init(_ error: OutputError) {
    switch error.code {
    case .readerGone: self.init(.done)
    case .writeFailed: self.init(.inputOutput, "standard output: \(error)")
    }
  }
}

extension Console {
  /// Says so when a capture ends with something incomplete, as a killed recorder leaves it behind.
  static func sayEnding(of file: String, _ ending: CaptureEnding?) {
    guard case .unfinished(let end, let excess) = ending, excess > 0 else { return }
    let name = file == "-" ? "standard input" : file
    say(
      "\(name): the last \(NumberText.grouped(excess)) bytes, from offset \(end) on, are not "
        + "complete and were left out; the recording was cut off there")
  }
}
