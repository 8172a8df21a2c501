internal import Logging
internal import MWCCore

/// What happens to one stream, in words for the log.
///
/// A stream that cannot be reached fails in the same way again and again: that is said once, and then
/// how often when it is over.
struct StreamEvents {
  private let uri: String
  /// Monotonic time at which the connection ended; nil while it stands, and before the first.
  private var goneSince: Int64?
  /// Why it ended, or why the last attempt failed.
  private var reason = "the connection has ended"
  private var saidReason: String?
  private var attempts = 0

  init(uri: String) { self.uri = uri }

  /// How long the connection has been gone, in nanoseconds.
  func silence(until now: Int64) -> Int64 { goneSince.map { now - $0 } ?? 0 }

  /// Follows the events of the stream.
  ///
  /// - Returns: what to say about it; nil when it is nothing new.
  mutating func observe(_ event: Message) -> (level: Logger.Level, text: String)? {
    switch event.kind {
    case .opened:
      defer {
        goneSince = nil
        saidReason = nil
        attempts = 0
      }
      let again = attempts > 0 ? " at attempt \(attempts + 1)" : ""
      return (.info, "\(uri): connected\(again)")
    case .closed:
      goneSince = event.monotonicTime
      let (code, by) = Self.members(of: event, "code", "by")
      // In all other cases an error event has said more.
      if by == "server" { reason = "the server closed the connection (\(code))" }
      return nil
    case .error:
      reason = Self.members(of: event, "message", "code").first
      return nil
    case .state:
      guard Self.members(of: event, "to", "from").first == "reconnecting" else { return nil }
      attempts += 1
      defer { saidReason = reason }
      return (saidReason == reason ? .debug : .warning, "\(uri): \(reason); trying again")
    default: return nil
    }
  }

  /// Two members of an event's JSON object as text; empty where there is none.
  private static func members(
    of event: Message, _ first: String, _ second: String
  ) -> (first: String, second: String) {
    do {
      // Events are rare: a scanner for each is cheap enough.
      var scanner = try JSONScanner(paths: [first, second])
      let values = try scanner.scan(event.payload)
      return (text(values[0]), text(values[1]))
    } catch {
      // Events are written by this program; if one were malformed, a poorer log line would do.
      return ("", "")
    }
  }

  private static func text(_ value: JSONValue) -> String {
    value.string ?? value.int64.map { String($0) } ?? ""
  }
}
