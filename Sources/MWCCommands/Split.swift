internal import ArgumentParser
internal import MWC
internal import MWCCapture
internal import MWCCore

/// `mwc split`: several captures of one.
struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Cut a capture into several.",
    discussion: """
      Each part is a capture of its own, with the times, sessions and connection numbers of the \
      whole; 'mwc merge' makes the whole of them again. All parts are written aside and get their \
      names when the last one is complete. A capture that is damaged is refused: 'mwc recover' first.

      A part of --size ends with the block that reaches it. Parts of --duration count from the start \
      of the recording; times in which nothing happened make no part. Parts of --messages count text \
      and binary messages.

      EXAMPLES
        mwc split run.cap -o 'part-%i.cap' --size 100MiB
        mwc split run.cap -o 'hour-%i.cap' --duration 1h
        mwc split run.cap -o 'part-%i.cap' --messages 100000
        mwc split fleet.cap -o 'host-%c.cap' --by-connection
      """)

  @Argument(
    help: ArgumentHelp("The capture to read; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      The captures to write: %i is the number of the part (0001, 0002, …), %c that of the \
      connection, %% a percent sign.
      """, valueName: "pattern"),
    completion: .file(extensions: ["cap"]))
  var output: String

  @Option(help: ArgumentHelp("A part for so many bytes.", valueName: "size"))
  var size: ByteCount?

  @Option(help: ArgumentHelp("A part for so much time.", valueName: "duration"))
  var duration: DurationText?

  @Option(help: ArgumentHelp("A part for so many messages.", valueName: "count"))
  var messages: UInt64?

  @Flag(help: "A part for each connection.")
  var byConnection = false

  @Flag(help: "Overwrite outputs that exist.")
  var force = false

  @OptionGroup var compression: CompressionOptions

  func validate() throws {
    let rules = [size != nil, duration != nil, messages != nil, byConnection]
    guard rules.count(where: { $0 }) == 1 else {
      throw ValidationError("one of --size, --duration, --messages and --by-connection says how")
    }
    if size?.bytes == 0 || duration?.nanoseconds == 0 || messages == 0 {
      throw ValidationError("a part holds more than nothing")
    }
    let name = PartName(pattern: output)
    if let part = name.unknownPart {
      throw ValidationError("--output: '\(part)' is none of %i and %c; write %% for a percent sign")
    }
    let wanted = byConnection ? "%c" : "%i"
    guard name.has(wanted) else {
      throw ValidationError(
        "--output: the name needs a \(wanted), or all parts would have the same")
    }
    if name.has(byConnection ? "%i" : "%c") {
      throw ValidationError(
        "--output: %i numbers parts, %c connections; only one of them is asked for")
    }
    if byConnection, file == "-" {
      throw ValidationError(
        "the capture is read more than once with --by-connection and cannot be standard input")
    }
  }

  private var rule: CaptureSplit.Rule? {
    if let size { return .size(size.bytes) }
    if let duration { return .duration(duration.nanoseconds) }
    return messages.map { .messages($0) }
  }

  func run() throws {
    try reportingFailures(about: file) {
      let outputs = OutputFiles(force: force, inputs: [file])
      let count: Int
      if let rule {
        count = try split(by: rule, outputs)
      } else {
        count = try splitByConnection(outputs)
      }
      try outputs.finish()
      if Console.isTerminal(2) {
        Console.say("\(file): \(NumberText.counted(count, "part"))")
      }
    }
  }

  private func open() throws(PlayerError) -> SelectedRecords {
    var records = try SelectedRecords.open(file, CaptureSelection())
    records.deliversUnknownKinds = true
    return records
  }

  private func split(by rule: CaptureSplit.Rule, _ outputs: OutputFiles) throws -> Int {
    var records = try open()
    let progress = ProgressLine(total: try records.size())
    defer { progress.end() }
    let count = try CaptureSplit.split(&records, by: rule) { (number) throws(CaptureError) in
      let name = PartName(pattern: output).expanded(number: number)
      let aside = try outputs.create(name)
      return compression.copy(
        to: aside.file, name: aside.name, blockSize: CaptureSplit.blockSize(for: rule))
    } progress: {
      progress.done = $0
    }
    progress.end()
    Console.sayEnding(of: file, records.ending)
    return count
  }

  /// Parts that are written at once; for more connections the capture is read again.
  private static let partsAtOnce = 16

  private func splitByConnection(_ outputs: OutputFiles) throws -> Int {
    let summary = try CaptureSummary(file)
    if let damage = summary.damage { throw damage }
    let connections = summary.connections.map(\.number).filter { $0 > 0 }
    let passes = (connections.count + Self.partsAtOnce - 1) / Self.partsAtOnce
    let progress = ProgressLine(total: summary.fileSize * Int64(passes))
    defer { progress.end() }
    for pass in 0..<passes {
      var records = try open()
      var copies: [UInt32: CaptureCopy] = [:]
      for connection in connections.dropFirst(pass * Self.partsAtOnce).prefix(Self.partsAtOnce) {
        let aside = try outputs.create(
          PartName(pattern: output).expanded(number: Int(connection)))
        copies[connection] = compression.copy(to: aside.file, name: aside.name)
      }
      try CaptureSplit.split(&records, into: copies) {
        progress.done = Int64(pass) * summary.fileSize + $0
      }
      if pass == 0 { Console.sayEnding(of: file, records.ending) }
    }
    return connections.count
  }
}

/// The names of the parts of a capture: `%i` or `%c` is a number of at least four digits, so that
/// names sort as the parts do.
struct PartName: Equatable, Sendable {
  let pattern: String

  /// The parts of the pattern: text, and what stands behind a `%`.
  private var pieces: [String] {
    var pieces: [String] = []
    var rest = pattern[...]
    while let percent = rest.firstIndex(of: "%") {
      pieces.append(String(rest[..<percent]))
      pieces.append(String(rest[percent...].prefix(2)))
      rest = rest[percent...].dropFirst(2)
    }
    return pieces + [String(rest)]
  }

  /// The first `%` with something else behind it than it may have, as it was written.
  var unknownPart: String? {
    pieces.first { $0.hasPrefix("%") && !["%i", "%c", "%%"].contains($0) }
  }

  func has(_ part: String) -> Bool { pieces.contains(part) }

  func expanded(number: Int) -> String {
    let digits = String(number)
    let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return pieces.map { piece in
      switch piece {
      case "%i", "%c": padded
      case "%%": "%"
      default: piece
      }
    }.joined()
  }
}
