/// The paths that somebody reads of every message: said beforehand, so that whoever makes the messages
/// can hand out these values without the rest.
///
/// ```
///   consumer ──PathInterest──► reader of a capture          decodes only the columns behind the paths
///       ◄──Message──────────────┘                           values(of:) instead of payload
/// ```
///
/// It changes nothing of what there is: the payload of a message is there for anybody who asks for it,
/// and is put together then.
package final class PathInterest: Sendable {
  /// What is enough to know of a value, where not all of it is needed.
  package struct Enough: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Of an array or object, that it is there and whether it is empty. Its text then means nothing.
    package static let presence = Enough(rawValue: 1)
    /// Of a number, what it amounts to. The texts of numbers and strings then mean nothing.
    package static let amount = Enough(rawValue: 2)
  }

  package let paths: [String]
  /// For each path.
  package let enough: [Enough]

  /// - Parameters:
  ///   - paths: as those of `JSONScanner`; good ones.
  ///   - enough: for each path; empty: all of every value is needed.
  package init(_ paths: [String], enough: [Enough] = []) {
    precondition(enough.isEmpty || enough.count == paths.count, "one for each path")
    self.paths = paths
    self.enough = enough.isEmpty ? paths.map { _ in [] } : enough
  }
}

/// Where a record comes from whose payload has not been put together. What it gives belongs to the
/// record that it stands at, and lasts until it goes on.
package protocol PayloadSource: AnyObject {
  /// The bytes, exactly as they came; put together when they are first asked for.
  var payload: RawSpan {
    @_lifetime(borrow self)
    get
  }

  /// What a scan of the payload for these paths finds, numbers converted; nil when only the payload
  /// tells, and for paths that the source was not told of.
  @_lifetime(borrow self)
  func values(of interest: PathInterest) -> JSONValues?
}

extension JSONScanner {
  /// Finds the values of a message: those that it brings along, or by a scan.
  ///
  /// - Parameters:
  ///   - message: it; its payload is asked for only if need be.
  ///   - interest: the paths of this scanner, as the source of the message was told.
  /// - Returns: the values, as `scan` does.
  /// - Throws: `JSONError` as `scan` does.
  @_lifetime(&self, copy message)
  package mutating func scan(
    _ message: borrowing Message, as interest: PathInterest
  ) throws(JSONError) -> JSONValues {
    if let values = message.values(of: interest) { return values }
    let payload = message.payload
    let values = try scan(payload)
    // What the scan of this very call has found.
    return unsafe _overrideLifetime(values, copying: payload)
  }
}
