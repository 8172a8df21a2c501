public import CMWCKernels

/// Messages of one block that are scanned in one call, and what was found in them.
///
/// ```swift
/// var batch = JSONBatch(capacity: 32, for: scanner)
/// batch.append(entry.range)                  // … as many as it holds
/// scanner.scan(&batch, in: block)
/// if batch.isValid(0) { let values = batch.values(of: 0, in: block) … }
/// ```
///
/// Memory is allocated when it is made. A block may have readable bytes behind its messages, which makes
/// their ends cheaper than those of messages scanned one by one.
///
/// Unsafe storage, safe to use: the three arrays are allocated and freed exactly once by this uncopyable
/// owner, all have room for `capacity` messages, and indices are checked against `count`.
@safe @usableFromInline package struct JSONBatch: ~Copyable {
  @usableFromInline let ranges: UnsafeMutablePointer<mwc_json_range>
  @usableFromInline let results: UnsafeMutablePointer<mwc_json_result>
  @usableFromInline let values: UnsafeMutablePointer<mwc_json_value>
  @usableFromInline let pathCount: Int
  @usableFromInline let areConverted: Bool
  /// Most messages it holds.
  @usableFromInline package let capacity: Int
  /// How many messages it holds.
  @usableFromInline package internal(set) var count = 0

  /// For scans by `scanner`, or one with as many paths and the same options.
  package init(capacity: Int, for scanner: borrowing JSONScanner) {
    self.capacity = capacity
    pathCount = scanner.count
    areConverted = scanner.isConverting
    unsafe ranges = .allocate(capacity: max(1, capacity))
    unsafe results = .allocate(capacity: max(1, capacity))
    unsafe values = .allocate(capacity: max(1, capacity * pathCount))
    unsafe ranges.initialize(repeating: mwc_json_range(), count: max(1, capacity))
    unsafe results.initialize(repeating: mwc_json_result(), count: max(1, capacity))
    unsafe values.initialize(repeating: mwc_json_value(), count: max(1, capacity * pathCount))
  }

  deinit {
    unsafe ranges.deallocate()
    unsafe results.deallocate()
    unsafe values.deallocate()
  }

  package var isFull: Bool { @inlinable get { count == capacity } }

  @inlinable
  package mutating func removeAll() { count = 0 }

  /// Adds the message that stands there in the block; there must be room.
  @inlinable
  package mutating func append(_ range: Range<Int>) {
    precondition(count < capacity, "the batch is full")
    precondition(range.lowerBound >= 0 && range.count <= UInt32.max, "no range of a message")
    unsafe ranges[count] = mwc_json_range(
      offset: UInt64(range.lowerBound), length: UInt32(range.count), reserved: 0)
    count += 1
  }

  /// Whether message `index` is JSON, after a scan.
  @inlinable
  package func isValid(_ index: Int) -> Bool {
    precondition(index >= 0 && index < count, "no such message")
    return unsafe results[index].code == 0
  }

  /// Why message `index` is not JSON, after a scan; nil if it is.
  package func error(of index: Int) -> JSONError? {
    precondition(index >= 0 && index < count, "no such message")
    let result = unsafe results[index]
    return result.code == 0
      ? nil : JSONError(kernel: result.code, at: Int(result.error_offset))
  }

  /// What the scan found in message `index`, which must have been valid. `block` is what was scanned.
  @inlinable @_lifetime(borrow self, copy block)
  package func values(of index: Int, in block: RawSpan) -> JSONValues {
    precondition(isValid(index), "not a valid message")
    let start = unsafe Int(ranges[index].offset)
    return unsafe JSONValues(
      json: block.extracting(start..<start + Int(ranges[index].length)),
      values: values + index * pathCount, count: pathCount, areConverted: areConverted)
  }
}

extension JSONScanner {
  /// Checks the messages of a batch, each as `scan(_:)` would, and locates their values.
  /// - Returns: how many are valid.
  @inlinable @discardableResult
  package mutating func scan(_ batch: inout JSONBatch, in block: RawSpan) -> Int {
    precondition(batch.pathCount == count, "a batch for another scanner")
    for index in 0..<batch.count {
      let end = unsafe Int(batch.ranges[index].offset) + Int(batch.ranges[index].length)
      precondition(end <= block.byteCount, "a message beyond its block")
    }
    return unsafe block.withUnsafeBytes { bytes in
      unsafe mwc_json_scan_batch(
        scanner, bytes.baseAddress, bytes.count, batch.ranges, batch.count, batch.values,
        batch.results)
    }
  }
}
