import Foundation
import MWCCore
import MWCTestSupport
import Testing

/// A line of `json-table.txt`.
struct JSONCase: CustomTestStringConvertible {
  var line: Int
  var name: String
  var isLenient: Bool
  var document: [UInt8]
  /// nil: to be accepted.
  var error: JSONError?

  var testDescription: String { "line \(line), \(name)" }
}

enum JSONTable {
  static let path = TestSupport.packageRoot + "/Tests/MWCCoreTests/JSON/json-table.txt"

  static func read() throws -> [JSONCase] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var cases: [JSONCase] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where !line.isEmpty && !line.hasPrefix("#") {
      let columns = line.split(separator: " ", maxSplits: 4)
      try #require(columns.count == 5, "line \(index + 1)")
      let document = try bytes(Substring(columns[4].drop { $0 == " " }))
      let isRefused = columns[1] != "-"
      let isValid = columns[0].hasPrefix("y")
      try #require(columns[0].hasPrefix("i") || isValid != isRefused, "line \(index + 1)")
      var error: JSONError?
      if isRefused {
        let code = try #require(codes[String(columns[1])], "line \(index + 1)")
        error = JSONError(code, at: try #require(Int(columns[2])))
      }
      cases.append(
        JSONCase(
          line: index + 1, name: String(columns[3]), isLenient: columns[0].hasSuffix("+"),
          document: document, error: error))
    }
    return cases
  }

  private static let codes: [String: JSONError.Code] = [
    "end": .end, "syntax": .syntax, "number": .number, "control": .control, "escape": .escape,
    "utf8": .utf8, "depth": .depth, "trailing": .trailing, "bom": .byteOrderMark,
  ]

  /// Resolves `%41` and `%{3*ab}%`.
  private static func bytes(_ text: Substring) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text
    while let character = rest.first {
      guard character == "%" else {
        bytes += Array(String(character).utf8)
        rest = rest.dropFirst()
        continue
      }
      if rest.hasPrefix("%{") {
        let star = try #require(rest.firstIndex(of: "*"))
        let end = try #require(rest.range(of: "}%"))
        let count = try #require(Int(rest[rest.index(rest.startIndex, offsetBy: 2)..<star]))
        let part = try Self.bytes(rest[rest.index(after: star)..<end.lowerBound])
        bytes += repeatElement(part, count: count).joined()
        rest = rest[end.upperBound...]
      } else {
        bytes.append(try #require(UInt8(rest.dropFirst().prefix(2), radix: 16)))
        rest = rest.dropFirst(3)
      }
    }
    return bytes
  }
}
