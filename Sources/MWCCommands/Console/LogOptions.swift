internal import ArgumentParser
internal import Glibc
internal import Logging
internal import MWCCore

/// What a long-running command says about itself, and where.
struct LogOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say more: connection details and decisions.")
  var verbose = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  @Option(help: "Append log lines to FILE as well as to standard error.")
  var logFile: String?

  @Option(help: "How log lines are written: text or json.")
  var logFormat: LogFormat = .text

  func validate() throws {
    if verbose && quiet {
      throw ValidationError("--verbose and --quiet ask for opposite things")
    }
  }

  /// The logger of this run.
  func makeLogger(label: String) throws -> Logger {
    let level: Logger.Level = verbose ? .debug : quiet ? .error : .info
    let destination = try LogDestination(format: logFormat, file: logFile)
    var logger = Logger(label: label) { label in
      LineLogHandler(label: label, destination: destination)
    }
    logger.logLevel = level
    return logger
  }
}

/// How log lines are written.
enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// `mwc-capture: warning: text key=value`
  case text
  /// One JSON object a line: `time`, `level`, `label`, `message`, and the metadata.
  case json
}

/// Where the lines of all loggers of a process go. Lines from several threads never mix.
private final class LogDestination: Sendable {
  private let format: LogFormat
  private let file: Guarded<Int32?>

  init(format: LogFormat, file path: String?) throws {
    self.format = format
    guard let path else {
      file = Guarded(nil)
      return
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw CommandFailure(.cannotCreate, "\(path): the log file cannot be opened: \(reason)")
    }
    file = Guarded(descriptor)
  }

  deinit {
    file.withLock { descriptor in
      if let descriptor { close(descriptor) }
    }
  }

  func write(label: String, level: Logger.Level, message: String, metadata: Logger.Metadata) {
    let pairs = metadata.sorted { $0.key < $1.key }
    let line: String
    switch format {
    case .text:
      let words = level >= .warning || level < .info ? ["\(label): \(level):"] : ["\(label):"]
      line = (words + [message] + pairs.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
    case .json:
      var json = JSONWriter()
      json.beginObject()
      json.key("time")
      json.string(Timestamp.rfc3339(nanoseconds: SystemClock.wallNanoseconds()))
      json.key("level")
      json.string("\(level)")
      json.key("label")
      json.string(label)
      json.key("message")
      json.string(message)
      for pair in pairs {
        json.key(pair.key)
        json.string("\(pair.value)")
      }
      json.endObject()
      line = String(decoding: json.bytes, as: UTF8.self)
    }
    Console.say(line)
    file.withLock { descriptor in
      guard let descriptor else { return }
      let time = Timestamp.rfc3339(nanoseconds: SystemClock.wallNanoseconds())
      let bytes = Array((format == .text ? "\(time) \(Console.visible(line))\n" : line + "\n").utf8)
      // A log file on a full disk must not end a recording; standard error has the line too.
      _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
  }
}

/// swift-log's door to `LogDestination`.
private struct LineLogHandler: LogHandler {
  let label: String
  let destination: LogDestination
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    destination.write(
      label: label, level: event.level, message: event.message.description,
      metadata: metadata.merging(event.metadata ?? [:]) { _, new in new })
  }
}
