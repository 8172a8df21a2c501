internal import ArgumentParser
internal import MWCCore

// How the units of `MWCCore/Units` appear as arguments. The types are ours and so is the protocol's
// conformance; they are not retroactive.

extension DurationText: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package var defaultValueDescription: String { description }
}

extension ByteCount: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  /// As it is typed: `1GiB`.
  package var defaultValueDescription: String {
    description.replacing(".0 ", with: "").replacing(" ", with: "")
  }
}

extension PlaybackSpeed: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package var defaultValueDescription: String { description }
}

extension PointInTime: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
