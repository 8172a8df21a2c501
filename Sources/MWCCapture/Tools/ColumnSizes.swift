internal import MWCCore

/// Which values of a capture take how much of its file: for `mwc info --columns`.
package struct ColumnSizes: Sendable {
  /// The values of one name, in all blocks and of all connections.
  package struct Column: Sendable, Equatable {
    /// The path of the JSON member, `[]` for the elements of an array.
    package var name: String
    /// How they are kept in most blocks: `number`, `date`, `choice`, …
    package var type: String
    package var values: UInt64
    /// Of the file.
    package var bytes: UInt64
  }

  /// The largest first.
  package private(set) var columns: [Column] = []
  /// Blocks in columns; others have none.
  package private(set) var blocks = 0
  /// Bytes of the file for times, kinds and order of records.
  package private(set) var recordBytes: UInt64 = 0
  /// Bytes for literals, descriptions and which literal follows which.
  package private(set) var shapeBytes: UInt64 = 0
  /// Stored bytes of all blocks in columns.
  package private(set) var storedBytes: UInt64 = 0
  /// Records that stand in rows: in the tail, or in blocks that were stored in a hurry. They are
  /// listed, too, as the columns that a seal would make of them.
  package private(set) var rowRecords: UInt64 = 0

  /// Names told apart; a stream that invents names has the rest in one.
  private static let maxNames = 10_000

  /// Reads a capture and its tail, up to what is damaged; who reads the capture hears of that. Of
  /// blocks in columns only the heads are decoded. A capture that comes through a pipe has to be stored
  /// first.
  ///
  /// - Parameters:
  ///   - path: the capture.
  ///   - progress: is told how many bytes have been read.
  /// - Throws: `CaptureError`: `cannotOpen`, `notACapture`, `io`.
  package init(_ path: String, progress: (Int64) -> Void = { _ in }) throws(CaptureError) {
    try self.init(CapturePair.reading(path), name: path, progress: progress)
  }

  /// As above, from any source that can be read anywhere.
  package init(
    _ source: any CaptureSource, name: String, progress: (Int64) -> Void = { _ in }
  ) throws(CaptureError) {
    // Says what is no capture before it is searched for blocks.
    _ = try CaptureReader.open(source, name: name)
    let heads = SourceWindow(source, name: name)
    var scanner = CaptureScanner(SourceWindow(source, name: name))
    var sums = Sums()
    do throws(CaptureError) {
      reading: while let event = try scanner.step() {
        switch event {
        case .blockBegan:
          guard scanner.decoder.header?.kind == .records else { continue }
          let offset = scanner.decoder.blockOffset
          progress(offset)
          let isInColumns = scanner.decoder.header?.encoding == .columns
          scanner.decoder.skipsContents = isInColumns
          guard isInColumns else { continue }
          guard try add(blockAt: offset, heads, &sums) else { break reading }
          blocks += 1
        case .rows:
          while try scanner.decoder.advance() { gather(scanner.decoder.current, &sums) }
        case .preamble, .more, .session, .sealed, .trailer: break
        }
      }
    } catch {
      guard error.code == .damaged else { throw error }
    }
    seal(&sums)
    finish(sums)
  }

  /// Rows that are put into columns at once, bytes: a block as recordings make them.
  private static let blockSize = CaptureWriter.Options().blockSize

  private mutating func gather(_ record: borrowing Message, _ sums: inout Sums) {
    if !sums.rows.hasRoom(for: record) || sums.rows.rawSize >= Self.blockSize { seal(&sums) }
    // One that does not fit a block of its own is never in columns.
    guard sums.rows.hasRoom(for: record) else { return }
    sums.rows.append(record)
    rowRecords += 1
  }

  /// Adds the columns of the rows gathered.
  private mutating func seal(_ sums: inout Sums) {
    guard sums.rows.count > 0 else { return }
    let body = ByteBuffer()
    sums.rows.seal(baseWallTime: 0, baseMonotonicTime: 0, into: body)
    guard let head = ColumnHead(body.bytes, inflater: sums.inflater, room: sums.room) else {
      preconditionFailure("what the encoder makes can be read")
    }
    sums.add(head)
    storedBytes += UInt64(body.count)
  }

  /// Sums over all blocks, in parts of bytes.
  private struct Sums {
    let inflater = Inflater()
    let room = ByteBuffer()
    let rows = ColumnEncoder(level: CaptureWriter.Options().level)
    var columns: [String: ColumnHead.Column] = [:]
    var records = 0.0
    var shapes = 0.0

    mutating func add(_ head: ColumnHead) {
      records += head.recordBytes
      shapes += head.headBytes + head.choiceBytes
      let names = ColumnNames(head).names
      for number in head.columns.indices.dropFirst() where !head.columns[number].isPart {
        let column = head.columns[number]
        var name = names[number].isEmpty ? "?" : names[number]
        if columns[name] == nil, columns.count >= ColumnSizes.maxNames { name = "?" }
        columns[name, default: ColumnHead.Column(type: column.type)].values += column.values
        columns[name]?.bytes += column.bytes
      }
    }
  }

  /// False where a block is not what it should be.
  private mutating func add(
    blockAt block: Int64, _ window: SourceWindow, _ sums: inout Sums
  ) throws(CaptureError) -> Bool {
    var offset = block + Int64(CaptureFormat.itemSize)
    while true {
      let head = try window.load(at: offset, length: CaptureFormat.segmentHeaderSize)
      var cursor = ByteCursor(head.bytes)
      guard let stored = cursor.read(UInt32.self) else { return false }
      if stored == CaptureFormat.sealMark { return true }
      let length = Int(stored)
      guard length <= CaptureFormat.maxRawSegment else { return false }
      let start = CaptureFormat.segmentHeaderSize
      let part = try window.load(at: offset, length: start + length)
      guard part.count >= start + length else { return false }
      let body = part.bytes.extracting(start..<start + length)
      guard let columns = ColumnHead(body, inflater: sums.inflater, room: sums.room) else {
        return false
      }
      sums.add(columns)
      storedBytes += UInt64(length)
      offset += Int64(start + length)
    }
  }

  private mutating func finish(_ sums: Sums) {
    columns = sums.columns.map { name, column in
      Column(
        name: name, type: column.type, values: column.values,
        bytes: UInt64(column.bytes.rounded()))
    }.sorted { ($0.bytes, $1.name) > ($1.bytes, $0.name) }
    recordBytes = UInt64(sums.records.rounded())
    shapeBytes = UInt64(sums.shapes.rounded())
  }
}
