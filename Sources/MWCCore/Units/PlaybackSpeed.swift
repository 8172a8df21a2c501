/// How fast a recording is played: `10x`, `0.25x`, `10`, `max`, `step`.
package enum PlaybackSpeed: Hashable, Sendable {
  /// Recorded time passes this many times faster than real time; finite and greater than zero.
  case times(Double)
  /// As fast as the machine can.
  case max
  /// One message for each key pressed.
  case step

  /// - Returns: nil when `text` is none of the forms above, or not a positive number.
  package init?(_ text: String) {
    switch text {
    case "max": self = .max
    case "step": self = .step
    default:
      let number = text.hasSuffix("x") ? text.dropLast() : text[...]
      // Double also reads "inf", "nan" and hexadecimal, none of which is a speed.
      guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
        let rate = Double(number), rate > 0, rate <= Self.fastest
      else { return nil }
      self = .times(rate)
    }
  }

  /// Above this, a nanosecond of playing is more than a day of recording: that is `max`.
  private static let fastest = 1e12
}

extension PlaybackSpeed: CustomStringConvertible {
  package var description: String {
    switch self {
    case .times(let rate):
      rate == rate.rounded() && rate < 1e15 ? "\(Int64(rate))x" : "\(rate)x"
    case .max: "max"
    case .step: "step"
    }
  }
}
