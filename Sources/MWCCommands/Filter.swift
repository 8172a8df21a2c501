internal import ArgumentParser
internal import MWC
internal import MWCCapture
internal import MWCCore

/// `mwc filter`: a smaller capture of a larger one.
struct FilterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Copy a part of a capture into a new one.",
    discussion: """
      The part is a passage of time, a connection, messages of a type or messages for which an \
      expression holds; without any of them the capture is written anew. Text and binary messages \
      are judged; what happened to the connections (opened, closed, gaps, …), pings and pongs stay \
      with those of their connection. Times and connection numbers stay as they are. The copy is \
      written aside and gets its name when it is complete; the capture itself is not touched. A \
      capture that is damaged is refused: 'mwc recover' first.

      EXAMPLES
        mwc filter run.cap -o hour.cap --from 2026-11-21T12:00:00Z --to 2026-11-21T13:00:00Z
        mwc filter run.cap -o hot.cap --filter 'data.processor.usage_percent > 80'
        mwc filter run.cap -o alerts.cap --type alert --from 50%
        mwc filter fleet.cap -o one.cap --connection 3
        mwc filter run.cap -o - --type alert | mwc cat -
      """)

  @Argument(
    help: ArgumentHelp("The capture to read; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var file: String

  @OptionGroup var writing: WritingOptions

  @OptionGroup(title: "Which part") var part: SelectionOptions

  func run() throws {
    try reportingFailures(about: file) {
      var selection = part.selection
      // These decide about messages only.
      selection.connection = nil
      selection.filter = nil
      var records = try SelectedRecords.open(file, selection)
      records.deliversUnknownKinds = true
      let progress = ProgressLine(total: writing.output == "-" ? nil : try records.size())
      defer { progress.end() }
      let target = try OutputFile.creating(
        writing.output, force: writing.force, inputs: [file])
      let filter = MessageFilter(connection: part.connection, expression: part.expression)
      let (copy, leftOut) = try target.fill(isClosed: true) { (stored, name) in
        let copy = writing.copy(to: stored, name: name)
        let leftOut = try filter.copy(&records, to: copy) { progress.done = $0 }
        return (copy, leftOut)
      }
      progress.end()
      Console.sayEnding(of: file, records.ending)
      writing.report(
        "kept \(NumberText.counted(copy.messages, "message")), left out "
          + NumberText.grouped(leftOut))
    }
  }
}
