import Foundation
import MWCCore
import MWCTestSupport
import Testing

/// How much memory writing a capture takes, as the kernel counts it: bounded by the block and the
/// largest message (`docs/ARCHITECTURE.md`, "Threads and bytes"), whatever the messages are.
///
/// `MWC_SOAK=1` makes the slow ones as large as they can be.
@Suite struct MemoryTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let isSoak = ProcessInfo.processInfo.environment["MWC_SOAK"] == "1"

  /// Runs a program; the MiB it had at most.
  private func peak(_ program: Program, _ arguments: [String]) async throws -> Int {
    let python = try await PythonEnvironment.peers.interpreter()
    let script = TestSupport.packageRoot + "/Tests/Python/peak_memory.py"
    let result = try await ChildProcess.run(
      python, [script, try program.path] + arguments, timeout: .seconds(600))
    try #require(result.status == .exited(0), "\(result.errors)")
    let match = try #require(result.errors.firstMatch(of: /peak (\d+) KiB/))
    let peak = try #require(Int(match.1)) / 1024
    TestSupport.say("MemoryTests: mwc \(arguments[0]): \(peak) MiB")
    return peak
  }

  /// Writes a capture anew, in columns where it can be; the MiB that took.
  private func rewriting(_ capture: String) async throws -> Int {
    let copy = folder.file("copy.cap")
    let used = try await peak(.mwc, ["filter", capture, "-o", copy, "--force"])
    let verified = try await Program.mwc.run(["verify", copy])
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
    return used
  }

  /// Bytes that do not compress.
  private func noise(_ count: Int) -> Data {
    var generator = TestSupport.generator(for: "MemoryTests.noise")
    let piece = Data((0..<(1 << 16)).map { _ in UInt8.random(in: 0...255, using: &generator) })
    var noise = Data(capacity: count + piece.count)
    while noise.count < count { noise.append(piece) }
    return noise.prefix(count)
  }

  /// The capture that is read takes twice the message, and the one that is written twice; more while
  /// buffers grow.
  @Test func aLargeMessageIsCopiedTwice() async throws {
    let capture = folder.file("large.cap")
    let size = 64 << 20
    try MadeCapture.write(capture, [.init(at: 0, data: noise(size), kind: .binary)], level: 0)
    let used = try await rewriting(capture)
    #expect(used > 4 * 64 && used < 7 * 64, "\(used) MiB")
  }

  /// The message in the ring, gathered for the block, and deflated; and what is read of the socket.
  @Test func aLargeMessageIsRecordedInBoundedMemory() async throws {
    let message = ["dir": "in", "op": "binary", "b64": noise(64 << 20).base64EncodedString()]
    let file = try folder.write(try JSONEncoder().encode(message), to: "sent.jsonl")
    let peer = try await Peer("play.py", [file])
    let used = try await peak(
      .capture, ["--uri", peer.uri, "--output", folder.file("out.cap"), "--no-reconnect"])
    #expect(used > 2 * 64 && used < 6 * 64, "\(used) MiB")
  }

  /// Each message has keys that no other has: nothing of them is kept beyond its block.
  @Test func manyShapesTakeNoMoreThanFew() async throws {
    let count = Self.isSoak ? 1_000_000 : 150_000
    func shapes(_ name: String, _ text: @escaping (Int) -> String) async throws -> Int {
      let capture = folder.file(name)
      try MadeCapture.write(capture, (0..<count).lazy.map { .init(at: Int64($0), text($0)) })
      return try await rewriting(capture)
    }
    let few = try await shapes("few.cap") { #"{"key":{"other":\#($0)}}"# }
    let many = try await shapes("many.cap") { #"{"k\#($0)":{"x\#($0 * 7)":\#($0)}}"# }
    #expect(many < few + 64, "\(many) MiB for many, \(few) MiB for few")
    #expect(many < 128, "\(many) MiB")
  }

  /// Messages with as many values as columns take, each another one: what the encoder keeps of a byte
  /// is most there.
  @Test func manyValuesTakeWhatIsSaid() async throws {
    let capture = folder.file("values.cap")
    try MadeCapture.write(
      capture,
      (0..<1_500).lazy.map { number in
        var text = "["
        var value = number * 7919
        for _ in 0..<1_500 {
          value = value &* 1_103_515_245 &+ 12_345
          text += String((value >> 8) & 0xFF) + ","
        }
        return .init(at: Int64(number), text + "0]")
      })
    let used = try await rewriting(capture)
    #expect(used > 8 && used < 4 + 32 * 5 + 32, "\(used) MiB")
  }
}
