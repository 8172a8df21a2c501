/// The numbers of `docs/FORMAT.md`: magics, sizes, ids and limits, in one place.
package enum CaptureFormat {
  /// The version we write, and the newest we read.
  package static let version: UInt16 = 1

  // Read as little-endian integers: `\xFFMWCCAP\n`, `\xFFMWCBLK\n`, `\xFFMWCEND\n`. The first byte
  // occurs in no UTF-8 text, so no JSON payload looks like one of them.
  static let preambleMagic: UInt64 = 0x0A50_4143_4357_4DFF
  static let blockMagic: UInt64 = 0x0A4B_4C42_4357_4DFF
  static let trailerMagic: UInt64 = 0x0A44_4E45_4357_4DFF

  static let preambleSize = 32
  static let segmentHeaderSize = 12
  /// Block header, seal and trailer are all this large, so a walk reads one size.
  static let itemSize = 64
  /// Stands in a seal where a segment has its stored length.
  static let sealMark: UInt32 = 0xFFFF_FFFF

  static let indexEntrySize = 72
  static let tallySize = 24
}

extension CaptureFormat {
  /// Largest payload of one record: four times the default limit for messages.
  package static let maxPayload = 256 << 20
  /// Largest decoded segment: one record of the largest payload, with room for its header.
  package static let maxRawSegment = maxPayload + (64 << 10)
  /// Largest raw length of a segment in columns, which needs up to twenty times that much memory.
  static let maxRawColumns = 16 << 20
  /// Highest connection number.
  package static let maxConnection: UInt32 = 4096
  /// Largest decoded session block.
  static let maxSession = 1 << 20
  /// Largest decoded index block.
  static let maxIndex = 16 << 20
  /// Blocks listed by one index block; more would make readers hold more at once.
  static let blocksPerIndex = 4096

  /// Most stored bytes a segment of `raw` decoded bytes can need: deflate adds 5 bytes per 16 KiB
  /// to what it cannot compress, and a few once.
  static func maxStored(forRaw raw: Int) -> Int { raw + raw / 256 + 64 }

  /// As above, for a segment in columns: a few records need more than they have themselves.
  static func maxStored(forRawColumns raw: Int) -> Int { 2 * raw + 4096 }

  /// Most bytes that `stored` deflated bytes can decode to (zlib's documentation: 1032 to 1), so a
  /// small file cannot ask for much memory.
  static func maxRaw(forDeflated stored: Int) -> Int { 1032 * (stored + 8) }
}

/// What a block holds.
package struct BlockKind: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let session = BlockKind(rawValue: 1)
  package static let records = BlockKind(rawValue: 2)
  package static let index = BlockKind(rawValue: 3)

  /// Unknown kinds of blocks are skipped after their checksums were checked.
  var isKnown: Bool { self == .session || self == .records || self == .index }
}

/// How the body of a block is stored.
package struct BlockEncoding: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let stored = BlockEncoding(rawValue: 0)
  package static let deflated = BlockEncoding(rawValue: 1)
  /// One column for each value of a message's shape; only for records.
  package static let columns = BlockEncoding(rawValue: 2)

  /// Whether blocks of `kind` can be read in this encoding.
  func isSupported(for kind: BlockKind) -> Bool {
    self == .stored || self == .deflated || (self == .columns && kind == .records)
  }
}

extension BlockEncoding: CustomStringConvertible {
  package var description: String {
    switch self {
    case .stored: "stored"
    case .deflated: "deflated"
    case .columns: "columns"
    default: "encoding-\(rawValue)"
    }
  }
}
