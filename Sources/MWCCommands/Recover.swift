internal import ArgumentParser
internal import MWCCapture

/// `mwc recover`: make a clean capture of a damaged one.
struct RecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Copy what can be trusted of a capture into a new one.",
    discussion: """
      The copy holds every record whose checksum fits, in order, and a gap record where some are \
      missing; it verifies clean. What was kept and what was lost is told. The status is 0 when \
      nothing was lost but what a crash had cut off, and 1 when records are missing. The capture \
      itself is not touched.

      EXAMPLES
        mwc recover run.cap -o mended.cap
        mwc recover run.cap -o mended.cap --force
        mwc recover run.cap -o - | mwc-replay -
        mwc recover run.cap -o - | ssh host 'cat > mended.cap'
        mwc recover run.cap -o mended.cap && mwc info mended.cap
      """)

  @Argument(
    help: ArgumentHelp("The capture to read; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The capture to write; - is standard output.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var output: String

  @Flag(help: "Overwrite the output if it exists.")
  var force = false

  func run() throws {
    let recovery: CaptureRecovery
    do {
      let result = try OutputFile.creating(output, force: force, inputs: [file])
      recovery = try result.fill(isClosed: true) { result, name in
        try CaptureRecovery.recover(file, to: result, named: name)
      }
    } catch let error as CaptureError {
      throw CommandFailure(error)
    }
    report(recovery)
    if recovery.holeCount > 0 { throw CommandFailure(.badData) }
  }

  private func report(_ recovery: CaptureRecovery) {
    Console.say("\(file): kept \(NumberText.counted(recovery.records, "record"))")
    recovery.holes.forEach { Console.say($0.text) }
    if recovery.holeCount > recovery.holes.count {
      let more = recovery.holeCount - recovery.holes.count
      Console.say("  and \(NumberText.grouped(more)) more places")
    }
    if recovery.excessBytes > 0 {
      Console.say(
        "  left out \(NumberText.counted(recovery.excessBytes, "byte")) at the end, of a write that "
          + "was cut off")
    }
    guard recovery.holeCount > 0 else { return }
    let atLeast = recovery.missesUnknown ? "at least " : ""
    Console.say(
      "\(file): lost \(atLeast)\(NumberText.counted(recovery.missingRecords, "record"))")
  }
}
