/// What a recording has done so far. The counters of each connection balance: what was received is
/// written, filtered or dropped.
package struct RecordingStatistics: Sendable, Equatable {
  /// In the order of the URIs; connection numbers count from 1.
  package var connections: [Connection] = []
  /// Nanoseconds since the recording began.
  package var elapsed: Int64 = 0
  /// Bytes of the capture handed to the kernel; of all its files together.
  package var fileBytes: Int64 = 0
  /// Files so far.
  package var fileCount: Int64 = 0
  /// Their names, of the latest `maxFiles`.
  package var files: [String] = []
  /// Files that were deleted because newer ones were wanted instead.
  package var deletedFiles: Int64 = 0
  /// Whether the disk is full at the moment, so that messages are counted but not written.
  package var isDiskFull = false
  /// Whether an expression decides which messages are recorded.
  package var hasFilter = false
  /// Blocks that were stored as they are, because messages came faster than they can be compressed.
  package var hurriedBlocks: Int64 = 0

  /// Names that are kept: a recording may go on for months.
  package static let maxFiles = 1000

  mutating func addFile(_ name: String) {
    fileCount += 1
    if files.count == Self.maxFiles { files.removeFirst() }
    files.append(name)
  }

  package init(uris: [String] = []) { connections = uris.map { Connection(uri: $0) } }

  package struct Connection: Sendable, Equatable {
    /// Without credentials.
    package var uri: String
    package var status = "connecting"
    /// Text and binary messages.
    package var received = Tally()
    /// In the file, or on the way there with the next flush.
    package var written: Tally { received - filtered - dropped }
    /// Not wanted: what does not meet the filter, or arrived after the limit of the recording was
    /// reached.
    package var filtered = Tally()
    /// Lost, because the disk was full.
    package var dropped = Tally()
    /// Messages we sent.
    package var sent = Tally()
    /// How often the connection stood.
    package var connects: Int64 = 0
    package var errors: Int64 = 0
    /// Passages that are missing: lost connections and full disks.
    package var gaps: Int64 = 0
    /// Nanoseconds of all gaps together.
    package var gapTime: Int64 = 0

    package init(uri: String) { self.uri = uri }

    package var reconnects: Int64 { max(0, connects - 1) }
  }

  /// A number of messages and their payload bytes.
  package struct Tally: Sendable, Equatable {
    package var messages: Int64 = 0
    package var bytes: Int64 = 0

    package init(messages: Int64 = 0, bytes: Int64 = 0) {
      self.messages = messages
      self.bytes = bytes
    }

    mutating func add(_ byteCount: Int) {
      messages += 1
      bytes += Int64(byteCount)
    }

    package static func - (left: Tally, right: Tally) -> Tally {
      Tally(messages: left.messages - right.messages, bytes: left.bytes - right.bytes)
    }

    package static func + (left: Tally, right: Tally) -> Tally {
      Tally(messages: left.messages + right.messages, bytes: left.bytes + right.bytes)
    }
  }

  /// All connections together.
  package func total(_ tally: KeyPath<Connection, Tally>) -> Tally {
    connections.reduce(Tally()) { $0 + $1[keyPath: tally] }
  }

  /// All connections together.
  package func total(_ count: KeyPath<Connection, Int64>) -> Int64 {
    connections.reduce(0) { $0 + $1[keyPath: count] }
  }
}
