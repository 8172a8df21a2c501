import Foundation
import MWCTestSupport
import Testing

/// Where we print something else than the original client, on purpose. `docs/COMPATIBILITY.md` has the
/// reasons; here stands what we print instead, so that any other difference fails.
enum Deviations {
  /// What we print for a case that is listed, without colour; nil if the original's text must come out.
  /// Taking the colours from text that is compared without them loses nothing: the cases without a
  /// deviation show where colours go.
  static func plainText(for golden: GoldenCase, pinned: [String: String]) -> String? {
    if let text = pinned["\(golden.kind)/\(golden.name)/\(golden.format.rawValue)"] { return text }
    guard let expected = golden.expected else { return nil }
    let text = withoutColors(expected)
    switch (golden.kind, golden.format) {
    case (.stats, .json), (.stats, .line): return nil
    case (.stats, _): return english(text, duration: durations[golden.name])
    case (.data, .detailed):
      if let sizes = gpuSizes[golden.name] {
        return text.replacing("(\(sizes.original))", with: "(\(sizes.ours))")
      }
      return golden.name == "unicode" ? text.replacing("\u{1}", with: "\\x01") : nil
    case (.connection, .json), (.connection, .line), (.error, .json), (.error, .line): return nil
    case (.connection, _), (.error, _):
      // The input's own sequences; those of the format are outside of them.
      return golden.name == "escape"
        ? withoutColors(
          expected.replacing("\u{1B}[31mansi\u{1B}[0m", with: "\\x1b[31mansi\\x1b[0m"))
        : nil
    default: return nil
    }
  }

  static func withoutColors(_ text: String) -> String {
    text.replacing(/\x{1B}\[[0-9]+m/, with: "")
  }

  // MARK: Statistics

  static func english(_ text: String, duration: (original: String, ours: String)?) -> String {
    var text =
      text
      .replacing("=== Statistiques du Client ===", with: "=== Client Statistics ===")
      .replacing("reçus", with: "received").replacing("envoyés", with: "sent")
      .replacing("Données: ", with: "Data: ")
      .replacing("Durée de fonctionnement: ", with: "Uptime: ")
      .replacing("Reconnexions: ", with: "Reconnects: ").replacing("Erreurs: ", with: "Errors: ")
    if let duration {
      text = text.replacing("Uptime: \(duration.original)\n", with: "Uptime: \(duration.ours)\n")
    }
    return text
  }

  /// The original rounds the larger unit.
  static let durations: [String: (original: String, ours: String)] = [
    "uptime-59-5": ("60s", "1m 0s"),
    "uptime-59-999": ("60s", "1m 0s"),
    "uptime-90": ("2m 30s", "1m 30s"),
    "uptime-91": ("2m 31s", "1m 31s"),
    "uptime-119-6": ("2m 60s", "2m 0s"),
    "uptime-3599": ("60m 59s", "59m 59s"),
    "uptime-3599-9": ("60m 60s", "1h 0m"),
    "uptime-5399": ("1h 30m", "1h 29m"),
    "uptime-5400": ("2h 30m", "1h 30m"),
    "uptime-5401": ("2h 30m", "1h 30m"),
    "uptime-9001": ("3h 30m", "2h 30m"),
    "uptime-86399": ("24h 60m", "23h 59m"),
  ]

  // MARK: GPU sizes

  /// The original multiplies bytes by 2^20 once more.
  static let gpuSizes: [String: (original: String, ours: String)] = {
    let usual = ("5120.0 TB / 10240.0 TB", "5.0 GB / 10.0 GB")
    var sizes: [String: (original: String, ours: String)] = [
      "gpu-gputil-floats": ("1082.0 TB / 8192.0 TB", "1.1 GB / 8.0 GB"),
      "gpu-no-memory_total": ("5120.0 TB / 0.0 B", "5.0 GB / 0.0 B"),
      "gpu-no-memory_used": ("0.0 B / 10240.0 TB", "0.0 B / 10.0 GB"),
    ]
    let names = [
      "gpu", "gpu-no-temperature", "gpu-temperature-zero", "gpu-temperature-half", "gpu-hot",
      "gpu-power", "gpu-no-name", "gpu-null-name", "gpu-no-memory_percentage",
      "gpu-no-gpu_usage_percent", "alerts-and-gpu",
    ]
    let percentages = [
      "0", "0-04", "0-05", "0-5", "1-5", "2-5", "4-9", "5", "9-95", "44-5", "45-5", "50", "79-9",
      "79-95", "79-99", "80", "80-0-int", "89-9", "89-95", "89-999", "90", "90-int", "94-99", "95",
      "99-94", "99-95", "99-99", "100", "100-int", "104-9", "105", "1234-5", "neg-0-04", "neg-1",
      "neg-12-5",
    ]
    for name in names + percentages.map({ "percent-" + $0 }) { sizes[name] = usual }
    return sizes
  }()

  // MARK: Pinned texts

  /// Whole texts by `kind/case/format`, for messages that the original shows as zeros or not at all.
  static func pinned() throws -> [String: String] {
    struct Line: Decodable {
      var id: String
      var text: String
    }
    let file = TestSupport.packageRoot + "/Tests/Golden/formatter-deviations.jsonl"
    let lines = try Data(contentsOf: URL(fileURLWithPath: file))
      .split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(Line.self, from: Data($0)) }
    return Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0.text) })
  }
}
