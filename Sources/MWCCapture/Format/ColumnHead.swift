internal import MWCCore

/// What the head of a block in columns says about the size of its parts (`docs/FORMAT.md`, section
/// 12). Reads the head alone: no value is decoded.
struct ColumnHead {
  struct Column {
    var type = ""
    var values: UInt64 = 0
    /// Stored bytes: shares of streams, so not whole ones. With those of its parts.
    var bytes = 0.0
    /// Belongs to other columns; no node leads to it.
    var isPart = false
  }

  struct Node {
    var literal: [UInt8] = []
    /// 0: the message ends.
    var column = 0
    var successors: [Int] = []
  }

  private(set) var records: UInt64 = 0
  /// By their numbers; number 0 is none.
  private(set) var columns: [Column] = []
  /// Node 0 is where messages begin.
  private(set) var nodes: [Node] = []
  /// Stored bytes of kinds, times and the order of records.
  private(set) var recordBytes = 0.0
  /// Stored bytes of what says in which order literals follow each other, and where values repeat.
  private(set) var choiceBytes = 0.0
  /// Stored bytes of the head and the table of streams: literals, descriptions.
  private(set) var headBytes = 0.0

  /// Length and stored bytes of each stream.
  private var streams: [(length: Int, stored: Int)] = []

  /// Most streams of a block.
  private static let maxStreams = 512
  /// Most nodes and columns of a block.
  private static let maxNodes = 4_095

  /// Nil when `body`, that of a segment, is malformed.
  init?(_ body: RawSpan, inflater: Inflater, room: ByteBuffer) {
    var table = ByteCursor(body)
    guard let count = table.readVarint(), count >= 4, count <= Self.maxStreams else { return nil }
    for _ in 0..<count {
      guard let length = table.readVarint(), let stored = table.readVarint(),
        length <= CaptureFormat.maxRawSegment * 2, stored <= length
      else { return nil }
      streams.append((Int(length), Int(stored)))
    }
    guard let start = table.skip(streams[0].stored) else { return nil }
    let stored = body.extracting(start..<start + streams[0].stored)
    headBytes = Double(start + streams[0].stored)
    room.removeAll()
    if streams[0].stored < streams[0].length {
      room.append(zeros: streams[0].length)
      let isWhole = unsafe room.withUnsafeMutableBytes(at: 0, count: streams[0].length) {
        unsafe inflater.inflate(stored, into: $0)
      }
      guard isWhole else { return nil }
    } else {
      room.append(stored)
    }
    guard parse(room.bytes) else { return nil }
  }

  private mutating func parse(_ head: RawSpan) -> Bool {
    var cursor = ByteCursor(head)
    guard let records = cursor.readVarint(), let validity = cursor.readVarint(), validity <= 1,
      let sources = cursor.readVarint(), sources <= records
    else { return false }
    self.records = records
    for _ in 0..<sources {
      guard cursor.readVarint() != nil, cursor.readVarint() != nil else { return false }
    }
    for _ in 0..<3 {
      guard let bytes = numbers(&cursor, records) else { return false }
      recordBytes += bytes
    }
    guard let order = cursor.readVarint() else { return false }
    if order == 1 {
      guard let bytes = numbers(&cursor, records) else { return false }
      recordBytes += bytes
    }
    return parseNodes(&cursor) && parseColumns(&cursor) && cursor.remaining == 0
  }

  private mutating func parseNodes(_ cursor: inout ByteCursor) -> Bool {
    guard let nodeCount = cursor.readVarint(), let columnCount = cursor.readVarint(),
      nodeCount <= Self.maxNodes, columnCount <= Self.maxNodes
    else { return false }
    nodes = Array(repeating: Node(), count: Int(nodeCount) + 1)
    columns = Array(repeating: Column(), count: Int(columnCount) + 1)
    for number in nodes.indices.dropFirst() {
      guard let literal = text(&cursor), let column = cursor.readVarint(), column <= columnCount
      else { return false }
      nodes[number].literal = literal
      nodes[number].column = Int(column)
    }
    for number in nodes.indices where number == 0 || nodes[number].column > 0 {
      guard let count = cursor.readVarint(), count <= nodeCount else { return false }
      for _ in 0..<count {
        guard let node = cursor.readVarint(), node <= nodeCount else { return false }
        nodes[number].successors.append(Int(node))
      }
      guard count > 1 else { continue }
      guard let choices = cursor.readVarint(), let bytes = numbers(&cursor, choices)
      else { return false }
      choiceBytes += bytes
    }
    guard let timed = cursor.readVarint(), timed <= columnCount else { return false }
    for _ in 0..<timed {
      guard cursor.readVarint() != nil, cursor.readVarint() != nil else { return false }
    }
    return true
  }

  /// Types of columns by their numbers; 0 is none.
  private static let typeNames = [
    "", "constant", "text", "bytes", "choice", "number", "date", "float", "hex", "joined",
    "distances",
  ]

  private mutating func parseColumns(_ cursor: inout ByteCursor) -> Bool {
    for number in columns.indices.dropFirst() {
      guard let type = cursor.readVarint(), type > 0, type < Self.typeNames.count,
        let values = cursor.readVarint()
      else { return false }
      columns[number].type = Self.typeNames[Int(type)]
      columns[number].values = values
      if type != 1 {
        guard let bytes = part(&cursor), let lowBytes = cursor.readVarint() else { return false }
        columns[number].bytes = bytes + share(Double(lowBytes), of: 1)
      }
      guard let length = cursor.readVarint(), length <= cursor.remaining,
        let start = cursor.skip(Int(length))
      else { return false }
      switch columns[number].type {
      case "joined":
        let parts = cursor.bytes.extracting(start..<start + Int(length))
        guard takeParts(of: number, parts) else { return false }
      case "distances":
        choiceBytes += columns[number].bytes
        columns[number].bytes = 0
        columns[number].isPart = true
      default: break
      }
    }
    return true
  }

  /// Adds what the columns take that `number` joins, which its description lists.
  private mutating func takeParts(of number: Int, _ description: RawSpan) -> Bool {
    var cursor = ByteCursor(description)
    guard let count = cursor.readVarint() else { return false }
    for _ in 0..<min(count, UInt64(description.byteCount)) {
      guard let part = cursor.readVarint(), part < number else { return false }
      columns[number].bytes += columns[Int(part)].bytes
      columns[Int(part)].bytes = 0
      columns[Int(part)].isPart = true
    }
    return true
  }

  // MARK: Pieces

  private func text(_ cursor: inout ByteCursor) -> [UInt8]? {
    guard let length = cursor.readVarint(), length <= cursor.remaining,
      let start = cursor.skip(Int(length))
    else { return nil }
    return unsafe cursor.bytes.extracting(start..<start + Int(length)).withUnsafeBytes {
      unsafe Array($0)
    }
  }

  /// Stored bytes of a piece of a stream, as its share of the stream.
  private func part(_ cursor: inout ByteCursor) -> Double? {
    guard let number = cursor.readVarint(), let length = cursor.readVarint(),
      number < streams.count
    else { return nil }
    return share(Double(length), of: Int(number))
  }

  private func share(_ length: Double, of stream: Int) -> Double {
    let (whole, stored) = streams[stream]
    return whole == 0 ? 0 : Double(stored) * length / Double(whole)
  }

  /// Skips a description of numbers, which refer to nothing in the head; their stored bytes.
  private func numbers(_ cursor: inout ByteCursor, _ count: UInt64) -> Double? {
    guard let order = cursor.readVarint(), order <= 2, let lowBits = cursor.readVarint(),
      lowBits <= 56, cursor.readZigzag() != nil, cursor.readVarint() != nil
    else { return nil }
    if order > 0 { guard cursor.readZigzag() != nil else { return nil } }
    guard let high = part(&cursor) else { return nil }
    // Each description begins at a whole byte of the stream of low bits.
    let low = (Double(count) * Double(lowBits) / 8).rounded(.up)
    return high + share(low, of: 1)
  }
}
