/// Names columns after the JSON member that their values stand in: `data.processor.usage_percent`,
/// `logs[].level`. Elements of an array have one name.
///
/// Literals of a block are pieces of JSON between values, so the names are found by following them
/// from the beginning of a message.
struct ColumnNames {
  /// The name of each column by its number; empty where no node leads to it.
  private(set) var names: [String]

  init(_ head: ColumnHead) {
    names = Array(repeating: "", count: head.columns.count)
    var waiting: [(node: Int, place: JSONPlace)] = [(0, JSONPlace())]
    var isSeen = Array(repeating: false, count: head.nodes.count)
    while let (number, before) = waiting.popLast() {
      guard !isSeen[number] else { continue }
      isSeen[number] = true
      let node = head.nodes[number]
      var place = before
      for byte in node.literal { place.read(byte) }
      // Several nodes may share a column; it has the name of the one that is met first.
      if node.column > 0, names[node.column].isEmpty { names[node.column] = place.name }
      for next in node.successors.reversed() { waiting.append((next, place)) }
    }
  }
}

/// Where in a JSON document a reader stands who knows only part of it.
private struct JSONPlace {
  private enum Container {
    case array
    /// And the member that is being read.
    case object([UInt8])
  }

  private var containers: [Container] = []
  private var isInString = false
  private var isEscaped = false
  private var isKey = false
  private var expectsKey = false
  private var token: [UInt8] = []

  /// Containers and bytes of a name that are followed; what is deeper or longer is cut.
  private static let maxDepth = 32
  private static let maxName = 64
  /// How many containers are open beyond those.
  private var excess = 0

  var name: String {
    var text = ""
    for container in containers {
      switch container {
      case .array: text += "[]"
      case .object(let key):
        if !text.isEmpty { text += "." }
        text += String(decoding: key, as: UTF8.self)
      }
    }
    return text.isEmpty ? "$" : text
  }

  mutating func read(_ byte: UInt8) {
    guard !isInString else { return readInString(byte) }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      token = []
      isKey = expectsKey
    case UInt8(ascii: "{"): open(.object([]))
    case UInt8(ascii: "["): open(.array)
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      if excess > 0 { excess -= 1 } else { _ = containers.popLast() }
      expectsKey = false
    case UInt8(ascii: ","):
      if case .object = containers.last, excess == 0 { expectsKey = true }
    case UInt8(ascii: ":"): expectsKey = false
    default: break
    }
  }

  private mutating func open(_ container: Container) {
    guard containers.count < Self.maxDepth else {
      excess += 1
      return
    }
    containers.append(container)
    if case .object = container { expectsKey = true } else { expectsKey = false }
  }

  private mutating func readInString(_ byte: UInt8) {
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isInString = false
      if isKey, excess == 0, !containers.isEmpty {
        containers[containers.count - 1] = .object(token)
      }
      return
    }
    if isKey, token.count < Self.maxName { token.append(byte) }
  }
}
