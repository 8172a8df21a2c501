internal import MWCCore

/// The lines of a file of any size; memory is bounded by the longest one.
///
/// Not thread-safe.
struct LineReader {
  private let window: SourceWindow
  /// Where the next line begins.
  private(set) var offset: Int64 = 0
  /// Number of the line that was delivered last, from 1.
  private(set) var number = 0

  private static let pieceSize = 256 << 10

  /// Most bytes of a line.
  private let limit: Int

  init(_ window: SourceWindow, limit: Int = CaptureImport.maxText) {
    self.window = window
    self.limit = limit
  }

  /// Calls `body` with each line, without its line break (LF or CR LF), where it begins and which it
  /// is. A last line without line break counts if there is anything in it.
  ///
  /// - Throws: `CaptureError` when a line is too long or the file cannot be read; what `body` throws.
  mutating func forEach(
    _ body: (_ line: RawSpan, _ offset: Int64, _ number: Int) throws(CaptureError) -> Void
  ) throws(CaptureError) {
    var wanted = LineReader.pieceSize
    while true {
      let piece = try window.load(at: offset, length: wanted)
      let isEnd = piece.count < wanted
      let done = try deliver(piece, isEnd: isEnd, body)
      offset += Int64(done)
      if isEnd { return }
      // Nothing was complete: the line is longer than that.
      wanted = done > 0 ? LineReader.pieceSize : piece.count + piece.count / 2
      if wanted > limit, done == 0 {
        throw CaptureError(
          .tooLarge, "line \(number + 1): longer than \(limit) bytes", offset: offset)
      }
    }
  }

  /// Delivers the complete lines of a piece.
  ///
  /// - Returns: how many bytes they take.
  private mutating func deliver(
    _ piece: ByteBuffer, isEnd: Bool,
    _ body: (_ line: RawSpan, _ offset: Int64, _ number: Int) throws(CaptureError) -> Void
  ) throws(CaptureError) -> Int {
    let bytes = piece.bytes
    var start = 0
    while start < bytes.byteCount {
      var end = bytes.firstOffset(of: 0x0A, from: start)
      let next = end + 1
      if end == bytes.byteCount, !isEnd { break }
      if end > start, bytes.byte(at: end - 1) == 0x0D { end -= 1 }
      number += 1
      try body(bytes.extracting(start..<end), offset + Int64(start), number)
      start = min(next, bytes.byteCount)
    }
    return start
  }
}
