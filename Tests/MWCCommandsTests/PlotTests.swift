import Foundation
import MWCTestSupport
import Testing

@testable import MWCCommands

/// Binning, axes and drawing, without a capture.
@Suite struct PlotSeriesTests {
  private func series(_ points: [(time: Int64, value: Double)]) -> PlotSeries {
    var series = PlotSeries(path: "x", connection: 1)
    for point in points { series.add(point.value, at: point.time) }
    return series
  }

  @Test func keepsExactTotalsHoweverWideTheBins() {
    var generator = TestSupport.generator(for: "PlotSeriesTests.keepsExactTotals")
    var time: Int64 = 0
    var points: [(time: Int64, value: Double)] = []
    for _ in 0..<20_000 {
      // From microseconds to hours apart, so that bins widen many times.
      time += Int64(1) << Int64.random(in: 10...42, using: &generator)
      points.append((time, Double(Int.random(in: -1000...1000, using: &generator))))
    }
    let series = series(points)
    let values = points.map(\.value)
    #expect(series.total?.count == points.count)
    #expect(series.total?.least == values.min())
    #expect(series.total?.greatest == values.max())
    #expect(series.total?.sum == values.reduce(0, +))
    #expect(series.total?.first.value == values.first)
    #expect(series.total?.last == PlotSeries.Point(time: time, value: values.last ?? 0))
    let drawn = series.lines(resolution: 100).joined()
    #expect(drawn.map(\.value).min() == values.min())
    #expect(drawn.map(\.value).max() == values.max())
    #expect(drawn.count <= 4 * 2 * 101)
    #expect(drawn.map(\.time) == drawn.map(\.time).sorted())
  }

  @Test func aLineEndsWhereNothingCame() {
    let regular = (0..<50).map { (time: Int64($0) * 1_000_000_000, value: 1.0) }
    #expect(series(regular).lines(resolution: 200).count == 1)
    let silent = regular + regular.map { ($0.time + 100_000_000_000, 2.0) }
    let lines = series(silent).lines(resolution: 200)
    #expect(lines.map { $0.first?.value } == [1, 2])
  }

  @Test func aLineEndsAtAGap() {
    var series = series([(0, 1), (1_000_000_000, 2)])
    series.breakLine()
    series.add(3, at: 2_000_000_000)
    series.add(4, at: 3_000_000_000)
    #expect(series.lines(resolution: 200).map { $0.map(\.value) } == [[1, 2], [3, 4]])
  }

  @Test func aClockThatGoesBackStandsStill() {
    let drawn = series([(5_000_000_000, 1), (1, 2), (6_000_000_000, 3)]).lines(resolution: 10)
    #expect(drawn.joined().map(\.time).min() == 5_000_000_000)
  }

  @Test(arguments: [
    (0.0, 100.0, 4, ["0", "50", "100"]), (4.3, 24.6, 4, ["0", "10", "20", "30"]),
    (0.0, 0.03, 3, ["0", "0.01", "0.02", "0.03"]),
    (7.0, 7.0, 3, ["6.0", "6.5", "7.0", "7.5", "8.0"]),
    (1_099_042_816, 6_208_458_752, 5, ["0", "2G", "4G", "6G", "8G"]),
    (-15_000, 15_000, 3, ["-20k", "-10k", "0", "10k", "20k"]),
    (0.0, 0.0, 2, ["-1", "0", "1"]),
  ])
  func valuesHaveRoundLabels(low: Double, high: Double, count: Int, labels: [String]) {
    let axis = PlotAxis(values: low...high, count: count)
    #expect(axis.ticks.map { axis.label(value: $0) } == labels)
    #expect(axis.range.lowerBound <= low && axis.range.upperBound >= high)
  }

  @Test(arguments: [
    (1.0, 1.0.nextUp), (1e300, -1e300), (2.5e-308, 2.6e-308), (0, 2.3e-308), (-1e300, -9.9e299),
    (123_456_789.000_000_1, 123_456_789.000_000_2),
  ])
  func everyRangeHasAnAxis(low: Double, high: Double) {
    let axis = PlotAxis(values: min(low, high)...max(low, high), count: 4)
    #expect(axis.ticks.count <= 12)
    for value in [low, high] { #expect((-0.01...1.01).contains(axis.position(value))) }
    for tick in axis.ticks { #expect(!axis.label(value: tick).isEmpty) }
  }

  @Test(arguments: [
    (0.0, "+0s"), (0.25, "+0.25s"), (45, "+45s"), (60, "+1m"), (90, "+1m30s"), (3600, "+1h"),
    (3900, "+1h05m"), (86_400, "+1d"), (90_000, "+1d01h"),
  ])
  func timesAreLabelled(seconds: Double, text: String) {
    #expect(PlotAxis.label(time: seconds * 1e9) == text)
  }

  @Test(arguments: [
    (0.0, "0"), (-12, "-12"), (45.2, "45.2"), (1_099_042_816, "1099042816"),
    (3_817_088_901.013, "3817090000"), (0.1 + 0.2, "0.3"), (3e-7, "3e-07"), (1e20, "1e+20"),
  ])
  func numbersArePlain(value: Double, text: String) { #expect(PlotAxis.plain(value) == text) }

  @Test func aRampIsARamp() {
    let ramp = series((0...100).map { (Int64($0) * 1_000_000_000, Double($0)) })
    let lines = TerminalPlot(width: 31, height: 6, usesColor: false)
      .lines([(ramp, 0)], 0...100_000_000_000)
    #expect(
      lines == [
        "100 ┤                     ⣀⡤⠖⠋", "    │                ⢀⣠⠤⠒⠉",
        "    │            ⢀⡠⠔⠚⠉", " 50 ┤        ⣀⡤⠔⠊⠉", "    │    ⣀⠤⠒⠋⠁", "  0 ┤⣠⠴⠚⠉",
        "    └┬─────────────┬──────────", "     +0s           +1m",
      ])
  }

  @Test func coloursTellLinesApart() {
    let lines = TerminalPlot(width: 40, height: 4, usesColor: true)
      .lines(
        [
          (series([(0, 1), (1_000_000_000, 1)]), 0), (series([(0, 5), (1_000_000_000, 5)]), 1),
        ], 0...1_000_000_000)
    #expect(lines.contains { $0.contains("\u{1B}[36m") && !$0.contains("\u{1B}[33m") })
    #expect(lines.contains { $0.contains("\u{1B}[33m") })
    #expect(lines.filter { $0.contains("\u{1B}[3") }.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
  }

  @Test func anSVGIsXML() throws {
    let picture = SVGPlot().document(
      title: "a <b> & \u{1B}c",
      panels: [[(series([(0, 1), (5, 2)]), 0)], [(series([(1, 1)]), 1)]],
      0...5)
    let parser = XMLReader(picture)
    #expect(parser.isWellFormed)
    #expect(parser.lines == 2)
    #expect(!picture.contains("\u{1B}"))
  }
}

/// `mwc plot` as a program.
@Suite struct PlotCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func mwc(_ arguments: String..., input: Data = Data()) async throws
    -> ChildProcess.Result
  {
    try await ChildProcess.run(
      ChildProcess.product("mwc"), arguments,
      environment: ["NO_COLOR": "1", "COLUMNS": "60", "CLICOLOR_FORCE": nil], input: input)
  }

  private func write() throws -> String {
    var records: [MadeCapture.Record] = (0..<60).map {
      .init(at: Int64($0) * 1_000, #"{"a":{"b":\#($0)},"on":\#($0 % 2 == 0),"s":"x"}"#)
    }
    records.append(.init(at: 60_000, #"{"a":{"b":null}}"#))
    records.append(.init(at: 60_500, "not JSON"))
    records.append(.init(at: 61_000, #"{"a":{"b":1000.5}}"#, connection: 2))
    try MadeCapture.write(folder.file("run.cap"), records, uris: ["ws://a/", "ws://b/"])
    return folder.file("run.cap")
  }

  @Test func theSummaryForPrograms() async throws {
    let file = try write()
    let result = try await mwc("plot", file, "a.b", "on", "--summary", "--json")
    #expect(result.status == .exited(0))
    let object = try #require(
      try JSONSerialization.jsonObject(with: result.output) as? [String: Any])
    #expect(object["messages"] as? Int == 63)
    #expect(object["not_numbers"] as? [String: Int] == ["a.b": 1, "on": 0])
    let series = try #require(object["series"] as? [[String: Any]])
    #expect(series.map { $0["path"] as? String } == ["a.b", "a.b", "on"])
    #expect(series.map { $0["connection"] as? Int } == [1, 2, 1])
    #expect(series.map { $0["count"] as? Int } == [60, 1, 60])
    #expect(series.map { $0["min"] as? Double } == [0, 1000.5, 0])
    #expect(series.map { $0["mean"] as? Double } == [29.5, 1000.5, 0.5])
    #expect(series.map { $0["max"] as? Double } == [59, 1000.5, 1])
    #expect(series.map { $0["last"] as? Double } == [59, 1000.5, 0])
    #expect(
      series.map { $0["last_time_ns"] as? Int64 }
        == [59, 61, 59].map { MadeCapture.startWallTime + $0 * 1_000_000_000 })
  }

  @Test func theSummaryForPeople() async throws {
    let result = try await mwc("plot", try write(), "a.b", "--summary", "--connection", "1")
    #expect(
      result.outputText == """
        path  values  min  mean  max  last
        a.b       60    0  29.5   59    59

        """)
  }

  @Test func aDrawingForEachLineWithoutColours() async throws {
    let result = try await mwc("plot", try write(), "a.b", "on", "--height", "5")
    #expect(result.status == .exited(0))
    #expect(result.errors == "")
    let legends = result.lines.filter { $0.hasPrefix("━━ ") }
    #expect(
      legends == [
        "━━ a.b #1  60 values  min 0  mean 29.5  max 59  last 59",
        "━━ a.b #2  1 value  min 1000.5  mean 1000.5  max 1000.5  last 1000.5",
        "━━ on #1  60 values  min 0  mean 0.5  max 1  last 0",
      ])
    #expect(result.lines.count == 3 * 8)
    #expect(result.lines.allSatisfy { $0.count <= 60 || $0.hasPrefix("━━") })
  }

  @Test func aPictureInAFile() async throws {
    let file = try write()
    let output = folder.file("a.svg")
    let result = try await mwc("plot", file, "a.b", "on", "-o", output)
    #expect(result.status == .exited(0))
    #expect(result.outputText == "")
    let parser = XMLReader(try String(contentsOfFile: output, encoding: .utf8))
    #expect(parser.isWellFormed)
    #expect(parser.lines == 3)
    #expect(try await mwc("plot", file, "a.b", "-o", output).status == .exited(73))
  }

  @Test func whatIsNotThereIsTold() async throws {
    let file = try write()
    let result = try await mwc("plot", file, "a.b", "nope", "s")
    #expect(result.status == .exited(1))
    #expect(result.outputText.contains("━━ a.b"))
    #expect(
      result.errorLines == [
        "mwc: \(file): nope: no such value in 63 messages",
        "mwc: \(file): s: 60 values, none of them a number",
      ])
  }

  @Test func onlyAPartAndAPipe() async throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: try write()))
    let result = try await mwc(
      "plot", "-", "a.b", "--summary", "--from", "+10s", "--to", "+20s", input: bytes)
    #expect(result.status == .exited(0))
    #expect(result.lines.last?.split(separator: " ") == ["a.b", "10", "10", "14.5", "19", "19"])
  }

  @Test(
    arguments: [
      (["plot", "a.cap", "x", "--json"], "--json spells --summary"),
      (["plot", "a.cap", "x", "--summary", "-o", "x.svg"], "leave out -o"),
      (["plot", "a.cap", "x", "--width", "5"], "--width"),
      (["plot", "a.cap", "x", "--height", "0"], "--height"),
      (["plot", "a.cap", "x["], "x[: "),
      (["plot", "a.cap", "x", "x"], "the same value"),
      (["plot", "a.cap"], "path"),
    ])
  func wrongUse(arguments: [String], words: String) async throws {
    let result = try await ChildProcess.run(ChildProcess.product("mwc"), arguments)
    #expect(result.status == .exited(64))
    #expect(result.errors.contains(words), "\(result.errors)")
  }
}

/// Whether a text is XML, and how many plotted lines are in it, without a library for it: every tag is
/// closed in order, and `&` and `<` stand nowhere else.
private struct XMLReader {
  private(set) var isWellFormed = true
  private(set) var lines = 0

  init(_ text: String) {
    var open: [Substring] = []
    for match in text.matches(of: /<(\/?)([a-z]+)([^<>]*?)(\/?)>/) {
      if match.output.3.contains("class=\"line\"") { lines += 1 }
      if !match.output.1.isEmpty {
        if open.popLast() != match.output.2 { isWellFormed = false }
      } else if match.output.4.isEmpty {
        open.append(match.output.2)
      }
    }
    let rest = text.replacing(/<\/?[a-z]+[^<>]*>/, with: "").replacing(/&(?:amp|lt|gt);/, with: "")
    isWellFormed = isWellFormed && open.isEmpty && !rest.contains { "<&".contains($0) }
  }
}
