internal import MWCCore

/// Reads the JSON channels of an MCAP file, from front to back, chunked or not, finished or not quite:
/// of the summary at the end only the names of channels are used, where there is one.
///
/// What `MCAPExporter` wrote comes back as it was. In files of others each channel becomes a
/// connection with its number, whose messages the server sent; the time of a message is its log time.
struct MCAPImporter {
  private struct Channel {
    var connection: UInt32 = 0
    var direction = Message.Direction.received
    /// nil: something that a capture has no place for.
    var kind: Message.Kind?
  }

  private let window: SourceWindow
  private let target: ImportTarget
  private var channels: [UInt16: Channel] = [:]
  private var isFinished = false
  /// The chunk being read, decompressed.
  private let decoded = ByteBuffer()

  private static let pieceSize = 256 << 10

  init(_ window: SourceWindow, _ target: ImportTarget) {
    self.window = window
    self.target = target
  }

  mutating func read(_ progress: (Int64) -> Void) throws(CaptureError) {
    try checkMagic()
    try readSummary()
    var position: Int64 = 8
    var wanted = MCAPImporter.pieceSize
    while !isFinished {
      let piece = try window.load(at: position, length: wanted)
      let isEnd = piece.count < wanted
      let done = try readRecords(of: piece.bytes, at: position)
      position += Int64(done)
      progress(position)
      if isFinished { return }
      if isEnd {
        throw CaptureError(
          .damaged, "the file ends in the middle of a record",
          advice: "'mcap recover' makes a complete file of it", offset: position)
      }
      wanted = MCAPImporter.pieceSize
      guard let next = RecordHeader(piece.bytes.extracting(droppingFirst: done)) else { continue }
      if next.isOfInterest {
        guard next.length <= MCAPFormat.maxRecord else {
          throw CaptureError(
            .tooLarge, "a record of \(next.length) bytes is more than is read", offset: position)
        }
        wanted = max(wanted, MCAPFormat.recordHeaderSize + Int(next.length))
      } else {
        position = try skip(next, at: position)
      }
    }
  }

  private func checkMagic() throws(CaptureError) {
    let head = try window.load(at: 0, length: 8)
    guard head.count >= 8, head.bytes.integer(at: 0, as: UInt64.self) == MCAPFormat.magic else {
      throw CaptureError(.damaged, "is no MCAP file of version 0")
    }
  }

  /// Goes over a record without holding it.
  ///
  /// - Returns: where the next one begins.
  private func skip(_ record: RecordHeader, at position: Int64) throws(CaptureError) -> Int64 {
    guard let length = Int64(exactly: record.length), length < 1 << 60 else {
      throw CaptureError(
        .damaged, "a record claims \(record.length) bytes", offset: position)
    }
    let end = position + Int64(MCAPFormat.recordHeaderSize) + length
    if try window.size() != nil { return end }
    // A stream can only be read.
    var position = position
    while position < end {
      let count = Int(min(end - position, Int64(MCAPImporter.pieceSize)))
      guard try window.load(at: position, length: count).count >= count else { return position }
      position += Int64(count)
    }
    return end
  }

  // MARK: Records

  private struct RecordHeader {
    let opcode: MCAPFormat.Opcode?
    let length: UInt64

    /// Nil when the bytes are too few.
    init?(_ bytes: RawSpan) {
      guard bytes.byteCount >= MCAPFormat.recordHeaderSize else { return nil }
      opcode = MCAPFormat.Opcode(rawValue: bytes.byte(at: 0))
      length = bytes.integer(at: 1, as: UInt64.self)
    }

    var isOfInterest: Bool {
      switch opcode {
      case .channel, .message, .chunk, .dataEnd, .footer: true
      default: false
      }
    }
  }

  /// Reads the complete records at the front of `bytes`, which stand at `position` in the file.
  ///
  /// - Returns: how many bytes they take.
  private mutating func readRecords(
    of bytes: RawSpan, at position: Int64
  ) throws(CaptureError) -> Int {
    var start = 0
    while !isFinished, let header = RecordHeader(bytes.extracting(droppingFirst: start)) {
      let contents = start + MCAPFormat.recordHeaderSize
      guard header.length <= UInt64(bytes.byteCount - contents) else { break }
      let end = contents + Int(header.length)
      do throws(CaptureError) {
        try read(header.opcode, bytes.extracting(contents..<end))
      } catch {
        var error = error
        if error.offset == nil { error.offset = position + Int64(start) }
        throw error
      }
      start = end
    }
    return start
  }

  private mutating func read(
    _ opcode: MCAPFormat.Opcode?, _ contents: RawSpan
  ) throws(CaptureError) {
    switch opcode {
    case .channel: try readChannel(contents)
    case .message: try readMessage(contents)
    case .chunk: try readChunk(contents)
    case .dataEnd, .footer: isFinished = true
    default: break
    }
  }

  private mutating func readChunk(_ contents: RawSpan) throws(CaptureError) {
    var cursor = ByteCursor(contents)
    guard cursor.skip(16) != nil, let size = cursor.read(UInt64.self),
      let crc = cursor.read(UInt32.self), let compression = cursor.readText(),
      let length = cursor.read(UInt64.self), length <= UInt64(cursor.remaining),
      let start = cursor.skip(Int(length))
    else { throw CaptureError(.damaged, "a chunk is cut") }
    guard size <= MCAPFormat.maxChunk else {
      throw CaptureError(.tooLarge, "a chunk of \(size) bytes is more than is read")
    }
    let stored = contents.extracting(start..<start + Int(length))
    if compression.isEmpty {
      guard length == size else {
        throw CaptureError(.damaged, "a chunk that is not compressed has two lengths")
      }
      try readRecords(ofChunk: stored, crc)
    } else {
      let decoded = decoded
      try MCAPCompression.decode(stored, compression, size: Int(size), into: decoded)
      try readRecords(ofChunk: decoded.bytes, crc)
      decoded.removeAll(keepingAtMost: 16 << 20)
    }
  }

  private mutating func readRecords(
    ofChunk bytes: RawSpan, _ crc: UInt32
  ) throws(CaptureError) {
    // 0 means that nobody has computed it.
    guard crc == 0 || bytes.crc32() == crc else {
      throw CaptureError(.damaged, "a chunk fails its checksum")
    }
    var start = 0
    while let header = RecordHeader(bytes.extracting(droppingFirst: start)) {
      let contents = start + MCAPFormat.recordHeaderSize
      guard header.length <= UInt64(bytes.byteCount - contents), header.opcode != .chunk else {
        break
      }
      let end = contents + Int(header.length)
      try read(header.opcode, bytes.extracting(contents..<end))
      start = end
    }
    guard start == bytes.byteCount, !isFinished else {
      throw CaptureError(.damaged, "a chunk holds something else than whole records")
    }
  }

  private func readMessage(_ contents: RawSpan) throws(CaptureError) {
    var cursor = ByteCursor(contents)
    guard let id = cursor.read(UInt16.self), cursor.skip(4) != nil,
      let time = cursor.read(UInt64.self), cursor.skip(8) != nil
    else { throw CaptureError(.damaged, "a message is cut") }
    guard let channel = channels[id] else {
      throw CaptureError(.damaged, "a message belongs to channel \(id), which is not known yet")
    }
    guard let kind = channel.kind, let wallTime = Int64(exactly: time) else {
      return target.leaveOut()
    }
    try target.add(
      kind, contents.extracting(cursor.offset..<contents.byteCount), at: wallTime,
      connection: channel.connection, direction: channel.direction)
  }

  // MARK: Channels

  private mutating func readChannel(_ contents: RawSpan) throws(CaptureError) {
    var cursor = ByteCursor(contents)
    guard let id = cursor.read(UInt16.self), cursor.skip(2) != nil, let topic = cursor.readText(),
      let encoding = cursor.readText(), let metadata = cursor.readMap()
    else { throw CaptureError(.damaged, "a channel is cut") }
    // Channels stand again in front of each chunk that uses them.
    guard channels[id] == nil else { return }
    guard let kind = MCAPImporter.kind(of: encoding) else {
      channels[id] = Channel()
      return
    }
    let connection = MCAPImporter.connection(of: id, metadata)
    guard connection <= CaptureFormat.maxConnection else {
      throw CaptureError(
        .tooLarge, "channel \(id) is beyond the \(CaptureFormat.maxConnection) that a capture holds"
      )
    }
    channels[id] = Channel(
      connection: connection, direction: metadata["direction"] == "out" ? .sent : .received,
      kind: kind)
    name(connection, metadata["uri"] ?? "mcap:\(topic)")
  }

  /// What the messages of an encoding become; nil: nothing.
  private static func kind(of encoding: String) -> Message.Kind? {
    switch encoding {
    case "json", "text/plain": .text
    case "application/octet-stream": .binary
    default: nil
    }
  }

  /// The connection that a channel becomes: the one that it was, or the channel's own number, so that
  /// it does not depend on what has been read before.
  private static func connection(of id: UInt16, _ metadata: [String: String]) -> UInt32 {
    if let number = metadata["connection"].flatMap({ UInt32($0) }), number >= 1,
      number <= CaptureFormat.maxConnection
    {
      return number
    }
    // Connections are counted from 1, and some writers count channels from 0.
    return id == 0 ? CaptureFormat.maxConnection : UInt32(id)
  }

  private func name(_ connection: UInt32, _ uri: String) {
    let index = Int(connection) - 1
    while target.uris.count <= index { target.uris.append("") }
    if target.uris[index].isEmpty { target.uris[index] = uri }
  }

  /// Learns which channels there are from the summary of a finished file, so that the capture's head
  /// can name them all. What is wrong there is no reason not to read the messages.
  private func readSummary() throws(CaptureError) {
    guard let size = try window.size() else { return }
    let footerStart = size - 8 - Int64(MCAPFormat.footerSize)
    guard footerStart >= 8 else { return }
    let footer = try window.load(at: footerStart, length: MCAPFormat.footerSize)
    guard let header = RecordHeader(footer.bytes), header.opcode == .footer, header.length == 20,
      footer.count >= MCAPFormat.footerSize,
      let start = Int64(
        exactly: footer.bytes.integer(at: MCAPFormat.recordHeaderSize, as: UInt64.self)),
      start >= 8, start < footerStart, footerStart - start <= MCAPImporter.maxSummary
    else { return }
    let summary = try window.load(at: start, length: Int(footerStart - start))
    let bytes = summary.bytes.extracting(first: Int(footerStart - start))
    var position = 0
    while let header = RecordHeader(bytes.extracting(droppingFirst: position)) {
      let contents = position + MCAPFormat.recordHeaderSize
      guard header.length <= UInt64(bytes.byteCount - contents) else { break }
      let end = contents + Int(header.length)
      if header.opcode == .channel { nameChannel(bytes.extracting(contents..<end)) }
      position = end
    }
  }

  private func nameChannel(_ contents: RawSpan) {
    var cursor = ByteCursor(contents)
    guard let id = cursor.read(UInt16.self), cursor.skip(2) != nil, let topic = cursor.readText(),
      let encoding = cursor.readText(), MCAPImporter.kind(of: encoding) != nil,
      let metadata = cursor.readMap()
    else { return }
    let connection = MCAPImporter.connection(of: id, metadata)
    guard connection <= CaptureFormat.maxConnection else { return }
    name(connection, metadata["uri"] ?? "mcap:\(topic)")
  }

  /// Most bytes of a summary that are looked through for names: the index of some 100,000 chunks.
  private static let maxSummary: Int64 = 16 << 20
}

extension ByteCursor {
  /// A text behind its length; nil when it is cut.
  @_lifetime(self: copy self)
  fileprivate mutating func readText() -> String? {
    guard let length = read(UInt32.self), let start = skip(Int(length)) else { return nil }
    return String(lossy: bytes.extracting(start..<start + Int(length)))
  }

  /// Texts with names, behind the bytes that they take.
  @_lifetime(self: copy self)
  fileprivate mutating func readMap() -> [String: String]? {
    guard let length = read(UInt32.self), Int(length) <= remaining else { return nil }
    let end = offset + Int(length)
    var map: [String: String] = [:]
    while offset < end {
      guard let name = readText(), let value = readText() else { return nil }
      map[name] = value
    }
    return offset == end ? map : nil
  }
}
