internal import MWCCore

/// Goes through a JSON text that need not fit in memory, value by value: enters what is wanted, steps
/// over what is not, and hands out single values whole.
///
/// It looks at brackets, quotes and commas only. Whether a value that is stepped over is spelled well
/// stays open; one that is handed out is checked by whoever scans it.
///
/// Not thread-safe.
struct JSONStream {
  private let window: SourceWindow
  private var piece: ByteBuffer?
  /// Where the piece begins in the file.
  private var start: Int64
  /// Where the stream stands in the piece.
  private var index = 0

  private static let pieceSize = 64 << 10
  /// Longest name of a member that is looked at.
  private static let maxKey = 1 << 10

  init(_ window: SourceWindow, at position: Int64 = 0) {
    self.window = window
    start = position
  }

  /// Where the next byte stands in the file.
  var position: Int64 { start + Int64(index) }

  // MARK: Bytes

  /// The next byte; nil at the end of the file.
  private mutating func peekByte() throws(CaptureError) -> UInt8? {
    if let piece, index < piece.count { return piece.bytes.byte(at: index) }
    start = position
    index = 0
    let piece = try window.load(at: start, length: JSONStream.pieceSize)
    self.piece = piece
    return piece.count > 0 ? piece.bytes.byte(at: 0) : nil
  }

  /// The next byte that is no white space; not taken.
  private mutating func peek() throws(CaptureError) -> UInt8 {
    while let byte = try peekByte() {
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return byte
      }
    }
    throw CaptureError(.damaged, "JSON ends too early", offset: position)
  }

  /// Takes a byte that must come next.
  mutating func take(_ character: Unicode.Scalar) throws(CaptureError) {
    guard try peek() == UInt8(ascii: character) else { throw unexpected() }
    index += 1
  }

  /// Takes a byte if it comes next.
  mutating func takes(_ character: Unicode.Scalar) throws(CaptureError) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private func unexpected() -> CaptureError {
    CaptureError(.damaged, "not the JSON of an HTTP archive", offset: position)
  }

  // MARK: Values

  /// Goes through the members of the object that comes next. `body` gets each name and has to take the
  /// value.
  mutating func forEachMember(
    _ body: (_ name: String, _ stream: inout JSONStream) throws(CaptureError) -> Void
  ) throws(CaptureError) {
    try take("{")
    if try takes("}") { return }
    repeat {
      let name = try key()
      try take(":")
      try body(name, &self)
    } while try takes(",")
    try take("}")
  }

  /// Goes through the elements of the array that comes next. `body` has to take each.
  mutating func forEachElement(
    _ body: (_ stream: inout JSONStream) throws(CaptureError) -> Void
  ) throws(CaptureError) {
    try take("[")
    if try takes("]") { return }
    repeat { try body(&self) } while try takes(",")
    try take("]")
  }

  /// The name of a member, without resolving escapes: none of those that are looked for has any.
  private mutating func key() throws(CaptureError) -> String {
    guard try peek() == UInt8(ascii: "\"") else { throw unexpected() }
    let (begin, end) = try skipValue()
    guard end - begin - 2 <= JSONStream.maxKey else { return "" }
    return try value(begin + 1..<end - 1) { String(lossy: $0) }
  }

  /// Whether an object comes next.
  mutating func isAtObject() throws(CaptureError) -> Bool { try peek() == UInt8(ascii: "{") }
  /// Whether an array comes next.
  mutating func isAtArray() throws(CaptureError) -> Bool { try peek() == UInt8(ascii: "[") }

  /// Steps over the value that comes next.
  ///
  /// - Returns: where it stands in the file.
  @discardableResult
  mutating func skipValue() throws(CaptureError) -> (begin: Int64, end: Int64) {
    let first = try peek()
    let begin = position
    var depth = 0
    if first == UInt8(ascii: ",") || first == UInt8(ascii: "}") || first == UInt8(ascii: "]") {
      throw unexpected()
    }
    while let byte = try peekByte() {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        try skipString()
        if depth == 0 { return (begin, position) }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // The end of what is around a number or word.
        if depth == 0 { return (begin, position) }
        depth -= 1
        if depth == 0 {
          index += 1
          return (begin, position)
        }
      case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
        if depth == 0 { return (begin, position) }
      default: break
      }
      index += 1
    }
    if depth == 0 { return (begin, position) }
    throw CaptureError(.damaged, "JSON ends too early", offset: position)
  }

  /// Behind the quote that ends a string.
  private mutating func skipString() throws(CaptureError) {
    while let byte = try peekByte() {
      index += 1
      if byte == UInt8(ascii: "\"") { return }
      if byte == UInt8(ascii: "\\"), try peekByte() != nil { index += 1 }
    }
    throw CaptureError(.damaged, "JSON ends too early", offset: position)
  }

  /// Takes the value that comes next and gives `body` its bytes.
  ///
  /// - Parameters:
  ///   - limit: the most bytes that it may have.
  ///   - body: gets them, and must not keep them.
  /// - Returns: what `body` returns.
  /// - Throws: `CaptureError`: `tooLarge`, `damaged`, `io`; what `body` throws, its offset counted from
  ///   the start of the file.
  mutating func value<Result>(
    upTo limit: Int, _ body: (RawSpan) throws(CaptureError) -> Result
  ) throws(CaptureError) -> Result {
    let (begin, end) = try skipValue()
    guard end - begin <= Int64(limit) else {
      throw CaptureError(
        .tooLarge, "a value of \(end - begin) bytes is more than is read", offset: begin)
    }
    do throws(CaptureError) {
      return try value(begin..<end, body)
    } catch {
      var error = error
      error.offset = begin + (error.offset ?? 0)
      throw error
    }
  }

  /// Gives `body` bytes that were stepped over.
  private mutating func value<Result>(
    _ range: Range<Int64>, _ body: (RawSpan) throws(CaptureError) -> Result
  ) throws(CaptureError) -> Result {
    let length = Int(range.upperBound - range.lowerBound)
    if let piece, range.lowerBound >= start {
      let from = Int(range.lowerBound - start)
      return try body(piece.bytes.extracting(from..<from + length))
    }
    // It began in an earlier piece, which has to be read again.
    let behind = position
    let bytes = try window.load(at: range.lowerBound, length: length)
    guard bytes.count >= length else {
      throw CaptureError(.io, "has become shorter", offset: range.lowerBound)
    }
    piece = bytes
    start = range.lowerBound
    index = Int(behind - start)
    return try body(bytes.bytes.extracting(0..<length))
  }
}
