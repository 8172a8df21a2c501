import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

/// The texts of the original client, byte for byte, but for what `docs/COMPATIBILITY.md` lists.
@Suite(.enabled(if: TestSupport.sharedFolder != nil, "../shared is not beside the package"))
struct GoldenTests {
  @Test func everyCaseIsAsTheOriginalOrAsListed() throws {
    let pinned = try Deviations.pinned()
    var unused = Set(pinned.keys)
    var same = 0
    var listed = 0
    for golden in try GoldenCase.all() {
      let actual = try golden.actual()
      if let ours = Deviations.plainText(for: golden, pinned: pinned) {
        unused.remove("\(golden.kind)/\(golden.name)/\(golden.format.rawValue)")
        listed += 1
        let plain = golden.color == true ? Deviations.withoutColors(actual) : actual
        #expect(plain == ours, "\(golden.id) is listed with another text")
        #expect(actual != golden.expected, "\(golden.id) is listed, but as the original")
      } else {
        same += 1
        #expect(actual == golden.expected, "\(golden.id)")
      }
    }
    #expect(same == 1446 && listed == 684)
    #expect(unused.isEmpty, "pinned texts without a case")
  }

  @Test func everyDeviationIsExplained() throws {
    let document = try String(
      contentsOfFile: TestSupport.packageRoot + "/docs/COMPATIBILITY.md", encoding: .utf8)
    let pinned = try Deviations.pinned()
    for golden in try GoldenCase.all()
    where golden.kind != .stats && Deviations.plainText(for: golden, pinned: pinned) != nil {
      // The percentages are named as a family.
      let name = golden.name.hasPrefix("percent-") ? "percent-*" : golden.name
      #expect(document.contains("`\(name)`"), "\(golden.name)")
    }
    for name in Deviations.durations.keys {
      #expect(document.contains("`\(name)`"))
    }
  }

  /// The headline cases stand in files of their own; they must say what the bulk file says.
  @Test func headlineCases() throws {
    struct Manifest: Decodable {
      struct Case: Decodable {
        var kind: GoldenCase.Kind
        var `case`: String
        var format: GoldenCase.Format
        var color: Bool?
        var input: String
        var expected: String?
      }
      var cases: [Case]
    }
    let folder = "golden/formatters/"
    func text(_ path: String) throws -> String {
      try String(contentsOfFile: TestSupport.sharedFile(folder + path), encoding: .utf8)
    }
    let manifest = try JSONDecoder().decode(
      Manifest.self, from: Data(text("manifest.json").utf8))
    let pinned = try Deviations.pinned()
    for item in manifest.cases {
      let golden = GoldenCase(
        kind: item.kind, name: item.case, format: item.format, color: item.color,
        input: try text(item.input), expected: try item.expected.map(text))
      let actual = try golden.actual()
      if let ours = Deviations.plainText(for: golden, pinned: pinned) {
        #expect(Deviations.withoutColors(actual) == ours, "\(golden.id)")
      } else {
        #expect(actual == golden.expected, "\(golden.id)")
      }
    }
    #expect(manifest.cases.count == 364)
  }

  /// The documented samples differ in spelling from what was shipped; the values must be the same.
  @Test func documentedSampleShowsItsValues() throws {
    let folder = "golden/formatters/documented/"
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: TestSupport.sharedFile(folder + name), encoding: .utf8)
    }
    func ours(_ format: OutputFormat) throws -> String {
      var formatter = format.makeFormatter(color: false, secondsFromUTC: 0)
      var output = OutputBuffer()
      #expect(formatter.format(text: try text("input.json"), into: &output) == .printed)
      return output.text
    }
    #expect(try ours(.json) == text("json.txt") + "\n")
    #expect(try ours(.simple).replacing(":  ", with: ": ") == text("simple.txt") + "\n")
    #expect(
      try ours(.compact) == "[14:30:25] │ CPU: 45% │ RAM: 63%(8.2/13G) │ DSK: 28% │ GPU: 15%/ 45%\n"
    )
    let page = try ours(.detailed)
    for line in [
      "  Usage:  45.2% [█████████", "  Usage:  62.8% [████████████", "  Used: 8.2 GB / 13.1 GB",
      "  Usage:  28.5% [█████", "  Used: 142.5 GB / 500.0 GB", "  Usage:  15.0% [███",
      "  Memory:  45.0%", "  Temperature: 52°C",
    ] {
      #expect(page.contains(line))
    }
  }

  /// A whole session of the original command: what it printed for what a server sent.
  @Test(arguments: ["simple", "compact", "detailed", "json"], [false, true])
  func session(format name: String, color: Bool) throws {
    struct Line: Decodable { var text: String }
    let feed = try Data(
      contentsOf: URL(fileURLWithPath: TestSupport.sharedFile("golden/cli/feed.jsonl")))
    let file = "golden/cli/expected/\(name).\(color ? "color" : "nocolor").stdout.txt"
    var expected = try String(contentsOfFile: TestSupport.sharedFile(file), encoding: .utf8)

    let format = try #require(OutputFormat(rawValue: name))
    var formatter = format.makeFormatter(color: color)
    var output = OutputBuffer()
    formatter.formatConnection("Connecting to URI...", at: GoldenCase.wallTime, into: &output)
    var bad = 0
    for line in feed.split(separator: UInt8(ascii: "\n")) {
      let text = try JSONDecoder().decode(Line.self, from: Data(line)).text
      if formatter.format(text: text, into: &output) == .bad { bad += 1 }
    }
    #expect(bad == 1)

    var statistics = SessionStatistics()
    statistics.messagesReceived = 12
    statistics.bytesReceived = 4034
    statistics.uptimeSeconds = 1.25
    statistics.errorCount = 1
    statistics.recentErrors = [
      .init(
        timestamp: "TIMESTAMP", error: "Expecting value: line 1 column 1 (char 0)",
        type: "JSONDecodeError")
    ]
    statistics.uri = "URI"
    formatter.formatStatistics(statistics, into: &output)

    let actual = output.text.replacing(
      /\[[0-9]{2}:[0-9]{2}:[0-9]{2}\] CONNECTION/, with: "[HH:MM:SS] CONNECTION")
    expected = Deviations.english(expected.replacing("UPTIME", with: "1.25"), duration: nil)
    if format == .detailed {
      expected.replace("(5120.0 TB / 10240.0 TB)", with: "(5.0 GB / 10.0 GB)")
    }
    #expect(actual == expected)
  }
}
