internal import MWC
internal import MWCCore

/// A recording in words and figures: the live line, the summary, the full statistics.
enum RecordingReport {
  /// `45.3 s  12,345 msg  1,431 msg/s  9.1 MiB -> 0.6 MiB  connected`; the rate is that since `before`.
  static func live(_ now: RecordingStatistics, since before: RecordingStatistics) -> String {
    let received = now.total(\.received)
    let span = now.elapsed - before.elapsed
    let fresh = received.messages - before.total(\.received).messages
    let rate = span > 0 ? Int64(Double(fresh) / Double(span) * 1e9 + 0.5) : 0
    var parts = [
      seconds(now.elapsed), "\(NumberText.grouped(received.messages)) msg",
      "\(NumberText.grouped(rate)) msg/s",
      "\(ByteCount(bytes: received.bytes)) -> \(ByteCount(bytes: now.fileBytes))",
    ]
    if let only = now.connections.first, now.connections.count == 1 {
      parts.append(only.status)
    } else {
      let standing = now.connections.count { $0.status == "connected" }
      parts.append("\(standing)/\(now.connections.count) connected")
    }
    if now.hasFilter {
      parts.append("\(NumberText.grouped(now.total(\.filtered).messages)) filtered out")
    }
    if now.fileCount > 1 { parts.append(counted(now.fileCount, "file")) }
    if now.isDiskFull { parts.append("DISK FULL, not writing") }
    return parts.joined(separator: "  ")
  }

  /// One line at the end.
  static func summary(_ statistics: RecordingStatistics, output: String) -> String {
    let written = statistics.total(\.written)
    var text = "\(name(of: statistics, output: output)): "
    text += "\(counted(written.messages, "message")), \(ByteCount(bytes: written.bytes))"
    text += " in \(seconds(statistics.elapsed))"
    let files = statistics.fileCount > 1 ? "\(counted(statistics.fileCount, "file"))," : "file"
    text += " (\(files) \(ByteCount(bytes: statistics.fileBytes)))"
    if statistics.deletedFiles > 0 {
      text += "; \(counted(statistics.deletedFiles, "old file")) deleted"
    }
    let gaps = statistics.total(\.gaps)
    text += "; \(counted(gaps, "gap"))"
    if gaps > 0 { text += " (\(seconds(statistics.total(\.gapTime))))" }
    text += ", \(counted(statistics.total(\.reconnects), "reconnect"))"
    let errors = statistics.total(\.errors)
    if errors > 0 { text += ", \(counted(errors, "error"))" }
    if statistics.hasFilter {
      text += "; \(counted(statistics.total(\.filtered).messages, "message")) filtered out"
    }
    let dropped = statistics.total(\.dropped)
    if dropped.messages > 0 {
      text += "; \(counted(dropped.messages, "message")) LOST (\(ByteCount(bytes: dropped.bytes)))"
    }
    if statistics.hurriedBlocks > 0 {
      text += "; \(counted(statistics.hurriedBlocks, "block")) not compressed, to keep up"
    }
    return text
  }

  /// The name of the capture; where there are several files, the pattern of their names.
  static func name(of statistics: RecordingStatistics, output: String) -> String {
    if output == "-" { return "standard output" }
    guard statistics.fileCount == 1, let only = statistics.files.last else { return output }
    return only
  }

  /// Several lines: every stream with all its counters.
  static func details(_ statistics: RecordingStatistics) -> [String] {
    var lines: [String] = []
    for (index, connection) in statistics.connections.enumerated() {
      lines.append("stream \(index + 1): \(connection.uri) (\(connection.status))")
      for (name, tally) in tallies(of: connection) where name == "received" || tally.messages > 0 {
        lines.append(
          "  \(name): \(counted(tally.messages, "message")), \(ByteCount(bytes: tally.bytes))")
      }
      lines.append(
        "  \(counted(connection.connects, "connection")), \(counted(connection.errors, "error")), "
          + "\(counted(connection.gaps, "gap")) (\(seconds(connection.gapTime)))")
    }
    return lines
  }

  /// The whole statistics as one JSON object. Keys never change their meaning; times are
  /// nanoseconds, sizes are bytes.
  static func json(_ statistics: RecordingStatistics, output: String) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("output", output == "-" ? output : name(of: statistics, output: output))
    json.member("elapsed_ns", statistics.elapsed)
    json.member("file_bytes", statistics.fileBytes)
    json.member("file_count", statistics.fileCount)
    json.member("deleted_files", statistics.deletedFiles)
    json.key("files")
    json.beginArray()
    for file in statistics.files { json.string(file) }
    json.endArray()
    json.member("hurried_blocks", statistics.hurriedBlocks)
    json.key("streams")
    json.beginArray()
    for connection in statistics.connections {
      json.beginObject()
      json.member("uri", connection.uri)
      json.member("status", connection.status)
      for (name, tally) in tallies(of: connection) {
        json.key(name)
        json.beginObject()
        json.member("messages", tally.messages)
        json.member("bytes", tally.bytes)
        json.endObject()
      }
      for (name, count) in [
        ("connects", connection.connects), ("errors", connection.errors), ("gaps", connection.gaps),
        ("gap_ns", connection.gapTime),
      ] {
        json.member(name, count)
      }
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  private static func tallies(
    of connection: RecordingStatistics.Connection
  ) -> [(name: String, tally: RecordingStatistics.Tally)] {
    [
      ("received", connection.received), ("written", connection.written),
      ("filtered", connection.filtered), ("dropped", connection.dropped), ("sent", connection.sent),
    ]
  }
}

// MARK: - Figures for people

extension RecordingReport {
  /// `1 message`, `12,345 messages`.
  private static func counted(_ count: Int64, _ noun: String) -> String {
    "\(NumberText.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// Seconds with one decimal.
  static func seconds(_ nanoseconds: Int64) -> String {
    NumberText.fixed(Double(nanoseconds) / 1e9, decimals: 1) + " s"
  }
}
