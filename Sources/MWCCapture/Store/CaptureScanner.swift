internal import Glibc
internal import SystemPackage

/// How a capture ended, where its complete part ends.
package enum CaptureEnding: Hashable, Sendable {
  /// With its index and trailer.
  case finished
  /// In the middle: a crash, or it is still being written. `excess` bytes follow `end` that are not
  /// a complete segment.
  case unfinished(end: Int64, excess: Int64)
}

/// Feeds a decoder from a source, and tells a cut from damage: what does not fit and is followed by
/// nothing that does is what a crash leaves behind; what is followed by a block or a trailer of this
/// file is damage. Either way the tail goes on where the capture does not.
///
/// Not thread-safe.
struct CaptureScanner: ~Copyable {
  let window: SourceWindow
  var decoder = CaptureDecoder()
  /// Set when `step` has returned nil.
  private(set) var ending: CaptureEnding?
  private var isAfterTrailer = false
  /// What is wrong with the capture where the tail was joined; told when the tail has been read.
  private var heldError: CaptureError?
  /// The error was told.
  private var hasToldError = false
  /// Where damage was seen, and how long the file was then.
  private var suspicion: (offset: Int64, size: Int64)?
  /// Whether blocks of the tail are wanted that stand behind damage: a hole in it is an error then,
  /// and not its end.
  var searchesTail = false

  init(_ window: SourceWindow) { self.window = window }

  /// Takes back that the end was seen: the file may have grown, or the decoder has jumped.
  mutating func resume() {
    ending = nil
    hasToldError = false
  }

  /// Reads one part of the file; nil where the complete part ends. Called again it looks whether
  /// the file has grown.
  ///
  /// - Throws: `CaptureError`; the same again when called again.
  mutating func step() throws(CaptureError) -> CaptureDecoder.Event? {
    if ending != nil { try refresh() }
    while true {
      let part = try window.load(at: decoder.offset, length: decoder.wanted)
      let error: CaptureError
      if part.count >= decoder.wanted {
        do throws(CaptureError) {
          let event = try decoder.decode(part.bytes)
          ending = nil
          isAfterTrailer = false
          if case .trailer = event { isAfterTrailer = true }
          return event
        } catch let caught {
          guard caught.code == .damaged, decoder.fileID != nil else { throw explain(caught) }
          error = caught
        }
      } else {
        try checkHead(part.bytes)
        error = decoder.cutError
      }
      let fileEnd = part.count < decoder.wanted ? decoder.offset + Int64(part.count) : nil
      if try !goesOn(after: error, fileEnd: fileEnd) { return nil }
    }
  }

  /// Finds out what it means that nothing can be decoded here, because of `error` or because the file
  /// ended at `fileEnd`: the end, which makes this false; that there is more, in the tail or because
  /// the file grew; or damage.
  private mutating func goesOn(
    after error: CaptureError, fileEnd: Int64?
  ) throws(CaptureError) -> Bool {
    // A block that cannot be read does not speak against itself being cut; but one that is sound
    // and stands in the wrong place does.
    let skipped: Int64 = decoder.isInBlock ? 1 : 0
    decoder.stepBack()
    let isInTail = window.pair?.isInTail(decoder.offset) == true
    let next =
      isInTail && !searchesTail
      ? nil : try window.findItem(from: decoder.offset + skipped, fileID: decoder.fileID)
    // While we looked, the writer went on.
    if let fileEnd, let size = try window.size(), size > fileEnd,
      next != nil || window.pair?.isJoined == false
    {
      return true
    }
    if next != nil, !isInTail, try !isSure() { return true }
    let end = fileEnd ?? window.end
    if isInTail {
      // A tail is rewritten while it is read: what does not fit is its end, unless somebody looks for
      // what may still stand behind it, and nobody is writing.
      if next != nil, heldError == nil, try !hasCaptureChanged() { throw explain(error) }
      try self.end(at: end)
      return false
    }
    if try enterTail() {
      if next != nil { heldError = error }
      return true
    }
    guard next == nil else { throw explain(error) }
    try self.end(at: end)
    return false
  }

  /// Whether what looks like damage still does at a second look: a file that is being written may have
  /// been seen while the writer was in the midst of it.
  private mutating func isSure() throws(CaptureError) -> Bool {
    guard let size = try window.size() else { return true }
    if let suspicion, suspicion == (decoder.offset, size) { return true }
    suspicion = (decoder.offset, size)
    usleep(CaptureScanner.secondLook)
    try refresh()
    window.invalidate()
    return false
  }

  /// Microseconds until the second look; a write takes less.
  private static let secondLook: UInt32 = 500

  // MARK: The tail

  /// Goes on in the tail, if it has the block that comes next.
  private mutating func enterTail() throws(CaptureError) -> Bool {
    guard let pair = window.pair, !pair.isJoined, !isAfterTrailer, !hasToldError,
      let place = decoder.place
    else { return false }
    guard try pair.join(at: place, orBehind: searchesTail) else { return false }
    if decoder.isInBlock { decoder.move(to: place, floor: decoder.floor) }
    return true
  }

  /// Lets go of the tail when a block was sealed since it was entered: the capture has its records
  /// now, and more.
  mutating func refresh() throws(CaptureError) {
    if try hasCaptureChanged() { leaveTail() }
  }

  private func hasCaptureChanged() throws(CaptureError) -> Bool {
    do throws(Errno) { return try window.pair?.hasCaptureChanged() ?? false } catch {
      throw CaptureError(.io, "cannot be examined", file: window.name, underlying: error)
    }
  }

  /// Goes back to where the tail was joined; what came from it does not come again.
  private mutating func leaveTail() {
    guard let pair = window.pair, let place = pair.place else { return }
    if decoder.offset >= place.offset {
      decoder.move(to: place, floor: max(decoder.recordsSeen, decoder.floor))
    }
    pair.part()
  }

  /// Says what is wrong with a file that ends within its first bytes.
  private func checkHead(_ bytes: RawSpan) throws(CaptureError) {
    guard decoder.fileID == nil else { return }
    guard bytes.byteCount > 0 else {
      throw CaptureError(.notACapture, "this is not a capture: it is empty", file: window.name)
    }
    guard Preamble.isCut(bytes) else {
      throw CaptureError(
        .notACapture, "this is not a capture: it does not begin like one", file: window.name)
    }
    throw CaptureError(
      .damaged, "ends within its head: nothing was recorded", file: window.name)
  }

  private mutating func end(at fileEnd: Int64) throws(CaptureError) {
    if let error = heldError {
      leaveTail()
      heldError = nil
      hasToldError = true
      throw explain(error)
    }
    let excess = fileEnd - decoder.completeEnd
    ending =
      isAfterTrailer && excess == 0
      ? .finished : .unfinished(end: decoder.completeEnd, excess: excess)
    // The next attempt looks at the file afresh; a stream has only what was read.
    if try window.size() != nil { window.invalidate() }
  }

  /// Adds the file to an error, and what can be done about it.
  func explain(_ error: CaptureError) -> CaptureError {
    var error = error.inFile(window.name)
    guard error.code == .damaged, error.advice == nil else { return error }
    let recover = "'mwc recover \(window.name)' keeps"
    switch error.block {
    case 1?: error.advice = "\(recover) the block before it and what can be read behind it"
    case let block? where block > 1:
      error.advice = "\(recover) the \(block) blocks before it and what can be read behind it"
    default: error.advice = "\(recover) what can be read"
    }
    return error
  }
}
