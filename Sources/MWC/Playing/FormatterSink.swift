package import MWCCore
internal import MWCReplay
package import MWCSinks

/// Messages that a format could not show, because they are not the JSON they should be.
package struct BadMessages: Hashable, Sendable {
  package var count: UInt64 = 0
  /// Of the first: when it arrived (wall clock, nanoseconds since 1970), and on which connection.
  package var firstWallTime: Int64 = 0
  package var firstConnection: UInt32 = 0
}

/// Shows messages in a format.
package struct FormatterSink: MessageSink {
  package private(set) var bad = BadMessages()

  private var formatter: any MessageFormatter
  private let output: DescriptorOutput

  package init(_ formatter: any MessageFormatter, to output: DescriptorOutput) {
    self.formatter = formatter
    self.output = output
  }

  package mutating func deliver(_ message: Message) throws(OutputError) {
    if formatter.format(message, into: &output.buffer) == .bad {
      if bad.count == 0 {
        bad.firstWallTime = message.wallTime
        bad.firstConnection = message.connection
      }
      bad.count += 1
    }
    try output.flushIfDue()
  }

  package mutating func flush() throws(OutputError) { try output.flush() }
}
