package import MWCCore

/// MCAP, which Foxglove and the tools around it open: text and binary messages on channels, in chunks
/// with checksums and an index.
///
/// ```
///   magic │ header │ chunk │ indexes │ chunk │ indexes │ … │ data end │ summary │ footer │ magic
///                    schema, channels, messages              channels, statistics, chunk index
/// ```
///
/// | topic | encoding | holds |
/// |---|---|---|
/// | `/connection/1` | `json` | texts of the server that are JSON |
/// | `/connection/1/text` | `text/plain` | its other texts |
/// | `/connection/1/binary` | `application/octet-stream` | its binary messages |
/// | `/connection/1/sent…` | | the same of what was sent to it |
///
/// Chunks are not compressed: MCAP knows zstd and LZ4 only, and `mcap compress` does that. Both times
/// of a message are its wall-clock time.
package final class MCAPExporter: CaptureExporter {
  private struct ChannelKey: Hashable {
    var connection: UInt32
    var direction: Message.Direction
    var content: Content
  }

  private enum Content: String {
    case json = "json"
    case text = "text/plain"
    case binary = "application/octet-stream"
  }

  private struct Channel {
    var id: UInt16
    var messages: UInt64 = 0
    /// Where its messages of the current chunk stand: time and offset.
    var index: [(time: UInt64, offset: UInt64)] = []
  }

  private struct Times {
    var first = UInt64.max
    var last = UInt64(0)

    mutating func include(_ time: UInt64) {
      first = min(first, time)
      last = max(last, time)
    }

    /// As MCAP spells that there were no messages.
    var start: UInt64 { first == .max ? 0 : first }
  }

  private let output: ExportOutput
  private let chunk = ByteBuffer(capacity: 2 * MCAPExporter.chunkSize)
  private var chunkTimes = Times()
  private var times = Times()
  private var channels: [ChannelKey: Channel] = [:]
  /// Channel records in the order of their ids, to be repeated in the summary.
  private let channelRecords = ByteBuffer()
  /// Chunk index records, which end up in the summary.
  private let chunkIndexes = ByteBuffer()
  private var chunkCount: UInt32 = 0
  private var messageCount: UInt64 = 0
  /// Of all that stands in front of the data end.
  private var dataCRC: UInt32 = 0
  private var checker = JSONScanner(valid: [])

  /// Bytes that make a chunk.
  private static let chunkSize = 1 << 20

  /// - Parameters:
  ///   - tool: name and version of this program.
  ///   - output: where to; nothing has been written there.
  package init(tool: String, to output: ExportOutput) {
    self.output = output
    write { buffer in
      buffer.append(MCAPFormat.magic)
      buffer.appendRecord(.header) { record in
        record.appendPrefixed("")
        record.appendPrefixed(tool)
      }
      MCAPExporter.appendSchema(to: buffer)
    }
  }

  /// A message may be any object: what the tools need to know to show it as one.
  private static func appendSchema(to buffer: ByteBuffer) {
    buffer.appendRecord(.schema) { record in
      record.append(UInt16(1))
      record.appendPrefixed("json")
      record.appendPrefixed("jsonschema")
      record.appendPrefixed(#"{"type":"object"}"#)
    }
  }

  /// Appends to the output what counts for the checksum of the data section.
  private func write(_ body: (ByteBuffer) -> Void) {
    let buffer = output.buffer
    let start = buffer.count
    body(buffer)
    dataCRC = buffer.bytes.extracting(start..<buffer.count).crc32(after: dataCRC)
  }

  package func append(
    _ record: borrowing Message, of session: CaptureSession
  ) throws(CaptureError) -> Bool {
    guard record.kind.isData else { return false }
    let content: Content =
      record.kind == .binary
      ? .binary : MCAPExporter.isJSON(record.payload, &checker) ? .json : .text
    let key = ChannelKey(
      connection: record.connection, direction: record.direction, content: content)
    if channels[key] == nil { addChannel(key, uri: session.uri(of: record.connection)) }
    guard let id = channels[key]?.id else { return false }
    let sequence = UInt32(truncatingIfNeeded: channels[key]?.messages ?? 0)
    // Times before 1970 have no spelling.
    let time = UInt64(max(0, record.wallTime))
    channels[key]?.index.append((time, UInt64(chunk.count)))
    channels[key]?.messages += 1
    let payload = record.payload
    let chunk = chunk
    chunk.append(MCAPFormat.Opcode.message.rawValue)
    chunk.append(UInt64(22 + payload.byteCount))
    chunk.append(id)
    chunk.append(sequence)
    chunk.append(time)
    chunk.append(time)
    chunk.append(payload)
    chunkTimes.include(time)
    messageCount += 1
    if chunk.count >= MCAPExporter.chunkSize { try endChunk() }
    return true
  }

  private static func isJSON(_ payload: RawSpan, _ checker: inout JSONScanner) -> Bool {
    do throws(JSONError) {
      _ = try checker.scan(payload)
      return true
    } catch {
      return false
    }
  }

  private func addChannel(_ key: ChannelKey, uri: String?) {
    let id = UInt16(channels.count + 1)
    channels[key] = Channel(id: id)
    var topic = "/connection/\(key.connection)"
    if key.direction == .sent { topic += "/sent" }
    switch key.content {
    case .json: break
    case .text: topic += "/text"
    case .binary: topic += "/binary"
    }
    let (chunk, channelRecords) = (chunk, channelRecords)
    let start = channelRecords.count
    channelRecords.appendRecord(.channel) { record in
      record.append(id)
      record.append(UInt16(key.content == .json ? 1 : 0))
      record.appendPrefixed(topic)
      record.appendPrefixed(key.content.rawValue)
      record.appendSized { map in
        map.appendPrefixed("connection")
        map.appendPrefixed("\(key.connection)")
        map.appendPrefixed("direction")
        map.appendPrefixed(key.direction == .received ? "in" : "out")
        if let uri {
          map.appendPrefixed("uri")
          map.appendPrefixed(uri)
        }
      }
    }
    chunk.append(channelRecords.bytes.extracting(start..<channelRecords.count))
  }

  private func endChunk() throws(CaptureError) {
    guard chunk.count > 0 else { return }
    let start = UInt64(output.position)
    let times = chunkTimes
    let chunk = chunk
    write { buffer in
      buffer.appendRecord(.chunk) { record in
        record.append(times.start)
        record.append(times.last)
        record.append(UInt64(chunk.count))
        record.append(chunk.bytes.crc32())
        record.appendPrefixed("")
        record.append(UInt64(chunk.count))
        record.append(chunk.bytes)
      }
    }
    let length = UInt64(output.position) - start
    let indexes = appendMessageIndexes()
    let indexLength = UInt64(output.position) - start - length
    chunkIndexes.appendRecord(.chunkIndex) { record in
      record.append(times.start)
      record.append(times.last)
      record.append(start)
      record.append(length)
      record.appendSized { map in
        for (id, offset) in indexes {
          map.append(id)
          map.append(offset)
        }
      }
      record.append(indexLength)
      record.appendPrefixed("")
      record.append(UInt64(chunk.count))
      record.append(UInt64(chunk.count))
    }
    chunkCount += 1
    self.times.include(chunkTimes.start)
    self.times.include(chunkTimes.last)
    chunkTimes = Times()
    chunk.removeAll(keepingAtMost: 4 * MCAPExporter.chunkSize)
    try output.flushIfDue()
  }

  /// Says for each channel where its messages stand in the chunk that was just written.
  ///
  /// - Returns: where that is said.
  private func appendMessageIndexes() -> [(id: UInt16, offset: UInt64)] {
    var places: [(id: UInt16, offset: UInt64)] = []
    for (key, channel) in channels where !channel.index.isEmpty {
      places.append((channel.id, UInt64(output.position)))
      write { buffer in
        buffer.appendRecord(.messageIndex) { record in
          record.append(channel.id)
          record.appendSized { array in
            for (time, offset) in channel.index {
              array.append(time)
              array.append(offset)
            }
          }
        }
      }
      channels[key]?.index.removeAll(keepingCapacity: true)
    }
    return places
  }

  package func finish() throws(CaptureError) {
    try endChunk()
    let dataCRC = dataCRC
    output.buffer.appendRecord(.dataEnd) { $0.append(dataCRC) }
    try output.flush()
    appendSummary(at: UInt64(output.position))
    try output.flush()
  }

  private func appendSummary(at start: UInt64) {
    let (buffer, channelRecords, chunkIndexes) = (output.buffer, channelRecords, chunkIndexes)
    let base = buffer.count
    var groups: [(opcode: MCAPFormat.Opcode, start: Int)] = []
    groups.append((.schema, buffer.count))
    MCAPExporter.appendSchema(to: buffer)
    groups.append((.channel, buffer.count))
    buffer.append(channelRecords.bytes)
    groups.append((.statistics, buffer.count))
    appendStatistics()
    groups.append((.chunkIndex, buffer.count))
    buffer.append(chunkIndexes.bytes)
    let offsetsStart = start + UInt64(buffer.count - base)
    let ends = groups.dropFirst().map(\.start) + [buffer.count]
    for (group, end) in zip(groups, ends) where end > group.start {
      buffer.appendRecord(.summaryOffset) { record in
        record.append(group.opcode.rawValue)
        record.append(start + UInt64(group.start - base))
        record.append(UInt64(end - group.start))
      }
    }
    buffer.append(MCAPFormat.Opcode.footer.rawValue)
    buffer.append(UInt64(MCAPFormat.footerSize - MCAPFormat.recordHeaderSize))
    buffer.append(start)
    buffer.append(offsetsStart)
    let crc = buffer.bytes.extracting(base..<buffer.count).crc32()
    buffer.append(crc)
    buffer.append(MCAPFormat.magic)
  }

  private func appendStatistics() {
    output.buffer.appendRecord(.statistics) { record in
      record.append(messageCount)
      record.append(UInt16(1))
      record.append(UInt32(channels.count))
      record.append(UInt32(0))
      record.append(UInt32(0))
      record.append(chunkCount)
      record.append(times.start)
      record.append(times.last)
      record.appendSized { map in
        for channel in channels.values.sorted(by: { $0.id < $1.id }) {
          map.append(channel.id)
          map.append(channel.messages)
        }
      }
    }
  }
}
