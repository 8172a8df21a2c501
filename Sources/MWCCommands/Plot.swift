internal import ArgumentParser
internal import Glibc
internal import MWC
internal import MWCCapture
internal import MWCCore

/// `mwc plot`: numbers of a capture over time.
struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draw numbers of a capture over time, in the terminal or as SVG.",
    discussion: """
      Each path is a line; true and false are 1 and 0. Where several connections have the value, \
      each has a line of its own. A line ends where something is missing: at gaps, at the end of a \
      connection, and where nothing came for five times as long as usual. Without colours, each \
      line has a drawing of its own. Times count from the start of the recording, as --from takes \
      them. The status is 1 when a path has no numbers.

      EXAMPLES
        mwc plot run.cap data.processor.usage_percent
        mwc plot run.cap data.memory.percentage data.disk.percentage --from 50%
        mwc plot run.cap 'data.gpu.gpus[0].temperature' -o gpu.svg
        mwc plot run.cap data.memory.used --summary
        mwc plot run.cap data.memory.used --summary --json | jq '.series[].max'
      """)

  @Argument(
    help: ArgumentHelp("The capture to read; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @Argument(help: ArgumentHelp("Numbers to draw, like data.gpus[0].load.", valueName: "path"))
  var paths: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("An SVG picture to write instead.", valueName: "file.svg"),
    completion: .file(extensions: ["svg"]))
  var output: String?

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  @Flag(help: "A drawing for each line, with a scale of its own.")
  var separate = false

  @Flag(help: "Only say count, least, mean, greatest and last value of each line.")
  var summary = false

  @Flag(help: "With --summary: as one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp("Columns of the drawing; by default those of the terminal.", valueName: "n"))
  var width: Int?

  @Option(help: ArgumentHelp("Rows of each drawing.", valueName: "n"))
  var height = 16

  @Flag(help: "No colours, whatever the terminal and $CLICOLOR_FORCE say.")
  var noColor = false

  @OptionGroup(title: "Which part") var part: SelectionOptions

  func validate() throws {
    if json, !summary { throw ValidationError("--json spells --summary; give both") }
    if summary, output != nil { throw ValidationError("--summary draws nothing; leave out -o") }
    guard (20...1_000).contains(width ?? 80) else {
      throw ValidationError("--width is a number from 20 to 1000")
    }
    guard (2...200).contains(height) else {
      throw ValidationError("--height is a number from 2 to 200")
    }
    do throws(JSONError) {
      _ = try JSONScanner(paths: paths)
    } catch { throw ValidationError("\(paths[error.offset]): \(error)") }
  }

  func run() throws {
    do {
      try plot()
    } catch let error as CaptureError {
      throw CommandFailure(error)
    } catch let error as PlayerError {
      throw CommandFailure(error, file: file)
    }
  }

  private func plot() throws {
    var records = try SelectedRecords.open(file, part.selection)
    var data = PlotData(paths: paths)
    let progress = ProgressLine(total: try records.size())
    defer { progress.end() }
    try data.read(&records, progress)
    progress.end()
    Console.sayEnding(of: file, records.ending)
    if summary {
      writeToStandardOutput(
        json ? PlotSummary(file, data).json + "\n" : PlotSummary(file, data).text)
    } else if let times = data.times, !data.series.isEmpty {
      try draw(data, times)
    }
    if let damage = data.damage { throw CommandFailure(damage) }
    try sayWhatIsMissing(data)
  }

  // MARK: Drawing

  private func draw(_ data: PlotData, _ times: ClosedRange<Int64>) throws {
    let usesColor = usesColor(on: STDOUT_FILENO, forbidden: noColor)
    let colored = data.series.enumerated().map { (series: $1, color: $0) }
    let isSeparate = separate || (output == nil && !usesColor)
    let panels = isSeparate ? colored.map { [$0] } : [colored]
    if let output {
      let start = Timestamp.rfc3339(nanoseconds: data.startWallTime).prefix(19)
      let picture = SVGPlot().document(
        title: "\(file), from \(start)Z", panels: panels, times)
      try OutputFile.creating(output, force: force, inputs: [file]).fill { (stored, name) in
        let sink = ExportOutput(stored, name: name)
        sink.append(picture)
        try sink.flush()
      }
      return
    }
    let plot = TerminalPlot(
      width: width ?? Console.terminalWidth(), height: height, usesColor: usesColor)
    var text = ""
    for panel in panels {
      for line in plot.lines(panel, times) { text += line + "\n" }
      for (series, color) in panel { text += legend(series, color, usesColor) + "\n" }
    }
    writeToStandardOutput(text)
  }

  /// `━━ data.memory.percentage  383 values  min 4.3  mean 5.1  max 12.0  last 4.8`
  private func legend(_ series: PlotSeries, _ color: Int, _ usesColor: Bool) -> String {
    guard let total = series.total else { return series.name }
    let code = TerminalPlot.colors[color % TerminalPlot.colors.count]
    let mark = usesColor ? "\u{1B}[\(code)m━━\u{1B}[0m" : "━━"
    return "\(mark) \(Console.visible(series.name))  \(NumberText.counted(total.count, "value"))"
      + "  min \(PlotAxis.plain(total.least))  mean \(PlotAxis.plain(total.mean))"
      + "  max \(PlotAxis.plain(total.greatest))  last \(PlotAxis.plain(total.last.value))"
  }

  // MARK: What is not there

  private func sayWhatIsMissing(_ data: PlotData) throws {
    var isMissing = false
    for (index, path) in paths.enumerated()
    where !data.series.contains(where: { $0.path == path }) {
      isMissing = true
      let others = data.otherValues[index]
      let reason =
        others > 0
        ? "\(NumberText.counted(others, "value")), none of them a number"
        : "no such value in \(NumberText.counted(data.messages, "message"))"
      Console.say("mwc: \(file): \(path): \(reason)")
    }
    if isMissing { throw CommandFailure(.badData) }
  }
}
