internal import ArgumentParser
internal import MWCCapture
internal import MWCCore

/// `mwc info`: what a capture holds, in numbers.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a capture holds: times, connections, types of messages, gaps.",
    discussion: """
      Rates are per second of the recording; sizes are those of the payloads unless it says \
      otherwise. The type of a message is its JSON member "type", or the event of a Socket.IO packet. \
      To count types all of the capture is read; --brief reads only the index of a finished capture, \
      unless it has gaps to list. Damage ends the reading and is told; 'mwc verify' finds all of it. \
      The status is 1 then.

      EXAMPLES
        mwc info run.cap
        mwc info --brief *.cap
        mwc info --columns run.cap
        mwc info --json run.cap | jq .messages
        mwc info --json run.cap | jq '.connections[].uri'
        mwc-capture -o - -d 10s | mwc info -
      """)

  @Argument(
    help: ArgumentHelp("The captures; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var files: [String]

  @Flag(help: "One JSON object for each capture, a line each.")
  var json = false

  @Flag(help: "Do not count types of messages: at once, however large the capture is.")
  var brief = false

  @Flag(help: "List the columns: which values take how much of the file.")
  var columns = false

  func validate() throws {
    if columns, files.contains("-") {
      throw ValidationError("--columns reads a capture twice, so it cannot be standard input")
    }
  }

  func run() throws {
    var isDamaged = false
    for (index, file) in files.enumerated() {
      let summary: CaptureSummary
      let columnSizes: ColumnSizes?
      do {
        let progress = ProgressLine(
          total: file == "-" || brief ? nil : try CaptureReader.open(file).size())
        defer { progress.end() }
        summary = try CaptureSummary(file, countsTypes: !brief) { progress.done = $0 }
        columnSizes = columns ? try ColumnSizes(file) : nil
      } catch { throw CommandFailure(error) }
      let report = InfoReport(summary, columns: columnSizes)
      let text = json ? report.json + "\n" : (index > 0 ? "\n" : "") + report.text
      writeToStandardOutput(text)
      if let damage = summary.damage {
        isDamaged = true
        Console.say("mwc: \(damage)")
      }
    }
    if isDamaged { throw CommandFailure(.badData) }
  }
}
