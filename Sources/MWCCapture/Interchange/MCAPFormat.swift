internal import CZlib

/// The numbers of MCAP, a container for recorded messages (mcap.dev/spec), and how its records are
/// spelled. Everything is little endian; a record is an opcode, a u64 length and so many bytes.
enum MCAPFormat {
  /// `\x89MCAP0\r\n`, at both ends of a file.
  static let magic: UInt64 = 0x0A0D_3050_4143_4D89

  enum Opcode: UInt8 {
    case header = 1
    case footer = 2
    case schema = 3
    case channel = 4
    case message = 5
    case chunk = 6
    case messageIndex = 7
    case chunkIndex = 8
    case statistics = 11
    case summaryOffset = 14
    case dataEnd = 15
  }

  /// Opcode and length.
  static let recordHeaderSize = 9
  /// A footer with its header: three fields of fixed size.
  static let footerSize = recordHeaderSize + 20

  // What is read of others, bounded before it is trusted.

  /// Largest record that is held in memory, a chunk: twice our own largest message, to leave room for
  /// what stands in a chunk with it.
  static let maxRecord: UInt64 = 512 << 20
  /// Largest chunk, decoded.
  static let maxChunk: UInt64 = 512 << 20
  /// Most channels: ids have 16 bits.
  static let maxChannels = 1 << 16
}

extension ByteBuffer {
  /// Appends a record; `body` appends what stands in it.
  func appendRecord(_ opcode: MCAPFormat.Opcode, _ body: (ByteBuffer) -> Void) {
    append(opcode.rawValue)
    let lengthAt = count
    append(UInt64(0))
    body(self)
    store(UInt64(count - lengthAt - 8), at: lengthAt)
  }

  /// Appends a text behind its length.
  func appendPrefixed(_ text: String) {
    append(UInt32(clamping: text.utf8.count))
    append(text)
  }

  /// Appends what `body` appends behind the number of bytes that it takes: arrays and maps.
  func appendSized(_ body: (ByteBuffer) -> Void) {
    let lengthAt = count
    append(UInt32(0))
    body(self)
    store(UInt32(clamping: count - lengthAt - 4), at: lengthAt)
  }
}

extension RawSpan {
  /// The CRC-32 (of zlib, not Castagnoli's) of what `crc` covers, followed by these bytes.
  func crc32(after crc: UInt32 = 0) -> UInt32 {
    unsafe withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return crc }
      return UInt32(
        truncatingIfNeeded: unsafe crc32_z(
          UInt(crc), base.assumingMemoryBound(to: UInt8.self), buffer.count))
    }
  }
}
