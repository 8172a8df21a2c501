package import Foundation
internal import MWCCapture
package import MWCCore

/// A capture made by a test, record by record.
package struct MadeCapture {
  /// One record of it.
  package struct Record {
    /// Milliseconds after the start of the recording.
    package var at: Int64
    package var payload: Data
    package var connection: UInt32
    package var kind: Message.Kind
    package var direction: Message.Direction

    package init(
      at: Int64, _ payload: String, connection: UInt32 = 1, kind: Message.Kind = .text,
      direction: Message.Direction = .received
    ) {
      self.init(
        at: at, data: Data(payload.utf8), connection: connection, kind: kind, direction: direction)
    }

    package init(
      at: Int64, data: Data, connection: UInt32 = 1, kind: Message.Kind = .text,
      direction: Message.Direction = .received
    ) {
      self.at = at
      payload = data
      self.connection = connection
      self.kind = kind
      self.direction = direction
    }
  }

  /// When the recordings begin: 2026-11-21T12:00:00Z.
  package static let startWallTime: Int64 = 1_795_262_400_000_000_000

  /// How a capture stores its records.
  package enum Form: Sendable {
    /// In rows, with flushes in between: what is cut off or damaged leaves something.
    case rows
    /// In columns.
    case columns
    /// As a recording that was killed leaves it: blocks in columns, every other one stored as it is,
    /// and a tail.
    case killed
  }

  /// Writes a capture with one session.
  ///
  /// - Parameters:
  ///   - path: where; must not exist.
  ///   - records: what it holds, in this order.
  ///   - uris: of the connections.
  ///   - blockSize: raw bytes of a block.
  ///   - start: milliseconds after `startWallTime` at which the recording begins.
  ///   - form: how it stores them.
  ///   - level: of compression.
  /// - Throws: `CaptureError`.
  package static func write(
    _ path: String, _ records: some Sequence<Record>, uris: [String] = ["ws://127.0.0.1:8765/"],
    blockSize: Int = 1 << 20, startingAt start: Int64 = 0, form: Form = .rows, level: Int = 6
  ) throws {
    let startWallTime = startWallTime + start * 1_000_000
    // Clocks of two recordings have nothing to do with each other.
    let startMonotonicTime = 77_000_000_000 + start * 1_000_000_000
    var options = CaptureWriter.Options()
    options.minFree = 0
    options.syncInterval = nil
    options.blockSize = blockSize
    options.isDirect = form == .rows
    options.level = level
    let writer = try CaptureWriter(
      path: path,
      session: CaptureSession(
        wallAnchor: startWallTime, monotonicAnchor: startMonotonicTime, timeZone: "UTC",
        tool: "test 1", uris: uris, dialect: "monitoring", host: "host"),
      options: options)
    var sealed: UInt64 = 0
    for record in records {
      if form == .killed, writer.statistics.messages > sealed {
        sealed = writer.statistics.messages
        writer.isHurried = !writer.isHurried
      }
      let nanoseconds = record.at * 1_000_000
      let bytes = [UInt8](record.payload)
      unsafe try writer.append(
        Message(
          wallTime: startWallTime + nanoseconds, monotonicTime: startMonotonicTime + nanoseconds,
          connection: record.connection, direction: record.direction, kind: record.kind,
          payload: bytes.span.bytes))
    }
    if form == .killed { try writer.flush() } else { try writer.close() }
  }

  /// The messages a server sent in a file of recorded traffic, at the times they came.
  package static func records(of traffic: TrafficFile) -> [Record] {
    let start = traffic.records.first?.time ?? 0
    return traffic.records.compactMap { record in
      let kind: Message.Kind =
        switch record.operation {
        case .text: .text
        case .binary: .binary
        case .ping: .ping
        case .pong: .pong
        case .close: .closed
        }
      guard kind != .closed else { return nil }
      return Record(
        at: (record.time - start) / 1_000_000, data: record.payload, kind: kind,
        direction: record.direction == .received ? .received : .sent)
    }
  }
}
