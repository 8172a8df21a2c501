import CMWCFuzz
import Foundation
import MWCTestSupport
import Testing

/// The fuzz targets of `Tests/Fuzz`, without libFuzzer: on their seeds, on inputs that once failed,
/// and on some that chance makes up.
@Suite struct JSONFuzzTests {
  private enum Target: String, CaseIterable, CustomTestStringConvertible {
    case json, paths, stream, neighbours, drift, edges, numbers, text, columns

    var testDescription: String { rawValue }

    private func run(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
      switch self {
      case .json: unsafe mwc_fuzz_json(data, size)
      case .paths: unsafe mwc_fuzz_paths(data, size)
      case .stream: unsafe mwc_fuzz_stream(data, size)
      case .neighbours: unsafe mwc_fuzz_neighbours(data, size)
      case .drift: unsafe mwc_fuzz_drift(data, size)
      case .edges: unsafe mwc_fuzz_edges(data, size)
      case .numbers: unsafe mwc_fuzz_numbers(data, size)
      case .text: unsafe mwc_fuzz_text(data, size)
      case .columns: unsafe mwc_fuzz_columns(data, size)
      }
    }

    /// Runs the target; a failed check becomes an issue that shows the input.
    func callAsFunction(_ input: [UInt8], _ origin: String) {
      let story: String? = SIMDLevels.taken {
        let line = unsafe input.withUnsafeBufferPointer { unsafe run($0.baseAddress, $0.count) }
        return line == 0 ? nil : unsafe String(cString: mwc_fuzz_story())
      }
      guard let story else { return }
      Issue.record("\(rawValue), \(origin): \(story)\n\(Data(input).base64EncodedString())")
    }
  }

  /// Files of a folder of `Tests/Fuzz` that belong to a target.
  private static func inputs(_ folder: String, of target: String) throws -> [(String, [UInt8])] {
    let path = TestSupport.packageRoot + "/Tests/Fuzz/" + folder
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      .filter { $0.hasPrefix(target + "-") }
      .map { name in (name, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))))
      }
  }

  @Test(arguments: Target.allCases)
  private func seedsAndKnownFailures(_ target: Target) throws {
    let seeds = try Self.inputs("Seeds", of: target.rawValue)
    #expect(!seeds.isEmpty)
    for (name, input) in try seeds + Self.inputs("FailCases", of: target.rawValue) {
      target(input, name)
    }
  }

  /// The table of documents, each as a seed.
  @Test(arguments: [Target.json, .stream, .text, .neighbours])
  private func documentsOfTheTable(_ target: Target) throws {
    for row in try JSONTable.read() where row.document.count < 80 {
      // Options, and for a stream the command that takes the rest as a message.
      let head: [UInt8] = target == .stream ? [0, 0] : target == .text ? [] : [0]
      let again: [UInt8] = target == .stream ? [0x1E, 6, 6, 6] : []
      target(head + row.document + again, row.testDescription)
    }
  }

  @Test(arguments: Target.allCases)
  private func chance(_ target: Target) {
    var random = TestSupport.generator(for: "JSONFuzzTests.chance(\(target.rawValue))")
    let rounds: [Target: Int] = [.drift: 8, .neighbours: 2, .stream: 40, .edges: 5, .columns: 40]
    for round in 0..<(rounds[target] ?? 200) {
      let count = Int.random(in: 8..<300, using: &random)
      var input = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      if target == .neighbours {
        input = Array(#"*{"t":"x","n":[1.5,-2e3,0],"s":"é\n","o":{"a":null},"b":true}"#.utf8)
        input[0] = UInt8.random(in: 0...255, using: &random)
      }
      target(input, "round \(round)")
    }
  }

  /// Documents of every length, whole and cut, at every alignment before and behind a guard page.
  @Test func everyLengthAtEveryAlignment() {
    for length in 0...300 {
      let inner = max(0, length - 2)
      let wide = String(repeating: "é€𝄞a", count: 1 + length / 10)
      let documents = [
        Array(("\"" + String(repeating: "a", count: inner) + "\"").utf8),
        Array(String(repeating: "7", count: length).utf8),
        Array(("[" + String(repeating: "1,", count: inner / 2) + "1]").utf8),
        Array((#"{"a":{"b":"\#(wide)","c":[-1.5e3,null]},"\u0061":true}"#).utf8.prefix(length)),
        Array(("\"" + wide + wide).utf8.prefix(length)),
      ]
      // Each length has some of them, so that all of it is quick.
      for (index, document) in documents.enumerated() where index < 2 || index % 3 == length % 3 {
        Target.edges([UInt8(length & 0x7E)] + document, "document \(index) of \(length) bytes")
      }
    }
  }

  /// A failed check is seen, and says where it is.
  @Test func theAlarmWorks() {
    let input = Array("canary, and more".utf8)
    #expect(unsafe mwc_fuzz_canary(input, input.count) != 0)
    #expect(unsafe String(cString: mwc_fuzz_story()).hasPrefix("fuzz_canary.c:"))
    #expect(unsafe mwc_fuzz_canary(input, 5) == 0)
  }
}
