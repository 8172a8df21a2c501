internal import MWCCapture
internal import MWCCore
internal import MWCTransport
internal import SystemPackage

// MARK: - The files

extension Recorder {
  /// Makes the first file of each output: one for all streams, or one for each.
  func openOutputs(
    wallAnchor: Int64, monotonicAnchor: Int64
  ) throws(RecorderError) -> [RecordingOutput] {
    let name = OutputName(pattern: options.output)
    let uris = options.streams.map { String($0.uri.description.prefix { $0 != "?" }) }
    let hasOwnFiles = name.hasStream && uris.count > 1
    var outputs: [RecordingOutput] = []
    do throws(CaptureError) {
      for (index, uris) in (hasOwnFiles ? uris.map { [$0] } : [uris]).enumerated() {
        let session = session(uris, wallAnchor: wallAnchor, monotonicAnchor: monotonicAnchor)
        outputs.append(
          try openOutput(name, session, stream: index + 1, of: hasOwnFiles ? uris.count : 1))
      }
      return outputs
    } catch {
      outputs.forEach(abandon)
      throw .output(error)
    }
  }

  private func openOutput(
    _ name: OutputName, _ session: CaptureSession, stream: Int, of count: Int
  ) throws(CaptureError) -> RecordingOutput {
    let writing = writingOptions(files: count)
    if options.output == "-" {
      return RecordingOutput(
        try CaptureWriter(path: "-", session: session, options: writing), path: "-")
    }
    let rotation = options.rotation
    let series = FileSeries(
      name, host: session.host, stream: stream,
      isNumbered: rotation.isAsked && !name.changesWithTime, time: session.wallAnchor)
    let (existing, minFree) = (options.existing, options.minFree)
    return try RecordingOutput(session, series: series, rules: rotation) {
      (path, session) throws(CaptureError) in
      try Recorder.checkFreeSpace(path, minFree)
      return try CaptureWriter(path: path, session: session, options: writing, existing: existing)
    } open: { (path, session) throws(CaptureError) in
      try CaptureWriter(path: path, session: session, options: writing)
    }
  }

  /// Not all files could be made, so none of them is wanted.
  private func abandon(_ output: RecordingOutput) {
    // The error that is being reported says more than another one about an empty file.
    try? output.writer.close()
    if options.existing == .refuse { try? StoredCapture(at: output.path)?.delete() }
  }

  private func session(
    _ uris: [String], wallAnchor: Int64, monotonicAnchor: Int64
  ) -> CaptureSession {
    let zone = LocalTime.zone(atNanoseconds: wallAnchor)
    return CaptureSession(
      wallAnchor: wallAnchor, monotonicAnchor: monotonicAnchor, utcOffset: zone.offset,
      timeZone: zone.name, tool: options.tool, uris: uris, host: HostName.current,
      options: options.notedSettings)
  }

  private func writingOptions(files: Int) -> CaptureWriter.Options {
    var writing = CaptureWriter.Options()
    writing.level = options.level
    writing.flushInterval = .nanoseconds(options.flushInterval)
    writing.syncInterval = options.syncInterval.map { .nanoseconds($0) }
    writing.minFree = options.minFree
    // Each file holds a block in memory. Together they hold no more than a few files would.
    writing.blockSize = max(Self.leastBlockSize, writing.blockSize / max(1, files / 4))
    return writing
  }

  /// Blocks smaller than this are not worth their shapes.
  private static let leastBlockSize = 128 << 10

  /// A recording that could not even begin leaves no empty file behind, and overwrites none.
  private static func checkFreeSpace(_ output: String, _ minFree: Int64) throws(CaptureError) {
    let path = FilePath(output)
    let folder = path.removingLastComponent()
    guard
      let free = FreeSpace.bytes(at: path)
        ?? FreeSpace.bytes(at: folder.isEmpty ? "." : folder), free < minFree
    else { return }
    throw CaptureError(
      .diskFull,
      "only \(ByteCount(bytes: free)) are free there, and \(ByteCount(bytes: minFree)) "
        + "shall stay free",
      advice: "make room or lower --min-free", file: output)
  }
}
