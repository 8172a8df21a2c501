internal import ArgumentParser
internal import MWC
internal import MWCCore

/// Which part of a capture: shared by the commands that play, show and convert.
struct SelectionOptions: ParsableArguments {
  @Option(
    name: [.customLong("from"), .customLong("seek")],
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
    help: ArgumentHelp(
      "Only messages whose JSON member \"type\", or whose Socket.IO event, is this.",
      valueName: "type"))
  var type: String?

  @Option(
    help: ArgumentHelp(
      """
      Only messages for which this holds, such as 'data.usage > 80 or level in ("error", "warn")'; \
      docs/FILTERS.md has the language.
      """, valueName: "expression"), transform: FilterExpression.init(argument:))
  var filter: FilterExpression?

  func validate() throws {
    if connection == 0 { throw ValidationError("connections are counted from 1") }
  }

  /// What type and filter ask for; nil: nothing.
  var expression: FilterExpression? { .all(of: [type.map { .type($0) }, filter]) }

  var selection: CaptureSelection {
    var selection = CaptureSelection()
    selection.from = from
    selection.to = to
    selection.connection = connection
    selection.filter = expression
    return selection
  }
}
