package import MWCCore

/// What a capture holds, in numbers: for `mwc info`.
package struct CaptureSummary: Sendable {
  /// One connection of one direction.
  package struct Connection: Sendable {
    package var number: UInt32
    /// From the sessions; nil for connection 0 and for numbers without one.
    package var uri: String?
    /// Text and binary messages.
    package var received = Tally()
    package var sent = Tally()
    /// Times that the connection was opened, beyond the first.
    package var reconnects: UInt64 = 0
  }

  /// Records of one kind, over all connections and directions.
  package struct Kind: Sendable {
    package var kind: Message.Kind
    package var tally: Tally
    /// Per second of the recording; 0 when it has no duration.
    package var rate: Double
  }

  /// Messages of one type, over all connections and directions.
  package struct TypeTally: Sendable {
    /// The JSON member `type`, or the event of a Socket.IO packet; nil: the messages have none.
    package var name: String?
    package var tally: Tally
  }

  /// Blocks of one encoding.
  package struct Encoding: Sendable {
    package var encoding: BlockEncoding
    package var blocks = 0
    package var rawSize: UInt64 = 0
    package var storedSize: UInt64 = 0
    /// How many times smaller it is stored.
    package var ratio: Double { storedSize == 0 ? 1 : Double(rawSize) / Double(storedSize) }
  }

  /// A stretch where messages are missing.
  package struct Gap: Sendable {
    package var wallTime: Int64
    package var connection: UInt32
    package var record: GapRecord
  }

  package var file: String
  package var fileSize: Int64
  package var ending: CaptureEnding
  /// What stopped the reading, when the capture is damaged; the numbers are those before it.
  package var damage: CaptureError?
  /// Of one run of a recorder each.
  package var sessions: [CaptureSession] = []
  package var times = TimeSpan()
  /// Nanoseconds from the start of the recording to its last record.
  package var duration: Int64 = 0
  package var blocks = 0
  package var tallies = TallyTable()
  package var encodings: [Encoding] = []
  /// The first `maxGaps` gaps; `gapCount` has all.
  package var gaps: [Gap] = []
  package var gapCount: UInt64 = 0
  /// Messages missing in all gaps that know.
  package var missingMessages: UInt64 = 0

  /// Messages by type, the most frequent first; nil when nobody asked for them.
  package var types: [TypeTally]?
  /// Messages of types that are not listed, because there are too many.
  package var otherTypes = Tally()

  /// Gaps listed one by one at most.
  package static let maxGaps = 1000

  /// Reads the index of a finished capture; or all of one without index, or with gaps, or when types
  /// are to be counted.
  ///
  /// - Parameters:
  ///   - path: the capture; "-" is standard input.
  ///   - countsTypes: whether messages are counted by type.
  ///   - progress: is told how many bytes have been read.
  /// - Throws: `CaptureError`: `cannotOpen`, `notACapture`, `newerVersion`, `unsupported`, `io`.
  package init(
    _ path: String, countsTypes: Bool = false, progress: (Int64) -> Void = { _ in }
  ) throws(CaptureError) {
    try self.init(
      CapturePair.reading(path), name: path, countsTypes: countsTypes, progress: progress)
  }

  /// As above, from any source.
  package init(
    _ source: any CaptureSource, name: String, countsTypes: Bool = false,
    progress: (Int64) -> Void = { _ in }
  ) throws(CaptureError) {
    file = name
    fileSize = 0
    ending = .finished
    let window = SourceWindow(source, name: name)
    if try window.size() != nil {
      // Says what is no capture before it is searched for blocks.
      _ = try CaptureReader.open(source, name: name)
    }
    if !countsTypes, try window.size() != nil {
      let map = try CaptureMap(source, name: name)
      let gapTally = map.tallies?.total { $0.kind == .gap }
      if let tallies = map.tallies, gapTally?.messages == 0 {
        self.tallies = tallies
        fileSize = map.fileSize
        for entry in map.entries { count(entry) }
        try readSessions(of: map, from: window)
        duration = map.duration ?? 0
        return
      }
    }
    let counter = countsTypes ? TypeCounter() : nil
    try readAll(window, counter, progress)
    types = counter?.types
    otherTypes = counter?.others ?? Tally()
  }

  private mutating func readSessions(
    of map: CaptureMap, from window: SourceWindow
  ) throws(CaptureError) {
    for entry in map.entries where entry.kind == .session {
      var scanner = CaptureScanner(window)
      scanner.decoder.jump(to: Int64(clamping: entry.offset))
      while let event = try scanner.step() {
        guard case .session(let session) = event else { continue }
        sessions.append(session)
        break
      }
    }
  }

  private mutating func readAll(
    _ window: SourceWindow, _ counter: TypeCounter?, _ progress: (Int64) -> Void
  ) throws(CaptureError) {
    var scanner = CaptureScanner(window)
    var timeline = Timeline()
    do throws(CaptureError) {
      while let event = try scanner.step() {
        switch event {
        case .session(let session):
          sessions.append(session)
          timeline.begin(session)
          count(entry(of: scanner.decoder))
        case .sealed: count(entry(of: scanner.decoder))
        case .rows:
          progress(scanner.decoder.offset)
          while try scanner.decoder.advance() {
            let record = scanner.decoder.current
            timeline.reach(timeline.offset(ofMonotonic: record.monotonicTime))
            count(record)
            counter?.count(record)
          }
        case .preamble, .blockBegan, .more, .trailer: break
        }
      }
      if scanner.decoder.isInBlock { count(entry(of: scanner.decoder)) }
    } catch {
      guard error.code == .damaged, scanner.decoder.fileID != nil else { throw error }
      damage = scanner.explain(error)
    }
    duration = timeline.reached
    fileSize = try window.size() ?? window.end
    ending =
      scanner.ending
      ?? .unfinished(
        end: scanner.decoder.completeEnd, excess: fileSize - scanner.decoder.completeEnd)
  }

  private func entry(of decoder: borrowing CaptureDecoder) -> IndexEntry {
    IndexEntry(
      offset: UInt64(decoder.blockOffset), kind: decoder.header?.kind ?? .records,
      encoding: decoder.header?.encoding ?? .stored, firstRecord: decoder.header?.firstRecord ?? 0,
      seal: decoder.seal)
  }

  private mutating func count(_ entry: IndexEntry) {
    guard entry.kind == .records else { return }
    blocks += 1
    if !entry.seal.times.isEmpty { times.include(entry.seal.times) }
    let place =
      encodings.firstIndex { $0.encoding == entry.encoding }
      ?? {
        encodings.append(Encoding(encoding: entry.encoding))
        return encodings.count - 1
      }()
    encodings[place].blocks += 1
    encodings[place].rawSize &+= entry.seal.rawSize
    encodings[place].storedSize &+= entry.seal.storedSize
  }

  private mutating func count(_ record: borrowing Message) {
    tallies.count(
      connection: record.connection, kind: record.kind, direction: record.direction,
      bytes: record.payload.byteCount)
    guard record.kind == .gap else { return }
    gapCount += 1
    let gap = GapRecord(payload: record.payload)
    missingMessages &+= gap.messages ?? 0
    if gaps.count < CaptureSummary.maxGaps {
      gaps.append(Gap(wallTime: record.wallTime, connection: record.connection, record: gap))
    }
  }
}

extension CaptureSummary {
  /// Records of all kinds.
  package var records: Tally { tallies.total() }
  /// Text and binary messages.
  package var messages: Tally { tallies.total { $0.kind.isData } }
  /// Text and binary messages per second of the recording; 0 when it has no duration.
  package var messageRate: Double { rate(messages.messages) }
  /// How many times smaller the file is than the payloads in it.
  package var ratio: Double { fileSize == 0 ? 1 : Double(records.bytes) / Double(fileSize) }

  /// So many per second of the recording; 0 when it has no duration.
  package func rate(_ count: UInt64) -> Double {
    duration <= 0 ? 0 : Double(count) * 1e9 / Double(duration)
  }

  /// Every connection that has a URI or records, in the order of their numbers.
  package var connections: [Connection] {
    let uris = sessions.max { $0.uris.count < $1.uris.count }?.uris ?? []
    var found: [UInt32: Connection] = [:]
    for (number, uri) in uris.enumerated() {
      let number = UInt32(clamping: number + 1)
      found[number] = Connection(number: number, uri: uri)
    }
    for (key, tally) in tallies.sorted {
      var connection = found[key.connection] ?? Connection(number: key.connection)
      if key.kind.isData {
        if key.direction == .received {
          connection.received.add(tally)
        } else {
          connection.sent.add(tally)
        }
      }
      if key.kind == .opened { connection.reconnects = max(tally.messages, 1) - 1 }
      found[key.connection] = connection
    }
    return found.values.sorted { $0.number < $1.number }
  }

  /// Every kind of record that occurs, in the order of their numbers.
  package var kinds: [Kind] {
    var found: [Message.Kind: Tally] = [:]
    for (key, tally) in tallies.sorted { found[key.kind, default: Tally()].add(tally) }
    return found.map { Kind(kind: $0.key, tally: $0.value, rate: rate($0.value.messages)) }
      .sorted { $0.kind.rawValue < $1.kind.rawValue }
  }
}
