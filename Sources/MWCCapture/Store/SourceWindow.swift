internal import Glibc
internal import SystemPackage

/// The piece of a source that a reader is looking at.
///
/// Memory grows only as far as bytes really come, so a length that lies costs nothing. Not
/// thread-safe.
final class SourceWindow {
  let source: any CaptureSource
  /// The source, if a tail may be joined to it.
  let pair: CapturePair?
  /// Of the pair, when the bytes were read.
  private var generation = 0
  /// Name of the file in errors.
  let name: String
  private let buffer = ByteBuffer(capacity: SourceWindow.pieceSize)
  /// Where the first byte of `buffer` stands in the file.
  private var start: Int64 = 0

  /// Bytes asked of the system at once.
  private static let pieceSize = 256 << 10

  init(_ source: any CaptureSource, name: String) {
    self.source = source
    self.name = name
    pair = source as? CapturePair
  }

  /// The bytes from `offset` on: at least `length`, or fewer at the end of the file. The buffer is
  /// the window's own, and has other bytes after the next call.
  func load(at offset: Int64, length: Int) throws(CaptureError) -> ByteBuffer {
    if let pair, pair.generation != generation {
      generation = pair.generation
      buffer.removeAll()
    }
    move(to: offset)
    while buffer.count < length {
      if try readPiece() == 0 { break }
    }
    return buffer
  }

  /// Where what has been read of the file ends.
  var end: Int64 { start + Int64(buffer.count) }

  /// Forgets what was read: the file may have other bytes there now.
  func invalidate() {
    start += Int64(buffer.count)
    buffer.removeAll()
  }

  /// Size of the file now; nil for a stream.
  func size() throws(CaptureError) -> Int64? {
    do throws(Errno) { return try source.size() } catch { throw failure(error) }
  }

  private func move(to offset: Int64) {
    if offset >= start, offset <= start + Int64(buffer.count) {
      buffer.removeFirst(Int(offset - start))
    } else {
      buffer.removeAll()
    }
    if buffer.isEmpty { buffer.removeAll(keepingAtMost: 4 * SourceWindow.pieceSize) }
    start = offset
  }

  private func readPiece() throws(CaptureError) -> Int {
    let offset = start + Int64(buffer.count)
    let before = buffer.count
    do throws(Errno) {
      unsafe try buffer.appendUnsafe(upTo: SourceWindow.pieceSize) { target throws(Errno) in
        unsafe try source.read(into: target, at: offset)
      }
    } catch { throw failure(error) }
    return buffer.count - before
  }

  private func failure(_ error: Errno) -> CaptureError {
    CaptureError(.io, "cannot be read", file: name, offset: start, underlying: error)
  }
}

extension SourceWindow {
  /// Looks for the next header or trailer of a file from `offset` on; nil when there is none.
  ///
  /// - Parameters:
  ///   - offset: where to begin.
  ///   - fileID: the file it must belong to; nil when that is not known.
  /// - Returns: its offset.
  /// - Throws: `CaptureError` when the file cannot be read.
  func findItem(from offset: Int64, fileID: UInt64?) throws(CaptureError) -> Int64? {
    var position = offset
    while true {
      let piece = try load(at: position, length: SourceWindow.pieceSize)
      let bytes = piece.bytes
      let last = bytes.byteCount - CaptureFormat.itemSize
      guard last >= 0 else { return nil }
      var start = bytes.firstOffset(of: 0xFF, from: 0)
      while start <= last {
        let item = bytes.extracting(start..<start + CaptureFormat.itemSize)
        if let header = BlockHeader(decoding: item), header.fileID == fileID ?? header.fileID {
          return position + Int64(start)
        }
        if let trailer = Trailer(decoding: item), trailer.fileID == fileID ?? trailer.fileID,
          trailer.offset == UInt64(position + Int64(start))
        {
          return position + Int64(start)
        }
        start = bytes.firstOffset(of: 0xFF, from: start + 1)
      }
      position += Int64(last + 1)
    }
  }
}

extension RawSpan {
  /// Where `byte` stands for the first time from `start` on; the length when it does not.
  func firstOffset(of byte: UInt8, from start: Int) -> Int {
    guard start < byteCount else { return byteCount }
    return unsafe withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress,
        let found = unsafe memchr(base + start, Int32(byte), buffer.count - start)
      else { return buffer.count }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}
