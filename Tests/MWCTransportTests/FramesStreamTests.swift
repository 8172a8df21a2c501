import CMWCKernels
import CMWCTransport
import MWCTestSupport
import Testing

/// Streams of many frames: segmentation, limits, memory, and random round trips.
@Suite struct FramesStreamTests {
  /// Every way to cut this stream in two, and every constant read size.
  @Test func everySegmentation() {
    let long = String(repeating: "0123456789", count: 13)
    let stream =
      frame(1, "one") + frame(2, fin: false) + frame(9, "ping") + frame(0, Array(long.utf8))
      + frame(1, long) + frame(1) + frame(10) + closeFrame(1000, [0x6F, 0x6B])
    let expected: [Received] = [
      .text("one"), .ping(Array("ping".utf8)), .binary(Array(long.utf8)), .text(long), .text(""),
      .pong([]), .close(1000, "ok"),
    ]
    for count in 1...stream.count {
      #expect(TestReceiver().read(stream, by: count) == expected, "\(count) bytes a read")
    }
    for cut in 0...stream.count {
      let receiver = TestReceiver()
      let events = receiver.read(stream[..<cut]) + receiver.read(stream[cut...])
      #expect(events == expected, "cut at \(cut)")
    }
  }

  @Test func smallMessagesAreDeliveredWhereTheyStand() {
    let receiver = TestReceiver()
    let stream = (0..<100).flatMap { _ in frame(1, String(repeating: "x", count: 560)) }
    #expect(receiver.read(stream).count == 100)
    #expect(receiver.inPlaceCount == 100)
    #expect(receiver.memory == 0)
  }

  @Test(arguments: [65535, 65536, 65537, 1 << 20, (1 << 20) + 1])
  func largeMessages(size: Int) {
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for read in [1500, 65536, size + 100] {
      let receiver = TestReceiver()
      #expect(receiver.read(frame(2, payload), by: read) == [.binary(payload)])
      #expect(receiver.read(frame(1, "next")) == [.text("next")])
      #expect(receiver.memory <= 256 << 10, "a large message does not stay in memory")
    }
  }

  @Test func theLargestMessage() {
    let payload = [UInt8](repeating: 0x61, count: 64 << 20)
    #expect(TestReceiver().read(frame(1, payload), by: 1 << 20) == [.text(payload)])
    let pieces = frame(1, Array(payload.dropLast(5)), fin: false)
    #expect(
      TestReceiver().read(pieces + frame(0, [0x61, 0x61, 0x61, 0x61, 0x61])) == [.text(payload)])
    #expect(TestReceiver().read(frame(1, announcing: (64 << 20) + 1)) == [.failed(1009)])
  }

  /// The limit itself passes, one more does not, and nothing is allocated for it.
  @Test func limit() {
    let payload = [UInt8](repeating: 1, count: 1000)
    #expect(TestReceiver(limit: 1000).read(frame(2, payload), by: 7) == [.binary(payload)])
    let receiver = TestReceiver(limit: 1000)
    #expect(receiver.read(frame(2, payload + [1])) == [.failed(1009)])
    #expect(receiver.memory == 0)
    let split = TestReceiver(limit: 1000)
    #expect(split.read(frame(2, payload, fin: false)).isEmpty)
    #expect(split.read(frame(0, announcing: 0)) == [.binary(payload)])
    #expect(split.read(frame(2, payload, fin: false)).isEmpty)
    #expect(split.read(frame(0, announcing: 1)) == [.failed(1009)])
    #expect(split.memory <= 1000 + 24)
  }

  /// Control frames do not count towards the message they interrupt.
  @Test func limitCountsDataOnly() {
    let receiver = TestReceiver(limit: 4)
    #expect(
      receiver.read(
        frame(1, "ab", fin: false) + frame(9, "long ping") + frame(0, "cd") + frame(1, "abcd"))
        == [.ping(Array("long ping".utf8)), .text("abcd"), .text("abcd")])
  }

  // MARK: Building

  @Test(arguments: [0, 1, 125, 126, 127, 65535, 65536, 70000]) func built(size: Int) {
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let mask: [UInt8] = [9, 8, 7, 6]
    #expect(buildFrame(2, payload) == frame(2, payload))
    #expect(buildFrame(2, payload, mask: mask) == frame(2, payload, mask: mask))
    #expect(buildFrame(1, payload, compressed: true) == frame(1, payload, reserved: 4))
    let header = frame(2, payload, mask: mask).count - size
    #expect(mwc_ws_header_length(UInt64(size), true) == header)
  }

  @Test func builtClose() {
    #expect(buildClose(1000, "") == closeFrame(1000))
    #expect(buildClose(1001, "bye") == closeFrame(1001, Array("bye".utf8)))
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70000] as [UInt32] {
      #expect(buildClose(code, "bye") == frame(8), "\(code) must not be sent")
    }
    let snow = String(repeating: "☃", count: 50)  // 150 bytes; 41 characters fit
    #expect(buildClose(1000, snow) == closeFrame(1000, Array(snow.utf8.prefix(123))))
    let shifted = "x" + snow
    #expect(buildClose(1000, shifted) == closeFrame(1000, Array(shifted.utf8.prefix(121))))
  }

  @Test func maskingAtEveryPhaseAndLength() {
    let key: [UInt8] = [0x11, 0x22, 0x44, 0x88]
    for phase in 0..<4 {
      for length in 0..<100 {
        var bytes = (0..<length).map { UInt8($0) }
        let expected = bytes.enumerated().map { $0.element ^ key[($0.offset + phase) % 4] }
        unsafe mwc_ws_mask(&bytes, length, key, phase)
        #expect(bytes == expected)
      }
    }
  }

  // MARK: Random streams

  /// What goes in comes out, whatever the sizes, fragments, masks, compression and reads.
  @Test(arguments: [MWC_WS_CLIENT_ROLE, MWC_WS_SERVER_ROLE]) func roundTrips(role: mwc_ws_role) {
    var random = TestSupport.generator(for: "FramesStreamTests.roundTrips.\(role.rawValue)")
    for _ in 0..<60 {
      let windowBits = Int32.random(in: 8...15, using: &random)
      let noTakeover = Bool.random(using: &random)
      let deflate = mwc_pmd(
        enabled: true, server_no_context_takeover: noTakeover,
        client_no_context_takeover: noTakeover,
        server_max_window_bits: UInt8(windowBits), client_max_window_bits: UInt8(windowBits))
      let compressor = TestDeflater(
        level: Int32.random(in: 1...9, using: &random), windowBits: windowBits,
        noTakeover: noTakeover)
      var stream: [UInt8] = []
      var expected: [Received] = []
      for _ in 0..<12 {
        let message = randomMessage(&random)
        let isCompressed = compressor != nil && Bool.random(using: &random)
        let payload = isCompressed ? compressor?.compress(message) ?? [] : message
        let pieces = randomPieces(payload, &random)
        for (index, piece) in pieces.enumerated() {
          stream += frame(
            index == 0 ? 1 : 0, piece, fin: index == pieces.count - 1,
            reserved: isCompressed && index == 0 ? 4 : 0, mask: randomMask(role, &random))
          if Int.random(in: 0..<5, using: &random) == 0 {
            stream += frame(9, Array(message.prefix(9)), mask: randomMask(role, &random))
            if index < pieces.count - 1 {
              expected.append(.ping(Array(message.prefix(9))))
            } else {
              expected += [.text(message), .ping(Array(message.prefix(9)))]
            }
          } else if index == pieces.count - 1 {
            expected.append(.text(message))
          }
        }
      }
      let receiver = TestReceiver(role, deflate: deflate)
      var events: [Received] = []
      var position = 0
      while position < stream.count {
        let most = Bool.random(using: &random) ? 9 : 5000
        let end = min(stream.count, position + Int.random(in: 1...most, using: &random))
        events += receiver.read(stream[position..<end])
        position = end
      }
      #expect(events == expected)
    }
  }

  /// Text of a random size, some of it compressible, some of it not ASCII.
  private func randomMessage(_ random: inout SeededGenerator) -> [UInt8] {
    let sizes = [0, 1, 5, 125, 126, 600, 4000, 70000]
    let size = sizes.randomElement(using: &random) ?? 0
    let words = ["\"usage\":", "12.5", ",", "é", "☃", "𝄞", "{", "}", "aaaaaaaaaa", "\u{0}"]
    var bytes: [UInt8] = []
    while bytes.count < size {
      bytes += Array((words.randomElement(using: &random) ?? "").utf8)
      if Bool.random(using: &random) { bytes.append(UInt8.random(in: 0x20..<0x7F, using: &random)) }
    }
    return bytes
  }

  private func randomPieces(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while Int.random(in: 0..<3, using: &random) == 0 {
      let count = Int.random(in: 0...rest.count, using: &random)
      pieces.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return pieces + [Array(rest)]
  }

  private func randomMask(_ role: mwc_ws_role, _ random: inout SeededGenerator) -> [UInt8]? {
    guard role == MWC_WS_SERVER_ROLE else { return nil }
    return (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  private func buildFrame(
    _ opcode: UInt8, _ payload: [UInt8], compressed: Bool = false, mask: [UInt8]? = nil
  ) -> [UInt8] {
    let size = mwc_ws_header_length(UInt64(payload.count), mask != nil) + payload.count
    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      unsafe count =
        mask.map { key in
          unsafe mwc_ws_build_frame(
            buffer.baseAddress, opcode, compressed, payload, payload.count, key)
        }
        ?? mwc_ws_build_frame(buffer.baseAddress, opcode, compressed, payload, payload.count, nil)
    }
  }

  private func buildClose(_ code: UInt32, _ reason: String) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: Int(MWC_WS_CONTROL_FRAME_MAX)) { buffer, count in
      unsafe count = mwc_ws_build_close(
        buffer.baseAddress, code, reason, reason.utf8.count, nil)
    }
  }
}
