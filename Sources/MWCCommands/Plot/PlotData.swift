internal import MWC
internal import MWCCapture
internal import MWCCore

/// The numbers that a plot shows, read from a capture: a series for each path, and for each connection
/// where there are several.
struct PlotData {
  /// Series in the order of their paths, then of connections; only those that have values.
  private(set) var series: [PlotSeries] = []
  /// Messages that were looked at.
  private(set) var messages: UInt64 = 0
  /// Values at each path that are no numbers, null among them.
  private(set) var otherValues: [Int]
  /// The same with the paths.
  var pathsWithOthers: [(path: String, others: Int)] { Array(zip(paths, otherValues)) }
  /// Where what was read begins and ends, nanoseconds since the start of the recording; nil: nothing.
  private(set) var times: ClosedRange<Int64>?
  /// Wall-clock time at the start of the recording, nanoseconds since 1970.
  private(set) var startWallTime: Int64 = 0
  /// What ended the reading before its end.
  private(set) var damage: CaptureError?

  private let paths: [String]
  private var found: [Key: PlotSeries] = [:]

  private struct Key: Hashable {
    var path: Int
    var connection: UInt32
  }

  /// Most series: more cannot be told apart, and each takes some hundred kilobytes.
  static let maxSeries = 64
  /// Beyond this, sums and differences of values leave the range of doubles.
  private static let largest = 1e300

  /// - Parameter paths: of the numbers; all of them are understood.
  init(paths: [String]) {
    self.paths = paths
    otherValues = Array(repeating: 0, count: paths.count)
  }

  /// Reads all that is left of `records`.
  ///
  /// - Throws: `CaptureError` other than damage, which only ends the reading; `CommandFailure` when
  ///   there are too many series.
  mutating func read(_ records: inout SelectedRecords, _ progress: ProgressLine) throws {
    startWallTime = records.session.wallAnchor
    let interest = PathInterest(paths, enough: paths.map { _ in [.presence, .amount] })
    records.announce(interest)
    var scanner = JSONScanner(valid: paths, options: .nonFinite)
    var values = Array(repeating: Value.missing, count: paths.count)
    do throws(CaptureError) {
      while try records.advance() {
        progress.done = records.position
        switch records.current.kind {
        case .text:
          messages += 1
          guard PlotData.scan(records.current, interest, &scanner, into: &values) else { continue }
          add(values, of: records.current.connection, at: records.offset)
        case .opened, .closed, .gap: breakLines(of: records.current.connection)
        default: break
        }
        if found.count > PlotData.maxSeries { break }
      }
    } catch {
      guard error.code == .damaged else { throw error }
      damage = error
    }
    guard found.count <= PlotData.maxSeries else {
      throw CommandFailure(
        .usage,
        "more than \(PlotData.maxSeries) series, one for each path and connection; --connection "
          + "chooses one")
    }
    name()
  }

  private mutating func add(_ values: [Value], of connection: UInt32, at time: Int64) {
    for (index, value) in values.enumerated() {
      switch value {
      case .missing: break
      case .other: otherValues[index] += 1
      case .number(let number):
        let key = Key(path: index, connection: connection)
        found[key, default: PlotSeries(path: paths[index], connection: connection)]
          .add(number, at: time)
      }
    }
    times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
  }

  private enum Value {
    case missing, other
    case number(Double)

    init(_ value: borrowing JSONValue) {
      let number: Double?
      switch value.kind {
      case .missing:
        self = .missing
        return
      case .number: number = value.double
      case .true: number = 1
      case .false: number = 0
      default: number = nil
      }
      if let number, number.magnitude < PlotData.largest {
        self = .number(number)
      } else {
        self = .other
      }
    }
  }

  /// Replaces `values` by what stands at the paths of a message; false when it is no JSON.
  private static func scan(
    _ message: borrowing Message, _ interest: PathInterest, _ scanner: inout JSONScanner,
    into values: inout [Value]
  ) -> Bool {
    do throws(JSONError) {
      let found = try scanner.scan(message, as: interest)
      for index in values.indices { values[index] = Value(found[index]) }
      return true
    } catch {
      return false
    }
  }

  /// Something is missing on a connection, or on all of them (0).
  private mutating func breakLines(of connection: UInt32) {
    for key in found.keys where connection == 0 || key.connection == connection {
      found[key]?.breakLine()
    }
  }

  private mutating func name() {
    let hasSeveral = Set(found.keys.map(\.connection)).count > 1
    let keys = found.keys.sorted { ($0.path, $0.connection) < ($1.path, $1.connection) }
    series = keys.compactMap { key in
      guard var series = found[key] else { return nil }
      if hasSeveral { series.name += " #\(key.connection)" }
      return series
    }
    found = [:]
  }
}
