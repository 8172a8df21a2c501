/// Says of one message after the other whether it meets an expression.
///
/// ```swift
/// let filter = Filter(try FilterExpression("type == \"alert\" and level > 3"))
/// if filter.accepts(message) { … }
/// ```
///
/// A message is scanned once, however many paths are asked for, and not at all when there are none.
/// Allocates when it is made, and when a string with escapes is longer than any before it. One thread
/// at a time.
package final class Filter {
  private var judge: Judge
  /// What it reads of messages.
  package var interest: PathInterest { judge.interest }

  package init(_ expression: FilterExpression) {
    judge = Judge(FilterProgram(expression))
  }

  /// Whether `message` meets the expression. What is not JSON has no values, so only tests of
  /// properties such as `$kind` can hold for it.
  package func accepts(_ message: borrowing Message) -> Bool { judge.accepts(message) }
}

private struct Judge: ~Copyable {
  let interest: PathInterest
  private let program: FilterProgram
  private var scanner: JSONScanner
  private var room: FilterRoom

  init(_ program: FilterProgram) {
    self.program = program
    interest = program.interest
    // Python writes NaN and Infinity; a message with them is judged like any other.
    scanner = JSONScanner(valid: interest.paths, options: [.nonFinite, .convert])
    room = FilterRoom(program)
  }

  mutating func accepts(_ message: borrowing Message) -> Bool {
    // Control frames carry no JSON; events do, like messages.
    guard !program.paths.isEmpty, message.kind == .text || !message.kind.isFrame else {
      return program.accepts(message, nil, isPacket: false, &room)
    }
    if let values = message.values(of: interest) {
      return program.accepts(message, values, isPacket: false, &room)
    }
    return Self.judge(message, program, &scanner, &room)
  }

  private static func judge(
    _ message: borrowing Message, _ program: FilterProgram, _ scanner: inout JSONScanner,
    _ room: inout FilterRoom
  ) -> Bool {
    let payload = message.payload
    let json = SocketIOPacket.document(in: payload)
    do throws(JSONError) {
      let values = try scanner.scan(json)
      return program.accepts(
        message, values, isPacket: json.byteCount < payload.byteCount, &room)
    } catch {
      return program.accepts(message, nil, isPacket: false, &room)
    }
  }
}
