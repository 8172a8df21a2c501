import Foundation
import MWCTestSupport
import Testing

/// Whatever is wrong, a user gets one line that says what, on what and why, and the exit code says
/// which kind of thing it was.
@Suite(.fewAtATime) struct BadUseTests {
  // MARK: Servers

  @Test func unreachableServer() async throws {
    let folder = try TemporaryFolder()
    let port = try TestSupport.freePort()
    let result = try await record("ws://127.0.0.1:\(port)/", in: folder)
    expectFailure(result, code: 69, naming: ["127.0.0.1:\(port)"])
  }

  @Test func unknownHost() async throws {
    let folder = try TemporaryFolder()
    let result = try await record("ws://nowhere.invalid/", in: folder)
    expectFailure(result, code: 69, naming: ["nowhere.invalid"])
  }

  @Test func attemptsUsedUp() async throws {
    let folder = try TemporaryFolder()
    let port = try TestSupport.freePort()
    let result = try await Program.capture.run([
      "--uri", "ws://127.0.0.1:\(port)/", "--output", folder.file("out.cap"),
      "--max-reconnects", "2", "--reconnect-interval", "10ms", "--quiet",
    ])
    expectFailure(result, code: 69, naming: ["127.0.0.1:\(port)"])
  }

  @Test(arguments: [(401, 77), (403, 77), (404, 69), (426, 69), (500, 69)] as [(Int, Int32)])
  func httpAnswer(status: Int, code: Int32) async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("answer.py", ["\(status)"])
    let result = try await record(peer.uri, in: folder)
    expectFailure(result, code: code, naming: ["\(status)", "127.0.0.1:\(peer.port)"])
  }

  @Test func serverThatIsNoWebSocketServer() async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("answer.py", ["200"])
    let result = try await record(peer.uri, in: folder)
    #expect([.exited(69), .exited(76)].contains(result.status), "\(result.errors)")
    #expect(result.errorLines.count == 1, "\(result.errors)")
  }

  @Test(arguments: ["http://127.0.0.1/", "ws://", "nonsense", "ws://127.0.0.1:99999/"])
  func uriThatIsNone(uri: String) async throws {
    let folder = try TemporaryFolder()
    let result = try await record(uri, in: folder)
    // The address itself is not repeated: it may hold a password.
    expectFailure(result, code: 64, naming: ["--uri"])
    #expect(!FileManager.default.fileExists(atPath: folder.file("out.cap")))
  }

  // MARK: Inputs

  @Test(arguments: ["info", "cat", "verify", "recover", "replay"])
  func inputThatIsMissing(command: String) async throws {
    let folder = try TemporaryFolder()
    let file = folder.file("missing.cap")
    expectFailure(try await read(file, with: command, in: folder), code: 66, naming: [file])
  }

  @Test(arguments: ["info", "cat", "verify", "recover", "replay"])
  func inputThatIsNoCapture(command: String) async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("{\"this\":\"is not a capture\"}\n".utf8, to: "text.json")
    let result = try await read(file, with: command, in: folder)
    expectFailure(result, code: 66, naming: [file, "not a capture"])
  }

  @Test(arguments: ["info", "cat", "verify", "recover", "replay"])
  func inputOfNoBytes(command: String) async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write([], to: "empty.cap")
    let result = try await read(file, with: command, in: folder)
    expectFailure(result, code: 66, naming: [file])
  }

  @Test(arguments: ["info", "cat", "verify", "recover", "replay"])
  func inputThatIsAFolder(command: String) async throws {
    let folder = try TemporaryFolder()
    let result = try await read(folder.path, with: command, in: folder)
    expectFailure(result, code: 66, naming: [folder.path])
  }

  @Test(arguments: ["info", "cat", "verify", "recover", "replay"])
  func inputOfANewerVersion(command: String) async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 3, in: folder)
    // Preamble (docs/FORMAT.md): the version stands at byte 8, the checksum of bytes 0 to 27 behind.
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    bytes[8] = 77
    let checksum = crc32c(bytes[..<28])
    for index in 0..<4 { bytes[28 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
    let newer = try folder.write(bytes, to: "newer.cap")
    let result = try await read(newer, with: command, in: folder)
    expectFailure(result, code: 66, naming: [newer, "77"])
  }

  /// CRC-32C bit by bit, as the specification of the format defines it.
  private func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(into: UInt32.max) { checksum, byte in
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
  }

  // MARK: Outputs

  @Test func existingOutputIsLeftAlone() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 1, in: folder)
    let precious = Data("precious".utf8)
    let file = try folder.write(precious, to: "out.cap")
    let result = try await record(peer.uri, in: folder)
    expectFailure(result, code: 73, naming: [file, "--force"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == precious)
  }

  @Test func existingOutputOfRecoverIsLeftAlone() async throws {
    let folder = try TemporaryFolder()
    let capture = try await SampleCapture.make(count: 3, in: folder)
    let file = try folder.write("precious".utf8, to: "out.cap")
    let result = try await Program.mwc.run(["recover", capture, "--output", file])
    expectFailure(result, code: 73, naming: [file])
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
  }

  /// `/proc` takes no files, not even from root.
  @Test(arguments: ["/proc/out.cap", "/nonexistent-folder/out.cap"])
  func folderThatCannotBeWrittenTo(file: String) async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 1, in: folder)
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--min-free", "0", "--no-reconnect", "--quiet",
    ])
    expectFailure(result, code: 73, naming: [file])
  }

  /// A disk of 1 MiB: what was stored before it was full stays readable.
  @Test func fullDiskIsSaid() async throws {
    let folder = try TemporaryFolder()
    guard let disk = try await SmallDisk(at: folder.file("disk")) else {
      TestSupport.say("fullDiskIsSaid: skipped, a tmpfs cannot be mounted here")
      return
    }
    let peer = try await Peer("load.py", ["--rate", "20000"])
    let file = disk.path + "/out.cap"
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--min-free", "0", "--level", "0", "--quiet",
    ])
    expectFailure(result, code: 74, naming: [file, "space"])
    let texts = try await cat(file).filter(\.isText)
    #expect(texts.count > 100)
    try await disk.unmount()
  }

  @Test func noOutputIsNamed() async throws {
    let result = try await Program.capture.run(["--uri", "ws://127.0.0.1:1/"])
    expectFailure(result, code: 64, naming: ["--output"])
  }

  // MARK: Words

  @Test func wordsNobodyKnows() async throws {
    let folder = try TemporaryFolder()
    let capture = try await SampleCapture.make(count: 3, in: folder)
    let uses: [(Program, [String], String)] = [
      (.replay, [capture, "--format", "xml"], "xml"),
      (.replay, [capture, "--speed", "fast"], "fast"),
      (.replay, [capture, "--speed", "0x"], "0x"),
      (.replay, [capture, "--speed=-1"], "-1"),
      (.replay, [capture, "--from", "yesterday"], "yesterday"),
      (.replay, [capture, "--max-gap", "5 apples"], "5 apples"),
      (.replay, [capture, "--no-such-option"], "--no-such-option"),
      (.mwc, ["no-such-command"], "no-such-command"),
      (.capture, ["--output", folder.file("x.cap"), "--duration", "soon"], "soon"),
      (.capture, ["--output", folder.file("x.cap"), "--level", "11"], "--level"),
      (.capture, ["--output", folder.file("x.cap"), "--min-free", "many"], "many"),
    ]
    for (program, arguments, word) in uses {
      expectFailure(try await program.run(arguments), code: 64, naming: [word])
    }
  }

  // MARK: Helpers

  /// A file system with room for 1 MiB.
  private struct SmallDisk {
    let path: String

    /// `nil` where mounting is not permitted.
    init?(at path: String) async throws {
      self.path = path
      let mounted = try await ChildProcess.shell(
        "mkdir '\(path)' && mount -t tmpfs -o size=1m tmpfs '\(path)'")
      if mounted.status != .exited(0) { return nil }
    }

    func unmount() async throws {
      let result = try await ChildProcess.shell("umount -l '\(path)'")
      #expect(result.status == .exited(0), "\(result.errors)")
    }
  }

  private func record(_ uri: String, in folder: TemporaryFolder) async throws
    -> ChildProcess.Result
  {
    try await Program.capture.run([
      "--uri", uri, "--output", folder.file("out.cap"), "--no-reconnect", "--quiet",
    ])
  }

  /// Opens `file` with one of the commands that read captures.
  private func read(_ file: String, with command: String, in folder: TemporaryFolder) async throws
    -> ChildProcess.Result
  {
    switch command {
    case "replay": try await Program.replay.run([file, "--speed", "max"])
    case "recover":
      try await Program.mwc.run(["recover", file, "--output", folder.file("mended.cap")])
    default: try await Program.mwc.run([command, file])
    }
  }
}
