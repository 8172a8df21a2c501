internal import MWCCore
internal import SystemPackage

/// What a writer finds where it is to write, and how it goes on there.
struct CaptureOpening {
  private let file: any StoredFile
  private let tail: (any TailFile)?
  private let name: String
  private let isStream: Bool
  /// What is in the file; nil when it is empty or was killed before its head was complete.
  private let walk: CaptureWalk?

  /// - Throws: `CaptureError`: the file or its tail cannot be continued.
  init(_ file: any StoredFile, tail: (any TailFile)?, name: String) throws(CaptureError) {
    self.file = file
    self.tail = tail
    self.name = name
    let size: Int64?
    do throws(Errno) { size = try file.size() } catch {
      throw CaptureError(.io, "cannot be examined", file: name, underlying: error)
    }
    isStream = size == nil
    walk = try size.flatMap { (size) throws(CaptureError) in
      try CaptureOpening.walk(file, size: size, name: name)
    }
    if let tail, let id = try CapturePair.fileID(of: tail, name: tail.name), id != walk?.fileID {
      throw CaptureError(
        .exists, "belongs to another recording",
        advice: "'mwc recover \(tail.name) -o FILE' keeps what it holds, then remove it",
        file: tail.name)
    }
  }

  private static func walk(
    _ file: any StoredFile, size: Int64, name: String
  ) throws(CaptureError) -> CaptureWalk? {
    guard size > 0 else { return nil }
    if size < CaptureFormat.preambleSize {
      let head = try SourceWindow(file, name: name).load(at: 0, length: Int(size))
      if Preamble.isCut(head.bytes) { return nil }
    }
    return try CaptureWalk.forAppending(to: file, name: name)
  }

  func makeStore(_ options: CaptureWriter.Options, newFileID: UInt64) -> any RecordStore {
    let encoder =
      if let walk {
        CaptureEncoder(continuing: walk, level: options.level)
      } else {
        CaptureEncoder(fileID: newFileID, level: options.level)
      }
    if isStream || options.isDirect || options.level == 0 {
      return DirectStore(
        file, name: name, minFree: options.minFree, isStream: isStream, encoder: encoder)
    }
    return SealingStore(
      file, name: name, options: options,
      tail: tail.map { CaptureTail($0, fileID: encoder.fileID) }, encoder: encoder)
  }

  /// Cuts off what is not complete, and seals what the tail holds.
  ///
  /// - Parameters:
  ///   - store: as made above.
  ///   - syncs: whether the tail may only go when the device has its records elsewhere.
  /// - Throws: what the system says; the tail is as it was then.
  func prepare(_ store: any RecordStore, syncs: Bool) throws(Errno) {
    guard !isStream else { return }
    if try file.size() != store.size { try file.truncate(to: store.size) }
    guard let tail, try tail.size() ?? 0 > 0 else { return }
    try adopt(tail, store)
    if syncs { try store.sync() }
    try tail.remove()
    // These were counted by whoever received them.
    store.counters.messages = 0
    store.counters.payloadBytes = 0
  }

  /// Makes each block of the tail one of the capture, so that a crash meanwhile leaves two files
  /// that fit.
  private func adopt(_ tail: any TailFile, _ store: any RecordStore) throws(Errno) {
    // An open block has all its records, and the tail nothing beyond.
    guard let walk, walk.ending != .finished, walk.openBlock == nil else { return }
    let place = CaptureDecoder.Place(
      offset: walk.end, sequence: walk.nextSequence, record: walk.recordCount)
    let pair = CapturePair(file, tailName: tail.name) { tail }
    do throws(CaptureError) {
      guard try pair.join(at: place, fileID: walk.fileID) else { return }
      var scanner = CaptureScanner(SourceWindow(pair, name: tail.name))
      scanner.decoder.move(to: place, floor: 0)
      while let event = try scanner.step() {
        if event == .rows {
          while try scanner.decoder.advance() { store.gather(scanner.decoder.current) }
        } else if event == .sealed {
          try CaptureOpening.seal(store)
        }
      }
      try CaptureOpening.seal(store)
    } catch { throw error.underlying ?? .ioError }
  }

  private static func seal(_ store: any RecordStore) throws(CaptureError) {
    do throws(Errno) { try store.seal(hurried: false) } catch {
      throw CaptureError(.io, "cannot be written", underlying: error)
    }
  }
}
