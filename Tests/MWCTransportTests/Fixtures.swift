import Foundation
import Logging
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

/// A session and the consumer of its ring, on a loop of its own unless it is given one; closed with
/// the last reference.
final class Client {
  let loop: EventLoop
  let inbox: Inbox
  let session: ClientSession
  let states = States()
  private let ownsLoop: Bool

  /// States a session went through, as other threads see them.
  final class States: Sendable {
    private let list = Guarded<[SessionState]>([])
    private let changed = Parker()

    func append(_ state: SessionState) {
      list.withLock { $0.append(state) }
      changed.wake()
    }

    var all: [SessionState] { list.withLock { $0 } }

    /// How the session ended; one thread at a time waits for it.
    func end(seconds: Int64 = 20) throws -> SessionEnd {
      let deadline = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
      while true {
        if case .ended(let end) = all.last { return end }
        guard changed.sleep(until: deadline) else {
          throw Inbox.Missing(what: "end", last: all.map { $0.name })
        }
      }
    }
  }

  init(
    _ uri: String, loop: EventLoop? = nil, ring: BatchRing = BatchRing(),
    _ change: (inout ClientOptions) -> Void = { _ in }
  ) throws {
    var options = ClientOptions(uri: try WebSocketURI(uri))
    options.reconnect.interval = .milliseconds(20)
    change(&options)
    ownsLoop = loop == nil
    self.loop = try loop ?? .forTests()
    inbox = Inbox(ring: ring)
    let states = states
    session = try self.loop.connect(options, connection: 1, ring: ring) { states.append($0) }
  }

  deinit { if ownsLoop { loop.stop() } else { session.close() } }
}

/// A peer in Python that says its port.
final class Peer {
  let port: Int
  let process: ChildProcess

  init(_ script: String, _ arguments: [String] = []) async throws {
    let python = try await PythonEnvironment.peers.interpreter()
    process = try ChildProcess(
      python, [TestSupport.packageRoot + "/Tests/Peers/" + script] + arguments)
    let line = try await process.waitForText(/port (\d+)/, in: .output)
    port = try #require(Int(line.dropFirst(5)))
  }

  func uri(_ path: String = "/") -> String { "ws://127.0.0.1:\(port)\(path)" }
}

extension EventLoop {
  static func forTests() throws -> EventLoop { try EventLoop(logger: Logger(label: "test")) }
}

extension Arrived {
  /// A member of an event's payload.
  func member(_ name: String) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    let value = try #require(object?[name], "\(self) has no \(name)")
    return "\(value)"
  }
}

/// Bytes that do not compress well and differ everywhere.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var generator = SeededGenerator(seed: seed)
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + 8)
  while bytes.count < count {
    unsafe withUnsafeBytes(of: generator.next()) { unsafe bytes.append(contentsOf: $0) }
  }
  return Array(bytes.prefix(count))
}

/// Letters without end, for texts.
func letters(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(ascii: "a") + UInt8(truncatingIfNeeded: ($0 / 7 + $0) % 26) }
}
