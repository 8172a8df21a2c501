internal import MWCCore

/// Makes the bodies of sealed blocks: decides how the records of a block are stored, and stores them.
///
/// Not thread-safe; it belongs to one store.
final class BlockBodies {
  private let columns: ColumnEncoder
  private lazy var deflater = Deflater(level: level)
  private let level: Int
  private var encoding = BlockEncoding.columns

  /// - Parameter level: 1 (fast) to 9 (dense).
  init(level: Int) {
    self.level = level
    columns = ColumnEncoder(level: level)
  }

  /// Decides how `pending` is stored, which `append` then does.
  ///
  /// - Parameters:
  ///   - pending: the records.
  ///   - hurried: whether they are stored as they are. A lower level of compression would save
  ///     little: most of the time goes into cutting messages into columns.
  /// - Returns: the encoding of the block.
  func prepare(_ pending: borrowing PendingBlock, hurried: Bool) -> BlockEncoding {
    if hurried {
      encoding = .stored
    } else if pending.batch.count < BlockBodies.fewRecords
      || columnSize(pending) > ColumnEncoder.maxRawSize
    {
      encoding = .deflated
    } else {
      encoding = .columns
    }
    return encoding
  }

  /// Fewer records have nothing in common that columns could use; a message as large as a block is
  /// one of them.
  private static let fewRecords = 4

  private func columnSize(_ pending: borrowing PendingBlock) -> Int {
    let batch = pending.batch
    return Int(batch.payloadBytes) + ColumnEncoder.recordSize * Int(batch.count)
  }

  /// Appends the body of one segment that holds all records of `pending`.
  ///
  /// - Returns: its length after decoding.
  func append(_ pending: borrowing PendingBlock, to output: ByteBuffer) -> Int {
    if encoding == .columns {
      let columns = columns
      let header = pending.header
      pending.withPayloads { bytes, entries in
        columns.encode(
          entries, in: bytes, baseWallTime: header.baseWallTime,
          baseMonotonicTime: header.baseMonotonicTime, into: output)
      }
      return columnSize(pending)
    }
    if encoding == .stored {
      pending.forEachSegment { output.append($0) }
    } else {
      deflater.reset()
      pending.forEachSegment { deflater.deflate($0, into: output, flushing: false) }
      deflater.deflate(RawSpan(), into: output, flushing: true)
    }
    return pending.rawSize
  }
}
