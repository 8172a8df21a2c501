internal import ArgumentParser
internal import MWCCapture
internal import MWCCore

/// `mwc info`: what a capture holds, in numbers.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a capture holds: times, connections, messages, gaps.",
    discussion: """
      Reads the index of a finished capture, and all of one that was cut off or that has gaps to \
      list. Rates are per second of the recording; sizes are those of the payloads unless it says \
      otherwise. Damage ends the reading and is told; 'mwc verify' finds all of it. The status is 1 \
      then.

      EXAMPLES
        mwc info run.cap
        mwc info *.cap
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

  func run() throws {
    var isDamaged = false
    for (index, file) in files.enumerated() {
      let summary: CaptureSummary
      do { summary = try CaptureSummary(file) } catch { throw CommandFailure(error) }
      let report = InfoReport(summary)
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
