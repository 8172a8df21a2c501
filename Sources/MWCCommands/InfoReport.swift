internal import MWCCapture
internal import MWCCore

/// How `mwc info` spells what a capture holds.
struct InfoReport {
  let summary: CaptureSummary
  /// What the columns take; nil when nobody asked.
  let columns: ColumnSizes?

  init(_ summary: CaptureSummary, columns: ColumnSizes? = nil) {
    self.summary = summary
    self.columns = columns
  }
}

// MARK: - For people

extension InfoReport {
  /// Lines, each with its end.
  var text: String {
    var lines = head
    lines += [""] + connections
    lines += [""] + kinds
    if let types = summary.types, !types.isEmpty { lines += [""] + Self.rows(of: types, summary) }
    if let columns { lines += [""] + Self.rows(of: columns) }
    if summary.gapCount > 0 { lines += [""] + gaps }
    // A name or a URI may hold anything.
    return lines.map { Console.visible($0) + "\n" }.joined()
  }

  private var head: [String] {
    let messages = summary.messages
    var lines = [
      Self.row("file", summary.file),
      Self.row("state", state),
      Self.row("size", size),
      Self.row("blocks", blocks),
      Self.row("duration", NumberText.length(nanoseconds: summary.duration)),
      Self.row("times", times),
      Self.row(
        "messages",
        "\(NumberText.grouped(messages.messages)), \(Self.size(messages.bytes)), "
          + "\(NumberText.fixed(summary.messageRate, decimals: 2))/s"),
    ]
    for session in summary.sessions { lines.append(Self.row("recorded", Self.text(session))) }
    return lines
  }

  private var state: String {
    switch summary.ending {
    case _ where summary.damage != nil: "damaged; 'mwc verify' says where"
    case .finished: "finished"
    case .unfinished(_, 0): "not finished: still being recorded, or cut off"
    case .unfinished(let end, let excess):
      "not finished: at offset \(end) begin \(NumberText.counted(excess, "byte")) of a write "
        + "that was cut off"
    }
  }

  private var size: String {
    let size = Self.size(summary.fileSize)
    // A capture of next to nothing is larger than what it holds.
    guard summary.ratio >= 1 else { return size }
    let ratio = NumberText.fixed(summary.ratio, decimals: 1)
    return "\(size), \(ratio) times smaller than the payloads"
  }

  /// Wall-clock times of the first and the last record.
  private var times: String {
    guard !summary.times.isEmpty else { return "-" }
    return "\(Self.time(summary.times.minWall)) to \(Self.time(summary.times.maxWall))"
  }

  private var blocks: String {
    let parts = summary.encodings.map { encoding in
      "\(encoding.blocks) \(encoding.encoding) (\(Self.size(encoding.rawSize)) in "
        + "\(Self.size(encoding.storedSize)), \(NumberText.fixed(encoding.ratio, decimals: 1)) times)"
    }
    return parts.isEmpty ? "0" : parts.joined(separator: ", ")
  }

  private static func text(_ session: CaptureSession) -> String {
    var parts = [time(session.wallAnchor)]
    if !session.timeZone.isEmpty { parts.append(session.timeZone) }
    if !session.host.isEmpty { parts.append("on \(session.host)") }
    if !session.tool.isEmpty { parts.append("by \(session.tool)") }
    if !session.dialect.isEmpty { parts.append("dialect \(session.dialect)") }
    return parts.joined(separator: "  ")
  }

  private var connections: [String] {
    var rows = [["connection", "received", "per second", "sent", "reconnects", "uri"]]
    for connection in summary.connections where connection.number > 0 {
      rows.append([
        "\(connection.number)", NumberText.grouped(connection.received.messages),
        NumberText.fixed(summary.rate(connection.received.messages), decimals: 2),
        NumberText.grouped(connection.sent.messages), "\(connection.reconnects)",
        connection.uri ?? "-",
      ])
    }
    return Self.table(rows, leftAligned: [5])
  }

  private var kinds: [String] {
    var rows = [["kind", "records", "per second", "payload"]]
    for kind in summary.kinds {
      rows.append([
        kind.kind.description, NumberText.grouped(kind.tally.messages),
        NumberText.fixed(kind.rate, decimals: 2), Self.size(kind.tally.bytes),
      ])
    }
    return Self.table(rows, leftAligned: [0])
  }

  private static func rows(
    of types: [CaptureSummary.TypeTally], _ summary: CaptureSummary
  ) -> [String] {
    var rows = [["type", "messages", "per second", "payload"]]
    for type in types.prefix(typesShown) {
      rows.append([
        type.name ?? "-", NumberText.grouped(type.tally.messages),
        NumberText.fixed(summary.rate(type.tally.messages), decimals: 2), size(type.tally.bytes),
      ])
    }
    var others = summary.otherTypes.messages
    for type in types.dropFirst(typesShown) { others += type.tally.messages }
    let more = others > 0 ? ["and \(NumberText.counted(others, "message")) of other types"] : []
    return table(rows, leftAligned: [0]) + more
  }

  private static func rows(of columns: ColumnSizes) -> [String] {
    guard columns.storedBytes > 0 else { return ["there are no records that could have columns"] }
    var rows = [["column", "kept as", "values", "stored", "share"]]
    func add(_ name: String, _ type: String, _ values: UInt64?, _ bytes: UInt64) {
      let share = Double(bytes) * 100 / Double(max(1, columns.storedBytes))
      rows.append([
        name, type, values.map { NumberText.grouped($0) } ?? "", size(bytes),
        "\(NumberText.fixed(share, decimals: 1))%",
      ])
    }
    add("(times and order of records)", "", nil, columns.recordBytes)
    add("(what stays the same, and shapes)", "", nil, columns.shapeBytes)
    for column in columns.columns.prefix(columnsShown) {
      add(column.name, column.type, column.values, column.bytes)
    }
    let others = columns.columns.dropFirst(columnsShown)
    if !others.isEmpty {
      add(
        "\(NumberText.counted(others.count, "more column"))", "", nil,
        others.reduce(0) { $0 + $1.bytes })
    }
    let inRows =
      columns.rowRecords > 0
      ? [
        "\(NumberText.counted(columns.rowRecords, "record")) in rows, listed as columns would keep them"
      ] : []
    return table(rows, leftAligned: [0, 1]) + inRows
  }

  /// Columns listed for people; `--json` has all.
  private static let columnsShown = 30

  /// Types listed for people; `--json` has more.
  private static let typesShown = 40

  private var gaps: [String] {
    var rows = [["gap", "connection", "reason", "length", "messages missing"]]
    for gap in summary.gaps.prefix(Self.gapsShown) {
      rows.append([
        Self.time(gap.wallTime), "\(gap.connection)", gap.record.reason,
        NumberText.length(nanoseconds: gap.record.duration),
        gap.record.messages.map { NumberText.grouped($0) } ?? "unknown",
      ])
    }
    let hidden = summary.gapCount - UInt64(min(summary.gaps.count, Self.gapsShown))
    let more = hidden > 0 ? ["and \(NumberText.grouped(hidden)) more gaps"] : []
    return Self.table(rows, leftAligned: [0, 2]) + more
  }

  /// Gaps listed for people; `--json` has more.
  private static let gapsShown = 20

  private static func row(_ name: String, _ value: String) -> String {
    name + String(repeating: " ", count: 10 - name.count) + value
  }

  private static func size(_ bytes: some BinaryInteger) -> String {
    ByteCount(bytes: Int64(clamping: bytes)).description
  }

  /// To the millisecond, UTC.
  private static func time(_ nanoseconds: Int64) -> String {
    Timestamp.rfc3339(nanoseconds: nanoseconds).prefix(23) + "Z"
  }

  /// Columns as wide as their widest cell, two spaces apart.
  private static func table(_ rows: [[String]], leftAligned: Set<Int>) -> [String] {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        if column > 0 { line += "  " }
        if !leftAligned.contains(column) {
          line += padding + cell
        } else {
          line += column == row.count - 1 ? cell : cell + padding
        }
      }
      return line
    }
  }
}

// MARK: - For programs

extension InfoReport {
  /// One JSON object; `*_ns` and `*_bytes` are integers.
  var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.member("file", summary.file)
    json.member("state", summary.damage == nil ? summary.ending.word : "damaged")
    json.member("file_bytes", summary.fileSize)
    if case .unfinished(let end, let excess) = summary.ending {
      json.member("complete_bytes", end)
      json.member("excess_bytes", excess)
    }
    if let damage = summary.damage { json.member("damage", damage.description) }
    json.member("duration_ns", summary.duration)
    let times = summary.times.isEmpty ? nil : summary.times
    json.member("first_time_ns", times?.minWall)
    json.member("last_time_ns", times?.maxWall)
    json.member("records", summary.records.messages)
    json.member("messages", summary.messages.messages)
    json.member("payload_bytes", summary.records.bytes)
    json.member("messages_per_second", summary.messageRate)
    json.member("ratio", summary.ratio)
    appendBlocks(&json)
    appendSessions(&json)
    appendConnections(&json)
    appendKinds(&json)
    appendTypes(&json)
    appendColumns(&json)
    appendGaps(&json)
    json.endObject()
    return json.text
  }

  private func appendBlocks(_ json: inout JSONWriter) {
    json.member("blocks", summary.blocks)
    json.key("encodings")
    json.beginArray()
    for encoding in summary.encodings {
      json.beginObject()
      json.member("encoding", encoding.encoding.description)
      json.member("blocks", encoding.blocks)
      json.member("raw_bytes", encoding.rawSize)
      json.member("stored_bytes", encoding.storedSize)
      json.endObject()
    }
    json.endArray()
  }

  private func appendSessions(_ json: inout JSONWriter) {
    json.key("sessions")
    json.beginArray()
    for session in summary.sessions {
      json.beginObject()
      json.member("time", Timestamp.rfc3339(nanoseconds: session.wallAnchor))
      json.member("time_ns", session.wallAnchor)
      json.member("utc_offset_s", session.utcOffset)
      json.member("time_zone", session.timeZone)
      json.member("tool", session.tool)
      json.member("host", session.host)
      json.member("dialect", session.dialect)
      json.key("options")
      json.beginArray()
      for option in session.options { json.string(option) }
      json.endArray()
      json.endObject()
    }
    json.endArray()
  }

  private func appendConnections(_ json: inout JSONWriter) {
    json.key("connections")
    json.beginArray()
    for connection in summary.connections where connection.number > 0 {
      json.beginObject()
      json.member("connection", connection.number)
      json.member("uri", connection.uri)
      json.member("received", connection.received.messages)
      json.member("received_bytes", connection.received.bytes)
      json.member("received_per_second", summary.rate(connection.received.messages))
      json.member("sent", connection.sent.messages)
      json.member("sent_bytes", connection.sent.bytes)
      json.member("reconnects", connection.reconnects)
      json.endObject()
    }
    json.endArray()
  }

  private func appendColumns(_ json: inout JSONWriter) {
    guard let columns else { return }
    json.key("columns")
    json.beginArray()
    for column in columns.columns {
      json.beginObject()
      json.member("name", column.name)
      json.member("kept_as", column.type)
      json.member("values", column.values)
      json.member("stored_bytes", column.bytes)
      json.endObject()
    }
    json.endArray()
    json.member("column_blocks", columns.blocks)
    json.member("column_stored_bytes", columns.storedBytes)
    json.member("column_record_bytes", columns.recordBytes)
    json.member("column_shape_bytes", columns.shapeBytes)
    json.member("column_row_records", columns.rowRecords)
  }

  /// Null when types were not counted; the type of messages without one is null.
  private func appendTypes(_ json: inout JSONWriter) {
    json.key("types")
    guard let types = summary.types else { return json.null() }
    json.beginArray()
    for type in types {
      json.beginObject()
      json.member("type", type.name)
      json.member("messages", type.tally.messages)
      json.member("payload_bytes", type.tally.bytes)
      json.member("per_second", summary.rate(type.tally.messages))
      json.endObject()
    }
    json.endArray()
    json.member("messages_of_other_types", summary.otherTypes.messages)
  }

  private func appendKinds(_ json: inout JSONWriter) {
    json.key("kinds")
    json.beginArray()
    for kind in summary.kinds {
      json.beginObject()
      json.member("kind", kind.kind.description)
      json.member("records", kind.tally.messages)
      json.member("payload_bytes", kind.tally.bytes)
      json.member("per_second", kind.rate)
      json.endObject()
    }
    json.endArray()
  }

  private func appendGaps(_ json: inout JSONWriter) {
    json.member("gap_count", summary.gapCount)
    json.member("missing_messages", summary.missingMessages)
    json.key("gaps")
    json.beginArray()
    for gap in summary.gaps {
      json.beginObject()
      json.member("time", Timestamp.rfc3339(nanoseconds: gap.wallTime))
      json.member("time_ns", gap.wallTime)
      json.member("connection", gap.connection)
      json.member("reason", gap.record.reason)
      json.member("messages", gap.record.messages)
      json.member("bytes", gap.record.bytes)
      json.member("duration_ns", gap.record.duration)
      json.endObject()
    }
    json.endArray()
  }
}

extension CaptureEnding {
  /// `finished` or `unfinished`.
  var word: String { self == .finished ? "finished" : "unfinished" }
}
