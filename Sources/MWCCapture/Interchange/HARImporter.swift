internal import MWCCore

/// Reads the WebSocket messages of an HTTP archive as Chrome's developer tools save it: each entry
/// with `_webSocketMessages` becomes a connection.
///
/// An archive lists connection after connection and a capture lists messages by time, so it is gone
/// through twice: once to find the lists, once to merge them. It must be a file.
struct HARImporter: ~Copyable {
  private let window: SourceWindow
  private let target: ImportTarget
  private var lists: [List] = []
  private var request = JSONScanner(valid: ["url"])

  /// Messages of one connection.
  private struct List {
    /// Where its bracket stands.
    var position: Int64
    var url: String
  }

  /// Most connections: each is read through a window of its own.
  private static let maxConnections = 256
  /// Largest request that is looked at for its URL.
  private static let maxRequest = 16 << 20

  init(_ window: SourceWindow, _ target: ImportTarget) {
    self.window = window
    self.target = target
  }

  mutating func read(_ progress: (Int64) -> Void) throws(CaptureError) {
    guard try window.size() != nil else {
      throw CaptureError(
        .unsupported, "an HTTP archive is read twice and must be a file",
        advice: "save it to one first")
    }
    try findLists()
    target.uris = lists.map(\.url)
    try merge(progress)
  }

  // MARK: Finding

  private mutating func findLists() throws(CaptureError) {
    var stream = JSONStream(window)
    var isArchive = false
    guard try stream.isAtObject() else {
      throw CaptureError(.damaged, "is no HTTP archive: it does not begin with an object")
    }
    try stream.forEachMember { (name, stream) throws(CaptureError) in
      guard name == "log", try stream.isAtObject() else {
        try stream.skipValue()
        return
      }
      try stream.forEachMember { (name, stream) throws(CaptureError) in
        guard name == "entries", try stream.isAtArray() else {
          try stream.skipValue()
          return
        }
        isArchive = true
        try stream.forEachElement { (stream) throws(CaptureError) in
          try findList(inEntry: &stream)
        }
      }
    }
    guard isArchive else {
      throw CaptureError(.damaged, "is no HTTP archive: there is no log.entries")
    }
  }

  private mutating func findList(inEntry stream: inout JSONStream) throws(CaptureError) {
    guard try stream.isAtObject() else {
      try stream.skipValue()
      return
    }
    var position: Int64?
    var url = ""
    try stream.forEachMember { (name, stream) throws(CaptureError) in
      switch name {
      case "_webSocketMessages" where try stream.isAtArray():
        position = try stream.skipValue().begin
      case "request" where try stream.isAtObject():
        url = try stream.value(upTo: HARImporter.maxRequest) { (bytes) throws(CaptureError) in
          try request.values(of: bytes)[0].string ?? ""
        }
      default: try stream.skipValue()
      }
    }
    guard let position else { return }
    guard lists.count < HARImporter.maxConnections else {
      throw CaptureError(
        .tooLarge, "has more than \(HARImporter.maxConnections) WebSocket connections")
    }
    lists.append(List(position: position, url: url))
  }

  // MARK: Merging

  private func merge(_ progress: (Int64) -> Void) throws(CaptureError) {
    var cursors: [MessageCursor] = []
    for (index, list) in lists.enumerated() {
      let cursor = MessageCursor(
        SourceWindow(window.source, name: window.name), at: list.position,
        connection: UInt32(index + 1))
      if try cursor.advance(target) { cursors.append(cursor) }
    }
    while let earliest = cursors.indices.min(by: { cursors[$0].time < cursors[$1].time }) {
      let cursor = cursors[earliest]
      unsafe try target.add(
        cursor.kind, cursor.payload.span.bytes, at: cursor.time, connection: cursor.connection,
        direction: cursor.direction)
      progress(cursor.position)
      if try !cursor.advance(target) { cursors.remove(at: earliest) }
    }
  }
}

/// Stands at a message of one connection.
private final class MessageCursor {
  let connection: UInt32
  private(set) var time: Int64 = 0
  private(set) var direction = Message.Direction.received
  private(set) var kind = Message.Kind.text
  private(set) var payload: [UInt8] = []

  private var stream: JSONStream
  private var scanner = JSONScanner(valid: ["time", "type", "opcode", "data"])
  private var isAtStart = true

  /// - Parameters:
  ///   - window: of its own.
  ///   - position: where the bracket of its list stands.
  ///   - connection: the number that it gets.
  init(_ window: SourceWindow, at position: Int64, connection: UInt32) {
    stream = JSONStream(window, at: position)
    self.connection = connection
  }

  var position: Int64 { stream.position }

  /// Goes to the next message; false when there is none. What is no message is left out.
  func advance(_ target: ImportTarget) throws(CaptureError) -> Bool {
    while true {
      if isAtStart {
        try stream.take("[")
        isAtStart = false
        if try stream.takes("]") { return false }
      } else if try !stream.takes(",") {
        return false
      }
      if try readMessage() { return true }
      target.leaveOut()
    }
  }

  /// Reads the element that comes next; false when it is neither text nor binary.
  private func readMessage() throws(CaptureError) -> Bool {
    payload.removeAll(keepingCapacity: true)
    return try stream.value(upTo: CaptureImport.maxText) { (bytes) throws(CaptureError) in
      guard let head = try Head(bytes, &scanner, payload: &payload) else { return false }
      (time, direction, kind) = (head.time, head.direction, head.kind)
      return true
    }
  }

  /// A message without its payload.
  private struct Head {
    var time: Int64
    var direction: Message.Direction
    var kind: Message.Kind

    init?(
      _ message: RawSpan, _ scanner: inout JSONScanner, payload: inout [UInt8]
    ) throws(CaptureError) {
      let values = try scanner.values(of: message)
      let seconds = values[0]
      guard seconds.kind == .number,
        let time = ForeignTime.nanoseconds(decimal: seconds.text, unit: 1_000_000_000)
          ?? Head.rounded(seconds.double)
      else { throw CaptureError(.damaged, "a message has no 'time' in seconds since 1970") }
      self.time = time
      direction = values[1].isString("send") ? .sent : .received
      let opcode = values[2].isMissing ? 1 : values[2].int64
      switch opcode {
      case 1:
        kind = .text
        values[3].appendString(to: &payload)
      case 2:
        kind = .binary
        guard let bytes = Base64.decode(values[3].text) else {
          throw CaptureError(.damaged, "the data of a binary message is not base64")
        }
        payload = bytes
      default: return nil
      }
    }

    /// A time that is spelled with an exponent.
    private static func rounded(_ seconds: Double?) -> Int64? {
      guard let seconds, seconds.magnitude < 9e9 else { return nil }
      return Int64((seconds * 1e9).rounded())
    }
  }
}
