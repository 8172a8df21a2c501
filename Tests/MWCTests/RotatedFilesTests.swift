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
}
