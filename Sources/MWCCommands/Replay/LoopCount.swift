internal import ArgumentParser

/// How often a recording is played: a number from 1, or `forever`.
enum LoopCount: Hashable, Sendable {
  case times(Int)
  case forever

  /// As `ReplayPlan` counts passes.
  var passes: Int? {
    switch self {
    case .times(let count): count
    case .forever: nil
    }
  }
}

extension LoopCount: ExpressibleByArgument, CustomStringConvertible {
  init?(argument: String) {
    if argument == "forever" {
      self = .forever
    } else if let count = Int(argument) {
      // Zero is refused by whoever asks, or it would be taken for the next argument.
      self = .times(count)
    } else {
      return nil
    }
  }

  var description: String {
    switch self {
    case .times(let count): "\(count)"
    case .forever: "forever"
    }
  }
}
