internal import ArgumentParser
internal import Glibc

/// Runs `mwc`.
public func runMWC() -> Never { run(MWCCommand.self) }

/// `mwc`: the parent of all commands.
struct MWCCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mwc",
    abstract: "Record live WebSocket streams, and play them back.",
    version: toolVersion,
    subcommands: [
      CaptureCommand.self, ReplayCommand.self, ServeCommand.self, InfoCommand.self, CatCommand.self,
      VerifyCommand.self, RecoverCommand.self, FilterCommand.self, MergeCommand.self,
      SplitCommand.self, ExportCommand.self, ImportCommand.self, PlotCommand.self,
    ])
}

/// Parses the process's arguments, runs the command and ends the process: the one place where a
/// result turns into an exit code.
func run<Root: ParsableCommand>(_ root: Root.Type) -> Never {
  // A closed pipe is an error code from write, not the end of the process.
  signal(SIGPIPE, SIG_IGN)
  exit(status(of: root, arguments: Array(CommandLine.arguments.dropFirst())))
}

/// Runs `root` and says what went wrong, in one line.
func status<Root: ParsableCommand>(of root: Root.Type, arguments: [String]) -> Int32 {
  let name = root._commandName
  do {
    var command = try root.parseAsRoot(arguments)
    try command.run()
    return ExitStatus.done.rawValue
  } catch let failure as CommandFailure {
    Console.clearLive()
    if !failure.message.isEmpty { Console.say("\(name): \(failure.message)") }
    return failure.status.rawValue
  } catch {
    // What is left comes from the argument parser: a request for help or version, or wrong usage.
    let code = root.exitCode(for: error)
    if code == .success {
      writeToStandardOutput(root.fullMessage(for: error) + "\n")
      return ExitStatus.done.rawValue
    }
    let message = root.message(for: error)
      .split(separator: "\n").map { $0.trimmingSpaces() }.joined(separator: "; ")
    Console.say("\(name): \(message) (see '\(name) --help')")
    return ExitStatus.usage.rawValue
  }
}

func writeToStandardOutput(_ text: String) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let written = unsafe rest.withUnsafeBytes { bytes in
      unsafe write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
    }
    if written > 0 { rest = rest.dropFirst(written) } else if errno != EINTR { return }
  }
}

extension Substring {
  fileprivate func trimmingSpaces() -> Substring {
    let front = drop { $0 == " " }
    return front.prefix(front.count - front.reversed().prefix { $0 == " " }.count)
  }
}
