import Foundation
import MWCTestSupport
import Testing

/// What tools do when their output fails: one line, the right status, and nothing half finished.
@Suite struct OutputFailureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Tools with an output, as words of shell; `$in` is a capture, `$lines` the same as JSON lines.
  static let tools = [
    "export $in -o $out/x.jsonl", "export $in -p v -o $out/x.csv", "export $in -o $out/x.mcap",
    "export $in -o $out/x.har", "filter $in -o $out/x.cap", "merge $in $in -o $out/x.cap",
    "split $in --messages 1000 -o $out/x-%i.cap", "import $lines -o $out/x.cap",
    "recover $in -o $out/x.cap",
  ]

  /// A capture whose values do not compress, and the same as JSON lines.
  private func write() async throws -> String {
    var generator = TestSupport.generator(for: "OutputFailureTests")
    try MadeCapture.write(
      folder.file("in.cap"),
      (0..<3_000).map { number in
        let noise = (0..<6).map { _ in
          String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16)
        }
        return .init(at: Int64(number), "{\"v\":\"\(noise.joined())\"}")
      }, form: .columns)
    let mwc = try ChildProcess.product("mwc")
    let lines = folder.file("in.jsonl")
    let exported = try await ChildProcess.run(
      mwc, ["export", folder.file("in.cap"), "-o", lines])
    try #require(exported.status == .exited(0), "\(exported.errors)")
    try FileManager.default.createDirectory(
      atPath: folder.file("out"), withIntermediateDirectories: false)
    return
      "mwc='\(mwc)'; in='\(folder.file("in.cap"))'; lines='\(lines)'; out='\(folder.file("out"))'"
  }

  /// Whether this machine lets us mount a small disk.
  static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "unshare -m sh -c 'mount -t tmpfs -o size=64k none /mnt' >/dev/null 2>&1",
    ]
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canMount, "a small disk cannot be mounted here"))
  func aFullDisk() async throws {
    let setup = try await write()
    for tool in Self.tools {
      let script = """
        mount -t tmpfs -o size=64k none "$out" || exit 99
        "$mwc" \(tool)
        status=$?
        ls -A "$out"
        exit $status
        """
      let result = try await ChildProcess.run(
        "/bin/sh", ["-c", "\(setup); export mwc in lines out; exec unshare -m sh -c '\(script)'"])
      #expect(result.status == .exited(74), "\(tool): \(result.errors)")
      #expect(result.errorLines.count == 1, "\(tool): \(result.errors)")
      #expect(result.errors.contains("the disk is full"), "\(tool): \(result.errors)")
      #expect(result.lines.isEmpty, "\(tool): \(result.lines)")
    }
  }

  @Test func noFolderToWriteTo() async throws {
    let setup = try await write()
    for tool in Self.tools {
      let result = try await ChildProcess.run(
        "/bin/sh", ["-c", "\(setup); out=\"$out/none\"; \"$mwc\" \(tool)"])
      #expect(result.status == .exited(73), "\(tool): \(result.errors)")
      #expect(result.errorLines.count == 1, "\(tool): \(result.errors)")
    }
  }

  /// A signal leaves no part of an output.
  @Test(arguments: ["export - --format jsonl -o $out/x.jsonl", "filter - -o $out/x.cap"])
  func aSignal(tool: String) async throws {
    let setup = try await write()
    let script = """
      \(setup)
      cd '\(folder.path)'
      mkfifo pipe
      "$mwc" \(tool) <pipe &
      tool=$!
      exec 3>pipe
      head -c 600 "$in" >&3
      until ls -A "$out" | grep -q part; do sleep 0.05; done
      kill -TERM $tool
      wait $tool || echo "status $?"
      ls -A "$out"
      """
    let result = try await ChildProcess.run("/bin/sh", ["-c", script], timeout: .seconds(60))
    #expect(result.lines == ["status 143"], "\(result.errors)")
  }
}
