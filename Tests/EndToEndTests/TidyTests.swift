import Foundation
import MWCTestSupport
import Testing

/// House rules that a machine can check.
struct TidyTests {
  private struct SourceFile {
    var path: String
    var lines: [String]
  }

  /// Swift and C files below some folders of the package.
  private func files(in folders: [String]) throws -> [SourceFile] {
    try folders.flatMap { folder in
      let root = TestSupport.packageRoot + "/" + folder
      return try FileManager.default.subpathsOfDirectory(atPath: root)
        .filter { [".swift", ".c", ".h", ".py"].contains(where: $0.hasSuffix) }
        .map { path in
          let text = try String(contentsOfFile: root + "/" + path, encoding: .utf8)
          let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
          return SourceFile(path: folder + "/" + path, lines: lines.map(String.init))
        }
    }
  }

  private func expectNone(
    of pattern: Regex<Substring>, in files: [SourceFile], because reason: Comment
  ) {
    for file in files {
      for (index, line) in file.lines.enumerated() where line.contains(pattern) {
        Issue.record("\(file.path):\(index + 1): \(reason)")
      }
    }
  }

  @Test func programsSpeakThroughTheConsole() throws {
    expectNone(
      of: /^\s*(?:debugPrint|print|dump|NSLog)\(/, in: try files(in: ["Sources"]),
      because: "what is said goes through Console, data through OutputBuffer")
  }

  @Test func nothingIsLeftForLater() throws {
    // Spelled so that this file does not find itself.
    let words = try Regex<Substring>("\\b(?:TO" + "DO|FIX" + "ME|XX" + "X)\\b")
    expectNone(
      of: words, in: try files(in: ["Sources", "Tests"]), because: "finish it, or file it elsewhere"
    )
  }

  @Test func noMachineIsNamed() throws {
    let folders = try Regex<Substring>("/(?:ho" + "me|ro" + "ot|wo" + "rk|Us" + "ers)/[a-z]")
    expectNone(
      of: folders, in: try files(in: ["Sources", "Tests"]), because: "a path of one machine")
  }

  @Test func forceIsNotUsed() throws {
    expectNone(
      of: /\btry!|\bas! |fatalError\(/, in: try files(in: ["Sources"]),
      because: "say what failed, or prove by the types that it cannot")
  }

  @Test func filesAreOneIdeaLong() throws {
    for file in try files(in: ["Sources", "Tests"]) {
      #expect(file.lines.count <= 701, "\(file.path) has \(file.lines.count - 1) lines")
    }
  }

  /// Every module has a folder of tests that imports it, or C kernels that some test imports.
  @Test func everyModuleHasTests() throws {
    let modules = try FileManager.default.contentsOfDirectory(
      atPath: TestSupport.packageRoot + "/Sources")
    let tests = try files(in: ["Tests"]).flatMap(\.lines)
    // System libraries have nothing to test; the executables run in this folder's tests.
    let others = Set(["CLibwebsockets", "CSQLite", "CZlib", "mwc", "mwc-capture", "mwc-replay"])
    for module in modules where !others.contains(module) {
      let isImported = tests.contains { $0.hasSuffix("import \(module)") }
      #expect(isImported, "no test imports \(module)")
    }
  }

  @Test func commandsOfTheReadmeExist() throws {
    let root = TestSupport.packageRoot
    let makefile = try String(contentsOfFile: root + "/Makefile", encoding: .utf8)
    for name in ["README.md", "CONTRIBUTING.md", "docs/TESTING.md", "docs/ARCHITECTURE.md"] {
      let text = try String(contentsOfFile: root + "/" + name, encoding: .utf8)
      for match in text.matches(of: /make ([a-z-]+)/) where text[match.range].first == "m" {
        let target = String(match.output.1)
        let isCode = text[..<match.range.lowerBound].last.map { "`\n".contains($0) } ?? true
        if isCode {
          #expect(makefile.contains("\n\(target):"), "\(name) names 'make \(target)'")
        }
      }
      // Links between the documents lead somewhere.
      for match in text.matches(of: /\]\(([^)#:]+)\)/) {
        let folder = URL(fileURLWithPath: root + "/" + name).deletingLastPathComponent()
        let target = folder.appendingPathComponent(String(match.output.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(name) links to \(target)")
      }
    }
  }
}
