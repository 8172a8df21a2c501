internal import ArgumentParser
internal import MWC
internal import MWCCore

/// When a recording goes on in a new file, and which of those before it stay.
struct RotationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Go on in a new file when this one has about so many bytes. (default: never)",
      valueName: "size"))
  var rotateSize: ByteCount?

  @Option(
    help: ArgumentHelp(
      """
      Go on in a new file after this time. Intervals of a minute and more that divide a day begin \
      at round local times: 1h at every full hour, 1d at midnight. (default: never)
      """, valueName: "duration"))
  var rotateInterval: DurationText?

  @Option(
    help: ArgumentHelp(
      """
      Keep so many completed files beside the one being written, and delete the oldest, also those \
      that earlier recordings of this host have made with the same FILE and options of this group. \
      (default: all)
      """, valueName: "count"))
  var keep: Int?

  @Option(
    help: ArgumentHelp(
      """
      Delete the oldest completed files when together they have more than this. The newest one \
      stays in any case. (default: never)
      """, valueName: "size"))
  var keepSize: ByteCount?

  /// A file has some hundred bytes before the first message.
  private static let leastSize: Int64 = 4096
  private static let leastInterval: Int64 = 1_000_000_000

  func validate() throws {
    if let rotateSize, rotateSize.bytes < Self.leastSize {
      throw ValidationError("--rotate-size is at least 4KiB")
    }
    if let rotateInterval, rotateInterval.nanoseconds < Self.leastInterval {
      throw ValidationError("--rotate-interval is at least 1s")
    }
    if let keep, keep < 1 { throw ValidationError("--keep is at least 1") }
    if let keepSize, keepSize.bytes < max(1, rotateSize?.bytes ?? 1) {
      throw ValidationError("--keep-size has room for one file of --rotate-size at least")
    }
  }

  /// The same, as the recorder wants it.
  var rules: RecorderOptions.Rotation {
    var rules = RecorderOptions.Rotation()
    rules.size = rotateSize?.bytes
    rules.interval = rotateInterval?.nanoseconds
    rules.keep = keep
    rules.keepSize = keepSize?.bytes
    return rules
  }
}
