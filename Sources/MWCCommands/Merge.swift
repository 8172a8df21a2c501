internal import ArgumentParser
internal import MWC
internal import MWCCapture

/// `mwc merge`: one capture of several.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Make one capture of several, in the order of time.",
    discussion: """
      Records stand in the order in which they happened: wall clocks say when each capture began, \
      monotonic clocks what followed. The connections of each capture keep apart from those of the \
      others and keep their URIs, in one session that names what was merged; parts that 'mwc \
      split' made of one recording become that recording again. The result is written aside and \
      gets its name when it is complete. Captures that are damaged are refused: 'mwc recover' first.

      EXAMPLES
        mwc merge host-a.cap host-b.cap -o both.cap
        mwc merge part-*.cap -o whole.cap
        mwc merge *.cap -o - | mwc info -
      """)

  @Argument(
    help: ArgumentHelp(
      "The captures to merge, each a file that can be read twice.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var files: [String]

  @OptionGroup var writing: WritingOptions

  func validate() throws {
    if files.contains("-") {
      throw ValidationError("captures are read twice to be merged, so none can be standard input")
    }
  }

  func run() throws {
    try reportingFailures(about: files.joined(separator: ", ")) {
      let merge = try CaptureMerge(files)
      let progress = ProgressLine(total: writing.output == "-" ? nil : merge.size)
      defer { progress.end() }
      let target = try OutputFile.creating(
        writing.output, force: writing.force, inputs: files)
      let copy = try target.fill(isClosed: true) { (stored, name) in
        let copy = writing.copy(to: stored, name: name)
        try merge.run(into: copy) { progress.done = $0 }
        return copy
      }
      progress.end()
      for (file, ending) in merge.endings { Console.sayEnding(of: file, ending) }
      writing.report(
        "\(NumberText.counted(copy.messages, "message")), "
          + NumberText.counted(merge.session.uris.count, "connection"))
    }
  }
}
