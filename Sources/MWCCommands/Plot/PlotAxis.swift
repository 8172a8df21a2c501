internal import Glibc

/// Round numbers along an axis, and how they are written.
struct PlotAxis: Sendable {
  let range: ClosedRange<Double>
  /// Where labels stand, in order.
  let ticks: [Double]
  private let step: Double

  /// Values: 1, 2 or 5 times a power of ten from one label to the next.
  ///
  /// - Parameters:
  ///   - range: what is to be seen; widened to the labels around it.
  ///   - count: about how many labels.
  init(values range: ClosedRange<Double>, count: Int) {
    var (low, high) = (range.lowerBound, range.upperBound)
    if low == high {
      // One value only: it stands in the middle.
      let room = low == 0 ? 1 : low.magnitude * 0.1
      (low, high) = (low - room, high + room)
    }
    let rough = (high - low) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    self.step = step
    low = floor(low / step + 1e-9) * step
    high = ceil(high / step - 1e-9) * step
    guard step.isNormal, low.isFinite, high.isFinite, low < high else {
      // Beyond what doubles can tell apart.
      self.range = range.lowerBound...max(range.upperBound, range.lowerBound.nextUp)
      ticks = [range.lowerBound]
      return
    }
    self.range = low...high
    ticks = (0...Int(((high - low) / step).rounded())).map { low + Double($0) * step }
  }

  /// Time, in nanoseconds: seconds, minutes, hours and days as clocks divide them.
  init(times range: ClosedRange<Int64>, count: Int) {
    let (low, high) = (
      Double(range.lowerBound), Double(max(range.upperBound, range.lowerBound + 1))
    )
    let rough = (high - low) / Double(max(1, count))
    let step = PlotAxis.timeSteps.first { $0 >= rough } ?? ceil(rough / 86_400e9) * 86_400e9
    self.step = step
    self.range = low...high
    ticks = (Int(ceil(low / step))...max(Int(ceil(low / step)), Int(floor(high / step))))
      .map { Double($0) * step }.filter { $0 >= low && $0 <= high }
  }

  private static let timeSteps: [Double] =
    [1e3, 1e4, 1e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8]
    + [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400]
    .map { $0 * 1e9 }

  /// From 0 at the beginning of the axis to 1 at its end.
  func position(_ value: Double) -> Double {
    (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  // MARK: Labels

  /// `4.5`, `250k`, `1.10G`: as many digits as tell one label from the next.
  func label(value: Double) -> String {
    let largest = max(range.lowerBound.magnitude, range.upperBound.magnitude)
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")]
    let unit = units.first { largest >= $0.0 } ?? (1, "")
    let scale = unit.1 == "k" ? 1e3 : unit.0
    if largest >= 1e16 || (largest < 1e-4 && largest > 0) { return PlotAxis.plain(value) }
    let scaledStep = step / scale
    let digits = scaledStep > 0 ? Int(max(0, -floor(log10(scaledStep) + 1e-9))) : 0
    let text = NumberText.fixed(value / scale, decimals: min(digits, 9))
    return value == 0 ? "0" : text + unit.1
  }

  /// A number that needs no rounding to be told: `45.2`, `1099042816`, `3e-07`.
  static func plain(_ value: Double) -> String {
    let isWhole = value == value.rounded()
    // Six digits are what a reader takes in.
    let rounded = isWhole || !value.isFinite ? value : PlotAxis.rounded(value, digits: 6)
    guard rounded == rounded.rounded(), rounded.magnitude < 1e15 else { return "\(rounded)" }
    return "\(Int64(rounded))"
  }

  private static func rounded(_ value: Double, digits: Int) -> Double {
    let power = pow(10, Double(digits - 1) - floor(log10(value.magnitude)))
    let result = (value * power).rounded() / power
    return result.isFinite ? result : value
  }

  /// `+2.5s`, `+1m30s`, `+2h05m`: what `--from` takes to begin there, for whole units.
  static func label(time: Double) -> String {
    let seconds = time / 1e9
    if seconds < 60 { return "+\(plain(seconds))s" }
    let whole = Int64(seconds.rounded())
    let (days, hours, minutes, rest) = (
      whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60
    )
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if days > 0 { return hours == 0 ? "+\(days)d" : "+\(days)d\(two(hours))h" }
    if hours > 0 { return minutes == 0 ? "+\(hours)h" : "+\(hours)h\(two(minutes))m" }
    return rest == 0 ? "+\(minutes)m" : "+\(minutes)m\(two(rest))s"
  }
}
