import MWCCore

// Filter expressions that anybody may have written, and messages that anybody may have sent: no trap,
// no hang, and what was printed reads as the same expression.
//
// The input is an expression, and behind the first zero byte a message.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let end = bytes.firstIndex(of: 0) ?? bytes.count
  let text = String(decoding: bytes[..<end], as: UTF8.self)
  guard let expression = try? FilterExpression(text) else { return 0 }
  let printed = expression.description
  do throws(FilterError) {
    let again = try FilterExpression(printed)
    precondition(again == expression, "reads differently: \(printed)")
    precondition(again.description == printed, "prints differently: \(printed)")
  } catch {
    preconditionFailure("cannot be read again: \(printed): \(error)")
  }

  let filter = Filter(expression)
  let opposite = Filter(expression.negated)
  let payload = Array(bytes[min(end + 1, bytes.count)...])
  for kind in [Message.Kind.text, .closed, .binary] {
    let message = Message(
      wallTime: 0, monotonicTime: 0, connection: 1, kind: kind, payload: payload.span.bytes)
    let isAccepted = filter.accepts(message)
    precondition(filter.accepts(message) == isAccepted, "remembers something")
    precondition(opposite.accepts(message) != isAccepted, "is true and false")
  }
  return 0
}
