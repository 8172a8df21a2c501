import Foundation
import MWCTestSupport
import Testing

/// `mwc serve`, seen from outside.
@Suite(.serialized) struct EmbeddedSourceTests {
  private func serve(_ arguments: [String]) async throws -> (child: ChildProcess, port: Int) {
    let child = try ChildProcess(
      try ChildProcess.product("mwc"), ["serve", "--port", "0"] + arguments)
    let line = try await child.waitForText(/listening on wss?:\/\/127\.0\.0\.1:\d+\n/, in: .errors)
    let port = try #require(line.dropLast().split(separator: ":").last.flatMap { Int($0) })
    return (child, port)
  }

  /// The original client, as a class and as a command in all its formats, and raw WebSocket checks.
  @Test(.needsSharedFolder) func passesTheCheckOfTheMonitoringDialect() async throws {
    let python = try await PythonEnvironment.peers.interpreter()
    let script = try TestSupport.sharedFile("peers/check_monitoring.py")
    let (server, port) = try await serve(["--interval", "200ms"])
    let result = try await ChildProcess.run(
      python, [script, "--uri", "ws://127.0.0.1:\(port)", "--duration", "2", "--interval", "0.2"],
      timeout: .seconds(120))
    #expect(result.status == .exited(0), "\(result.outputText)\(result.errors)")
    let stopped = try await server.stop(SIGINT)
    #expect(stopped.status == .exited(0), "\(stopped.errors)")
  }

  @Test func aTakenPortIsOneLineAndExitCode73() async throws {
    let (server, port) = try await serve([])
    let result = try await ChildProcess.run(
      try ChildProcess.product("mwc"), ["serve", "--port", "\(port)"])
    #expect(result.status == .exited(73))
    #expect(result.errorLines.count == 1, "\(result.errors)")
    #expect(result.errors.contains("127.0.0.1:\(port)"))
    try await server.stop()
  }

  @Test func clientsAreClosedWith1001WhenTheServerEnds() async throws {
    let folder = try TemporaryFolder()
    let (server, port) = try await serve(["--interval", "20ms"])
    let capture = try ChildProcess(
      try ChildProcess.product("mwc-capture"),
      [
        "-u", "ws://127.0.0.1:\(port)", "-o", folder.file("out.cap"), "--no-reconnect",
        "--min-free", "0",
      ])
    try await capture.waitForText(/connected/, in: .errors)
    try await server.stop(SIGTERM)
    let result = try await capture.wait()
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errors.contains("the server closed the connection (1001"), "\(result.errors)")
  }

  @Test func servesAUnixSocket() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("mwc.sock")
    let server = try ChildProcess(
      try ChildProcess.product("mwc"), ["serve", "--unix", path, "--interval", "20ms"])
    try await server.waitForText(/listening on ws\+unix:/, in: .errors)
    let result = try await ChildProcess.run(
      try ChildProcess.product("mwc-capture"),
      [
        "-u", "ws+unix://\(path)", "-o", folder.file("out.cap"), "--max-messages", "3",
        "--min-free", "0",
      ])
    #expect(result.status == .exited(0), "\(result.errors)")
    try await server.stop()
    #expect(!FileManager.default.fileExists(atPath: path), "the socket is removed")
  }

  @Test(arguments: [
    ["--interval", "0"], ["--cert", "x"], ["--key", "x"], ["--client-ca", "x"],
    ["--max-clients", "0"], ["--dialect", "metrics"], ["--port", "65536"],
  ])
  func wrongUseIsExitCode64(arguments: [String]) async throws {
    let result = try await ChildProcess.run(
      try ChildProcess.product("mwc"), ["serve"] + arguments)
    #expect(result.status == .exited(64), "\(result.errors)")
    #expect(result.errorLines.count == 1, "\(result.errors)")
  }
}
