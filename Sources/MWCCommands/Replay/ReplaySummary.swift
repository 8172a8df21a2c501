internal import Histogram
internal import MWC
internal import MWCCore
internal import MWCReplay

/// What `mwc replay --stats` says at the end.
struct ReplaySummary {
  let statistics: ReplayStatistics
  let asked: PlaybackSpeed
  /// Nil: an error ended it.
  let end: ReplayEnd?
  let badMessages: UInt64

  /// Lines for people.
  var lines: [String] {
    let size = ByteCount(bytes: Int64(clamping: statistics.bytes))
    var first =
      "played \(NumberText.grouped(statistics.messages)) messages (\(size)) "
      + "in \(NumberText.length(nanoseconds: statistics.elapsedNanoseconds)), "
      + "\(NumberText.fixed(statistics.messagesPerSecond, decimals: 0)) msg/s"
    switch end {
    case .finished: break
    case .stopped: first += ", stopped"
    case nil: first += ", broken off"
    }
    var lines = [first]
    if asked != .step, statistics.playedNanoseconds > 0 {
      lines.append(
        "speed \(NumberText.fixed(statistics.achievedSpeed, decimals: 4))x "
          + "(\(NumberText.length(nanoseconds: statistics.playedNanoseconds)) of recording), "
          + "asked for \(asked)\(isHeld ? "" : ", which could not be held")")
    }
    if statistics.lateness.totalCount > 0 {
      lines.append(
        "late "
          + percentiles.map { "\($0.name) \(NumberText.brief(nanoseconds: $0.value))" }
          .joined(separator: ", "))
    }
    return lines
  }

  /// One JSON object.
  var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.member("messages", statistics.messages)
    json.member("bytes", statistics.bytes)
    json.member("bad_messages", badMessages)
    json.member("ended", end.map { $0 == .finished ? "finished" : "stopped" } ?? "failed")
    json.member("elapsed_ns", statistics.elapsedNanoseconds)
    json.member("played_ns", statistics.playedNanoseconds)
    json.member("position_ns", statistics.position)
    json.member("messages_per_second", statistics.messagesPerSecond ?? 0)
    json.member("speed_asked", asked.description)
    json.key("speed_achieved")
    if let speed = statistics.achievedSpeed { json.number(speed) } else { json.null() }
    json.member("speed_held", isHeld)
    json.key("lateness_ns")
    if statistics.lateness.totalCount > 0 {
      json.beginObject()
      for percentile in percentiles { json.member(percentile.key, percentile.value) }
      json.endObject()
    } else {
      json.null()
    }
    json.endObject()
    return json.text
  }

  /// Whether the messages came as fast as was asked, within a hundredth.
  private var isHeld: Bool {
    guard case .times(let rate) = asked, let achieved = statistics.achievedSpeed else {
      return true
    }
    // A few messages in a short time are late by nothing that lasts.
    return achieved >= rate * 0.99 || statistics.lateness.max < 100_000_000
  }

  private var percentiles: [(name: String, key: String, value: UInt64)] {
    let lateness = statistics.lateness
    return [
      ("p50", "p50", lateness.valueAtPercentile(50)),
      ("p99", "p99", lateness.valueAtPercentile(99)),
      ("p99.9", "p99_9", lateness.valueAtPercentile(99.9)),
      ("max", "max", lateness.max),
    ]
  }
}
