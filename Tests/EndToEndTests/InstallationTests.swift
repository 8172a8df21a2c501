import Foundation
import MWCTestSupport
import Testing

/// What `make install` puts beside the programs: manual pages and completions, made from the
/// programs' own descriptions of their arguments.
@Suite(.fewAtATime) struct InstallationTests {
  static let programs = ["mwc", "mwc-capture", "mwc-replay"]

  @Test func everythingIsInstalled() async throws {
    let folder = try TemporaryFolder()
    let built = URL(fileURLWithPath: try ChildProcess.product("mwc")).deletingLastPathComponent()
    let result = try await ChildProcess.run(
      TestSupport.packageRoot + "/Scripts/install", [built.path, folder.path])
    try #require(result.status == .exited(0), "\(result.errors)")
    for program in Self.programs {
      for file in [
        "bin/\(program)", "share/man/man1/\(program).1",
        "share/bash-completion/completions/\(program)", "share/zsh/site-functions/_\(program)",
        "share/fish/vendor_completions.d/\(program).fish",
      ] {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(file))
        let size = try #require(attributes[.size] as? NSNumber)
        #expect(size.intValue > 500, "\(file)")
      }
      // A script the shell cannot read completes nothing.
      let script = folder.file("share/bash-completion/completions/\(program)")
      let checked = try await ChildProcess.shell("bash -n '\(script)'")
      #expect(checked.status == .exited(0), "\(checked.errors)")
    }
    let page = try String(
      contentsOfFile: folder.file("share/man/man1/mwc-capture.1"), encoding: .utf8)
    for section in ["NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "SIGNALS"] {
      #expect(page.contains("\n.SH \(section)\n"), "\(section) is missing in the manual page")
    }
    for option in ["uri", "output", "flush\\-interval", "ca\\-file"] {
      #expect(page.contains("\\-\\-\(option)"), "--\(option) is missing in the manual page")
    }
  }

  @Test(arguments: programs)
  func helpAndVersionGoToStandardOutput(program: String) async throws {
    let path = try ChildProcess.product(program)
    let help = try await ChildProcess.run(path, ["--help"])
    #expect(help.status == .exited(0))
    #expect(help.errors.isEmpty)
    #expect(help.outputText.contains("USAGE: \(program)"), "\(help.outputText)")
    let version = try await ChildProcess.run(path, ["--version"])
    #expect(version.status == .exited(0))
    #expect(version.outputText.firstMatch(of: /\d+\.\d+\.\d+/) != nil, "\(version.outputText)")
  }

  @Test(arguments: [
    "capture", "replay", "serve", "info", "cat", "verify", "recover", "filter", "merge", "split",
    "export", "import",
  ])
  func everyCommandHasHelp(command: String) async throws {
    let help = try await Program.mwc.run([command, "--help"])
    #expect(help.status == .exited(0), "\(help.errors)")
    #expect(help.outputText.contains("USAGE: mwc \(command)"), "\(help.outputText)")
    #expect(help.outputText.contains("OVERVIEW: "), "\(help.outputText)")
  }
}
