import Foundation
import MWCTestSupport
import Testing

/// Small recordings for the tests of everything that reads one.
enum SampleCapture {
  /// Records `count` numbered JSON messages of about 100 bytes each; returns the path.
  static func make(count: Int, in folder: TemporaryFolder, name: String = "sample.cap") async throws
    -> String
  {
    let peer = try await numberedPeer(count: count, in: folder)
    let file = folder.file(name)
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--no-reconnect",
    ])
    try #require(result.status == .exited(0), "\(result.errors)")
    return file
  }

  /// A server that sends `count` numbered messages to each client and closes.
  static func numberedPeer(
    count: Int, in folder: TemporaryFolder, arguments: [String] = []
  ) async throws -> Peer {
    let lines = (1...count).map { number in
      let data = #"{\"type\":\"connection\",\"number\":\#(number),\"message\":\"\#(padding)\"}"#
      return #"{"dir":"in","op":"text","data":"\#(data)"}"# + "\n"
    }
    let file = try folder.write(lines.joined().utf8, to: "numbered-\(count).jsonl")
    return try await Peer("play.py", [file] + arguments)
  }

  private static let padding = String(repeating: "abcdefgh", count: 8)
}
