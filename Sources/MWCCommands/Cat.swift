internal import ArgumentParser
internal import MWC
internal import MWCCapture
internal import MWCCore
internal import MWCSinks
internal import SystemPackage

/// `mwc cat`: everything in a capture, as JSON lines.
struct CatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Print everything in a capture as JSON lines.",
    discussion: """
      One object a line, in the order of arrival: time (RFC 3339, UTC), time_ns, monotonic_ns and \
      connection; for messages direction (in, out), opcode (text, binary, ping, pong) and payload; \
      for events of a connection event and data. A text stands in payload, and a JSON parser gives \
      back its exact bytes; binary payloads, and text that is not UTF-8, stand in payload_base64. \
      A filter judges events too, by their data.

      EXAMPLES
        mwc cat run.cap | head -n 3
        mwc cat run.cap | jq -r 'select(.opcode == "text") | .payload'
        mwc cat run.cap | jq -c 'select(.event)'
        mwc cat --payload run.cap | jq .type
        mwc cat --follow run.cap | grep --line-buffered '"event"'
        mwc cat run.cap --filter '$kind in ("closed", "gap") or level == "error"'
        mwc-capture -o - -d 10s | mwc cat -
      """)

  @Argument(
    help: ArgumentHelp("The capture to print; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @Flag(help: "Print only the payloads of text and binary messages, one a line.")
  var payload = false

  @Flag(
    help: """
      Go on at the end of a capture that is still being written, until it is finished or you \
      interrupt.
      """)
  var follow = false

  @OptionGroup(title: "Which part") var part: SelectionOptions

  func validate() throws {
    if follow, file == "-" {
      throw ValidationError("--follow needs a file; standard input is read as it comes anyway")
    }
  }

  func run() throws {
    let output = DescriptorOutput(.standardOutput)
    let isStopped = Guarded(false)
    // Made before the first line is shown: whoever sees it may interrupt.
    let signals =
      follow
      ? StopSignals(
        stop: { isStopped.withLock { $0 = true } }, leave: {}, suspend: {}, resume: {}) : nil
    do {
      var records = try SelectedRecords.open(file, part.selection, flushing: output)
      records.deliversUnknownKinds = true
      do {
        try print(&records, to: output)
        if follow { try goOn(&records, until: isStopped, to: output) }
      } catch let error as CaptureError {
        // What was read before the damage is as good as ever.
        try output.flush()
        throw error
      }
      try output.flush()
      if let status = signals?.status { throw CommandFailure(status) }
      Console.sayEnding(of: file, records.ending)
    } catch let error as CaptureError {
      throw CommandFailure(error)
    } catch let error as PlayerError {
      throw CommandFailure(error, file: file)
    } catch let error as OutputError {
      throw CommandFailure(error)
    }
  }

  /// Prints what is still being written, until it is finished or a signal comes.
  private func goOn(
    _ records: inout SelectedRecords, until isStopped: Guarded<Bool>, to output: DescriptorOutput
  ) throws {
    // An output that fails now fails again at its next flush, where somebody hears of it.
    let follower = Follower(
      isStopped: { isStopped.withLock { $0 } }, beforeWaiting: { try? output.flush() })
    while records.canGrow, follower.wait() { try print(&records, to: output) }
  }

  private func print(_ records: inout SelectedRecords, to output: DescriptorOutput) throws {
    var lines = JSONLines()
    while try records.advance() {
      let message = records.current
      if !payload {
        lines.append(message, to: &output.buffer)
      } else if message.kind.isData {
        output.buffer.append(message.payload)
        output.buffer.append(UInt8(ascii: "\n"))
      }
      try output.flushIfDue()
    }
  }
}
