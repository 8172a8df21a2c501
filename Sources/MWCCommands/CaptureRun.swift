internal import Dispatch
internal import Glibc
internal import Logging
internal import MWC
internal import MWCCapture
internal import MWCCore
internal import MWCTransport

/// One run of `mwc capture`: the recorder, and around it the signals, the live line, the words at the
/// end and the exit code.
struct CaptureRun {
  private let command: CaptureCommand
  private let logger: Logger
  private let options: RecorderOptions
  private let recorder: Recorder

  /// Finds everything that is wrong with the arguments; connects and creates nothing.
  init(_ command: CaptureCommand, label: String) throws {
    self.command = command
    logger = try command.log.makeLogger(label: label)
    options = try command.recorderOptions()
    recorder = Recorder(options, logger: logger)
    if command.streams.insecure {
      // Whatever --quiet says: this must not become a habit that nobody sees.
      logger.critical("--insecure: certificates are not checked, anybody may be at the other end")
    }
    if options.output == "-", isatty(STDOUT_FILENO) == 1 {
      throw CommandFailure(
        .usage, "--output -: a capture is not for terminals; pipe or redirect it")
    }
  }

  func run() throws(CommandFailure) {
    let signals = watchSignals()
    let live = command.log.quiet ? nil : liveLine()
    let outcome = Result { () throws(RecorderError) in try recorder.run() }
    live?.end()
    withExtendedLifetime(signals) {}
    switch outcome {
    case .success(let result): try conclude(result)
    case .failure(.output(let error)):
      throw CommandFailure(Self.status(creating: error), error.description)
    case .failure(.transport(let error)):
      throw CommandFailure(Self.status(of: error), error.message)
    }
  }
}

// MARK: - The end

extension CaptureRun {
  private func conclude(_ result: RecordingResult) throws(CommandFailure) {
    let statistics = result.statistics
    let hasConnected = statistics.total(\.connects) > 0
    if !command.log.quiet, hasConnected || result.failures.isEmpty {
      Console.say(RecordingReport.summary(statistics, output: options.output))
    }
    if command.stats { RecordingReport.details(statistics).forEach(Console.say) }
    if command.json {
      writeToStandardOutput(
        String(decoding: RecordingReport.json(statistics, output: options.output), as: UTF8.self)
          + "\n")
    }
    if case .outputFailed(let error) = result.end {
      throw CommandFailure(.inputOutput, error.description)
    }
    if case .loopFailed = result.end {
      throw CommandFailure(
        .inputOutput, "\(options.output): the event loop failed; the recording ends there")
    }
    if let error = result.diskError { throw CommandFailure(.inputOutput, error.description) }
    // Each failure was said when it happened.
    if let status = result.failures.values.map(Self.status).max(by: { $0.rawValue < $1.rawValue }) {
      throw CommandFailure(status)
    }
    if case .durationReached = result.end, !hasConnected {
      throw CommandFailure(.unreachable, "no stream could be connected to in that time")
    }
  }

  private static func status(of error: TransportError) -> ExitStatus {
    switch error.code {
    case .authentication: .refused
    case .protocol, .tooBig: .protocolError
    // A wrong certificate is not the server we were promised; anything else about TLS may be a server
    // that is not there yet.
    case .tls: .protocolError
    case .invalid: .usage
    case .system: .inputOutput
    default: .unreachable
    }
  }

  private static func status(creating error: CaptureError) -> ExitStatus {
    switch error.code {
    case .diskFull, .io: .inputOutput
    default: .cannotCreate
    }
  }
}

// MARK: - The live line

extension CaptureRun {
  /// Shown ten times a second; rates are those of the last two seconds, steady enough to read.
  private func liveLine() -> LiveLine? {
    guard Console.isTerminal(STDERR_FILENO) else { return nil }
    let recorder = recorder
    let recent = Guarded([recorder.statistics])
    return LiveLine {
      let now = recorder.statistics
      let before = recent.withLock { recent in
        recent.append(now)
        if recent.count > 20 { recent.removeFirst() }
        return recent[0]
      }
      return RecordingReport.live(now, since: before)
    }
  }
}

// MARK: - Signals

extension CaptureRun {
  /// SIGINT and SIGTERM finish the recording, a second one soon after ends the process at once; SIGHUP
  /// goes on in a new file; SIGUSR1 prints statistics, SIGUSR2 writes and syncs.
  private func watchSignals() -> SignalWatch {
    var watched = [SIGINT, SIGTERM, SIGUSR1, SIGUSR2]
    // Under nohup the end of the terminal is nobody's wish.
    if !isIgnored(SIGHUP) { watched.append(SIGHUP) }
    let hadTerminal = Self.hasTerminal()
    let lastEnding = Guarded<Int64?>(nil)
    let (recorder, output) = (recorder, options.output)
    return SignalWatch(watched) { number in
      // The same signal says that the terminal has gone, and with it whoever started this there.
      switch number == SIGHUP && hadTerminal && !Self.hasTerminal() ? SIGTERM : number {
      case SIGHUP: recorder.rotate()
      case SIGUSR1:
        let statistics = recorder.statistics
        Console.say(RecordingReport.summary(statistics, output: output))
        RecordingReport.details(statistics).forEach(Console.say)
      case SIGUSR2: recorder.sync()
      default:
        let now = SystemClock.monotonicNanoseconds()
        let isSecond = lastEnding.withLock { last in
          defer { last = now }
          return last.map { now - $0 < 5_000_000_000 } ?? false
        }
        if isSecond {
          Console.clearLive()
          _exit(128 + number)
        }
        recorder.stop()
      }
    }
  }

  /// Whether this process has a terminal that could hang up.
  private static func hasTerminal() -> Bool {
    let terminal = unsafe open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
    if terminal >= 0 { close(terminal) }
    return terminal >= 0
  }

  private func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1, which Swift does not import as a value to compare with.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
