import Foundation
import MWCTestSupport
import Testing

/// The programs under test, as built beside the tests.
enum Program: String {
  case mwc
  case capture = "mwc-capture"
  case replay = "mwc-replay"

  var path: String { get throws { try ChildProcess.product(rawValue) } }

  func start(
    _ arguments: [String], environment: [String: String?] = [:], input: Data = Data()
  ) throws -> ChildProcess {
    try ChildProcess(path, arguments, environment: quiet(environment), input: input)
  }

  func run(
    _ arguments: [String], environment: [String: String?] = [:], input: Data = Data(),
    timeout: Duration = .seconds(120)
  ) async throws -> ChildProcess.Result {
    try await ChildProcess.run(
      path, arguments, environment: quiet(environment), input: input, timeout: timeout)
  }

  /// Settings of the person who runs the tests do not decide what the tests see.
  private func quiet(_ environment: [String: String?]) -> [String: String?] {
    let unset: [String: String?] = [
      "MONITORING_WEBSOCKET_URI": nil, "MONITORING_FORMAT": nil, "MONITORING_LOG_LEVEL": nil,
      "MONITORING_LOG_FILE": nil, "MWC_TOKEN": nil, "NO_COLOR": nil, "CLICOLOR_FORCE": nil,
      // Crash reports take seconds and hide what a program said last.
      "SWIFT_BACKTRACE": "enable=no",
    ]
    return unset.merging(environment) { _, new in new }
  }
}

/// One of the Python programs of `Tests/Peers` that listen on a port of their own.
struct Peer {
  let child: ChildProcess
  let port: Int

  init(_ name: String, _ arguments: [String]) async throws {
    let python = try await PythonEnvironment.peers.interpreter()
    let script = TestSupport.packageRoot + "/Tests/Peers/" + name
    child = try ChildProcess(python, [script] + arguments)
    let line = try await child.waitForText(/port \d+\n/, in: .output, timeout: .seconds(120))
    port = try #require(Int(line.dropFirst("port ".count).dropLast()))
  }

  var uri: String { "ws://127.0.0.1:\(port)/" }
}

/// One line of `mwc cat`.
struct CatRecord: Decodable {
  enum CodingKeys: String, CodingKey {
    case time = "time_ns"
    case connection, direction, opcode, payload
    case base64 = "payload_base64"
    case event
  }

  /// Wall-clock arrival, nanoseconds since 1970.
  var time: Int64
  var connection: UInt32
  /// Of frames: `in` or `out`.
  var direction: String?
  var opcode: String?
  /// Of text messages.
  var payload: String?
  /// Of everything else that came as a frame.
  var base64: String?
  /// What happened to the connection, where this is not a frame.
  var event: String?

  var isText: Bool { opcode == "text" }

  var bytes: Data {
    get throws {
      if let payload { return Data(payload.utf8) }
      let encoded = try #require(base64)
      return try #require(Data(base64Encoded: encoded))
    }
  }
}

/// What `mwc cat` prints of a capture.
func cat(_ file: String, _ arguments: [String] = []) async throws -> [CatRecord] {
  let result = try await Program.mwc.run(["cat", file] + arguments)
  try #require(result.status == .exited(0), "\(result.errors)")
  let decoder = JSONDecoder()
  return try result.output.split(separator: UInt8(ascii: "\n")).map {
    try decoder.decode(CatRecord.self, from: Data($0))
  }
}

/// Expects that a program ended with `code` and said exactly one line about it, with all of `words`.
func expectFailure(
  _ result: ChildProcess.Result, code: Int32, naming words: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let said = "\(result.command): \(result.status), stderr: \(result.errors)"
  #expect(result.status == .exited(code), "\(said)", sourceLocation: sourceLocation)
  #expect(result.errorLines.count == 1, "\(said)", sourceLocation: sourceLocation)
  #expect(result.output.isEmpty, "\(said)", sourceLocation: sourceLocation)
  for word in words {
    #expect(result.errors.contains(word), "\(said)", sourceLocation: sourceLocation)
  }
}
