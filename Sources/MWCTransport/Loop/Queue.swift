/// First in, first out, in constant time per element.
struct Queue<Element> {
  private var elements: [Element] = []
  /// Elements before this have been taken.
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }

  /// The element that is taken next. There must be one.
  var first: Element {
    get { elements[head] }
    set { elements[head] = newValue }
  }

  mutating func append(_ element: Element) { elements.append(element) }

  @discardableResult
  mutating func removeFirst() -> Element {
    let element = elements[head]
    head += 1
    // Forgetting the taken ones now and then costs each element one move at most.
    if head == elements.count {
      removeAll()
    } else if head >= 32, head * 2 >= elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  mutating func removeAll() {
    elements.removeAll()
    head = 0
  }

  /// Calls `body` with every element that waits.
  func forEach(_ body: (Element) -> Void) { elements[head...].forEach(body) }
}
