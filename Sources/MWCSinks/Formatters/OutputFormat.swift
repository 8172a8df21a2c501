/// The ways to show messages, under the names users type.
package enum OutputFormat: String, CaseIterable, Sendable {
  /// One short line of percentages.
  case simple
  /// A page with bars.
  case detailed
  /// One dense line with the time.
  case compact
  /// The message as indented JSON.
  case json
  /// The payload bytes as they came, one message per line.
  case raw
  /// Nothing; messages are still read and paced.
  case none
}

extension OutputFormat {
  /// A formatter of this format, for one thread and one output. Only the text formats use colour.
  /// `secondsFromUTC` sets the local time instead of the system's zone.
  package func makeFormatter(color: Bool, secondsFromUTC: Int? = nil) -> any MessageFormatter {
    let clock = LocalClock(secondsFromUTC: secondsFromUTC)
    return switch self {
    case .simple: TextFormatter(.simple, color: color, clock: clock)
    case .detailed: TextFormatter(.detailed, color: color, clock: clock)
    case .compact: TextFormatter(.compact, color: color, clock: clock)
    case .json: JSONFormatter()
    case .raw: RawFormatter()
    case .none: SilentFormatter()
    }
  }
}
