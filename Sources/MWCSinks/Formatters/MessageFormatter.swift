package import MWCCore

/// What became of a message that was given to a formatter.
package enum FormatOutcome: Equatable, Sendable {
  /// It stands in the output, newline included.
  case printed
  /// It is nothing this format displays (control frames, events); the output is unchanged.
  case skipped
  /// It should be JSON and is not; the output is unchanged. The owner counts it.
  case bad
}

/// Turns messages, live or recorded, into text.
///
/// Each item ends with a newline and is appended whole or not at all. A formatter writes straight from
/// the scanned message: it keeps its working memory from one message to the next, so it is one per
/// thread and per output.
package protocol MessageFormatter {
  /// All that it reads of most messages; nil: all of them as they are.
  var interest: PathInterest? { get }

  mutating func format(_ message: borrowing Message, into output: inout OutputBuffer)
    -> FormatOutcome

  /// A line about the connection ("Connecting to …"). `wallTime`, in nanoseconds since 1970, is what
  /// the formats show that have a clock.
  mutating func formatConnection(
    _ text: String, at wallTime: Int64, into output: inout OutputBuffer)

  /// A line about a failure.
  mutating func formatError(_ text: String, at wallTime: Int64, into output: inout OutputBuffer)

  /// The counters at the end of a session; `json` is an object with the members of
  /// `SessionStatistics`, or more.
  mutating func formatStatistics(json: RawSpan, into output: inout OutputBuffer)
}

extension MessageFormatter {
  /// The counters at the end of a session.
  package mutating func formatStatistics(
    _ statistics: SessionStatistics, into output: inout OutputBuffer
  ) {
    var json = JSONWriter()
    statistics.write(to: &json)
    unsafe formatStatistics(json: json.bytes.span.bytes, into: &output)
  }
}
