import ArgumentParser
import MWCCore
import MWCSinks
import Testing

@testable import MWCCommands

@Suite struct ReplayOptionsTests {
  private func parse(_ arguments: String...) throws -> ReplayCommand {
    try ReplayCommand.parse(arguments)
  }

  @Test func defaultsAreThoseOfTheHelp() throws {
    let command = try parse("run.cap")
    #expect(command.files == ["run.cap"])
    // As recorded, or as fast as possible while catching up with a recording that goes on.
    #expect(command.playing.speed == nil)
    #expect(command.part.from == nil)
    #expect(command.playing.loop == nil)
    #expect(command.showing.format == .simple)
    #expect(!command.showing.stats)
  }

  @Test func everyFlagIsUnderstood() throws {
    let command = try parse(
      "-", "--speed", "0.25x", "--format", "detailed", "--from", "+90s", "--to", "75%",
      "--connection", "2", "--type", "alert", "--filter", "a==1", "--loop", "3", "--max-gap",
      "250ms", "--no-color",
      "--progress",
      "--stats", "--json")
    #expect(command.files == ["-"])
    #expect(command.playing.speed == .times(0.25))
    #expect(command.part.from == .offset(90_000_000_000))
    #expect(command.part.to == .share(0.75))
    #expect(command.part.connection == 2)
    #expect(command.part.expression?.description == #"$type == "alert" and a == 1"#)
    #expect(command.playing.loop == .times(3))
    #expect(command.playing.maxGap?.nanoseconds == 250_000_000)
    #expect(command.showing.format == .detailed)
    #expect(command.showing.noColor && command.showing.progress)
    #expect(command.showing.stats && command.showing.json)
  }

  @Test func shortAndOtherNames() throws {
    let command = try parse("run.cap", "--seek", "2026-11-21T12:00:00Z", "-i", "2")
    #expect(command.part.from == .wall(1_795_262_400_000_000_000))
    #expect(command.playing.maxGap?.nanoseconds == 2_000_000_000)
    #expect(try parse("--speed", "max", "run.cap").playing.speed == .max)
    #expect(try parse("--speed", "step", "run.cap").playing.speed == .step)
  }

  @Test func loopTakesANumberOrNone() throws {
    #expect(try parse("run.cap", "--loop").playing.loop == .forever)
    #expect(try parse("run.cap", "--loop", "--stats").playing.loop == .forever)
    #expect(try parse("run.cap", "--loop=2").playing.loop == .times(2))
    #expect(try parse("--loop", "2", "run.cap").playing.loop == .times(2))
    #expect(try parse("--loop=forever", "run.cap").playing.loop == .forever)
  }

  @Test(arguments: [
    [], ["run.cap", "--speed", "fast"], ["run.cap", "--speed", "0"],
    ["run.cap", "--format", "xml"], ["run.cap", "--from", "soon"], ["run.cap", "--loop", "0"],
    ["run.cap", "--connection", "0"], ["run.cap", "--filter", "a ="],
    ["run.cap", "--max-gap", "-1"], ["run.cap", "--json"],
    ["run.cap", "--serve", "8080"],
  ])
  func whatMeansNothingIsRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { try ReplayCommand.parse(arguments) }
  }
}
