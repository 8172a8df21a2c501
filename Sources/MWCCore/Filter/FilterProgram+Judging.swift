internal import Glibc

/// What tests need besides the message: machines and memory that are used again and again.
struct FilterRoom {
  fileprivate var matchers: [PatternMatcher]
  /// Strings whose escapes are resolved, for each side of a comparison.
  fileprivate var left: [UInt8] = []
  fileprivate var right: [UInt8] = []

  init(_ program: FilterProgram) { matchers = program.patterns.map { PatternMatcher($0) } }
}

extension FilterProgram {
  /// Whether a message meets the expression. `values` are what the scanner found, nil for a message
  /// that is not JSON; `isPacket`: they stand in a Socket.IO packet.
  func accepts(
    _ message: borrowing Message, _ values: JSONValues?, isPacket: Bool, _ room: inout FilterRoom
  ) -> Bool {
    let texts = unsafe text.span.bytes
    var next = start
    while next >= 0 {
      let test = tests[next]
      let left = value(of: test.left, message, values, isPacket: isPacket, texts)
      let holds: Bool
      switch test.relation {
      // What is missing is not different from anything either.
      case _ where left.isMissing: holds = false
      case .exists: holds = true
      case .compares(let comparison, let operand):
        let right = value(of: operand, message, values, isPacket: isPacket, texts)
        holds = !right.isMissing && Self.holds(comparison, left, right, &room)
      case .isIn(let range): holds = isAny(of: range, texts, left, &room)
      case .contains(let index):
        holds = Self.contains(left, FilterValue(literals[index], in: texts), &room)
      case .matches(let index): holds = Self.matches(index, left, &room)
      }
      next = holds ? test.whenTrue : test.whenFalse
    }
    return next == Self.yes
  }

  @_lifetime(copy values, copy texts)
  private func value(
    of operand: Operand, _ message: borrowing Message, _ values: JSONValues?, isPacket: Bool,
    _ texts: RawSpan
  ) -> FilterValue {
    switch operand {
    case .literal(let index): return FilterValue(literals[index], in: texts)
    case .path(let index):
      guard let values else { return FilterValue(.missing) }
      return FilterValue(values[index])
    case .property(.type):
      guard let values, let typePaths else { return FilterValue(.missing) }
      return FilterValue(values[isPacket ? typePaths.element : typePaths.member])
    case .property(.connection):
      return FilterValue(.number(.integer(Int64(message.connection))))
    case .property(.size): return FilterValue(.number(.integer(Int64(message.payload.byteCount))))
    case .property(.direction):
      return FilterValue(literals[directions + Int(message.direction.rawValue)], in: texts)
    case .property(.kind):
      return FilterValue(literals[kinds + Int(message.kind.rawValue)], in: texts)
    }
  }

  private func isAny(
    of range: Range<Int>, _ texts: RawSpan, _ value: borrowing FilterValue,
    _ room: inout FilterRoom
  ) -> Bool {
    for index in range
    where Self.equal(value, FilterValue(literals[index], in: texts), &room) { return true }
    return false
  }

  // MARK: Comparing

  private static func holds(
    _ comparison: FilterExpression.Comparison, _ left: borrowing FilterValue,
    _ right: borrowing FilterValue, _ room: inout FilterRoom
  ) -> Bool {
    switch comparison {
    case .equal: return equal(left, right, &room)
    case .notEqual: return !equal(left, right, &room)
    case .less: return order(left, right, &room).map { $0 < 0 } ?? false
    case .lessOrEqual: return order(left, right, &room).map { $0 <= 0 } ?? false
    case .greater: return order(left, right, &room).map { $0 > 0 } ?? false
    case .greaterOrEqual: return order(left, right, &room).map { $0 >= 0 } ?? false
    }
  }

  /// Values of different kinds are not equal, nor are arrays and objects to anything.
  private static func equal(
    _ left: borrowing FilterValue, _ right: borrowing FilterValue, _ room: inout FilterRoom
  ) -> Bool {
    switch (left.kind, right.kind) {
    case (.null, .null): return true
    case (.bool(let left), .bool(let right)): return left == right
    case (.number(let left), .number(let right)): return left.order(right) == 0
    case (.string, .string):
      if !left.hasEscapes, !right.hasEscapes { return left.text.isEqual(to: right.text) }
      room.resolve(left, right)
      return room.left == room.right
    default: return false
    }
  }

  /// Less (negative), equal (0) or greater; nil where there is no order. Strings by their bytes, which
  /// is the order of their characters.
  private static func order(
    _ left: borrowing FilterValue, _ right: borrowing FilterValue, _ room: inout FilterRoom
  ) -> Int? {
    switch (left.kind, right.kind) {
    case (.number(let left), .number(let right)): return left.order(right)
    case (.string, .string):
      if !left.hasEscapes, !right.hasEscapes { return left.text.order(right.text) }
      room.resolve(left, right)
      return unsafe room.left.span.bytes.order(room.right.span.bytes)
    default: return nil
    }
  }

  /// Whether a string holds another one, or an array an element that is equal.
  private static func contains(
    _ left: borrowing FilterValue, _ right: borrowing FilterValue, _ room: inout FilterRoom
  ) -> Bool {
    switch (left.kind, right.kind) {
    case (.string, .string):
      if !left.hasEscapes { return left.text.contains(right.text) }
      room.resolve(left, right)
      return unsafe room.left.span.bytes.contains(room.right.span.bytes)
    case (.array, _):
      var events = JSONEvents(in: left.text, options: .nonFinite)
      while let event = events.next() {
        if let element = FilterValue(event, in: left.text), equal(element, right, &room) {
          return true
        }
      }
      return false
    default: return false
    }
  }

  private static func matches(
    _ index: Int, _ value: borrowing FilterValue, _ room: inout FilterRoom
  ) -> Bool {
    guard case .string = value.kind else { return false }
    if !value.hasEscapes { return room.matchers[index].matches(value.text) }
    value.getText(&room.left)
    return matches(&room.matchers[index], room.left)
  }

  private static func matches(_ matcher: inout PatternMatcher, _ text: [UInt8]) -> Bool {
    unsafe matcher.matches(text.span.bytes)
  }
}

extension FilterRoom {
  /// Puts what two strings mean into `left` and `right`.
  fileprivate mutating func resolve(
    _ first: borrowing FilterValue, _ second: borrowing FilterValue
  ) {
    first.getText(&left)
    second.getText(&right)
  }
}

extension RawSpan {
  fileprivate func isEqual(to other: RawSpan) -> Bool {
    byteCount == other.byteCount && order(other) == 0
  }

  fileprivate func order(_ other: RawSpan) -> Int {
    let common = min(byteCount, other.byteCount)
    let order = unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        // Empty spans may have no address.
        guard let left = left.baseAddress, let right = right.baseAddress else { return Int32(0) }
        return unsafe memcmp(left, right, common)
      }
    }
    return order != 0 ? Int(order) : byteCount - other.byteCount
  }

  fileprivate func contains(_ other: RawSpan) -> Bool {
    guard other.byteCount > 0 else { return true }
    guard other.byteCount <= byteCount else { return false }
    let first = other.byte(at: 0)
    for start in 0...(byteCount - other.byteCount) where byte(at: start) == first {
      if extracting(start..<start + other.byteCount).order(other) == 0 { return true }
    }
    return false
  }
}
