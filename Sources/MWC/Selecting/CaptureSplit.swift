package import MWCCapture
internal import MWCCore

/// Cuts a capture into parts that are captures: records, sessions and connections stay as they are,
/// so that the parts merged again are the whole.
package struct CaptureSplit {
  /// Where a part ends.
  package enum Rule: Sendable, Equatable {
    /// When it has so many bytes; the block that reaches them still belongs to it.
    case size(Int64)
    /// After so many nanoseconds of the recording, counted from its start; times in which nothing
    /// happened make no part.
    case duration(Int64)
    /// Before the next text or binary message, when it has so many.
    case messages(UInt64)
  }

  /// One part while it is written.
  package struct Part {
    package let copy: CaptureCopy
    fileprivate var session: CaptureSession
    fileprivate var window: Int64

    fileprivate init(_ copy: CaptureCopy, _ session: CaptureSession, window: Int64) {
      self.copy = copy
      self.session = session
      self.window = window
    }
  }

  /// Raw bytes of a block, so that a part of a given size ends near it.
  package static func blockSize(for rule: Rule) -> Int {
    guard case .size(let size) = rule else { return 1 << 20 }
    return Int(min(max(size / 8, 4 << 10), 1 << 20))
  }

  /// Goes through `records`, and makes a new part wherever `rule` wants one.
  ///
  /// - Parameters:
  ///   - records: the capture.
  ///   - rule: where parts end.
  ///   - makePart: begins a part, by its number from 1.
  ///   - progress: is told how many bytes of the capture have been read.
  /// - Returns: how many parts there are.
  /// - Throws: `CaptureError` of the capture or of a part.
  package static func split(
    _ records: inout SelectedRecords, by rule: Rule,
    makePart: (Int) throws(CaptureError) -> CaptureCopy, progress: (Int64) -> Void
  ) throws(CaptureError) -> Int {
    var part: Part?
    var count = 0
    var read: UInt64 = 0
    while try records.advance() {
      read += 1
      if read % 1024 == 0 { progress(records.position) }
      let window = rule.window(at: records.offset)
      if let full = part, rule.ends(full, before: records.current, window: window) {
        try full.copy.close(session: full.session)
        part = nil
      }
      if part == nil {
        count += 1
        part = Part(try makePart(count), records.session, window: window)
      }
      try part?.copy.append(records.current, of: records.session)
    }
    if count == 0 {
      count = 1
      part = Part(try makePart(1), records.session, window: 0)
    }
    if let last = part { try last.copy.close(session: last.session) }
    return count
  }

  /// Adds to each of `copies` what came over its connection, and what is said about the recording
  /// itself; completes them.
  ///
  /// - Throws: `CaptureError` of the capture or of a part.
  package static func split(
    _ records: inout SelectedRecords, into copies: [UInt32: CaptureCopy], progress: (Int64) -> Void
  ) throws(CaptureError) {
    var read: UInt64 = 0
    while try records.advance() {
      read += 1
      if read % 1024 == 0 { progress(records.position) }
      if records.current.connection > 0 {
        try copies[records.current.connection]?.append(records.current, of: records.session)
      } else {
        for copy in copies.values { try copy.append(records.current, of: records.session) }
      }
    }
    for copy in copies.values { try copy.close(session: records.session) }
  }
}

extension CaptureSplit.Rule {
  /// The number of the stretch of time that an offset lies in.
  fileprivate func window(at offset: Int64) -> Int64 {
    guard case .duration(let length) = self else { return 0 }
    return offset / max(1, length)
  }

  fileprivate func ends(
    _ part: CaptureSplit.Part, before record: borrowing Message, window: Int64
  ) -> Bool {
    switch self {
    case .size(let size): part.copy.fileSize >= size
    // A time that goes back does not begin an earlier part again.
    case .duration: window > part.window
    case .messages(let count): record.kind.isData && part.copy.messages >= count
    }
  }
}
