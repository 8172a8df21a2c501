internal import MWCCore

/// Reads conversations that stand in a file line by line, in three forms that are told apart by the
/// first line:
///
/// | form | a line |
/// |---|---|
/// | recorder | `{"t":1795256060601024098,"dir":"in","op":"text","data":"…"}`, what `JSONLinesExporter` writes |
/// | `mwc cat` | `{"time_ns":1795256060601024098,"connection":1,"direction":"in","opcode":"text","payload":"…"}` |
/// | plain | any text: a message the server sent, without its line break |
///
/// Plain lines have their time in one of their members, or come evenly spaced.
package struct JSONLinesImporter: ~Copyable {
  /// What is known of plain lines.
  package struct Options: Sendable, Equatable {
    /// Take the lines as plain whatever the first one looks like.
    package var isPlain = false
    /// Path of the member that holds the time; nil: evenly spaced.
    package var timePath: String?
    /// Wall-clock time of the first line when they are evenly spaced, nanoseconds since 1970.
    package var start: Int64 = 0
    /// Nanoseconds from line to line.
    package var interval: Int64 = 1_000_000_000

    package init() {}
  }

  private enum Form {
    case recorder, cat, plain
  }

  private let options: Options
  private var form: Form?
  private var fields = JSONScanner(valid: Field.allCases.map(\.path))
  private var text: [UInt8] = []

  /// The members of recorded lines.
  fileprivate enum Field: Int, CaseIterable {
    case t, dir, op, data, b64, code, reason, conn
    case timeNanoseconds, direction, opcode, event, payload, payloadBase64, connection

    var path: String {
      switch self {
      case .timeNanoseconds: "time_ns"
      case .payloadBase64: "payload_base64"
      default: "\(self)"
      }
    }
  }

  init(_ options: Options) { self.options = options }

  mutating func read(
    _ window: SourceWindow, into target: ImportTarget, _ progress: (Int64) -> Void
  ) throws(CaptureError) {
    var lines = LineReader(window)
    var timeScanner: JSONScanner?
    if let path = options.timePath {
      do throws(JSONError) {
        timeScanner = try JSONScanner(paths: [path], options: .nonFinite)
      } catch {
        throw CaptureError(.unsupported, "the path of the time is not understood: \(path)")
      }
    }
    var index: Int64 = 0
    try lines.forEach { (line, offset, number) throws(CaptureError) in
      guard line.byteCount > 0 else { return }
      do throws(CaptureError) {
        let form = form ?? recognize(line)
        self.form = form
        switch form {
        case .plain:
          let time = try plainTime(line, index, &timeScanner)
          try target.add(.text, line, at: time, connection: 1)
          index += 1
        case .recorder, .cat: try addRecorded(line, to: target)
        }
      } catch {
        var error = error
        error.reason = "line \(number): \(error.reason)"
        error.offset = offset + (error.offset ?? 0)
        throw error
      }
      progress(offset)
    }
  }

  private mutating func recognize(_ line: RawSpan) -> Form {
    if options.isPlain || options.timePath != nil { return .plain }
    do throws(JSONError) {
      let values = try fields.scan(line)
      if values[.t].int64 != nil, values[.op].kind == .string { return .recorder }
      if values[.timeNanoseconds].int64 != nil,
        values[.opcode].kind == .string || !values[.event].isMissing
      {
        return .cat
      }
    } catch {
      // Not JSON: as plain as can be.
    }
    return .plain
  }

  private func plainTime(
    _ line: RawSpan, _ index: Int64, _ scanner: inout JSONScanner?
  ) throws(CaptureError) -> Int64 {
    guard let path = options.timePath, scanner != nil else {
      let (distance, overflow) = index.multipliedReportingOverflow(by: options.interval)
      return options.start.addingSaturating(overflow ? .max : distance)
    }
    guard let time = try scanner?.time(in: line) else {
      throw CaptureError(
        .damaged,
        "there is no time at '\(path)'; it is a number of s, ms, µs or ns since 1970, or "
          + "text like 2026-11-21T12:03:11.5Z")
    }
    return time
  }

  private mutating func addRecorded(
    _ line: RawSpan, to target: ImportTarget
  ) throws(CaptureError) {
    text.removeAll(keepingCapacity: true)
    let head = try Head(line, &fields, isRecorder: form == .recorder, payload: &text)
    unsafe try target.add(
      head.kind, text.span.bytes, at: head.time, connection: head.connection,
      direction: head.direction)
  }

  /// What a recorded line says beside the payload.
  private struct Head {
    var time: Int64
    var connection: UInt32
    var direction = Message.Direction.received
    var kind: Message.Kind

    init(
      _ line: RawSpan, _ scanner: inout JSONScanner, isRecorder: Bool, payload: inout [UInt8]
    ) throws(CaptureError) {
      let values = try scanner.values(of: line)
      time = try Head.integer(values, isRecorder ? .t : .timeNanoseconds)
      let number: Field = isRecorder ? .conn : .connection
      if values[number].isMissing {
        connection = 1
      } else if let value = UInt32(exactly: try Head.integer(values, number)) {
        connection = value
      } else {
        throw Head.problem("'\(number.path)' is no connection")
      }
      let word: Field = isRecorder ? .op : .opcode
      if !isRecorder, !values[.event].isMissing {
        kind = try Head.event(values, &payload)
        return
      }
      direction = try Head.direction(values, isRecorder ? .dir : .direction)
      if isRecorder, values[word].isString("close") {
        kind = .closed
        Head.appendClose(values, isOurs: direction == .sent, &payload)
        direction = .received
        return
      }
      kind = try Head.frame(values, word)
      let (plain, encoded): (Field, Field) =
        isRecorder ? (.data, .b64) : (.payload, .payloadBase64)
      try Head.appendPayload(values, plain, encoded, &payload)
    }

    private static func integer(
      _ values: borrowing JSONValues, _ field: Field
    ) throws(CaptureError) -> Int64 {
      guard let value = values[field].int64 else {
        throw problem("'\(field.path)' is missing or no integer")
      }
      return value
    }

    private static func direction(
      _ values: borrowing JSONValues, _ field: Field
    ) throws(CaptureError) -> Message.Direction {
      if values[field].isString("in") { return .received }
      if values[field].isString("out") { return .sent }
      throw problem("'\(field.path)' is neither in nor out")
    }

    private static func frame(
      _ values: borrowing JSONValues, _ field: Field
    ) throws(CaptureError) -> Message.Kind {
      let value = values[field]
      if value.isString("text") { return .text }
      if value.isString("binary") { return .binary }
      if value.isString("ping") { return .ping }
      if value.isString("pong") { return .pong }
      throw problem("'\(field.path)' is missing or unknown")
    }

    private static func event(
      _ values: borrowing JSONValues, _ payload: inout [UInt8]
    ) throws(CaptureError) -> Message.Kind {
      let event = values[.event]
      let named: [Message.Kind] = [.opened, .closed, .error, .state, .gap, .clockJump, .note]
      let kind: Message.Kind
      if let number = event.int64, let raw = UInt8(exactly: number), raw >= 192 {
        kind = Message.Kind(rawValue: raw)
      } else if let name = event.string, let known = named.first(where: { $0.description == name })
      {
        kind = known
      } else {
        throw problem("'event' is unknown")
      }
      if values[.data].isMissing {
        try appendPayload(values, .payload, .payloadBase64, &payload)
      } else {
        unsafe values[.data].text.withUnsafeBytes { unsafe payload.append(contentsOf: $0) }
      }
      return kind
    }

    private static func appendPayload(
      _ values: borrowing JSONValues, _ plain: Field, _ encoded: Field, _ payload: inout [UInt8]
    ) throws(CaptureError) {
      if values[plain].kind == .string {
        values[plain].appendString(to: &payload)
        return
      }
      guard values[encoded].kind == .string else {
        throw problem("there is neither '\(plain.path)' nor '\(encoded.path)'")
      }
      guard let bytes = Base64.decode(values[encoded].text) else {
        throw problem("'\(encoded.path)' is not base64")
      }
      payload.append(contentsOf: bytes)
    }

    /// The event of a capture for the end of a connection.
    private static func appendClose(
      _ values: borrowing JSONValues, isOurs: Bool, _ payload: inout [UInt8]
    ) {
      var json = JSONWriter()
      json.beginObject()
      // 1005 is what RFC 6455 calls a close without a code.
      json.member("code", values[.code].int64 ?? 1005)
      json.member("reason", values[.reason].string ?? "")
      json.member("by", isOurs ? "client" : "server")
      json.endObject()
      payload.append(contentsOf: json.bytes)
    }

    private static func problem(_ text: String) -> CaptureError { CaptureError(.damaged, text) }
  }
}

extension JSONValues {
  fileprivate subscript(field: JSONLinesImporter.Field) -> JSONValue {
    @_lifetime(copy self)
    get { self[field.rawValue] }
  }
}
