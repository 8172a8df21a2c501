internal import ArgumentParser
internal import MWCCapture
internal import MWCCore

/// `mwc import`: a capture of what other programs have recorded.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a capture of a recording in another format.",
    discussion: """
      The format is named by --format, or by the ending of the file:
        jsonl   one message a line (.jsonl, .ndjson, .json, .log, .txt): what 'mwc export' and \
      'mwc cat' write is recognised; other lines are messages as they stand, with their time in a \
      member (--time) or evenly spaced (--start, --interval)
        mcap    JSON channels, one connection for each channel (.mcap)
        har     an HTTP archive with WebSocket messages, as browsers save it (.har)

      A line that cannot be read ends the import with its number, and no capture is left behind. \
      Such files know one clock only: it becomes the wall-clock time of the messages, and what is \
      between two of them is the time between.

      EXAMPLES
        mwc import session.jsonl -o session.cap
        mwc import robot.mcap -o robot.cap
        mwc import devtools.har -o devtools.cap
        mwc import events.ndjson --time data.timestamp -o events.cap
        journalctl -o json | mwc import - --format jsonl --interval 10ms -o journal.cap
      """)

  @Argument(
    help: ArgumentHelp("The file to read; - is standard input.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The capture to write; - is standard output.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var output: String

  @Option(
    help: ArgumentHelp(
      "jsonl, mcap or har; by default what the file's name ends with.", valueName: "format"),
    completion: .list(ImportFormat.allCases.map(\.rawValue)))
  var format: ImportFormat?

  @Option(
    help: ArgumentHelp(
      """
      Lines are messages, and this member of them holds the time: a number of s, ms, µs or ns \
      since 1970, or text (RFC 3339; UTC where it names no zone).
      """, valueName: "path"))
  var time: String?

  @Option(
    help: ArgumentHelp(
      "Lines are messages, the first of them at this wall-clock time; by default now.",
      valueName: "time"))
  var start: PointInTime?

  @Option(
    help: ArgumentHelp(
      "Lines are messages, this long after each other; 1s by default.", valueName: "duration"))
  var interval: DurationText?

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  private var chosenFormat: ImportFormat? { format ?? ImportFormat(fileName: file) }

  func validate() throws {
    guard let format = chosenFormat else {
      throw ValidationError(
        "--format says what \(file == "-" ? "standard input" : file) is: "
          + ImportFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if format != .jsonl, time != nil || start != nil || interval != nil {
      throw ValidationError("--time, --start and --interval are for lines; \(format) has its times")
    }
    if time != nil, start != nil || interval != nil {
      throw ValidationError("--time says when each line came; leave out --start and --interval")
    }
    switch start {
    case .offset, .share: throw ValidationError("--start is a wall-clock time")
    case .wall, nil: break
    }
    if let time {
      do { _ = try JSONScanner(paths: [time]) } catch {
        throw ValidationError("--time \(time): \(error)")
      }
    }
  }

  func run() throws {
    do {
      try read()
    } catch let error as CaptureError where error.code == .tooLarge {
      // Nothing is wrong with the disk, but with what the file holds.
      throw CommandFailure(.badData, error.description)
    } catch let error as CaptureError {
      throw CommandFailure(error)
    }
  }

  private func read() throws {
    let source = try LocalFile.reading(file)
    let progress = ProgressLine(total: (try? source.size()) ?? nil)
    defer { progress.end() }
    let target = try OutputFile.creating(output, force: force, inputs: [file])
    let outcome = try target.fill(isClosed: true) { (stored, name) in
      try CaptureImport.read(source, name: file, as: importFormat) {
        progress.done = $0
      } makeWriter: { (session) throws(CaptureError) in
        try CaptureWriter(
          file: stored, name: name, session: session, options: CaptureRecovery.defaultOptions,
          fileID: UInt64.random(in: 1 ... .max))
      }
    }
    progress.end()
    if outcome.leftOut > 0 {
      Console.say(
        "\(file): left out \(NumberText.counted(outcome.leftOut, "message")) that a capture has no "
          + "place for")
    }
    if output != "-", Console.isTerminal(2) {
      Console.say("\(output): \(NumberText.counted(outcome.records, "record"))")
    }
  }

  private var importFormat: CaptureImport.Format {
    switch chosenFormat {
    case .mcap: return .mcap
    case .har: return .har
    case .jsonl, nil:
      var options = JSONLinesImporter.Options()
      options.timePath = time
      options.isPlain = start != nil || interval != nil
      options.start = SystemClock.wallNanoseconds()
      if case .wall(let time) = start { options.start = time }
      if let interval { options.interval = interval.nanoseconds }
      return .jsonLines(options)
    }
  }
}

/// The formats of `mwc import`.
enum ImportFormat: String, CaseIterable, ExpressibleByArgument {
  case jsonl, mcap, har

  /// What the ending of a name says.
  init?(fileName: String) {
    switch fileName.split(separator: ".", omittingEmptySubsequences: false).last {
    case "jsonl", "ndjson", "json", "log", "txt": self = .jsonl
    case "mcap": self = .mcap
    case "har": self = .har
    default: return nil
    }
  }
}
