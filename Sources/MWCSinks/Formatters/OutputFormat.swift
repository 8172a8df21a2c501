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
