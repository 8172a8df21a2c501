import CMWCKernels
import CMWCTransport
import MWCTestSupport
import Testing

/// A C deflater with Swift hands. Owns it and frees it once.
@safe final class TestDeflater {
  private let deflater: OpaquePointer

  init?(level: Int32 = 6, windowBits: Int32 = 15, noTakeover: Bool = false) {
    guard let deflater = unsafe mwc_deflater_create(level, windowBits, noTakeover) else {
      return nil
    }
    unsafe self.deflater = deflater
  }

  deinit { unsafe mwc_deflater_destroy(deflater) }

  func compress(_ payload: [UInt8]) -> [UInt8] {
    let bound = unsafe mwc_deflater_bound(deflater, payload.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      unsafe count = mwc_deflater_compress(deflater, payload, payload.count, buffer.baseAddress)
    }
  }

  func reset() { unsafe mwc_deflater_reset(deflater) }
}

/// What was agreed on, both sides alike.
func agreement(windowBits: UInt8 = 15, noTakeover: Bool = false) -> mwc_pmd {
  mwc_pmd(
    enabled: true, server_no_context_takeover: noTakeover, client_no_context_takeover: noTakeover,
    server_max_window_bits: windowBits, client_max_window_bits: windowBits)
}

/// permessage-deflate on messages (RFC 7692, section 7.2), good and bad.
@Suite struct DeflateTests {
  /// A compressed message in one frame.
  private func compressed(_ payload: [UInt8], opcode: UInt8 = 1, fin: Bool = true) -> [UInt8] {
    frame(opcode, payload, fin: fin, reserved: 4)
  }

  /// The examples of RFC 7692, section 7.2.3, in its order.
  @Test func examplesOfTheStandard() {
    let receiver = TestReceiver(deflate: agreement())
    #expect(receiver.read(hex("c107f248cdc9c90700")) == [.text("Hello")])
    let fragments = hex("4103f248cd") + hex("8004c9c90700")
    #expect(TestReceiver(deflate: agreement()).read(fragments) == [.text("Hello")])
    // Shared window: the second "Hello" is one back reference.
    #expect(receiver.read(hex("c105f200110000")) == [.text("Hello")])
    // A stored block, a block with BFINAL, two blocks in one message.
    #expect(receiver.read(hex("c10b000500faff48656c6c6f00")) == [.text("Hello")])
    #expect(receiver.read(hex("c108f348cdc9c9070000")) == [.text("Hello")])
    #expect(receiver.read(hex("c10df248050000 00ffffcac9c90700")) == [.text("Hello")])
    #expect(receiver.read(hex("c10100")) == [.text("")])
  }

  /// What Python's zlib and wsproto made, masked, with 12 window bits, a ping between fragments and a
  /// close.
  @Test func recordedFromPython() {
    let stream = hex(
      """
      c18c37fa213dc5b2ecf4fe2d70cd7758213d418037fa213d898437fa213d559f4049809237fa213d35e92bb4de73
      b84467eb297ad62bad5b37fac29437fa213d559a455f519b445ed01ac5dfd11bc4de90cd3e3d888537fa213d3412
      434452
      """)
    let expected: [Received] = [
      .text("Hello, Hello, Hello"), .ping(Array("beat".utf8)), .text("Hello again, Hello again ☃"),
      .binary((0..<8).flatMap { _ in UInt8(0)..<16 }), .close(1000, "bye"),
    ]
    for count in [1, 2, 3, 7, stream.count] {
      let receiver = TestReceiver(MWC_WS_SERVER_ROLE, deflate: agreement(windowBits: 12))
      #expect(receiver.read(stream, by: count) == expected)
    }
    let receiver = TestReceiver(deflate: agreement())
    let first = hex("aa562aa92c4855b252cacdcfcb2cc92fcacc4b8f4f492c4954d251ca53b232ac0500")
    #expect(receiver.read(compressed(first)) == [.text(#"{"type":"monitoring_data","n":1}"#)])
    #expect(
      receiver.read(compressed(hex("aac62b6f540b00"))) == [
        .text(#"{"type":"monitoring_data","n":2}"#)
      ])
  }

  /// Peers send small messages plain although compression was agreed on; the window stays.
  @Test func plainAndCompressedMix() throws {
    let deflater = try #require(TestDeflater())
    let receiver = TestReceiver(deflate: agreement())
    let text = Array(#"{"type":"monitoring_data"}"#.utf8)
    for _ in 0..<5 {
      #expect(receiver.read(compressed(deflater.compress(text))) == [.text(text)])
      #expect(
        receiver.read(frame(1, "plain") + frame(10, "pong")) == [
          .text("plain"), .pong(Array("pong".utf8)),
        ])
    }
    #expect(receiver.inPlaceCount == 5)
  }

  /// A block with BFINAL ends neither the message nor the stream, wherever it stands.
  @Test func finalBlocks() {
    let receiver = TestReceiver(deflate: agreement())
    let hello = hex("f348cdc9c90700")  // with BFINAL
    #expect(receiver.read(compressed(hello)) == [.text("Hello")], "without the byte that follows")
    #expect(receiver.read(compressed(hello + [0])) == [.text("Hello")])
    #expect(receiver.read(compressed(hello + hello + [0])) == [.text("HelloHello")])
    #expect(
      receiver.read(compressed(hello, fin: false) + frame(0, fin: false) + frame(0, hello))
        == [.text("HelloHello")])
    // The window outlives them: a reference back into the message before.
    #expect(receiver.read(hex("c105f200110000")) == [.text("Hello")])
    let tiny = (0..<1000).flatMap { _ in hex("0300") }
    #expect(receiver.read(compressed(tiny + [0])) == [.text("")])
  }

  @Test func emptyMessages() throws {
    let deflater = try #require(TestDeflater())
    let receiver = TestReceiver(deflate: agreement())
    for _ in 0..<3 {
      #expect(deflater.compress([]) == [0])
      #expect(receiver.read(compressed(deflater.compress([]))) == [.text("")])
      #expect(receiver.read(compressed([])) == [.text("")], "no byte at all")
      let text = Array("after".utf8)
      #expect(receiver.read(compressed(deflater.compress(text))) == [.text(text)])
    }
    #expect(
      receiver.read(compressed([], fin: false) + frame(0, fin: false) + frame(0, [0])) == [
        .text("")
      ])
  }

  @Test(arguments: 9...15, [false, true]) func windowBits(bits: Int, noTakeover: Bool) throws {
    let deflater = try #require(TestDeflater(windowBits: Int32(bits), noTakeover: noTakeover))
    let receiver = TestReceiver(deflate: agreement(windowBits: UInt8(bits), noTakeover: noTakeover))
    var random = TestSupport.generator(for: "DeflateTests.windowBits.\(bits)")
    for _ in 0..<20 {
      let noise = (0..<3000).map { _ in UInt8.random(in: 0x61...0x66, using: &random) }
      let payload = noise + noise.prefix(600) + noise
      #expect(
        receiver.read(compressed(deflater.compress(payload), opcode: 2), by: 100)
          == [.binary(payload)])
    }
  }

  /// A peer that reaches beyond the window it agreed to is read, or not, however the stream is cut.
  @Test func tooFarBackIsReadTheSameInAllCuts() throws {
    let noise = (0..<2000).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 3) }
    let stream = compressed(
      try #require(TestDeflater()).compress(noise + noise), opcode: 2)
    for count in [1, 3, 100, stream.count] {
      let receiver = TestReceiver(deflate: agreement(windowBits: 8))
      #expect(receiver.read(stream, by: count) == [.binary(noise + noise)])
    }
  }

  /// zlib makes no raw deflate data for a 256-byte window; reading it is no trouble.
  @Test func eightWindowBits() throws {
    #expect(TestDeflater(windowBits: 8) == nil)
    let receiver = TestReceiver(deflate: agreement(windowBits: 8))
    #expect(receiver.read(hex("c107f248cdc9c90700")) == [.text("Hello")])
    #expect(receiver.read(hex("c105f200110000")) == [.text("Hello")])
  }

  @Test func noTakeoverForgets() throws {
    let text = Array(repeating: UInt8(ascii: "x"), count: 20) + Array("unrepeated".utf8)
    let forgetting = try #require(TestDeflater(noTakeover: true))
    #expect(forgetting.compress(text) == forgetting.compress(text))
    let remembering = try #require(TestDeflater())
    let first = remembering.compress(text)
    #expect(remembering.compress(text).count < first.count)
    remembering.reset()
    #expect(remembering.compress(text) == first)
    // The peer promised to forget, so a reference to the message before is an error.
    let receiver = TestReceiver(deflate: agreement(noTakeover: true))
    #expect(receiver.read(hex("c107f248cdc9c90700")) == [.text("Hello")])
    #expect(receiver.read(hex("c105f200110000")) == [.failed(1007)])
  }

  @Test(arguments: [65535, 65536, 65537, 1 << 20, 64 << 20]) func largeMessages(size: Int) throws {
    let deflater = try #require(TestDeflater(level: 1))
    let pattern = (0..<min(size, 1 << 20)).map { UInt8(truncatingIfNeeded: ($0 / 7) & 0x3F) }
    var payload = pattern
    while payload.count < size { payload += payload }
    let stream = compressed(deflater.compress(payload), opcode: 2)
    #expect(TestReceiver(deflate: agreement()).read(stream, by: 60000) == [.binary(payload)])
  }

  /// A message that inflates beyond the limit is stopped there, not after it has filled the memory.
  @Test func bombs() throws {
    let deflater = try #require(TestDeflater(level: 9))
    let bomb = deflater.compress([UInt8](repeating: 0x61, count: 32 << 20))
    #expect(bomb.count < 64 << 10)
    let receiver = TestReceiver(deflate: agreement(), limit: 1 << 20)
    #expect(receiver.read(compressed(bomb)) == [.failed(1009)])
    #expect(receiver.memory <= (1 << 20) + 1)
  }

  @Test(arguments: [1, 100, 1023, 1024, 1025, 5000, 100_000]) func limit(limit: Int) throws {
    for size in [limit, limit + 1] {
      let deflater = try #require(TestDeflater())
      let payload = [UInt8](repeating: 0x61, count: size)
      let receiver = TestReceiver(deflate: agreement(), limit: limit)
      let events = receiver.read(compressed(deflater.compress(payload)), by: 50)
      #expect(events == (size == limit ? [.text(payload)] : [.failed(1009)]))
    }
    // However little it inflates to: twice the limit on the wire is no message.
    let receiver = TestReceiver(deflate: agreement(), limit: limit)
    let announced = UInt64(2 * limit + 65537)
    #expect(receiver.read(frame(2, reserved: 4, announcing: announced)) == [.failed(1009)])
  }

  @Test func onlyFirstFramesOfMessagesSayCompressed() {
    let wrong = [
      frame(9, "x", fin: true).replacingFirst(with: 0xC9),
      frame(1, "a", fin: false) + frame(0, [0], reserved: 4),
      compressed([0], fin: false) + frame(0, [0], reserved: 4),
      frame(8, reserved: 4), frame(1, [0], reserved: 6), frame(1, [0], reserved: 5),
    ]
    for bytes in wrong {
      #expect(TestReceiver(deflate: agreement()).read(bytes) == [.failed(1002)])
    }
  }

  /// Inflated text is checked as it comes, with the byte that spoils it.
  @Test func textIsCheckedAfterInflating() throws {
    let deflater = try #require(TestDeflater())
    let wrong = deflater.compress([0x61, 0xFF, 0x61])
    #expect(TestReceiver(deflate: agreement()).read(compressed(wrong)) == [.failed(1007)])
    #expect(
      TestReceiver(deflate: agreement()).read(compressed(wrong, opcode: 2))
        == [.binary([0x61, 0xFF, 0x61])])
    let early = try #require(TestDeflater()).compress([0xFF] + [UInt8](repeating: 7, count: 50000))
    let start = frame(1, early, reserved: 4, announcing: 60000)
    #expect(TestReceiver(deflate: agreement()).read(start) == [.failed(1007)])
    // Of two faults the first counts, however the stream is cut.
    let large = [0xFF] + [UInt8](repeating: 0x61, count: 5000)
    for (bytes, code) in [(large, 1007), (large.reversed(), 1009)] as [([UInt8], UInt16)] {
      let stream = compressed(try #require(TestDeflater()).compress(bytes))
      for count in [1, stream.count] {
        let receiver = TestReceiver(deflate: agreement(), limit: 5000)
        #expect(receiver.read(stream, by: count) == [.failed(code)])
      }
    }
    let cut = try #require(TestDeflater()).compress([0x61, 0xC3])
    #expect(TestReceiver(deflate: agreement()).read(compressed(cut)) == [.failed(1007)])
  }

  @Test func damagedData() throws {
    let deflater = try #require(TestDeflater())
    let good = deflater.compress(Array("some text, some text, more text".utf8))
    let damaged = [[0x07], [0xFF, 0xFF, 0xFF], Array(good.dropLast(3)), Array(good.dropFirst(2))]
    for bytes in damaged {
      #expect(TestReceiver(deflate: agreement()).read(compressed(bytes)) == [.failed(1007)])
    }
  }

  /// Output that is still waiting inside zlib when the last input is used (where libwebsockets 4.1
  /// aborts the process).
  @Test func outputWaitsForRoom() throws {
    let deflater = try #require(TestDeflater())
    let receiver = TestReceiver(deflate: agreement())
    for count in [100, 1250, 1600, 2047, 2048, 20000] {
      let zeros = "[" + String(repeating: "0.0,", count: count) + "0.0]"
      #expect(receiver.read(compressed(deflater.compress(Array(zeros.utf8)))) == [.text(zeros)])
    }
  }

  @Test(arguments: 1...9) func incompressibleFitsItsBound(level: Int) throws {
    var random = TestSupport.generator(for: "DeflateTests.incompressible.\(level)")
    let deflater = try #require(TestDeflater(level: Int32(level), windowBits: 9))
    let receiver = TestReceiver(deflate: agreement())
    for size in [1, 10, 100, 1000, 70000] {
      let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(receiver.read(compressed(deflater.compress(noise), opcode: 2)) == [.binary(noise)])
    }
  }
}

extension [UInt8] {
  fileprivate func replacingFirst(with byte: UInt8) -> [UInt8] { [byte] + dropFirst() }
}
