import MWCCapture
import MWCCore
import SystemPackage

// Files of other programs that anybody may have written: no trap, no hang, bounded memory; and what
// can be imported gives a sound capture, the same from a pipe as from a file, that comes back the same
// from its own export.
//
// The first byte says which format the rest is.

/// A file in memory.
final class FuzzFile: StoredFile {
  var bytes: [UInt8]
  let isStream: Bool

  init(_ bytes: [UInt8] = [], isStream: Bool = false) {
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
  func truncate(to size: Int64) throws(Errno) { bytes = Array(bytes.prefix(Int(size))) }
  func freeSpace() throws(Errno) -> Int64? { nil }
  func close() {}
}

/// Imports bytes; nil when they are refused.
func imported(
  _ source: FuzzFile, _ format: CaptureImport.Format
) -> (outcome: CaptureImport, capture: FuzzFile)? {
  let capture = FuzzFile()
  var options = CaptureWriter.Options()
  options.minFree = 0
  options.level = 0
  do throws(CaptureError) {
    let outcome = try CaptureImport.read(source, name: "fuzz", as: format) {
      (session) throws(CaptureError) in
      try CaptureWriter(file: capture, name: "out", session: session, options: options, fileID: 1)
    }
    return (outcome, capture)
  } catch { return nil }
}

/// A capture as JSON lines.
func exported(_ capture: FuzzFile) throws(CaptureError) -> [UInt8] {
  let file = FuzzFile()
  let exporter = JSONLinesExporter(to: ExportOutput(file, name: "lines"))
  var reader = try CaptureReader.open(capture, name: "out")
  while try reader.advance() { _ = try exporter.append(reader.current, of: reader.session) }
  try exporter.finish()
  return file.bytes
}

func check(_ bytes: [UInt8], _ format: CaptureImport.Format) {
  let whole = imported(FuzzFile(bytes), format)
  if format != .har {
    let piped = imported(FuzzFile(bytes, isStream: true), format)
    precondition(whole?.outcome == piped?.outcome, "a pipe and a file tell different stories")
  }
  guard let whole else { return }
  do throws(CaptureError) {
    let verification = try CaptureVerification.verify(whole.capture, name: "out")
    precondition(verification.state == .finished, "an imported capture does not verify")
    precondition(verification.records == whole.outcome.records, "records were lost")
    let lines = try exported(whole.capture)
    guard !lines.isEmpty else { return }
    let again = imported(FuzzFile(lines), .jsonLines(JSONLinesImporter.Options()))
    precondition(again != nil, "what was exported cannot be imported")
    guard let again else { return }
    let linesAgain = try exported(again.capture)
    precondition(linesAgain == lines, "not the same again")
  } catch { preconditionFailure("\(error)") }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  guard count > 0 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: start, count: count).dropFirst())
  switch start[0] % 4 {
  case 0: check(bytes, .jsonLines(JSONLinesImporter.Options()))
  case 1: check(bytes, .mcap)
  case 2: check(bytes, .har)
  default:
    var options = JSONLinesImporter.Options()
    options.timePath = "t"
    check(bytes, .jsonLines(options))
  }
  return 0
}
