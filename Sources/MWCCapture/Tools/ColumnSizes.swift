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

  /// Names told apart; a stream that invents names has the rest in one.
  private static let maxNames = 10_000

  /// Reads the heads of all blocks in columns, up to the first that is damaged; who reads the capture
  /// hears of it. A capture that comes through a pipe has to be stored first.
  ///
  /// - Parameters:
  ///   - path: the capture.
  ///   - progress: is told how many bytes have been read.
  /// - Throws: `CaptureError`: `cannotOpen`, `notACapture`, `io`.
  package init(_ path: String, progress: (Int64) -> Void = { _ in }) throws(CaptureError) {
    let source = try LocalFile.reading(path)
    defer { source.close() }
    // Says what is no capture before it is searched for blocks.
    _ = try CaptureReader.open(source, name: path)
    let map = try CaptureMap(source, name: path)
    let window = SourceWindow(source, name: path)
    var sums = Sums()
    for entry in map.entries where entry.kind == .records && entry.encoding == .columns {
      progress(Int64(clamping: entry.offset))
      guard try add(entry, window, &sums) else { break }
      blocks += 1
    }
    finish(sums)
  }

  /// Sums over all blocks, in parts of bytes.
  private struct Sums {
    let inflater = Inflater()
    let room = ByteBuffer()
    var columns: [String: ColumnHead.Column] = [:]
    var records = 0.0
    var shapes = 0.0

    mutating func add(_ head: ColumnHead) {
      records += head.recordBytes
      shapes += head.headBytes + head.choiceBytes
      let names = ColumnNames(head).names
      for number in head.columns.indices.dropFirst() {
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
    _ entry: IndexEntry, _ window: SourceWindow, _ sums: inout Sums
  ) throws(CaptureError) -> Bool {
    var offset = Int64(clamping: entry.offset) + Int64(CaptureFormat.itemSize)
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
