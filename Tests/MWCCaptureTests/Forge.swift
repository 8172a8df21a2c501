import CMWCKernels

/// Builds captures by hand from `docs/FORMAT.md`, honest or not, with checksums that fit. It shares
/// no code with what it tests.
struct Forge {
  static let fileID: UInt64 = 0x1122_3344_5566_7788

  var bytes: [UInt8] = []
  private var sequence: UInt32 = 0

  /// A segment as it stands in the file.
  struct Segment {
    var body: [UInt8]
    var rawLength: UInt32
    var storedLength: UInt32

    init(_ body: [UInt8], rawLength: Int? = nil, storedLength: Int? = nil) {
      self.body = body
      self.rawLength = UInt32(rawLength ?? body.count)
      self.storedLength = UInt32(storedLength ?? body.count)
    }
  }

  init(version: UInt16 = 1) {
    append(magic: "CAP")
    append(version)
    bytes += [UInt8](repeating: 0, count: 6)
    append(Forge.fileID)
    append(UInt32(0))
    append(Forge.checksum(bytes[0..<28]))
  }

  /// A session without a field but the anchors, which are 0.
  mutating func session() {
    var body: [UInt8] = []
    for id in [1, 2] as [UInt8] { body += [id, 0, 8, 0, 0, 0] + [UInt8](repeating: 0, count: 8) }
    block(kind: 1, encoding: 0, [Segment(body)])
  }

  /// A whole block; `records` is what its seal says.
  mutating func block(
    kind: UInt8, encoding: UInt8, _ segments: [Segment], records: UInt32 = 0, first: UInt64 = 0,
    connection: UInt32 = 0, rawSize: UInt64? = nil, sealed: Bool = true,
    base: (wall: Int64, monotonic: Int64) = (0, 0), times: [Int64] = [0, 0, 0, 0]
  ) {
    let start = bytes.count
    append(magic: "BLK")
    append(Forge.fileID)
    append(sequence)
    bytes += [kind, encoding, 0, 0]
    append(connection)
    append(UInt32(0))
    append(first)
    append(base.wall)
    append(base.monotonic)
    append(UInt32(0))
    var covered = Array(bytes[start...])
    append(Forge.checksum(covered[...]))
    for segment in segments {
      let head = bytes.count
      append(segment.storedLength)
      append(segment.rawLength)
      covered += bytes[head...] + segment.body
      append(Forge.checksum(covered[...]))
      bytes += segment.body
    }
    sequence += 1
    guard sealed else { return }
    let seal = bytes.count
    append(UInt32.max)
    append(records)
    append(UInt64(seal - start + 64))
    append(rawSize ?? segments.reduce(0) { $0 + UInt64($1.rawLength) })
    for time in times { append(time) }
    append(UInt32(segments.count))
    covered += bytes[seal...]
    append(Forge.checksum(covered[...]))
  }

  private mutating func append(magic: String) {
    bytes += [0xFF] + Array("MWC\(magic)\n".utf8)
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes += Array($0) }
  }

  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { unsafe mwc_crc32c(0, $0.baseAddress, $0.count) }
  }

  /// A row of connection 1 at the base times.
  static func row(kind: UInt8 = 1, source: [UInt8] = [2], payload: [UInt8]) -> [UInt8] {
    var row: [UInt8] = [kind] + source + [0, 0]
    var length = payload.count
    while length >= 0x80 {
      row.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    return row + [UInt8(length)] + payload
  }
}
