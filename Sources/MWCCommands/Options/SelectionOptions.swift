internal import ArgumentParser
internal import MWC
internal import MWCCore

/// Which part of a capture: shared by the commands that convert and show.
struct SelectionOptions: ParsableArguments {
  @Option(
    name: [.customLong("from")],
    help: ArgumentHelp(
      """
      Where to begin: an offset (+90s), a share of the recording (25%), or a wall-clock time \
      (2026-11-21T12:03:11Z).
      """, valueName: "time"))
  var from: PointInTime?

  @Option(
    help: ArgumentHelp("Where to end, written the same; not included.", valueName: "time"))
  var to: PointInTime?

  @Option(
    help: ArgumentHelp("Only what came over the N-th connection.", valueName: "n"))
  var connection: UInt32?

  @Option(
    help: ArgumentHelp("Only messages whose JSON member \"type\" is this.", valueName: "type"))
  var type: String?

  func validate() throws {
    if connection == 0 { throw ValidationError("connections are counted from 1") }
  }

  var selection: CaptureSelection {
    var selection = CaptureSelection()
    selection.from = from
    selection.to = to
    selection.connection = connection
    selection.type = type
    return selection
  }
}
