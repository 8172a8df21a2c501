internal import MWCCore

/// Makes the bodies of sealed blocks: decides how the records of a block are stored, and stores them.
///
/// Not thread-safe; it belongs to one store.
final class BlockBodies {
  private let deflater: Deflater
  private let quickDeflater = Deflater(level: 1)
  private var encoding = BlockEncoding.deflated
  private var effort = SealEffort.full

  /// - Parameter level: 1 (fast) to 9 (dense).
  init(level: Int) { deflater = Deflater(level: level) }

  /// Decides how `pending` is stored, which `append` then does.
  func prepare(_ pending: borrowing PendingBlock, _ effort: SealEffort) -> BlockEncoding {
    self.effort = effort
    encoding = effort == .none ? .stored : .deflated
    return encoding
  }

  /// Appends the body of one segment that holds all records of `pending`.
  ///
  /// - Returns: its length after decoding.
  func append(_ pending: borrowing PendingBlock, to output: ByteBuffer) -> Int {
    if encoding == .stored {
      pending.forEachSegment { output.append($0) }
      return pending.rawSize
    }
    let deflater = effort == .full ? deflater : quickDeflater
    deflater.reset()
    pending.forEachSegment { deflater.deflate($0, into: output, flushing: false) }
    deflater.deflate(RawSpan(), into: output, flushing: true)
    return pending.rawSize
  }
}
