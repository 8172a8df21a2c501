package import Foundation
import Glibc
import Testing

/// A real program under test.
///
/// Its output goes to files, never to pipes: nothing has to be drained, a program that talks a lot
/// never stalls, and what it said can be looked at while it runs. It is killed when its last
/// reference goes away.
package final class ChildProcess: Sendable {
  /// How a program ended.
  package enum Status: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    package var description: String {
      switch self {
      case .exited(let code): "exit code \(code)"
      case .killed(let signal): "signal \(signal)"
      }
    }
  }

  /// What a program left behind.
  package struct Result: Sendable {
    package var command: String
    package var status: Status
    package var output: Data
    package var errors: String

    package var outputText: String { String(decoding: output, as: UTF8.self) }

    /// Lines of standard output without their line ends.
    package var lines: [String] {
      outputText.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// Lines of standard error without their line ends.
    package var errorLines: [String] {
      errors.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }
  }

  package enum Stream { case output, errors }

  /// The program did not do in time what the test waits for.
  package struct Timeout: Error, CustomStringConvertible {
    package var description: String
  }

  /// The command line, for messages.
  package let command: String
  // Started in `init` and from then on only asked for its state, which Foundation guards itself.
  private let process: Process
  private let folder: TemporaryFolder

  /// Starts the program at the path `executable`.
  ///
  /// `environment` is added to the test's own; `nil` removes a variable. `input` is what the
  /// program finds on standard input.
  package init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    input: Data = Data(), workingFolder: String? = nil
  ) throws {
    folder = try TemporaryFolder()
    command = ([executable] + arguments).joined(separator: " ")
    process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    if let workingFolder { process.currentDirectoryURL = URL(fileURLWithPath: workingFolder) }
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    process.environment = variables
    if input.isEmpty {
      process.standardInput = FileHandle.nullDevice
    } else {
      let file = URL(fileURLWithPath: try folder.write(input, to: "stdin"))
      process.standardInput = try FileHandle(forReadingFrom: file)
    }
    try folder.write([], to: "stdout")
    try folder.write([], to: "stderr")
    let output = URL(fileURLWithPath: folder.file("stdout"))
    let errors = URL(fileURLWithPath: folder.file("stderr"))
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try Self.withNoSignalBlocked { try process.run() }
  }

  /// Threads of the dispatch library block all signals, and a child inherits that from the thread
  /// that starts it: SIGTERM would wait for ever.
  private static func withNoSignalBlocked(_ start: () throws -> Void) throws {
    var none = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try start()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Runs a program to its end.
  package static func run(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    input: Data = Data(), workingFolder: String? = nil, timeout: Duration = .seconds(60)
  ) async throws -> Result {
    let child = try ChildProcess(
      executable, arguments, environment: environment, input: input, workingFolder: workingFolder)
    return try await child.wait(timeout: timeout)
  }

  /// Runs a line of shell: for pipes, redirections and limits.
  package static func shell(
    _ line: String, environment: [String: String?] = [:], timeout: Duration = .seconds(60)
  ) async throws -> Result {
    try await run(
      "/bin/bash", ["-o", "pipefail", "-c", line], environment: environment, timeout: timeout)
  }

  package var processIdentifier: Int32 { process.processIdentifier }
  package var isRunning: Bool { process.isRunning }

  /// What the program has written so far.
  package func bytes(of stream: Stream) -> Data {
    let name = stream == .output ? "stdout" : "stderr"
    // The file exists from `init` on; an unreadable one reads as nothing written.
    return (try? Data(contentsOf: URL(fileURLWithPath: folder.file(name)))) ?? Data()
  }

  package func text(of stream: Stream) -> String {
    String(decoding: bytes(of: stream), as: UTF8.self)
  }

  package func send(signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits until the program has written something that `pattern` matches; returns the match.
  @discardableResult
  package func waitForText(
    _ pattern: some RegexComponent, in stream: Stream, timeout: Duration = .seconds(30)
  ) async throws -> String {
    let deadline = ContinuousClock.now + timeout
    while true {
      let ended = !process.isRunning
      let said = text(of: stream)
      if let match = said.firstMatch(of: pattern) { return String(said[match.range]) }
      guard !ended, ContinuousClock.now < deadline else {
        throw Timeout(
          description: """
            '\(command)' \(ended ? "ended" : "took longer than \(timeout)") before it said what \
            the test waits for; stdout: \(text(of: .output).suffix(2000)) \
            stderr: \(text(of: .errors).suffix(2000))
            """)
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Waits for the end; a program that takes longer is killed and the wait throws.
  @discardableResult
  package func wait(timeout: Duration = .seconds(60)) async throws -> Result {
    let deadline = ContinuousClock.now + timeout
    while process.isRunning {
      guard ContinuousClock.now < deadline else {
        kill(process.processIdentifier, SIGKILL)
        throw Timeout(
          description: """
            '\(command)' did not end within \(timeout); stderr: \(text(of: .errors).suffix(2000))
            """)
      }
      try await Task.sleep(for: .milliseconds(2))
    }
    let status: Status =
      process.terminationReason == .uncaughtSignal
      ? .killed(signal: process.terminationStatus) : .exited(process.terminationStatus)
    return Result(
      command: command, status: status, output: bytes(of: .output), errors: text(of: .errors))
  }

  /// Sends a signal and waits for the end.
  @discardableResult
  package func stop(_ signal: Int32 = SIGTERM, timeout: Duration = .seconds(30)) async throws
    -> Result
  {
    send(signal: signal)
    return try await wait(timeout: timeout)
  }

  /// Path of one of this package's programs, as built with the tests that run now.
  package static func product(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(fileURLWithPath: tests).deletingLastPathComponent()
    let path = folder.appendingPathComponent(name).path
    try #require(
      FileManager.default.isExecutableFile(atPath: path), "\(name) is not built beside the tests")
    return path
  }
}

/// Waits until a condition holds, looking every few milliseconds; `what` is the condition in words,
/// for the message when it never holds.
package func waitUntil(
  _ what: String, timeout: Duration = .seconds(30), _ condition: () throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + timeout
  while try !condition() {
    guard ContinuousClock.now < deadline else {
      throw ChildProcess.Timeout(description: "not within \(timeout): \(what)")
    }
    try await Task.sleep(for: .milliseconds(2))
  }
}
