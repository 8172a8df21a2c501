import Foundation
import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

@Suite struct WriterTests {
  // MARK: Time

  @Test func flushesSyncsAndSealsWhenDue() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.flushInterval = .milliseconds(100)
    options.syncInterval = .seconds(1)
    options.blockAge = .seconds(30)
    let writer = try CaptureWriter(file, options)
    let start = file.contents.count
    #expect(try writer.tick(now: 0) == nil)

    try writer.append(Record(0))
    #expect(try writer.tick(now: 1_000) == 100_001_000)
    #expect(try writer.tick(now: 100_000_000) == 100_001_000)
    #expect(file.contents.count == start)
    // The flush is due; then the sync waits, and the seal behind it.
    #expect(try writer.tick(now: 100_001_000) == 1_100_001_000)
    #expect(Reading(file.contents).records == [Record(0)])
    #expect(writer.statistics.syncs == 1)
    #expect(try writer.tick(now: 1_100_001_000) == 30_000_001_000)
    #expect(writer.statistics.syncs == 2)
    #expect(file.synced(after: file.log.count) == file.contents)
    let size = file.contents.count
    #expect(try writer.tick(now: 30_000_001_000) == 31_000_001_000)
    #expect(file.contents.count == size + 64)
    #expect(try writer.tick(now: 31_000_001_000) == nil)
  }

  @Test func syncsEveryFlushWhenToldTo() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.syncInterval = .zero
    let writer = try CaptureWriter(file, options)
    for number in 0..<5 {
      try writer.append(Record(number))
      try writer.flush()
      #expect(file.synced(after: file.log.count) == file.contents)
    }
    #expect(writer.statistics.syncs == 6)
  }

  @Test func neverSyncsWhenToldTo() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.syncInterval = nil
    let writer = try CaptureWriter(file, options)
    try writer.append(Record(0))
    try writer.flush()
    #expect(try writer.tick(now: 0) == 600_000_000_000)
    try writer.close()
    #expect(writer.statistics.syncs == 0)
  }

  @Test func flushingOftenStaysDense() throws {
    let message = Array(
      #"{"type":"metrics","cpu":{"usage":12.5,"cores":[1,2,3,4]},"memory":{"used":123456}}"#.utf8)
    func size(flushing: Bool) throws -> Int {
      let file = CrashingFile()
      let writer = try CaptureWriter(file)
      for number in 0..<500 {
        var record = Record(number)
        record.payload = message
        try writer.append(record)
        if flushing { try writer.flush() }
      }
      try writer.close()
      return file.contents.count
    }
    // A flush after every message costs a segment header and a byte-aligned end, not the window.
    #expect(try size(flushing: true) < 500 * 28)
    #expect(try size(flushing: false) < 500 * 6)
  }

  // MARK: Files

  @Test func createsAPrivateFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    let writer = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    try writer.append(Record(0))
    try writer.close()
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try CaptureVerification.verify(path).state == .finished)
  }

  @Test func touchesNothingThatIsThere() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("precious".utf8), to: "run.cap")
    expectError(.exists) {
      _ = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
    // What is no capture is not continued either.
    expectError(.notACapture) {
      _ = try CaptureWriter(
        path: path, session: Sample.session, options: Sample.sealing, existing: .append)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
  }

  @Test func overwritesWhenToldTo() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(repeating: 7, count: 100_000), to: "run.cap")
    let writer = try CaptureWriter(
      path: path, session: Sample.session, options: Sample.sealing, existing: .overwrite)
    try writer.append(Record(0))
    try writer.close()
    #expect(try CaptureVerification.verify(path).state == .finished)
  }

  @Test func continuesAFinishedCapture() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    for session in 0..<3 {
      let writer = try CaptureWriter(
        path: path, session: Sample.session, options: Sample.sealing, existing: .append)
      try writer.append(Record(session))
      try writer.close()
    }
    let verification = try CaptureVerification.verify(path)
    #expect(verification.state == .finished)
    #expect(verification.sessions == 3)
    #expect(verification.records == 3)
  }

  @Test func twoWritersDoNotShareAFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    let writer = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    for existing in [LocalFile.Existing.append, .overwrite] {
      expectError(.locked) {
        _ = try CaptureWriter(
          path: path, session: Sample.session, options: Sample.sealing, existing: existing)
      }
    }
    try writer.append(Record(0))
    try writer.close()
    #expect(try CaptureVerification.verify(path).records == 1)
  }

  @Test func saysWhyNothingCanBeCreated() throws {
    let folder = try TemporaryFolder()
    for path in [folder.file("no/such/folder/run.cap"), folder.path] {
      expectError(path == folder.path ? .exists : .cannotCreate) {
        _ = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
      }
    }
    expectError(.cannotCreate) {
      _ = try CaptureWriter(
        path: folder.path, session: Sample.session, options: Sample.sealing, existing: .overwrite)
    }
    expectError(.cannotOpen) { _ = try CaptureReader.open(folder.file("missing.cap")) }
    expectError(.cannotOpen) { _ = try CaptureReader.open(folder.path) }
  }

  @Test func aFullDeviceIsAnError() throws {
    expectError(.diskFull) {
      let writer = try CaptureWriter(
        path: "/dev/full", session: Sample.session, options: Sample.sealing)
      try writer.close()
    }
  }

  @Test func streamsThroughAPipe() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("pipe")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let records = (0..<2000).map { Record($0, size: 100) }
    let thread = Thread {
      // What goes wrong here shows as missing records there.
      guard
        let writer = try? CaptureWriter(
          path: path, session: Sample.session, options: Sample.sealing)
      else { return }
      for record in records { try? writer.append(record) }
      try? writer.close()
    }
    thread.start()
    var reader = try CaptureReader.open(path)
    #expect(reader.isSeekable == false)
    var read: [Record] = []
    try reader.seek(toWallTime: records[10].wall)
    while let message = try reader.next() { read.append(Record(message)) }
    #expect(read == Array(records.dropFirst(10)))
    #expect(reader.ending == .finished)
  }

  func expectError(
    _ code: CaptureError.Code, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch let error as CaptureError {
      #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
      #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
    } catch {
      Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
  }
}

extension WriterTests {
  @Test func whatFailsAtItsStartLeavesNothingBehind() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    var options = Sample.sealing
    options.minFree = .max
    expectError(.diskFull) {
      _ = try CaptureWriter(path: path, session: Sample.session, options: options)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    // What was there stays.
    let writer = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    try writer.close()
    expectError(.diskFull) {
      _ = try CaptureWriter(
        path: path, session: Sample.session, options: options, existing: .append)
    }
    #expect(try CaptureVerification.verify(path).state == .finished)
  }

  @Test func recoversAFileToAnother() throws {
    let folder = try TemporaryFolder()
    let (bytes, records) = try DamageTests.sample(finished: false)
    let path = try folder.write(bytes, to: "run.cap")
    let output = folder.file("mended.cap")
    let file = try LocalFile.writing(output, existing: .refuse)
    let recovery = try CaptureRecovery.recover(path, to: file, named: output)
    #expect(recovery.records == UInt64(records.count))
    #expect(try CaptureVerification.verify(output).state == .finished)
    #expect(Array(try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
  }
}

// MARK: Tails on a disk

extension WriterTests {
  private func records(at path: String) throws -> [Record] {
    var reader = try CaptureReader.open(path)
    var records: [Record] = []
    while let message = try reader.next() { records.append(Record(message)) }
    return records
  }

  @Test func aTailIsPrivateAndGoesAtTheEnd() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    let writer = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    #expect(!FileManager.default.fileExists(atPath: path + ".tail"))
    try writer.append(Record(0))
    try writer.flush()
    let attributes = try FileManager.default.attributesOfItem(atPath: path + ".tail")
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try records(at: path) == [Record(0)])
    try writer.close()
    #expect(!FileManager.default.fileExists(atPath: path + ".tail"))
    #expect(try records(at: path) == [Record(0)])
  }

  @Test func aTailThatWasTakenAwayComesAgain() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    var options = Sample.sealing
    options.blockSize = 500
    options.syncInterval = nil
    let writer = try CaptureWriter(path: path, session: Sample.session, options: options)
    for number in 0..<20 {
      try writer.append(Record(number, size: 30))
      try writer.flush()
      if number == 3 { try FileManager.default.removeItem(atPath: path + ".tail") }
    }
    #expect(try records(at: path) == (0..<20).map { Record($0, size: 30) })
    try writer.close()
  }

  @Test func theTailStandsBesideTheFileAndNotItsLink() throws {
    let folder = try TemporaryFolder()
    let (path, link) = (folder.file("run.cap"), folder.file("latest.cap"))
    try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing).close()
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "run.cap")
    let writer = try CaptureWriter(
      path: link, session: Sample.session, options: Sample.sealing, existing: .append)
    try writer.append(Record(0))
    try writer.flush()
    for name in [path, link] { #expect(try records(at: name) == [Record(0)], "\(name)") }
    try writer.close()
  }

  @Test func twoWritersDoNotShareATail() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.cap")
    let writer = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    try writer.append(Record(0))
    try writer.flush()
    // Under another name the capture does not say that it is being written; its tail does.
    try FileManager.default.moveItem(atPath: path, toPath: folder.file("moved.cap"))
    expectError(.exists) {
      _ = try CaptureWriter(path: path, session: Sample.session, options: Sample.sealing)
    }
    expectError(.locked) {
      _ = try CaptureWriter(
        path: path, session: Sample.session, options: Sample.sealing, existing: .overwrite)
    }
    try writer.close()
    #expect(try records(at: folder.file("moved.cap")) == [Record(0)])
  }
}
