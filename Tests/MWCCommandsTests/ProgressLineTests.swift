import Testing

@testable import MWCCommands

/// What the live line of long work says.
@Suite struct ProgressLineTests {
  @Test func saysHowFarHowFastAndHowLong() {
    let text = ProgressLine.text(done: 250 << 20, total: 1000 << 20, elapsed: 5_000_000_000)
    #expect(text == "25%  250.0 MiB of 1000.0 MiB  50.0 MiB/s  15 s left")
  }

  @Test func knowsNoEndOfAPipe() {
    #expect(
      ProgressLine.text(done: 3 << 20, total: nil, elapsed: 2_000_000_000) == "3.0 MiB  1.5 MiB/s")
  }

  @Test func promisesNothingBeforeItKnows() {
    #expect(ProgressLine.text(done: 0, total: 10, elapsed: 0) == "0%  0 B of 10 B  0 B/s")
    #expect(!ProgressLine.text(done: 5, total: 10, elapsed: 900_000_000).contains("left"))
  }

  @Test func saysHundredOnlyAtTheEnd() {
    #expect(ProgressLine.text(done: 9_999, total: 10_000, elapsed: 1).hasPrefix("99%"))
    #expect(ProgressLine.text(done: 10_000, total: 10_000, elapsed: 1).hasPrefix("100%"))
    // A file may grow while it is read.
    #expect(ProgressLine.text(done: 20_000, total: 10_000, elapsed: 1).hasPrefix("100%"))
  }

  @Test func remainingTimeIsReadable() {
    let text = ProgressLine.text(done: 1 << 20, total: 126 << 20, elapsed: 1_000_000_000)
    #expect(text.hasSuffix("2 min 05 s left"))
  }

  @Test func keepsWhatItIsTold() {
    let line = ProgressLine(total: nil)
    line.done = 17
    #expect(line.done == 17)
    line.end()
    line.end()
  }
}
