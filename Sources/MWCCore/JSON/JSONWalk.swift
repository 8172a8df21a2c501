internal import CMWCKernels

/// One step of a walk through a document.
package struct JSONEvent: Sendable {
  package enum Kind: UInt8, Sendable {
    case null = 1
    case `false` = 2
    case `true` = 3
    case number = 4
    case string = 5
    case arrayBegin = 6
    case objectBegin = 7
    /// The name of the member whose value comes next.
    case key = 8
    case arrayEnd = 9
    case objectEnd = 10
  }

  package let kind: Kind
  /// Where in the document the bytes stand: a number or word, a string or key without its quotes, a
  /// bracket.
  package let range: Range<Int>
  /// How many containers are open around it.
  package let depth: Int
  private let flags: UInt8

  fileprivate init(_ event: mwc_json_event) {
    guard let kind = Kind(rawValue: event.kind) else {
      preconditionFailure("unknown event \(event.kind) of the JSON kernel")
    }
    self.kind = kind
    range = Int(event.offset)..<Int(event.offset) + Int(event.length)
    depth = Int(event.depth)
    flags = event.flags
  }

  /// A string or key with escapes in it.
  package var hasEscapes: Bool { flags & UInt8(MWC_JSON_ESCAPED) != 0 }
  /// A number without fraction and exponent.
  package var isInteger: Bool { flags & UInt8(MWC_JSON_INTEGER) != 0 }
  /// The end of a container without elements.
  package var isEmptyContainer: Bool { flags & UInt8(MWC_JSON_EMPTY) != 0 }
}

extension JSONEvent {
  /// Goes through the whole of `json`, event by event, checking it on the way. Allocates nothing;
  /// duplicate keys come as they stand.
  ///
  /// Events come while the rest is not checked yet: what was made of them is to be thrown away when an
  /// error follows.
  /// - Throws: `JSONError` with the offset of the first byte at fault.
  package static func forEach(
    in json: RawSpan, options: JSONScanner.Options = [], _ body: (JSONEvent) -> Void
  ) throws(JSONError) {
    var walk = unsafe mwc_json_walk()
    var event = mwc_json_event()
    let result = unsafe json.withUnsafeBytes { bytes in
      var result = unsafe mwc_json_walk_init(
        &walk, bytes.baseAddress, bytes.count, options.rawValue, 0)
      guard result == 0 else { return result }
      result = unsafe mwc_json_walk_next(&walk, &event)
      while result == 1 {
        body(JSONEvent(event))
        result = unsafe mwc_json_walk_next(&walk, &event)
      }
      return result
    }
    guard result == 0 else { throw JSONError(kernel: result, at: Int(event.offset)) }
  }
}

/// The events of a document, one after the other, for those who want to stop in between. As
/// `JSONEvent.forEach`, but for a document that is known to be JSON: an error ends it like the end.
///
/// Holds a pointer into the document, which it cannot outlive.
@safe package struct JSONEvents: ~Escapable {
  private var walk: mwc_json_walk
  private var hasEnded: Bool

  @_lifetime(copy json)
  package init(in json: RawSpan, options: JSONScanner.Options = []) {
    var walk = unsafe mwc_json_walk()
    let result = unsafe json.withUnsafeBytes { bytes in
      unsafe mwc_json_walk_init(&walk, bytes.baseAddress, bytes.count, options.rawValue, 0)
    }
    unsafe self.walk = walk
    hasEnded = result != 0
  }

  /// Nil at the end.
  @_lifetime(self: copy self)
  package mutating func next() -> JSONEvent? {
    guard !hasEnded else { return nil }
    var event = mwc_json_event()
    // A field of a view cannot be lent to C; a copy of it can.
    var walk = unsafe self.walk
    let result = unsafe mwc_json_walk_next(&walk, &event)
    unsafe self.walk = walk
    hasEnded = result != 1
    return hasEnded ? nil : JSONEvent(event)
  }
}
