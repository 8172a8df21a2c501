/// Numbers of captures in the order of the position that each has reached; of equal positions the
/// lower number comes first. A binary heap.
struct MergeQueue {
  private struct Entry {
    var position: Int64
    var number: Int

    func isBefore(_ other: Entry) -> Bool { (position, number) < (other.position, other.number) }
  }

  private var heap: [Entry] = []

  /// - Parameter positions: of capture 0, 1, ….
  init(_ positions: [Int64]) {
    // What is sorted is a heap.
    heap = positions.enumerated().map { Entry(position: $0.element, number: $0.offset) }
      .sorted { $0.isBefore($1) }
  }

  /// The capture whose turn it is; nil when none is left.
  var first: Int? { heap.first?.number }

  /// The first capture has reached another position.
  mutating func moveFirst(to position: Int64) {
    heap[0].position = position
    sink()
  }

  /// The first capture has ended.
  mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    sink()
  }

  private mutating func sink() {
    var place = 0
    while true {
      var next = 2 * place + 1
      guard next < heap.count else { return }
      if next + 1 < heap.count, heap[next + 1].isBefore(heap[next]) { next += 1 }
      guard heap[next].isBefore(heap[place]) else { return }
      heap.swapAt(place, next)
      place = next
    }
  }
}
