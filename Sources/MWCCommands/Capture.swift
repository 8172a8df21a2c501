internal import ArgumentParser
internal import MWC
internal import MWCCore

/// `mwc capture`: record live streams into a capture file.
struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Record live WebSocket streams into a capture file.",
    discussion: """
      Runs until it is interrupted, until a limit is reached, or until no stream is left that \
      could be connected to again. An interrupted recording is complete: SIGINT and SIGTERM \
      finish the file and exit with 0; a second signal within 5 s exits at once and leaves a file \
      that 'mwc recover' finishes. SIGHUP goes on in a new file; when it says that the terminal \
      has gone, it is the end. SIGUSR1 prints statistics, SIGUSR2 writes and syncs at once.

      While it runs, FILE.tail beside the output holds the newest messages. It belongs to the \
      capture as long as it is there: after a crash all commands read both, and --append makes \
      them one.

      With --rotate-size, --rotate-interval or SIGHUP the recording goes on in a new file, and the \
      one before is completed: no message is lost or stored twice, and each file stands alone. The \
      time in FILE gives each its name; without it, and where a name is taken, files get a number: \
      session.0001.cap, session.0002.cap … A file is complete when FILE.tail beside it has gone. \
      'mwc-replay' and 'mwc merge' take them in any order. Where a new file cannot be made the \
      recording goes on in the current one.

      Exit codes: 0 done; 64 usage; 66 a named file is missing; 69 a server cannot be reached and \
      the attempts are used up, or a --duration passed without any connection; 73 the output \
      exists or cannot be created; 74 writing failed, or the disk is full; 76 a server broke the \
      protocol; 77 a server refused us. With several streams the others go on when one fails for \
      good; the exit code is then the highest of these.

      EXAMPLES
        mwc-capture -o session.cap
        mwc-capture -u ws://host:8765 -o %h-%Y%m%d-%H%M%S.cap -d 10m
        mwc-capture -u ws://a:8765 -u ws://b:8765 -o both.cap --max-size 1GiB
        mwc-capture -u wss://host --token-file token --send @subscribe.json -o s.cap
        mwc-capture -u ws://host:8765 -o - --max-messages 1000 | mwc cat -
        mwc-capture -u ws://host:8765 -o hot.cap --filter 'data.processor.usage_percent > 80'
        mwc-capture -u ws://host:8765 -o %h-%Y%m%d-%H.cap --rotate-interval 1h --keep 168
        mwc-capture -u ws://a:8765 -u ws://b:8765 -o host-%i.cap --rotate-size 1GiB
      """)

  @OptionGroup(title: "Streams")
  var streams: StreamOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      The capture to write; %Y %m %d %H %M %S (local time) and %h (host) are filled in, %% is a \
      percent sign; - is standard output. With %i (0001, 0002, …) each stream has a file of its own.
      """, valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var output: String

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  @Flag(help: "Continue the output if it exists, whether it was finished or cut off by a crash.")
  var append = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Stop after this time. (default: never)", valueName: "duration"))
  var duration: DurationText?

  @Option(
    help: ArgumentHelp(
      "Stop after exactly this many received messages. (default: never)", valueName: "count"))
  var maxMessages: Int64?

  @Option(
    help: ArgumentHelp(
      "Stop when this much has been written, to all files together. (default: never)",
      valueName: "size"))
  var maxSize: ByteCount?

  @OptionGroup(title: "Files")
  var rotation: RotationOptions

  @Option(
    help: ArgumentHelp(
      """
      Record only received messages for which this holds, such as 'type == "alert" and level > 2'. \
      The others are counted as filtered; what is sent, control frames and events are recorded.
      """, valueName: "expression"), transform: FilterExpression.init(argument:))
  var filter: FilterExpression?

  @Option(
    help: ArgumentHelp(
      "How dense the file is made, 0 (messages as they are) to 9.", valueName: "0-9"))
  var level = 6

  @Option(
    help: ArgumentHelp(
      "The most a killed process can lose; 0: nothing, every batch is written at once.",
      valueName: "duration"))
  var flushInterval = DurationText(nanoseconds: 100_000_000)

  @Option(
    help: ArgumentHelp(
      "The most a power cut can lose; 0: no more than a killed process; never: the kernel decides.",
      valueName: "duration"))
  var fsyncInterval = SyncInterval.every(DurationText(nanoseconds: 1_000_000_000))

  @Option(
    help: ArgumentHelp(
      """
      Room to leave on the disk. A recording does not begin with less, pauses when it would go \
      below, and goes on when there is room again. 0: fill the disk, and end when it is full.
      """, valueName: "size"))
  var minFree = ByteCount(bytes: 1 << 30)

  @Flag(help: "Print the figures of every stream at the end.")
  var stats = false

  @Flag(help: "Print the figures at the end as one JSON object on standard output.")
  var json = false

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    if force && append { throw ValidationError("--force and --append exclude each other") }
    if output.isEmpty { throw ValidationError("--output needs a name") }
    if output == "-" && (force || append) {
      throw ValidationError("--force and --append need a file, not standard output")
    }
    if output == "-" && json {
      throw ValidationError("--json needs standard output, which --output - uses already")
    }
    try validateName()
    if let maxMessages, maxMessages < 1 {
      throw ValidationError("--max-messages is at least 1")
    }
    if duration?.nanoseconds == 0 || maxSize?.bytes == 0 {
      throw ValidationError("--duration and --max-size are more than nothing")
    }
    if !(0...9).contains(level) { throw ValidationError("--level is 0 to 9") }
  }

  private func validateName() throws {
    let name = OutputName(pattern: output)
    if let part = name.unknownPart {
      throw ValidationError(
        "--output: '\(part)' is none of %Y %m %d %H %M %S %h %i; write %% for a percent sign")
    }
    guard rotation.rules.isAsked else { return }
    if output == "-" {
      throw ValidationError("--rotate-* and --keep* need files, not standard output")
    }
    if force || append {
      throw ValidationError(
        "--rotate-* and --keep* make new files; --force and --append are for one that is there")
    }
    if name.folderChangesWithTime {
      throw ValidationError(
        "--output: all files of a recording stand in one folder, whose name has no time in it")
    }
    if output.hasSuffix("/") { throw ValidationError("--output: the file has no name") }
  }

  func run() throws { try run(label: "mwc capture") }

  /// Records; `label` is the name under which this was called, for log lines.
  func run(label: String) throws { try CaptureRun(self, label: label).run() }
}

/// `mwc-capture`: the same command under the name people deploy.
struct StandaloneCaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mwc-capture", abstract: CaptureCommand.configuration.abstract,
    discussion: CaptureCommand.configuration.discussion, version: toolVersion)

  @OptionGroup var command: CaptureCommand

  func run() throws { try command.run(label: "mwc-capture") }
}

/// Runs `mwc-capture`.
public func runCapture() -> Never { run(StandaloneCaptureCommand.self) }
