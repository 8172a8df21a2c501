internal import ArgumentParser
internal import MWC
internal import MWCCapture
internal import MWCCore

/// `mwc export`: the messages of a capture in a format of somebody else.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the messages of a capture in another format.",
    discussion: """
      The format is named by --format, or by the ending of the output:
        jsonl   one JSON object for each message: t (ns), dir, op, data or b64 (.jsonl, .ndjson)
        csv     a row for each message that has one of the --path values (.csv)
        mcap    channels of messages, for Foxglove and its relatives (.mcap)
        har     an HTTP archive with WebSocket messages, for browsers' tools (.har)
        sqlite  a database of messages and events, with a column for each --path (.db, .sqlite)

      All of a capture has a place in sqlite only: ping, pong and the end of a connection in jsonl, \
      text and binary messages in the others. Messages that a format cannot hold are counted and told. The \
      output is written aside and gets its name when it is complete. When the capture is damaged, \
      it holds what stands before the damage, and the status is 1.

      EXAMPLES
        mwc export run.cap -o run.mcap
        mwc export run.cap -o run.csv -p data.memory.percentage -p data.processor.usage_percent
        mwc export run.cap --format jsonl | jq -r .data
        mwc export run.cap -o run.har --from 25% --to +90s
        mwc export run.cap --format csv -p level -p message --type log | head
      """)

  @Argument(
    help: ArgumentHelp("The capture to read; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @Option(
    help: ArgumentHelp(
      "jsonl, csv, mcap, har or sqlite; by default what the output's name ends with.",
      valueName: "format"),
    completion: .list(ExportFormat.allCases.map(\.rawValue)))
  var format: ExportFormat?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("What to write; - is standard output.", valueName: "file"),
    completion: .file())
  var output = "-"

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  @Option(
    name: [.customShort("p"), .customLong("path")],
    help: ArgumentHelp(
      "A value to write, like data.gpus[0].name; repeat for more.", valueName: "path"))
  var paths: [String] = []

  @OptionGroup(title: "Which part") var part: SelectionOptions
}

extension ExportCommand {
  func validate() throws {
    guard let format = chosenFormat else {
      throw ValidationError(
        "--format says what to write: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    if format == .csv, paths.isEmpty {
      throw ValidationError("--path says which values are the columns of the CSV")
    }
    if format != .csv, format != .sqlite, !paths.isEmpty {
      throw ValidationError("--path chooses columns; \(format.rawValue) holds whole messages")
    }
    if !paths.isEmpty {
      do throws(JSONError) {
        _ = try JSONScanner(paths: paths)
      } catch { throw ValidationError("--path \(paths[error.offset]): \(error)") }
    }
    if format == .sqlite, output == "-" {
      throw ValidationError("a database is a file; -o names it")
    }
    #if !SQLite
      if format == .sqlite {
        throw ValidationError(
          "this program was built without SQLite; build it with "
            + "'swift build -c release --traits SQLite', for which libsqlite3-dev has to be installed"
        )
      }
    #endif
    if format == .har, file == "-" {
      throw ValidationError(
        "an HTTP archive lists connection after connection, so the capture is read more than once "
          + "and cannot be standard input")
    }
  }

  private var chosenFormat: ExportFormat? { format ?? ExportFormat(fileName: output) }

  func run() throws {
    do {
      try export()
    } catch let error as CaptureError {
      throw CommandFailure(error)
    } catch let error as PlayerError {
      throw CommandFailure(error, file: file)
    }
  }

  private func export() throws {
    var records = try SelectedRecords.open(file, part.selection)
    let progress = ProgressLine(total: output == "-" ? nil : try records.size())
    defer { progress.end() }
    let target = try OutputFile.creating(output, force: force, inputs: [file])
    let partialPath = target.aside.partialPath
    let outcome = try target.fill { (stored, name) in
      #if SQLite
        if chosenFormat == .sqlite {
          guard let partialPath else {
            throw CommandFailure(.cannotCreate, "\(name): a database is a file, not a device")
          }
          var outcome = Outcome()
          let exporter = try SQLiteExporter(path: partialPath, name: name, paths: paths)
          try copy(&records, to: exporter, progress, &outcome)
          try exporter.finish()
          return outcome
        }
      #endif
      return try export(&records, to: ExportOutput(stored, name: name), progress)
    }
    progress.end()
    try report(outcome, records.ending)
  }

  /// What came of it.
  private struct Outcome {
    var records: UInt64 = 0
    /// Messages, not events and control frames, that the format has no place for.
    var leftOut: UInt64 = 0
    var damage: CaptureError?
  }

  private func export(
    _ records: inout SelectedRecords, to output: ExportOutput, _ progress: ProgressLine
  ) throws -> Outcome {
    var outcome = Outcome()
    let exporter: any CaptureExporter
    switch chosenFormat {
    case .csv: exporter = try CSVExporter(paths: paths, to: output)
    case .mcap: exporter = MCAPExporter(tool: "mwc \(toolVersion)", to: output)
    case .har:
      let exporter = HARExporter(tool: "mwc", version: toolVersion, to: output)
      try exportByConnection(&records, exporter, progress, &outcome)
      try exporter.finish()
      return outcome
    case .jsonl, .sqlite, nil: exporter = JSONLinesExporter(to: output)
    }
    try copy(&records, to: exporter, progress, &outcome)
    try exporter.finish()
    return outcome
  }

  private func copy(
    _ records: inout SelectedRecords, to exporter: any CaptureExporter, _ progress: ProgressLine,
    _ outcome: inout Outcome
  ) throws {
    records.announce(exporter.interest)
    while try advance(&records, &outcome) {
      progress.done = records.position
      if try exporter.append(records.current, of: records.session) {
        outcome.records += 1
      } else if records.current.kind.isData {
        outcome.leftOut += 1
      }
    }
  }

  /// The next record; false at the end, and where the capture is damaged: what was read before is as
  /// good as ever.
  private func advance(_ records: inout SelectedRecords, _ outcome: inout Outcome) throws -> Bool {
    do {
      return try records.advance()
    } catch let error where error.code == .damaged {
      outcome.damage = error
      return false
    }
  }

  /// Goes through the capture once to learn which connections there are, and once for each.
  private func exportByConnection(
    _ records: inout SelectedRecords, _ exporter: HARExporter, _ progress: ProgressLine,
    _ outcome: inout Outcome
  ) throws {
    guard records.isSeekable else {
      throw CommandFailure(
        .usage, "\(file): an HTTP archive needs a capture that can be read more than once")
    }
    var connections: Set<UInt32> = []
    records.announce(PathInterest([]))
    while try advance(&records, &outcome) {
      if records.current.kind.isData { connections.insert(records.current.connection) }
    }
    for connection in connections.sorted() {
      try records.rewind()
      records.connection = connection
      exporter.begin(connection: connection)
      try copy(&records, to: exporter, progress, &outcome)
    }
  }

  private func report(_ outcome: Outcome, _ ending: CaptureEnding?) throws {
    Console.sayEnding(of: file, ending)
    if chosenFormat != .csv, outcome.leftOut > 0 {
      Console.say(
        "\(output): left out \(NumberText.counted(outcome.leftOut, "message")) that "
          + "\(chosenFormat?.rawValue ?? "") cannot hold")
    }
    if output != "-", Console.isTerminal(2) {
      Console.say("\(output): \(NumberText.counted(outcome.records, "record"))")
    }
    if let damage = outcome.damage { throw CommandFailure(damage) }
  }
}

/// The formats of `mwc export`.
enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
  case jsonl, csv, mcap, har, sqlite

  /// What the ending of a name says.
  init?(fileName: String) {
    switch fileName.split(separator: ".", omittingEmptySubsequences: false).last {
    case "jsonl", "ndjson": self = .jsonl
    case "csv": self = .csv
    case "mcap": self = .mcap
    case "har": self = .har
    case "db", "sqlite", "sqlite3": self = .sqlite
    default: return nil
    }
  }
}
