import Logging
import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

@testable import MWC

/// The files of one recording, read together.
@Suite struct RotatedFilesTests {
  private let second: Int64 = 1_000_000_000
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private var options: CaptureWriter.Options {
    var options = CaptureWriter.Options()
    options.minFree = 0
    return options
  }

  /// Writes a file with messages `(seconds of the monotonic clock, text)`; the wall clock is `shift`
  /// seconds ahead of it.
  private func write(
    _ name: String, from start: Int64, shift: Int64, options: [String], host: String = "host",
    _ messages: [(at: Int64, text: String)]
  ) throws -> String {
    let session = CaptureSession(
      wallAnchor: (start + shift) * second, monotonicAnchor: start * second, tool: "mwc",
      uris: ["ws://a"], host: host, options: options)
    let writer = try CaptureWriter(
      path: folder.file(name), session: session, options: self.options)
    for message in messages {
      let payload = Array(message.text.utf8)
      unsafe try writer.append(
        Message(
          wallTime: (message.at + shift) * second, monotonicTime: message.at * second,
          connection: 1, kind: .text, payload: payload.span.bytes))
    }
    try writer.close()
    return folder.file(name)
  }

  private func merge(_ files: [String]) throws -> [(connection: UInt32, text: String)] {
    let output = folder.file("merged.cap")
    let copy = CaptureCopy { [options] (session) throws(CaptureError) in
      try CaptureWriter(path: output, session: session, options: options, existing: .overwrite)
    }
    try CaptureMerge(files).run(into: copy) { _ in }
    var reader = try CaptureReader.open(output)
    var records: [(connection: UInt32, text: String)] = []
    while let message = try reader.next() {
      let text = unsafe message.payload.withUnsafeBytes {
        unsafe String(decoding: $0, as: UTF8.self)
      }
      if message.kind == .text { records.append((message.connection, text)) }
    }
    return records
  }

  /// Three files of one recording; the wall clock was set back by an hour in the first.
  private func files(recording: String, host: String = "host") throws -> [String] {
    let part = { (number: Int) in ["recording=\(recording)", "part=\(number)"] }
    return [
      try write("c", from: 20, shift: 3600, options: part(3), host: host, [(20, "4"), (29, "5")]),
      try write("a", from: 1, shift: 7200, options: ["level=6"], [(2, "1"), (9, "2")]),
      try write("b", from: 10, shift: 3600, options: part(2), host: host, [(12, "3")]),
    ]
  }

  @Test func theMonotonicClockPutsThemInOrder() throws {
    let files = try files(recording: "\(7201 * second)/\(second)")
    let tracks = try CaptureTrack.open(files)
    #expect(tracks.map(\.shift) == [19 * second, 0, 9 * second])
    #expect(tracks.map(\.startWallTime) == [7220 * second, 7201 * second, 7210 * second])
    let merged = try merge(files)
    #expect(merged.map(\.text) == ["1", "2", "3", "4", "5"])
    #expect(merged.allSatisfy { $0.connection == 1 })
  }

  @Test func withoutTheFirstFileTheOthersAreStillOneRecording() throws {
    let files = try files(recording: "\(7201 * second)/\(second)").filter { !$0.hasSuffix("a") }
    #expect(try CaptureTrack.open(files).map(\.shift) == [10 * second, 0])
    let merged = try merge(files)
    #expect(merged.map(\.text) == ["3", "4", "5"])
    #expect(merged.allSatisfy { $0.connection == 1 })
  }

  @Test(arguments: ["other", "host"])
  func anotherRecordingIsAnother(host: String) throws {
    let recording = host == "host" ? "1/2" : "\(7201 * second)/\(second)"
    let files = try files(recording: recording, host: host)
    // By the wall clock: the second and third began before the first.
    #expect(try CaptureTrack.open(files).map(\.shift) == [10 * second, 3591 * second, 0])
    #expect(try Set(merge(files).map(\.connection)) == [1, 2])
  }

  // MARK: What earlier recordings have left

  @Test func onlyFilesOfThisSeriesAndHostAreFound() throws {
    let own = ["level=6", "series=run-%H.cap"]
    let message = [(at: Int64(1), text: "1")]
    let newer = try write("run-10.cap", from: 50, shift: 0, options: own, message)
    let older = try write("run-11.cap", from: 20, shift: 0, options: own, message)
    let numbered = try write("run-11.0001.cap", from: 30, shift: 0, options: own, message)
    // A crash has left it, and its tail.
    let writer = try CaptureWriter(
      path: folder.file("run-12.cap"),
      session: CaptureSession(
        wallAnchor: 60 * second, monotonicAnchor: 0, host: "host", options: own),
      options: options)
    let payload: [UInt8] = [0x31]
    unsafe try writer.append(
      Message(
        wallTime: 60 * second, monotonicTime: 0, connection: 1, kind: .text,
        payload: payload.span.bytes))
    try writer.flush()
    // Right names, and other things in them.
    _ = try write("run-20.cap", from: 1, shift: 0, options: ["level=6"], message)
    _ = try write("run-21.cap", from: 1, shift: 0, options: ["series=run-%M.cap"], message)
    _ = try write("run-22.cap", from: 1, shift: 0, options: own, host: "other", message)
    try folder.write(Array("run".utf8), to: "run-23.cap")
    // Other names.
    _ = try write("ran-10.cap", from: 1, shift: 0, options: own, message)
    _ = try write("run-10.cap.bak", from: 1, shift: 0, options: own, message)

    let series = FileSeries(
      OutputName(pattern: folder.file("run-%H.cap")), host: "host", isNumbered: false, time: 0)
    #expect(
      series.earlierFiles().map(\.path) == [older, numbered, newer, folder.file("run-12.cap")])
    try writer.close()
  }

  @Test func whatCannotBeDeletedIsSaidOnceAndTriedAgain() async throws {
    var rotation = RecorderOptions.Rotation()
    rotation.keep = 1
    let options = options
    let open = { (path: String, session: CaptureSession) throws(CaptureError) in
      try CaptureWriter(path: path, session: session, options: options)
    }
    let log = CollectedLog()
    let output = try RecordingOutput(
      CaptureSession(wallAnchor: 0, monotonicAnchor: 0, uris: ["ws://a"], host: "host"),
      series: FileSeries(
        OutputName(pattern: folder.file("run.cap")), host: "host", isNumbered: true, time: 0),
      rules: rotation, first: open, open: open)
    let pass = RecordingPass(
      outputs: [output], uris: ["ws://a"], limits: .init(), start: 0,
      logger: Logger(label: "") { [log] _ in log })
    var reader: LocalFile?
    for step in 1...5 {
      let now = Int64(step) * second
      pass.requestRotation()
      try pass.rotateIfDue(wall: now, now: now)
      try await waitUntil("file \(step) is complete, and what may go has gone") {
        _ = try pass.tick(now: now)
        return !pass.isWaitingForFiles
      }
      // Somebody holds the first one while two others come.
      if step == 1 {
        reader = try LocalFile.writing(folder.file("run.0001.cap"), existing: .append)
      }
      if step == 3 { reader?.close() }
    }
    // A program that another test starts may hold a lock for a moment: so it can take another file.
    var now = 5 * second
    try await waitUntil("all old files have gone") {
      _ = try pass.tick(now: now)
      guard !pass.isWaitingForFiles else { return false }
      if StoredCapture.names(in: folder.path).count == 2 { return true }
      now += second
      pass.requestRotation()
      try pass.rotateIfDue(wall: now, now: now)
      return false
    }
    try pass.close(now: now + second)
    #expect(log.lines.count { $0.contains("cannot be deleted") } == 1)
    #expect(!StoredCapture.names(in: folder.path).contains("run.0001.cap"))
    #expect(pass.statistics.deletedFiles >= pass.statistics.fileCount - 2)
  }
}
