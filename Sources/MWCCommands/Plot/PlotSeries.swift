/// Numbers over time in bounded memory: a row of bins that grow twice as wide whenever they become too
/// many.
///
/// ```
///   bin        0        1        2     …          up to 4,096
///   keeps   first, last, least, greatest, sum, count of what fell into it
/// ```
///
/// Drawn from its first, least, greatest and last value, a bin that is narrower than a dot looks as if
/// every value had been drawn.
struct PlotSeries: Sendable {
  let path: String
  let connection: UInt32
  /// What is drawn beside it.
  var name: String
  /// All values together; nil when there are none.
  private(set) var total: Bin?

  private var bins: [Bin?] = []
  /// Nanoseconds.
  private var binWidth: Int64 = 1_000_000
  private var isAfterBreak = false

  static let maxBins = 4096

  /// What fell into a stretch of time.
  struct Bin: Sendable, Equatable {
    var count: Int
    var least: Double
    var greatest: Double
    var sum: Double
    var first: Point
    var last: Point
    /// Whether something is known to be missing in front of it.
    var isAfterBreak: Bool

    init(_ point: Point, isAfterBreak: Bool) {
      count = 1
      least = point.value
      greatest = point.value
      sum = point.value
      first = point
      last = point
      self.isAfterBreak = isAfterBreak
    }

    /// Takes in what came later.
    mutating func add(_ other: Bin) {
      count += other.count
      least = min(least, other.least)
      greatest = max(greatest, other.greatest)
      sum += other.sum
      last = other.last
    }

    var mean: Double { sum / Double(count) }
  }

  struct Point: Sendable, Equatable {
    /// Nanoseconds since the start of the recording.
    var time: Int64
    var value: Double
  }

  init(path: String, connection: UInt32) {
    self.path = path
    self.connection = connection
    name = path
  }

  /// Adds a finite value.
  ///
  /// - Parameters:
  ///   - value: it.
  ///   - time: nanoseconds since the start of the recording, not negative; not before the one before.
  mutating func add(_ value: Double, at time: Int64) {
    // Clocks of a damaged recording may do what they like; order in the picture is order of arrival.
    let point = Point(time: max(time, total?.last.time ?? 0), value: value)
    let bin = Bin(point, isAfterBreak: isAfterBreak)
    isAfterBreak = false
    if total == nil { total = bin } else { total?.add(bin) }
    while point.time / binWidth >= Int64(PlotSeries.maxBins) { widen() }
    let index = Int(point.time / binWidth)
    while bins.count <= index { bins.append(nil) }
    if bins[index] == nil { bins[index] = bin } else { bins[index]?.add(bin) }
  }

  /// Says that something is missing here: no line leads from the value before to the next one.
  mutating func breakLine() { isAfterBreak = true }

  private mutating func widen() {
    bins = PlotSeries.joined(bins, by: 2)
    binWidth *= 2
  }

  private static func joined(_ bins: [Bin?], by factor: Int) -> [Bin?] {
    stride(from: 0, to: bins.count, by: factor).map { start in
      bins[start..<min(start + factor, bins.count)].reduce(into: Bin?.none) { sum, bin in
        guard let bin else { return }
        if sum == nil { sum = bin } else { sum?.add(bin) }
      }
    }
  }

  /// Lines through the values, one for each stretch without a gap: where something is known to be
  /// missing, and where nothing came for five times as long as usual, there is none.
  ///
  /// - Parameter resolution: how many stretches of time can be told apart in the picture.
  /// - Returns: lines of at least one point, in order.
  func lines(resolution: Int) -> [[Point]] {
    guard let total else { return [] }
    let factor = max(1, bins.count / max(1, resolution))
    let usual = (total.last.time - total.first.time) / Int64(max(1, total.count - 1))
    let longest = max(5 * usual, binWidth * Int64(factor))
    var lines: [[Point]] = []
    var line: [Point] = []
    for case let bin? in PlotSeries.joined(bins, by: factor) {
      if let previous = line.last,
        bin.isAfterBreak || bin.first.time - previous.time > longest
      {
        lines.append(line)
        line = []
      }
      line.append(bin.first)
      let middle = bin.first.time + (bin.last.time - bin.first.time) / 2
      for value in [bin.least, bin.greatest]
      where value != bin.first.value && value != bin.last.value {
        line.append(Point(time: middle, value: value))
      }
      if bin.count > 1 { line.append(bin.last) }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}
