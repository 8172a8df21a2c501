internal import ArgumentParser
internal import Glibc
internal import MWC
internal import MWCCapture
internal import MWCCore
internal import MWCReplay
internal import MWCSinks
internal import SystemPackage

/// `mwc replay`: play a capture back.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Play a capture back to the terminal, as it came or at any other speed.",
    discussion: """
      Messages that the server sent are shown when they are due; messages that were sent to it, \
      control frames and events of the connections are not ('mwc cat' shows them all). Times \
      between messages come from the monotonic clock of the recording, so a wall clock that was \
      set while recording neither stops nor hurries the replay.

      A message that is not the JSON its format needs is left out, counted, and told at the end; \
      the status is 1 then. What a crash left of a capture is played as far as it goes.

      EXAMPLES
        mwc-replay run.cap
        mwc-replay run.cap --speed 10x --format compact --progress
        mwc-replay run.cap --from 25% --to +90s --max-gap 2s
        mwc-replay host-a.cap host-b.cap --speed 2x --type alert
        mwc-replay run.cap --speed max --format raw | jq .type
        mwc-replay run.cap --filter 'data.processor.usage_percent > 80' --format compact
        mwc-replay run.cap --speed step --format json
        mwc-replay run.cap --follow --from 100% --format compact
        mwc-replay run.cap --format none --stats --json
      """)

  @Argument(
    help: ArgumentHelp(
      """
      The captures to play; several are played together, as if recorded into one. - is standard \
      input.
      """, valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var files: [String]

  @OptionGroup(title: "Which part") var part: SelectionOptions

  @OptionGroup(title: "Playing") var playing: PlayingOptions

  @OptionGroup(title: "Showing") var showing: ShowingOptions

  func validate() throws {
    if playing.follow, files.contains("-") {
      throw ValidationError("--follow needs files; standard input is read as it comes anyway")
    }
  }

  func run() throws {
    var options = PlayerOptions(files: files)
    options.speed = playing.pace
    options.follows = playing.follow
    options.from = part.from
    options.to = part.to
    options.passes = playing.loop.map(\.passes) ?? 1
    options.longestGap = playing.maxGap?.nanoseconds
    options.connection = part.connection
    options.filter = part.expression
    options.showsProgress = showing.progress
    options.countsBytes = showing.stats

    let sharesTerminal = showing.progress && Console.isTerminal(STDOUT_FILENO)
    let output = DescriptorOutput(
      .standardOutput, beforeWriting: { if sharesTerminal { Console.clearLive() } })
    let player: Player
    do { player = try Player(options, output: output) } catch { throw failure(error) }
    let (playback, signal) = try play(player)
    try report(playback, signal)
  }

  /// Plays, with keys, live line and signals around it.
  private func play(_ player: consuming Player) throws -> (Playback, ExitStatus?) {
    let clock = player.clock
    let keys = try playing.pace == .step ? listen(for: clock) : nil
    defer { keys?.end() }
    let terminal = keys?.terminal
    let signals = StopSignals(
      stop: { clock.stop() },
      leave: {
        terminal?.release()
        Console.clearLive()
      },
      suspend: {
        clock.pause()
        terminal?.release()
        Console.clearLive()
      },
      resume: {
        terminal?.listen()
        clock.resume()
      })
    let line = liveLine(player)
    defer { line?.end() }
    let formatter = showing.format.makeFormatter(
      color: usesColor(on: STDOUT_FILENO, forbidden: showing.noColor))
    return (player.play(as: formatter), signals.status)
  }

  private func listen(for clock: ReplayClock) throws -> TerminalKeys {
    let keys = TerminalKeys { key in
      if key == UInt8(ascii: "q") { clock.stop() } else { clock.step() }
    }
    guard let keys else {
      throw CommandFailure(.usage, "--speed step takes keys from a terminal, and there is none")
    }
    return keys
  }

  private func liveLine(_ player: borrowing Player) -> LiveLine? {
    guard let progress = player.progress else { return nil }
    let line = ReplayLine(
      clock: player.clock, progress: progress,
      recording: ReplayLine.Recording(
        startWallTime: player.startWallTime, duration: player.duration))
    return LiveLine { line.text }
  }
}

/// `mwc-replay`: the same command under the name people deploy.
struct StandaloneReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mwc-replay", abstract: ReplayCommand.configuration.abstract,
    discussion: ReplayCommand.configuration.discussion, version: toolVersion)

  @OptionGroup var command: ReplayCommand

  func run() throws { try command.run() }
}

/// Runs `mwc-replay`.
public func runReplay() -> Never { run(StandaloneReplayCommand.self) }

/// How fast it is played, and how often.
struct PlayingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How fast: 10x, 0.25x, max (as fast as this machine can), or step (one message for each key; \
      q quits). (default: 1x; with --follow max)
      """, valueName: "speed"))
  var speed: PlaybackSpeed?

  @Flag(
    help: """
      Go on at the end of a capture that is still being written, until it is finished or you \
      interrupt: what is there is played at once, the rest as it comes.
      """)
  var follow = false

  @Option(
    defaultAsFlag: LoopCount.forever,
    help: ArgumentHelp("Play it N times; without N, until stopped.", valueName: "n"))
  var loop: LoopCount?

  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp(
      "Shorten silences to this much recorded time: 250ms, 5s, 2m.", valueName: "duration"))
  var maxGap: DurationText?

  /// How fast it is played.
  var pace: PlaybackSpeed { speed ?? (follow ? .max : .times(1)) }

  func validate() throws {
    if case .times(let count) = loop, count < 1 {
      throw ValidationError("--loop takes a number from 1, or none")
    }
    if follow, loop != nil { throw ValidationError("--follow and --loop exclude each other") }
  }
}

/// How messages are shown, and what is said beside them.
struct ShowingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      simple (one line), detailed (a page), compact (one dense line), json (indented), raw (as it \
      came, one message a line), or none.
      """, valueName: "format"),
    completion: .list(OutputFormat.allCases.map(\.rawValue)))
  var format = OutputFormat.simple

  @Flag(help: "No colours, whatever the terminal and $CLICOLOR_FORCE say.")
  var noColor = false

  @Flag(help: "Show a live line on standard error, if that is a terminal.")
  var progress = false

  @Flag(
    help: """
      At the end, say on standard error what was played, how fast, and how late messages were.
      """)
  var stats = false

  @Flag(
    help: """
      With --stats: as one JSON object; with --format none on standard output, where nothing else is.
      """)
  var json = false

  func validate() throws {
    if json, !stats { throw ValidationError("--json spells --stats; give both") }
  }
}

extension OutputFormat: ExpressibleByArgument {}

// MARK: - What came of it

extension ReplayCommand {
  private func failure(_ error: PlayerError) -> CommandFailure {
    switch error {
    case .capture(let error): CommandFailure(error)
    case .impossible(let reason): CommandFailure(.usage, "\(names): \(reason)")
    case .output(let error): CommandFailure(error)
    }
  }

  private var names: String { files.joined(separator: ", ") }

  private func report(_ playback: Playback, _ signal: ExitStatus?) throws {
    if showing.stats {
      let summary = ReplaySummary(
        statistics: playback.statistics, asked: playing.pace, end: playback.end,
        badMessages: playback.bad.count)
      if showing.json, showing.format == .none {
        writeToStandardOutput(summary.json + "\n")
      } else if showing.json {
        Console.say(summary.json)
      } else {
        summary.lines.forEach { Console.say($0) }
      }
    }
    if let error = playback.error { throw failure(error) }
    for (file, ending) in playback.endings { Console.sayEnding(of: file, ending) }
    if let signal, playback.end == .stopped { throw CommandFailure(signal) }
    if playback.bad.count > 0 { throw CommandFailure(.badData, badMessagesText(playback)) }
  }

  private func badMessagesText(_ playback: Playback) -> String {
    let bad = playback.bad
    return "\(names): \(NumberText.grouped(bad.count)) of "
      + "\(NumberText.grouped(playback.statistics.messages)) messages are not JSON and were left "
      + "out, the first of \(Timestamp.rfc3339(nanoseconds: bad.firstWallTime)) on connection "
      + "\(bad.firstConnection); '--format raw' shows them"
  }
}
