import ArgumentParser
import Foundation
import MWCTestSupport
import Testing

@testable import MWCCommands

/// Help texts are compared with stored copies, so that a change of wording is seen in review.
///
/// `MWC_UPDATE_SNAPSHOTS=1 swift test --filter HelpSnapshotTests` stores what they say now.
@Suite struct HelpSnapshotTests {
  private static let folder = TestSupport.packageRoot + "/Tests/MWCCommandsTests/Snapshots"

  /// `mwc` and its commands, by name.
  private static let commands: [(name: String, type: any ParsableCommand.Type)] =
    [("mwc", MWCCommand.self)]
    + MWCCommand.configuration.subcommands.map { ("mwc-\($0._commandName)", $0) }

  @Test(arguments: commands.map(\.name))
  func saysWhatIsStored(name: String) throws {
    let command = try #require(Self.commands.first { $0.name == name }).type
    let text = MWCCommand.helpMessage(for: command, columns: 100)
    let path = "\(Self.folder)/\(name).txt"
    if ProcessInfo.processInfo.environment["MWC_UPDATE_SNAPSHOTS"] == "1" {
      try FileManager.default.createDirectory(
        atPath: Self.folder, withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
    let stored = try #require(
      FileManager.default.contents(atPath: path), "\(path) is missing; MWC_UPDATE_SNAPSHOTS=1")
    #expect(
      String(decoding: stored, as: UTF8.self) == text + "\n",
      "the help has changed; MWC_UPDATE_SNAPSHOTS=1 stores it")
  }

  @Test func everyCommandEndsWithExamples() {
    for (name, type) in Self.commands.dropFirst() {
      #expect(type.configuration.discussion.contains("EXAMPLES\n"), "\(name)")
    }
  }

  @Test func nothingStoredIsLeftOver() throws {
    let stored = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
    let expected = Set(Self.commands.map { "\($0.name).txt" })
    #expect(Set(stored).subtracting(expected) == [])
  }
}
