import Foundation
import MWCTestSupport
import Testing

/// The original `monitoring-websocket-server`, recorded beside an independent client.
@Suite(.fewAtATime) struct MonitoringServerTests {
  @Test func recordsExactlyWhatAPythonClientReceives() async throws {
    let folder = try TemporaryFolder()
    let port = try TestSupport.freePort()
    let server = try ChildProcess(
      try await PythonEnvironment.server.program("monitoring-websocket-server"),
      ["--host", "127.0.0.1", "--port", "\(port)"])
    let uri = "ws://127.0.0.1:\(port)/"
    let python = try await PythonEnvironment.peers.interpreter()
    let listen = TestSupport.packageRoot + "/Tests/Peers/listen.py"
    try await waitForListener(at: port)

    // All four start side by side; compressed or not, the server sends everyone the same.
    let compressions = [true, false]
    var listeners: [ChildProcess] = []
    var captures: [ChildProcess] = []
    for compression in compressions {
      let name = compression ? "compressed" : "plain"
      listeners.append(
        try ChildProcess(
          python,
          [listen, uri, folder.file("\(name).jsonl")] + (compression ? ["--compression"] : [])))
      captures.append(
        try Program.capture.start(
          ["--uri", uri, "--output", folder.file("\(name).cap"), "--duration", "20s"]
            + (compression ? [] : ["--no-compression"])))
    }
    for listener in listeners {
      try await listener.waitForText(/connected/, in: .output)
    }
    for capture in captures {
      let result = try await capture.wait(timeout: .seconds(60))
      #expect(result.status == .exited(0), "\(result.errors)")
    }
    for listener in listeners { try await listener.stop() }
    try await server.stop(SIGKILL)

    for compression in compressions {
      let name = compression ? "compressed" : "plain"
      let lines = try String(contentsOfFile: folder.file("\(name).jsonl"), encoding: .utf8)
      let received = try lines.split(separator: "\n").map {
        try JSONDecoder().decode(String.self, from: Data($0.utf8))
      }
      let records = try await cat(folder.file("\(name).cap"))
      let recorded = try records.filter { $0.isText }.map {
        String(decoding: try $0.bytes, as: UTF8.self)
      }
      let printed = try await Program.mwc.run(["cat", folder.file("\(name).cap")])
      let negotiated = printed.lines.contains {
        $0.contains(#""event":"opened""#) && $0.contains("permessage-deflate")
      }
      #expect(negotiated == compression)

      // Each has a welcome of its own; the stream behind it is one and the same for all.
      #expect(recorded.first?.contains(#""type": "connection""#) == true)
      let streamed = Array(received.dropFirst())
      let captured = Array(recorded.dropFirst())
      let common = try #require(
        streamed.firstIndex { captured.contains($0) }, "\(name): no common message")
      let start = try #require(captured.firstIndex(of: streamed[common]))
      #expect(common == 0 || start == 0, "\(name): neither saw all that the other saw first")
      let length = min(streamed.count - common, captured.count - start)
      #expect(length >= 20, "\(name): too little to compare in 20 s")
      #expect(Array(streamed[common..<common + length]) == Array(captured[start..<start + length]))
    }
  }

  private func waitForListener(at port: Int) async throws {
    let probe = "until (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null; do sleep 0.05; done"
    _ = try await ChildProcess.shell(probe, timeout: .seconds(30))
  }
}
