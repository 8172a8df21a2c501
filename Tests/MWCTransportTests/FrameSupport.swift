import CMWCKernels
import CMWCTransport

/// What a receiver told, as values.
enum Received: Equatable {
  case text([UInt8])
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16, String)
  case failed(UInt16)
}

extension Received {
  static func text(_ string: String) -> Received { .text(Array(string.utf8)) }
}

/// A C receiver with Swift hands. Owns the C struct and frees it once; the bytes of an event are
/// copied before the next call.
@safe final class TestReceiver {
  private let receiver: UnsafeMutablePointer<mwc_receiver>
  /// The sentence of the failure, if there was one.
  private(set) var problem: String?
  /// How many data messages were delivered where they stood in the input.
  private(set) var inPlaceCount = 0

  init(_ role: mwc_ws_role = MWC_WS_CLIENT_ROLE, deflate: mwc_pmd = mwc_pmd(), limit: Int = 0) {
    unsafe receiver = .allocate(capacity: 1)
    unsafe receiver.initialize(to: mwc_receiver())
    var deflate = deflate
    unsafe mwc_receiver_init(receiver, role, &deflate, UInt64(limit))
  }

  deinit {
    unsafe mwc_receiver_destroy(receiver)
    unsafe receiver.deallocate()
  }

  /// Bytes of memory held for messages.
  var memory: Int { unsafe mwc_receiver_memory(receiver) }

  /// Reads `bytes` in one go; the bytes stand alone in memory, so that reading beyond them is seen by
  /// the address sanitizer.
  func read(_ bytes: some Collection<UInt8>) -> [Received] {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    defer { unsafe copy.deallocate() }
    _ = unsafe copy.initialize(from: bytes)
    var input = unsafe mwc_input(bytes: copy.baseAddress, length: bytes.count)
    var event = unsafe mwc_event()
    var events: [Received] = []
    while unsafe mwc_receiver_next(receiver, &input, &event) {
      let payload = unsafe Array(UnsafeBufferPointer(start: event.bytes, count: event.length))
      if unsafe event.is_in_input && event.kind < 8 { inPlaceCount += 1 }
      switch unsafe Int32(event.kind) {
      case Int32(MWC_WS_TEXT): events.append(.text(payload))
      case Int32(MWC_WS_BINARY): events.append(.binary(payload))
      case Int32(MWC_WS_PING): events.append(.ping(payload))
      case Int32(MWC_WS_PONG): events.append(.pong(payload))
      case Int32(MWC_WS_CLOSE):
        unsafe events.append(.close(event.code, String(decoding: payload, as: UTF8.self)))
      default:
        problem = unsafe event.problem.map { unsafe String(cString: $0) }
        unsafe events.append(.failed(event.code))
      }
    }
    return events
  }

  /// Reads `bytes` in pieces of `count`.
  func read(_ bytes: [UInt8], by count: Int) -> [Received] {
    var events: [Received] = []
    for start in stride(from: 0, to: bytes.count, by: count) {
      events += read(bytes[start..<min(start + count, bytes.count)])
    }
    return events
  }
}

/// How a length is written in a frame header.
enum LengthForm { case shortest, twoBytes, eightBytes }

/// One frame, spelt out here and not by the code under test.
func frame(
  _ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, reserved: UInt8 = 0,
  mask: [UInt8]? = nil, form: LengthForm = .shortest, announcing: UInt64? = nil
) -> [UInt8] {
  let length = announcing ?? UInt64(payload.count)
  var bytes = [(fin ? 0x80 : 0) | (reserved << 4) | opcode]
  let maskBit: UInt8 = mask == nil ? 0 : 0x80
  if form == .eightBytes || length > 0xFFFF {
    bytes += [maskBit | 127]
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
  } else if form == .twoBytes || length > 125 {
    bytes += [maskBit | 126, UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]
  } else {
    bytes += [maskBit | UInt8(length)]
  }
  guard let mask else { return bytes + payload }
  return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
}

func frame(_ opcode: UInt8, _ text: String, fin: Bool = true, mask: [UInt8]? = nil) -> [UInt8] {
  frame(opcode, Array(text.utf8), fin: fin, mask: mask)
}

/// A close frame with a code and the bytes of a reason.
func closeFrame(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
  frame(8, [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + reason)
}

/// Bytes from hexadecimal digits.
func hex(_ digits: String) -> [UInt8] {
  let values = digits.compactMap(\.hexDigitValue).map { UInt8($0) }
  return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}
