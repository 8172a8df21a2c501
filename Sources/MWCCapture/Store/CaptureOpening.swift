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
  /// that fit. Where records are missing in between, a gap says so.
  private func adopt(_ tail: any TailFile, _ store: any RecordStore) throws(Errno) {
    guard let walk, walk.ending != .finished else { return }
    // An open block lacks only its seal: the tail goes on behind it.
    let sequence = walk.openBlock == nil ? walk.nextSequence : walk.nextSequence &+ 1
    let place = CaptureDecoder.Place(
      offset: walk.end, sequence: sequence, record: walk.recordCount, fileID: walk.fileID)
    let pair = CapturePair(file, tailName: tail.name, isOurs: true) { tail }
    do throws(CaptureError) {
      guard try pair.join(at: place, orBehind: true) else { return }
      var salvager = CaptureSalvager(SourceWindow(pair, name: tail.name), at: place)
      var missing: UInt64 = 0
      while let event = try salvager.next() {
        switch event {
        case .hole(let hole): missing = hole.missingRecords ?? 0
        case .rows:
          while salvager.advance() {
            let record = salvager.current
            if missing > 0 { store.gather(gapOf: missing, before: record) }
            missing = 0
            store.gather(record)
          }
        case .sealed: try CaptureOpening.seal(store)
        case .session, .trailer: break
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

extension RecordStore {
  /// Adds a record that says that so many are missing before `record`.
  fileprivate func gather(gapOf messages: UInt64, before record: borrowing Message) {
    let gap = GapRecord(reason: "damaged", messages: messages, bytes: nil, duration: 0)
    let payload = ByteBuffer()
    payload.append(gap.json)
    gather(
      Message(
        wallTime: record.wallTime, monotonicTime: record.monotonicTime, connection: 0, kind: .gap,
        payload: payload.bytes))
  }
}
