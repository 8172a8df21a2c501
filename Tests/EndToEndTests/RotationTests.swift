import Foundation
import MWCTestSupport
import Testing

/// A recording that goes on in new files, from a server that numbers its messages.
@Suite(.fewAtATime) struct RotationTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private struct Payload: Decodable { var number: Int }

  private func captures() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  private func numbers(in file: String) async throws -> [Int] {
    try await cat(folder.file(file)).filter(\.isText).map {
      try JSONDecoder().decode(Payload.self, from: $0.bytes).number
    }
  }

  private func start(_ peer: Peer, _ arguments: [String]) throws -> ChildProcess {
    try Program.capture.start(["-u", peer.uri, "--min-free", "0"] + arguments)
  }

  /// Each of `files` is complete and has messages of its own, one after the other.
  private func expectWhole(_ files: [String]) async throws -> Int {
    var all: [Int] = []
    for file in files {
      let verified = try await Program.mwc.run(["verify", folder.file(file)])
      #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
      all += try await numbers(in: file)
    }
    #expect(all == Array(1..<(all.count + 1)), "each message stands in one file")
    return all.count
  }

  @Test func underLoadEveryMessageIsInOneFile() async throws {
    let peer = try await Peer("load.py", ["--rate", "2000"])
    let capture = try start(
      peer, ["-o", folder.file("run.cap"), "--rotate-size", "200KiB", "--level", "1", "--json"])
    try await capture.waitForText(/connected/, in: .errors)
    for round in 1...50 {
      let count = try captures().count { $0.hasSuffix(".cap") }
      capture.send(signal: SIGHUP)
      try await waitUntil("file after signal \(round)") {
        try captures().count { $0.hasSuffix(".cap") } > count
      }
    }
    let result = try await capture.stop(SIGTERM)
    try #require(result.status == .exited(0), "\(result.errors)")
    let files = try captures()
    #expect(files.count > 50)
    #expect(files.allSatisfy { $0.hasSuffix(".cap") }, "complete files have no tail: \(files)")
    let count = try await expectWhole(files)

    struct Report: Decodable {
      struct Stream: Decodable { var written: [String: Int] }
      var file_count: Int
      var files: [String]
      var streams: [Stream]
    }
    let report = try JSONDecoder().decode(Report.self, from: result.output)
    #expect(report.file_count == files.count)
    #expect(report.files == files.map { folder.file($0) })
    #expect(report.streams.map { $0.written["messages"] } == [count])

    // Put together again they are the stream, in whatever order they are named.
    let shuffled = files.shuffled().map { folder.file($0) }
    let merged = folder.file("merged.cap")
    let merge = try await Program.mwc.run(["merge", "-o", merged] + shuffled)
    try #require(merge.status == .exited(0), "\(merge.errors)")
    #expect(try await expectWhole(["merged.cap"]) == count)
    let connections = Set(try await cat(merged).map(\.connection))
    #expect(connections == [1], "one stream is one connection")
    let replay = try await Program.replay.run(["--speed", "max", "--format", "raw"] + shuffled)
    let replayed = try replay.lines.map {
      try JSONDecoder().decode(Payload.self, from: Data($0.utf8)).number
    }
    #expect(replayed == Array(1...count))
  }

  /// Without rules there is one file, until a signal asks for the next.
  @Test func theSignalAloneNumbersTheNextFile() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let capture = try start(peer, ["-o", folder.file("run.cap")])
    try await capture.waitForText(/connected/, in: .errors)
    capture.send(signal: SIGHUP)
    try await capture.waitForText(/run\.cap: complete/, in: .errors)
    let result = try await capture.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(try captures() == ["run.0001.cap", "run.cap"])
    #expect(try await expectWhole(["run.cap", "run.0001.cap"]) > 0)
    // The second file says by itself that the connection stood.
    let first = try #require(try await cat(folder.file("run.0001.cap")).first)
    #expect(first.event == "state")
  }

  @Test func aPipeIsNotRotated() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let capture = try start(peer, ["-o", "-"])
    try await capture.waitForText(/connected/, in: .errors)
    capture.send(signal: SIGHUP)
    try await capture.waitForText(/nothing was rotated/, in: .errors)
    let result = try await capture.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
  }

  @Test func killedInTheMidstAllButTheLastAreComplete() async throws {
    var generator = TestSupport.generator(for: "killedInTheMidst")
    let peer = try await Peer("load.py", [])
    for round in 1...5 {
      let name = "round\(round).cap"
      let capture = try start(peer, ["-o", folder.file(name), "--rotate-size", "100KiB"])
      try await capture.waitForText(/connected/, in: .errors)
      let wanted = Int.random(in: 3...8, using: &generator)
      try await waitUntil("some files are complete") {
        capture.send(signal: SIGHUP)
        return try captures().count { $0.hasPrefix("round\(round).") && $0.hasSuffix(".cap") }
          >= wanted
      }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0..<200, using: &generator)))
      _ = try await capture.stop(SIGKILL)
      let files = try captures().filter { $0.hasPrefix("round\(round).") && $0.hasSuffix(".cap") }
      // One is being written, one may still be completed.
      var all = 0
      for file in files.dropLast(2) {
        let verified = try await Program.mwc.run(["verify", folder.file(file)])
        #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
      }
      for file in files {
        let verified = try await Program.mwc.run(["verify", folder.file(file)])
        // Killed while it was made: not even its head is there.
        if file == files.last, verified.status == .exited(66) { continue }
        let part = try await numbers(in: file)
        #expect(part == Array(all + 1..<(all + part.count + 1)), "\(file)")
        all += part.count
      }
      #expect(all > 0)
    }
  }

  /// A restart goes on with the numbers and with the deleting, and touches nothing else.
  @Test func oldFilesGoAndStrangersStay() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let strangers = ["run.0000.cap", "run.1.cap", "run.0001.txt", "runs.0001.cap", "run.9000.cap"]
    for name in strangers { try folder.write(Array("not a capture".utf8), to: name) }
    for run in 1...2 {
      let capture = try start(peer, ["-o", folder.file("run.cap"), "--keep", "3"])
      try await capture.waitForText(/connected/, in: .errors)
      for part in 1...4 {
        capture.send(signal: SIGHUP)
        let number = 9000 + 5 * (run - 1) + part
        try await waitUntil("run \(run), file \(number) is complete") {
          capture.text(of: .errors).contains("run.\(number).cap: complete")
        }
      }
      let result = try await capture.stop(SIGTERM)
      #expect(result.status == .exited(0), "\(result.errors)")
      #expect(result.errors.contains("deleted"), "\(result.errors)")
    }
    let own = try captures().filter { !strangers.contains($0) }
    #expect(own == ["run.9008.cap", "run.9009.cap", "run.9010.cap"])
    #expect(Set(try captures()).isSuperset(of: strangers))
    for file in own {
      let verified = try await Program.mwc.run(["verify", folder.file(file)])
      #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
    }
  }

  @Test func eachStreamHasItsFiles() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let capture = try start(peer, ["-u", peer.uri, "-o", folder.file("run-%i.cap")])
    try await capture.waitForText(/connected[\s\S]*connected/, in: .errors)
    capture.send(signal: SIGHUP)
    try await waitUntil("two more files") {
      try captures().count { $0.hasSuffix(".cap") } == 4
    }
    let result = try await capture.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(
      try captures()
        == ["run-0001.0001.cap", "run-0001.cap", "run-0002.0001.cap", "run-0002.cap"])
    for stream in ["run-0001", "run-0002"] {
      _ = try await expectWhole([stream + ".cap", stream + ".0001.cap"])
      for record in try await cat(folder.file(stream + ".cap")) {
        #expect(record.connection == 1)
      }
    }
  }

  @Test func aFolderThatVanishesForAWhile() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let (there, away) = (folder.file("there"), folder.file("away"))
    try FileManager.default.createDirectory(atPath: there, withIntermediateDirectories: false)
    let capture = try start(peer, ["-o", there + "/run.cap", "--min-free", "1"])
    try await waitUntil("there is a tail") {
      FileManager.default.fileExists(atPath: there + "/run.cap.tail")
    }
    try FileManager.default.moveItem(atPath: there, toPath: away)
    capture.send(signal: SIGHUP)
    try await capture.waitForText(/goes on in .*run\.cap/, in: .errors)
    // What is tried again meanwhile is not said again.
    capture.send(signal: SIGUSR1)
    try await capture.waitForText(/stream 1:/, in: .errors)
    try FileManager.default.moveItem(atPath: away, toPath: there)
    try await capture.waitForText(/files can be made again/, in: .errors)
    try await capture.waitForText(/run\.cap: complete/, in: .errors)
    let result = try await capture.stop(SIGTERM)
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errorLines.count { $0.contains("goes on in") } == 1, "\(result.errors)")
    let count = try await expectWhole(["there/run.cap", "there/run.0001.cap"])
    #expect(count > 0)
  }

  /// Whoever started it there can no longer stop it.
  @Test func theEndOfItsTerminalIsTheEndOfTheRecording() async throws {
    let peer = try await Peer("load.py", ["--rate", "500"])
    let python = try await PythonEnvironment.peers.interpreter()
    let script = TestSupport.packageRoot + "/Tests/Peers/hangup.py"
    let result = try await ChildProcess.run(
      python,
      [
        script, "connected", try Program.capture.path, "-u", peer.uri, "--min-free", "0",
        "-o", folder.file("run.cap"),
      ])
    #expect(result.lines == ["exited 0"], "\(result.errors)")
    #expect(try captures() == ["run.cap"])
    #expect(try await expectWhole(["run.cap"]) >= 0)
  }

  // MARK: Use

  @Test(arguments: [
    (["--rotate-size", "1MiB", "-o", "-"], "standard output"),
    (["--keep", "2", "--append"], "--append"), (["--rotate-interval", "1h", "--force"], "--force"),
    (["--rotate-size", "1KiB"], "--rotate-size"), (["--rotate-interval", "1ms"], "1s"),
    (["--keep", "0"], "--keep"),
    (["--keep-size", "1MiB", "--rotate-size", "2MiB"], "--keep-size"),
    (["--rotate-interval", "1h", "-o", "%Y/a.cap"], "folder"),
  ])
  func whatMakesNoSenseIsRefused(_ arguments: [String], _ word: String) async throws {
    let output = arguments.contains("-o") ? [] : ["-o", folder.file("run.cap")]
    let result = try await Program.capture.run(["-u", "ws://127.0.0.1:1"] + output + arguments)
    expectFailure(result, code: 64, naming: [word])
    #expect(try captures().isEmpty)
  }
}
