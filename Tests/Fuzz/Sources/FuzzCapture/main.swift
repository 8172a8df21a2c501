import CMWCKernels
import MWCCapture
import MWCCore
import SystemPackage

// Captures that anybody may have written: no trap, no hang, bounded memory, and all readers tell the
// same story.
//
// The first byte says how the rest is used: as it is, or with its checksums mended, so that what lies
// behind them is reached. Without mending, libFuzzer would have to guess 32 bits at every step. It
// also says whether the next two bytes are where a tail begins.

/// A file in memory, read in pieces of any size.
final class FuzzFile: TailFile {
  var bytes: [UInt8]
  let isStream: Bool

  init(_ bytes: [UInt8], isStream: Bool = false) {
    self.bytes = bytes
    self.isStream = isStream
  }

  func size() throws(Errno) -> Int64? { isStream ? nil : Int64(bytes.count) }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    guard offset >= 0, offset < bytes.count else { return 0 }
    let length = min(buffer.count, bytes.count - Int(offset), isStream ? 77 : .max)
    buffer.copyBytes(from: bytes[Int(offset)..<Int(offset) + length])
    return length
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    let end = Int(offset) + buffer.count
    if end > bytes.count { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
    bytes.replaceSubrange(Int(offset)..<end, with: buffer)
    return buffer.count
  }

  func sync() throws(Errno) {}

  func truncate(to size: Int64) throws(Errno) {
    bytes = Array(bytes.prefix(Int(size)))
    bytes += [UInt8](repeating: 0, count: Int(size) - bytes.count)
  }

  func freeSpace() throws(Errno) -> Int64? { nil }
  func close() {}

  let name = "fuzz.tail"
  func remove() throws(Errno) { bytes = [] }
}

/// A capture with a tail.
func pair(_ capture: FuzzFile, _ tail: FuzzFile) -> CapturePair {
  CapturePair(capture, tailName: tail.name) { tail.bytes.isEmpty ? nil : tail }
}

/// What a reader delivers, in one number.
struct Story: Equatable {
  var records = 0
  var hash: UInt32 = 0
  var ending: CaptureEnding?
  var error: CaptureError.Code?

  mutating func add(_ message: borrowing Message) {
    records += 1
    hash = hash &* 31 &+ UInt32(truncatingIfNeeded: message.wallTime)
    hash = hash &* 31 &+ UInt32(truncatingIfNeeded: message.monotonicTime)
    hash = hash &* 31 &+ UInt32(message.kind.rawValue) &+ message.connection
    hash = message.payload.withUnsafeBytes {
      mwc_crc32c(hash, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
    }
  }

  init(_ file: any CaptureSource) {
    do throws(CaptureError) {
      var reader = try CaptureReader.open(file, name: "fuzz")
      reader.deliversUnknownKinds = true
      while let message = try reader.next() { add(message) }
      ending = reader.ending
    } catch { self.error = error.code }
  }
}

/// Makes every checksum fit that stands where one belongs.
func mend(_ bytes: inout [UInt8]) {
  func u32(_ at: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
  }
  func put(_ value: UInt32, _ at: Int) {
    for number in 0..<4 {
      bytes[at + number] = UInt8(truncatingIfNeeded: value >> UInt32(8 * number))
    }
  }
  func sum(_ range: Range<Int>, _ crc: UInt32 = 0) -> UInt32 {
    bytes[range].withUnsafeBufferPointer { mwc_crc32c(crc, $0.baseAddress, $0.count) }
  }
  guard bytes.count >= 32 else { return }
  put(sum(0..<28), 28)
  var at = 32
  while at + 64 <= bytes.count {
    put(sum(at..<at + 60), at + 60)
    guard bytes[at + 4] == UInt8(ascii: "B") else {
      at += 64
      continue
    }
    var crc = sum(at..<at + 60)
    at += 64
    while at + 12 <= bytes.count {
      let stored = Int(u32(at))
      if stored == Int(UInt32.max) {
        guard at + 64 <= bytes.count else { return }
        put(sum(at..<at + 60, crc), at + 60)
        at += 64
        break
      }
      guard at + 12 + stored <= bytes.count else { return }
      crc = sum(at + 12..<at + 12 + stored, sum(at..<at + 8, crc))
      put(crc, at + 8)
      at += 12 + stored
    }
  }
}

func check(_ bytes: [UInt8]) {
  let story = Story(FuzzFile(bytes))
  let streamed = Story(FuzzFile(bytes, isStream: true))
  precondition(story == streamed, "a pipe and a file tell different stories")

  let file = FuzzFile(bytes)
  if let verification = try? CaptureVerification.verify(file, name: "fuzz") {
    if verification.state == .finished {
      precondition(story.ending == .finished, "verified, and not readable to its end")
      precondition(verification.records == story.records, "verified, and counted differently")
    }
    precondition(verification.records >= story.records, "a record that does not verify")
  }
  if let summary = try? CaptureSummary(file, name: "fuzz"), story.error == nil,
    (try? CaptureVerification.verify(file, name: "fuzz"))?.state != .damaged
  {
    precondition(summary.records.messages == story.records, "the summary counts differently")
  }
  if var reader = try? CaptureReader.open(file, name: "fuzz") {
    for time in [Int64.min, 0, 1_790_000_000_123_456_789, .max] {
      try? reader.seek(toWallTime: time)
      _ = try? reader.advance()
      try? reader.seek(toOffset: time)
      _ = try? reader.advance()
    }
  }

  var options = CaptureWriter.Options()
  options.minFree = 0
  options.level = 1
  let output = FuzzFile([])
  do throws(CaptureError) {
    _ = try CaptureRecovery.recover(file, name: "fuzz") { () throws(CaptureError) in
      (output, "out", 1)
    } options: {
      options
    }
    let mended = try CaptureVerification.verify(output, name: "out")
    precondition(mended.state == .finished, "a recovered capture does not verify")
  } catch {}

  // Continuing it keeps what could be read.
  let continued = FuzzFile(bytes)
  do throws(CaptureError) {
    let session = CaptureSession(wallAnchor: 1, monotonicAnchor: 1)
    let writer = try CaptureWriter(
      file: continued, name: "fuzz", session: session, options: options, fileID: 2)
    try writer.close()
    guard story.error == nil else { return }
    let again = Story(continued)
    precondition(
      again.records == story.records && again.hash == story.hash, "appending lost records")
  } catch {}
}

/// A capture with a tail that anybody may have written: whoever continues it keeps what could be read.
func check(_ capture: [UInt8], tail: [UInt8]) {
  let story = Story(pair(FuzzFile(capture), FuzzFile(tail)))
  let alone = Story(FuzzFile(capture))
  precondition(story.records >= alone.records, "a tail hides records")
  precondition(story.error == alone.error, "a tail is damage, or hides some")
  if let verification = try? CaptureVerification.verify(
    pair(FuzzFile(capture), FuzzFile(tail)), name: "fuzz")
  {
    precondition(verification.records >= story.records, "a record that does not verify")
  }
  if var reader = try? CaptureReader.open(pair(FuzzFile(capture), FuzzFile(tail)), name: "fuzz") {
    for time in [Int64.max, 0, 1_790_000_000_123_456_789] {
      try? reader.seek(toWallTime: time)
      while (try? reader.advance()) == true {}
    }
  }
  let (continued, rest) = (FuzzFile(capture), FuzzFile(tail))
  do throws(CaptureError) {
    var options = CaptureWriter.Options()
    options.minFree = 0
    let writer = try CaptureWriter(
      file: continued, tail: rest, name: "fuzz",
      session: CaptureSession(wallAnchor: 1, monotonicAnchor: 1), options: options, fileID: 2)
    try writer.close()
    guard story.error == nil else { return }
    precondition(Story(continued).records >= story.records, "appending lost records of the tail")
    precondition(rest.bytes.isEmpty, "a tail is left")
  } catch {}
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  guard count > 0 else { return 0 }
  var bytes = Array(UnsafeBufferPointer(start: start, count: count).dropFirst())
  if start[0] & 2 == 2, bytes.count > 2 {
    let length = min(Int(bytes[0]) | Int(bytes[1]) << 8, bytes.count - 2)
    var capture = Array(bytes[2..<2 + length])
    var tail = Array(bytes[(2 + length)...])
    if start[0] & 1 == 1 {
      mend(&capture)
      mend(&tail)
    }
    check(capture, tail: tail)
    return 0
  }
  if start[0] & 1 == 1 { mend(&bytes) }
  check(bytes)
  return 0
}
