import Logging
import MWCCore

extension Logger {
  /// Says nothing: tests look at results.
  static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Keeps what is said.
struct CollectedLog: LogHandler {
  private let collected = Guarded<[String]>([])
  var lines: [String] { collected.withLock { $0 } }
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  func log(event: LogEvent) { collected.withLock { $0.append("\(event.message)") } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
}
