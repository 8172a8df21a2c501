import Logging

extension Logger {
  /// Says nothing: tests look at results.
  static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
