package import MWCCore

/// A block as the index lists it.
package struct IndexEntry: Hashable, Sendable {
  /// Offset of the header.
  package var offset: UInt64
  package var kind: BlockKind
  package var encoding: BlockEncoding
  package var firstRecord: UInt64
  /// The sizes and times that its seal says.
  package var seal: BlockSeal
}

/// How much of one kind one connection sent in one direction.
package struct Tally: Hashable, Sendable {
  package var messages: UInt64 = 0
  /// Payload bytes.
  package var bytes: UInt64 = 0

  package init() {}

  mutating func add(_ other: Tally) {
    messages &+= other.messages
    bytes &+= other.bytes
  }
}

/// Whose messages a tally counts.
package struct TallyKey: Hashable, Sendable {
  package var connection: UInt32
  package var kind: Message.Kind
  package var direction: Message.Direction
}

/// Tallies by connection, kind and direction. Counting a message like the one before costs no
/// lookup, and a key that is there costs no allocation.
package struct TallyTable: Sendable {
  private var tallies: [TallyKey: Tally] = [:]
  private var latestKey = TallyKey(connection: 0, kind: .note, direction: .received)
  private var latest = Tally()

  package init() {}

  @inline(__always)
  mutating func count(
    connection: UInt32, kind: Message.Kind, direction: Message.Direction, bytes: Int
  ) {
    let key = TallyKey(connection: connection, kind: kind, direction: direction)
    if key != latestKey {
      settle()
      latestKey = key
    }
    latest.messages &+= 1
    latest.bytes &+= UInt64(bytes)
  }

  @inline(__always)
  mutating func count(_ message: borrowing Message) {
    count(
      connection: message.connection, kind: message.kind, direction: message.direction,
      bytes: message.payload.byteCount)
  }

  /// Adds what is counted beside the table to the table.
  private mutating func settle() {
    if latest.messages > 0 { tallies[latestKey, default: Tally()].add(latest) }
    latest = Tally()
  }

  mutating func add(_ other: TallyTable) {
    for (key, tally) in other.tallies { tallies[key, default: Tally()].add(tally) }
    if other.latest.messages > 0 {
      tallies[other.latestKey, default: Tally()].add(other.latest)
    }
  }

  mutating func add(_ key: TallyKey, _ tally: Tally) {
    tallies[key, default: Tally()].add(tally)
  }

  mutating func removeAll() {
    tallies.removeAll(keepingCapacity: true)
    latest = Tally()
  }

  /// All tallies, by connection, then kind, then direction.
  package var sorted: [(key: TallyKey, tally: Tally)] {
    var copy = self
    copy.settle()
    return copy.tallies.map { (key: $0.key, tally: $0.value) }.sorted { left, right in
      (left.key.connection, left.key.kind.rawValue, left.key.direction.rawValue)
        < (right.key.connection, right.key.kind.rawValue, right.key.direction.rawValue)
    }
  }

  /// The sum over all keys that `matches` accepts.
  package func total(where matches: (TallyKey) -> Bool = { _ in true }) -> Tally {
    var sum = Tally()
    for (key, tally) in tallies where matches(key) { sum.add(tally) }
    if latest.messages > 0, matches(latestKey) { sum.add(latest) }
    return sum
  }
}

/// What one index block says (`docs/FORMAT.md`, section 7).
struct CaptureIndex {
  /// Offset of the index block before this one; 0 when there is none.
  var previous: UInt64 = 0
  var entries: [IndexEntry] = []
  var tallies = TallyTable()

  func encode(into buffer: ByteBuffer) {
    let tallies = tallies.sorted
    buffer.append(previous)
    buffer.append(UInt32(entries.count))
    buffer.append(UInt32(tallies.count))
    for entry in entries {
      buffer.append(entry.offset)
      buffer.append(entry.seal.storedSize)
      buffer.append(entry.seal.rawSize)
      buffer.append(entry.firstRecord)
      buffer.append(entry.seal.recordCount)
      buffer.append(entry.kind.rawValue)
      buffer.append(entry.encoding.rawValue)
      buffer.append(zeros: 2)
      entry.seal.times.encode(into: buffer)
    }
    for (key, tally) in tallies {
      buffer.append(key.connection)
      buffer.append(key.kind.rawValue)
      buffer.append(key.direction.rawValue)
      buffer.append(zeros: 2)
      buffer.append(tally.messages)
      buffer.append(tally.bytes)
    }
  }

  init() {}

  /// Reads a decoded index block; nil when its counts and its size disagree.
  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= 16 else { return nil }
    previous = bytes.integer(at: 0, as: UInt64.self)
    let entryCount = Int(bytes.integer(at: 8, as: UInt32.self))
    let tallyCount = Int(bytes.integer(at: 12, as: UInt32.self))
    let talliesStart = 16 + entryCount * CaptureFormat.indexEntrySize
    guard talliesStart + tallyCount * CaptureFormat.tallySize == bytes.byteCount else {
      return nil
    }
    entries.reserveCapacity(entryCount)
    for number in 0..<entryCount {
      let start = 16 + number * CaptureFormat.indexEntrySize
      var seal = BlockSeal()
      seal.storedSize = bytes.integer(at: start + 8, as: UInt64.self)
      seal.rawSize = bytes.integer(at: start + 16, as: UInt64.self)
      seal.recordCount = bytes.integer(at: start + 32, as: UInt32.self)
      seal.times = TimeSpan(decoding: bytes, at: start + 40)
      entries.append(
        IndexEntry(
          offset: bytes.integer(at: start, as: UInt64.self),
          kind: BlockKind(rawValue: bytes.integer(at: start + 36, as: UInt8.self)),
          encoding: BlockEncoding(rawValue: bytes.integer(at: start + 37, as: UInt8.self)),
          firstRecord: bytes.integer(at: start + 24, as: UInt64.self), seal: seal))
    }
    for number in 0..<tallyCount {
      let start = talliesStart + number * CaptureFormat.tallySize
      guard
        let direction = Message.Direction(rawValue: bytes.integer(at: start + 5, as: UInt8.self))
      else { return nil }
      var tally = Tally()
      tally.messages = bytes.integer(at: start + 8, as: UInt64.self)
      tally.bytes = bytes.integer(at: start + 16, as: UInt64.self)
      tallies.add(
        TallyKey(
          connection: bytes.integer(at: start, as: UInt32.self),
          kind: Message.Kind(rawValue: bytes.integer(at: start + 4, as: UInt8.self)),
          direction: direction), tally)
    }
  }
}
