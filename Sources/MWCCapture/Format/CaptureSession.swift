/// One run of a recorder, as its session block tells it (`docs/FORMAT.md`, section 6).
package struct CaptureSession: Hashable, Sendable {
  /// Wall clock when the recording began, nanoseconds since 1970 (UTC).
  package var wallAnchor: Int64
  /// Monotonic clock at the same moment, nanoseconds.
  package var monotonicAnchor: Int64
  /// Local time minus UTC, seconds, positive east.
  package var utcOffset: Int32
  /// Name of the time zone, such as `Europe/Berlin`; empty when unknown.
  package var timeZone: String
  /// Tool and version, such as `mwc 0.1.0`.
  package var tool: String
  /// URIs of the connections, the first is connection 1. Without credentials and query: whoever
  /// fills this in sees to it.
  package var uris: [String]
  package var dialect: String
  package var host: String
  /// Options of the recording, as `name=value`.
  package var options: [String]

  package init(
    wallAnchor: Int64, monotonicAnchor: Int64, utcOffset: Int32 = 0, timeZone: String = "",
    tool: String = "", uris: [String] = [], dialect: String = "", host: String = "",
    options: [String] = []
  ) {
    self.wallAnchor = wallAnchor
    self.monotonicAnchor = monotonicAnchor
    self.utcOffset = utcOffset
    self.timeZone = timeZone
    self.tool = tool
    self.uris = uris
    self.dialect = dialect
    self.host = host
    self.options = options
  }
}

extension CaptureSession {
  private enum Field: UInt16 {
    case wallAnchor = 1
    case monotonicAnchor = 2
    case utcOffset = 3
    case timeZone = 4
    case tool = 5
    case uri = 6
    case dialect = 7
    case host = 8
    case option = 9
  }

  /// Appends the fields, in the order of their ids.
  func encode(into buffer: ByteBuffer) {
    func append<Value: FixedWidthInteger>(_ field: Field, _ value: Value) {
      buffer.append(field.rawValue)
      buffer.append(UInt32(MemoryLayout<Value>.size))
      buffer.append(value)
    }
    func append(_ field: Field, _ text: String) {
      buffer.append(field.rawValue)
      buffer.append(UInt32(clamping: text.utf8.count))
      buffer.append(text)
    }
    append(.wallAnchor, wallAnchor)
    append(.monotonicAnchor, monotonicAnchor)
    append(.utcOffset, utcOffset)
    if !timeZone.isEmpty { append(.timeZone, timeZone) }
    if !tool.isEmpty { append(.tool, tool) }
    for uri in uris { append(.uri, uri) }
    if !dialect.isEmpty { append(.dialect, dialect) }
    if !host.isEmpty { append(.host, host) }
    for option in options { append(.option, option) }
  }

  /// Reads the fields of a decoded session block; nil when they are malformed. Fields with unknown
  /// ids are skipped, missing ones keep their defaults.
  init?(decoding bytes: RawSpan) {
    self.init(wallAnchor: 0, monotonicAnchor: 0)
    var cursor = ByteCursor(bytes)
    while cursor.remaining > 0 {
      guard
        let id = cursor.read(UInt16.self), let length = cursor.read(UInt32.self),
        let start = cursor.skip(Int(length))
      else { return nil }
      let value = bytes.extracting(start..<start + Int(length))
      var number = ByteCursor(value)
      switch Field(rawValue: id) {
      case .wallAnchor:
        guard let anchor = number.read(Int64.self) else { return nil }
        wallAnchor = anchor
      case .monotonicAnchor:
        guard let anchor = number.read(Int64.self) else { return nil }
        monotonicAnchor = anchor
      case .utcOffset:
        guard let offset = number.read(Int32.self) else { return nil }
        utcOffset = offset
      case .timeZone: timeZone = String(lossy: value)
      case .tool: tool = String(lossy: value)
      case .uri: uris.append(String(lossy: value))
      case .dialect: dialect = String(lossy: value)
      case .host: host = String(lossy: value)
      case .option: options.append(String(lossy: value))
      case nil: break
      }
    }
  }
}

extension String {
  /// Text from bytes that should be UTF-8; what is not becomes U+FFFD.
  init(lossy bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
