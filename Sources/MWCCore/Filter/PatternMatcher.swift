/// Looks for a regular expression in texts: walks its steps with all alternatives at once (a set of
/// places for each byte), so the time is at most the length of the text times that of the expression.
///
/// Allocates when it is made, never while matching. One thread at a time.
struct PatternMatcher {
  private let program: PatternProgram
  /// Where the walk stands, and where it will stand after the next byte.
  private var current: PlaceSet
  private var next: PlaceSet
  /// Places still to be looked at while jumps and splits are followed.
  private var pending: [Int] = []

  init(_ program: PatternProgram) {
    self.program = program
    current = PlaceSet(capacity: program.steps.count)
    next = PlaceSet(capacity: program.steps.count)
    pending.reserveCapacity(program.steps.count * 2)
  }

  /// Whether the expression matches anywhere in `text`.
  mutating func matches(_ text: RawSpan) -> Bool {
    let count = text.byteCount
    current.removeAll()
    for index in 0...count {
      // A match may begin at every byte.
      if Self.add(0, at: index, of: text, program, &pending, to: &current) { return true }
      guard index < count else { return false }
      let byte = text.byte(at: index)
      next.removeAll()
      for number in 0..<current.count {
        let place = current[number]
        guard case .byte(let set) = program.steps[place], program.sets[set].contains(byte)
        else { continue }
        if Self.add(place + 1, at: index + 1, of: text, program, &pending, to: &next) {
          return true
        }
      }
      swap(&current, &next)
    }
    return false
  }

  /// Adds a place and all that can be reached from it without a byte; true if that is the end of the
  /// expression.
  private static func add(
    _ place: Int, at index: Int, of text: RawSpan, _ program: PatternProgram,
    _ pending: inout [Int], to places: inout PlaceSet
  ) -> Bool {
    pending.removeAll(keepingCapacity: true)
    pending.append(place)
    while let place = pending.popLast() {
      guard places.insert(place) else { continue }
      switch program.steps[place] {
      case .byte: break
      case .jump(let target): pending.append(target)
      case .split(let first, let second):
        pending.append(first)
        pending.append(second)
      case .start: if index == 0 { pending.append(place + 1) }
      case .end: if index == text.byteCount { pending.append(place + 1) }
      case .wordEdge: if isWordEdge(index, text) { pending.append(place + 1) }
      case .accept: return true
      }
    }
    return false
  }

  private static func isWordEdge(_ index: Int, _ text: RawSpan) -> Bool {
    let before = index > 0 && ByteSet.word.contains(text.byte(at: index - 1))
    let after = index < text.byteCount && ByteSet.word.contains(text.byte(at: index))
    return before != after
  }
}

/// A set of small numbers that is emptied in no time.
private struct PlaceSet {
  private var members: [Int]
  private var positions: [Int]
  private(set) var count = 0

  init(capacity: Int) {
    members = Array(repeating: 0, count: capacity)
    positions = Array(repeating: 0, count: capacity)
  }

  subscript(index: Int) -> Int { members[index] }

  /// False if it is there already.
  mutating func insert(_ place: Int) -> Bool {
    let position = positions[place]
    if position < count, members[position] == place { return false }
    positions[place] = count
    members[count] = place
    count += 1
    return true
  }

  mutating func removeAll() { count = 0 }
}
