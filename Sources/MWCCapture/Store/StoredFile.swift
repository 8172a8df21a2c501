package import SystemPackage

/// Where the bytes of a capture come from.
///
/// Not thread-safe: a source belongs to one reader.
package protocol CaptureSource: AnyObject {
  /// Reads up to `buffer.count` bytes from `offset` on; 0 at the end. Interrupted calls are repeated.
  /// A stream is read strictly in order: `offset` is where the last read ended.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int

  /// Size now, bytes; nil for a stream, which cannot be read anywhere but forwards.
  func size() throws(Errno) -> Int64?
}

/// The door to the file system: everything a writer asks of the file it writes. Tests put a file
/// behind it that fails, forgets and scrambles.
///
/// Not thread-safe: a file belongs to one writer.
package protocol StoredFile: CaptureSource {
  /// Writes up to `buffer.count` bytes at `offset` and says how many. Interrupted calls are repeated.
  /// A stream appends, whatever the offset.
  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int

  /// Returns when everything written is on the device.
  func sync() throws(Errno)

  /// Cuts the file to `size` bytes.
  func truncate(to size: Int64) throws(Errno)

  /// Bytes that a user without privileges can still write to this file system; nil when nobody
  /// knows (a stream).
  func freeSpace() throws(Errno) -> Int64?

  /// Closes the file. Nothing is called afterwards.
  func close()
}

extension StoredFile {
  /// Writes all of `bytes` at `offset`. After an error any part of them may be in the file.
  func writeAll(_ bytes: RawSpan, at offset: Int64) throws(Errno) {
    var done = 0
    while done < bytes.byteCount {
      let rest = bytes.extracting(done..<bytes.byteCount)
      let start = offset + Int64(done)
      let written = unsafe try rest.withUnsafeBytes { (buffer) throws(Errno) -> Int in
        unsafe try write(buffer, at: start)
      }
      // POSIX allows 0 for a device without room; going on would never end.
      guard written > 0 else { throw .noSpace }
      done += written
    }
  }
}
