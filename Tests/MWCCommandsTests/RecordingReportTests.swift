import Foundation
import MWC
import Testing

@testable import MWCCommands

@Suite struct RecordingReportTests {
  private var sample: RecordingStatistics {
    var statistics = RecordingStatistics()
    var connection = RecordingStatistics.Connection(uri: "ws://a:1/x")
    connection.status = "connected"
    connection.received = .init(messages: 12_345, bytes: 9 << 20)
    connection.dropped = .init(messages: 5, bytes: 1 << 20)
    connection.connects = 2
    connection.gaps = 1
    connection.gapTime = 2_100_000_000
    statistics.connections = [connection]
    statistics.elapsed = 45_300_000_000
    statistics.fileBytes = 1 << 20
    return statistics
  }

  @Test func liveLine() {
    var before = sample
    before.elapsed -= 2_000_000_000
    before.connections[0].received.messages -= 3000
    #expect(
      RecordingReport.live(sample, since: before)
        == "45.3 s  12,345 msg  1,500 msg/s  9.0 MiB -> 1.0 MiB  connected")
  }

  @Test func liveLineOfSeveralStreamsOnAFullDisk() {
    var now = sample
    now.connections.append(.init(uri: "ws://b"))
    now.isDiskFull = true
    #expect(
      RecordingReport.live(now, since: now)
        == "45.3 s  12,345 msg  0 msg/s  9.0 MiB -> 1.0 MiB  1/2 connected  DISK FULL, not writing")
  }

  @Test func summarySaysWhatIsMissing() {
    #expect(
      RecordingReport.summary(sample, output: "run.cap")
        == "run.cap: 12,340 messages, 8.0 MiB in 45.3 s (file 1.0 MiB); 1 gap (2.1 s), "
        + "1 reconnect; 5 messages LOST (1.0 MiB)")
    var calm = RecordingStatistics()
    calm.connections = [.init(uri: "ws://a")]
    calm.connections[0].received.messages = 1
    #expect(
      RecordingReport.summary(calm, output: "-")
        == "standard output: 1 message, 0 B in 0.0 s (file 0 B); 0 gaps, 0 reconnects")
  }

  @Test func severalFilesAreCounted() {
    var many = sample
    many.fileCount = 12
    many.files = ["run.0011.cap", "run.0012.cap"]
    many.deletedFiles = 1
    #expect(
      RecordingReport.summary(many, output: "run.cap").hasPrefix(
        "run.cap: 12,340 messages, 8.0 MiB in 45.3 s (12 files, 1.0 MiB); 1 old file deleted; 1 gap"
      ))
    #expect(RecordingReport.live(many, since: many).hasSuffix("connected  12 files"))
    many.fileCount = 1
    many.files = ["run-1000.cap"]
    #expect(RecordingReport.summary(many, output: "run-%H%M.cap").hasPrefix("run-1000.cap: 12,340"))
  }

  @Test func whatWasFilteredIsTold() {
    var filtered = sample
    filtered.hasFilter = true
    filtered.connections[0].filtered = .init(messages: 2_340, bytes: 1 << 20)
    #expect(
      RecordingReport.summary(filtered, output: "run.cap")
        == "run.cap: 10,000 messages, 7.0 MiB in 45.3 s (file 1.0 MiB); 1 gap (2.1 s), "
        + "1 reconnect; 2,340 messages filtered out; 5 messages LOST (1.0 MiB)")
    #expect(
      RecordingReport.live(filtered, since: filtered)
        == "45.3 s  12,345 msg  0 msg/s  9.0 MiB -> 1.0 MiB  connected  2,340 filtered out")
  }

  @Test func detailsNameEveryStream() {
    #expect(
      RecordingReport.details(sample) == [
        "stream 1: ws://a:1/x (connected)", "  received: 12,345 messages, 9.0 MiB",
        "  written: 12,340 messages, 8.0 MiB", "  dropped: 5 messages, 1.0 MiB",
        "  2 connections, 0 errors, 1 gap (2.1 s)",
      ])
  }

  /// Keys never change their meaning: scripts read them.
  @Test func jsonHasFixedKeys() throws {
    #expect(
      String(decoding: RecordingReport.json(sample, output: "run.cap"), as: UTF8.self)
        == #"{"output":"run.cap","elapsed_ns":45300000000,"file_bytes":1048576,"file_count":0,"deleted_files":0,"files":[],"hurried_blocks":0,"#
        + #""streams":[{"uri":"ws://a:1/x","status":"connected","#
        + #""received":{"messages":12345,"bytes":9437184},"#
        + #""written":{"messages":12340,"bytes":8388608},"filtered":{"messages":0,"bytes":0},"#
        + #""dropped":{"messages":5,"bytes":1048576},"sent":{"messages":0,"bytes":0},"#
        + #""connects":2,"errors":0,"gaps":1,"gap_ns":2100000000}]}"#)
  }
}
