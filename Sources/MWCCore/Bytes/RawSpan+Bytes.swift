internal import CMWCKernels

extension RawSpan {
  /// The byte at `offset`, which must be inside the span.
  @inlinable
  package func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "byte offset out of range")
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Whether all of it is well-formed UTF-8.
  package var isUTF8: Bool {
    let count = byteCount
    let valid = unsafe withUnsafeBytes {
      unsafe mwc_utf8_valid_prefix($0.baseAddress, $0.count)
    }
    return valid == count
  }
}
