package import Foundation
import Testing

/// A recorded conversation of `../shared/traffic`: what a client saw, one JSON record per line.
package struct TrafficFile: Sendable {
  package enum Direction: String, Sendable { case received = "in", sent = "out" }
  package enum Operation: String, Sendable { case text, binary, ping, pong, close }

  package struct Record: Sendable {
    /// Wall-clock time, nanoseconds since 1970.
    package var time: Int64
    package var direction: Direction
    package var operation: Operation
    /// Exactly as received; empty for `close`.
    package var payload: Data
  }

  /// Name without folder and extension.
  package var name: String
  package var path: String
  package var records: [Record]

  /// Reads a file of `../shared/traffic`.
  package init(named name: String) throws {
    self.name = name
    path = try TestSupport.sharedFile("traffic/\(name).jsonl")
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    records = try content.split(separator: UInt8(ascii: "\n")).map { try Record(line: Data($0)) }
  }

  /// Names of all the files there are; none where the folder is missing.
  package static let names: [String] = {
    guard let folder = TestSupport.sharedFolder else { return [] }
    // A folder that cannot be listed has no files; `init` then has nothing to fail on.
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/traffic")) ?? []
    return entries.filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(6)) }.sorted()
  }()

  /// The messages a server sent, in order.
  package var received: [Record] {
    records.filter { $0.direction == .received && $0.operation != .close }
  }
}

extension TrafficFile.Record {
  /// A message a test makes up.
  package init(received operation: TrafficFile.Operation, payload: Data) {
    self.init(time: 0, direction: .received, operation: operation, payload: payload)
  }

  private struct Line: Decodable {
    var t: Int64
    var dir: String
    var op: String
    var data: String?
    var b64: String?
  }

  init(line: Data) throws {
    let fields = try JSONDecoder().decode(Line.self, from: line)
    time = fields.t
    direction = try #require(TrafficFile.Direction(rawValue: fields.dir))
    operation = try #require(TrafficFile.Operation(rawValue: fields.op))
    if let text = fields.data {
      payload = Data(text.utf8)
    } else if let encoded = fields.b64 {
      payload = try #require(Data(base64Encoded: encoded))
    } else {
      payload = Data()
    }
  }
}
