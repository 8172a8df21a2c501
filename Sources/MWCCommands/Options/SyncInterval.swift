internal import ArgumentParser
internal import MWCCore

/// How often written data is forced to the disk: a duration, or `never`, which leaves it to the
/// kernel.
enum SyncInterval: Equatable, Sendable {
  /// Zero: with every flush.
  case every(DurationText)
  case never
}

extension SyncInterval: ExpressibleByArgument {
  init?(argument: String) {
    if argument == "never" {
      self = .never
    } else if let duration = DurationText(argument) {
      self = .every(duration)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .every(let duration): duration.description
    case .never: "never"
    }
  }
}
