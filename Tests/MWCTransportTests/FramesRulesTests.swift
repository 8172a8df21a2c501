import CMWCKernels
import CMWCTransport
import Testing

/// Every rule of RFC 6455, section 5, one row each: bytes in, events out.
@Suite struct FramesRulesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var events: [Received]
    init(_ name: String, _ bytes: [UInt8], _ events: Received...) {
      testDescription = name
      self.bytes = bytes
      self.events = events
    }
  }

  static let accepted: [Case] = [
    Case("text", frame(1, "Hello"), .text("Hello")),
    Case("the RFC's text", hex("810548656c6c6f"), .text("Hello")),
    Case("binary", frame(2, [0, 255]), .binary([0, 255])),
    Case("empty text", frame(1), .text("")),
    Case("empty binary", frame(2), .binary([])),
    Case("the RFC's fragments", hex("010348656c80026c6f"), .text("Hello")),
    Case("empty fragments", frame(1, fin: false) + frame(0, fin: false) + frame(0), .text("")),
    Case(
      "first fragment empty", frame(2, fin: false) + frame(0, [7]), .binary([7])),
    Case(
      "ping between fragments", frame(1, "a", fin: false) + frame(9, "p") + frame(0, "b"),
      .ping([0x70]), .text("ab")),
    Case(
      "several pings", frame(9, [1]) + frame(9, [2]) + frame(9), .ping([1]), .ping([2]), .ping([])),
    Case("pong nobody asked for", frame(10, "x"), .pong([0x78])),
    Case(
      "ping of 125 bytes", frame(9, .init(repeating: 7, count: 125)),
      .ping(.init(repeating: 7, count: 125))),
    Case(
      "126 bytes", frame(2, .init(repeating: 1, count: 126)),
      .binary(.init(repeating: 1, count: 126))),
    Case(
      "65535 bytes", frame(2, .init(repeating: 1, count: 65535)),
      .binary(.init(repeating: 1, count: 65535))),
    Case(
      "65536 bytes", frame(2, .init(repeating: 1, count: 65536)),
      .binary(.init(repeating: 1, count: 65536))),
    Case(
      "a character over two fragments", frame(1, [0xC3], fin: false) + frame(0, [0xA9]),
      .text("é")),
    Case("binary need not be text", frame(2, [0xFF, 0xC0]), .binary([0xFF, 0xC0])),
    Case("close without code", frame(8), .close(1005, "")),
    Case("close", closeFrame(1000), .close(1000, "")),
    Case("close with reason", closeFrame(1001, Array("bye ☃".utf8)), .close(1001, "bye ☃")),
    Case(
      "longest reason", closeFrame(1000, .init(repeating: 0x61, count: 123)),
      .close(1000, String(repeating: "a", count: 123))),
    Case(
      "nothing counts after a close", closeFrame(1000) + frame(1, "late") + [0xFF], .close(1000, "")
    ),
    Case(
      "close inside a message", frame(1, "a", fin: false) + closeFrame(1000), .close(1000, "")),
  ]

  static let refused: [Case] = [
    Case("RSV1 without agreement", frame(1, reserved: 4), .failed(1002)),
    Case("RSV2", frame(1, reserved: 2), .failed(1002)),
    Case("RSV3", frame(1, reserved: 1), .failed(1002)),
    Case("RSV on ping", frame(9, reserved: 7), .failed(1002)),
    Case("continuation of nothing", frame(0, "x"), .failed(1002)),
    Case(
      "continuation after the end", frame(1, "x") + frame(0, "y"), .text("x"), .failed(1002)),
    Case(
      "a message inside a message", frame(1, "a", fin: false) + frame(1, "b"), .failed(1002)),
    Case(
      "binary inside text", frame(1, "a", fin: false) + frame(2, "b", fin: false), .failed(1002)),
    Case("ping without FIN", frame(9, "x", fin: false), .failed(1002)),
    Case("close without FIN", frame(8, fin: false), .failed(1002)),
    Case("ping of 126 bytes", frame(9, .init(repeating: 7, count: 126)), .failed(1002)),
    Case("ping in the two-byte form", frame(9, [7], form: .twoBytes), .failed(1002)),
    Case("close of 126 bytes", frame(8, .init(repeating: 7, count: 126)), .failed(1002)),
    Case("masked by a server", frame(1, "x", mask: [1, 2, 3, 4]), .failed(1002)),
    Case(
      "125 in two bytes", frame(2, .init(repeating: 1, count: 125), form: .twoBytes), .failed(1002)),
    Case(
      "65535 in eight bytes", frame(2, .init(repeating: 1, count: 65535), form: .eightBytes),
      .failed(1002)),
    Case("64-bit length", frame(2, announcing: 1 << 63), .failed(1002)),
    Case("63-bit length", frame(2, announcing: (1 << 63) - 1), .failed(1009)),
    Case("half a close code", frame(8, [3]), .failed(1002)),
    Case("reason not UTF-8", closeFrame(1000, [0xCE, 0xBA, 0xE1]), .failed(1007)),
    Case("text not UTF-8", frame(1, [0x61, 0xFF]), .failed(1007)),
    Case("surrogate", frame(1, [0xED, 0xA0, 0x80]), .failed(1007)),
    Case("overlong", frame(1, [0xC0, 0xAF]), .failed(1007)),
    Case("text ends inside a character", frame(1, [0x61, 0xC3]), .failed(1007)),
    Case(
      "text over fragments ends inside a character",
      frame(1, [0x61, 0xE2], fin: false) + frame(0, [0x98]), .failed(1007)),
    Case(
      "wrong text in the first of two fragments", frame(1, [0xF5], fin: false), .failed(1007)),
    Case("nothing counts after a failure", frame(3) + frame(1, "late"), .failed(1002)),
  ]

  @Test(arguments: accepted + refused) func whole(row: Case) {
    #expect(TestReceiver().read(row.bytes) == row.events)
  }

  /// The same events whatever the reads: 1, 2, 3 … bytes at a time.
  @Test(arguments: accepted + refused) func inPieces(row: Case) {
    let longest = row.bytes.count < 300 ? row.bytes.count : 3
    for count in 1...longest {
      #expect(TestReceiver().read(row.bytes, by: count) == row.events, "\(count) bytes a read")
    }
  }

  @Test func reservedOpcodes() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
      #expect(TestReceiver().read(frame(opcode)) == [.failed(1002)], "opcode \(opcode)")
    }
  }

  @Test func closeCodes() {
    let allowed = Set(Array(1000...1003) + Array(1007...1014) + Array(3000...4999)).map(UInt16.init)
    for code in UInt16(0)...5100 {
      let event = TestReceiver().read(closeFrame(code))
      #expect(event == (allowed.contains(code) ? [.close(code, "")] : [.failed(1002)]), "\(code)")
    }
    #expect(TestReceiver().read(closeFrame(65535)) == [.failed(1002)])
  }

  @Test func serversWantMasks() {
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    #expect(TestReceiver(MWC_WS_SERVER_ROLE).read(frame(1, "Hello")) == [.failed(1002)])
    #expect(TestReceiver(MWC_WS_SERVER_ROLE).read(frame(9)) == [.failed(1002)])
    let masked = hex("818537fa213d7f9f4d5158")  // RFC 6455, section 5.7
    #expect(TestReceiver(MWC_WS_SERVER_ROLE).read(masked) == [.text("Hello")])
    let control = frame(9, "ab", mask: mask) + frame(8, [3, 232], mask: mask)
    for count in 1...control.count {
      #expect(
        TestReceiver(MWC_WS_SERVER_ROLE).read(control, by: count)
          == [.ping([0x61, 0x62]), .close(1000, "")])
    }
  }

  /// Wrong text is refused with the byte that spoils it, not at the end of its message.
  @Test func failsFast() {
    let receiver = TestReceiver()
    var bytes = frame(1, [0x61, 0xF4], announcing: 1000)
    #expect(receiver.read(bytes).isEmpty)
    #expect(receiver.read([0x90]) == [.failed(1007)])
    bytes = frame(1, [0x61, 0xC3], announcing: 1000)
    #expect(TestReceiver().read(bytes + [0xC3]) == [.failed(1007)])
  }

  /// The problem is a sentence for the log.
  @Test func failuresSayWhy() {
    let receiver = TestReceiver()
    _ = receiver.read(frame(1, "x", mask: [1, 2, 3, 4]))
    #expect(receiver.problem == "a frame of a server is masked")
  }
}
