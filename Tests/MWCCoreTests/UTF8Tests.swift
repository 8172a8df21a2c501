import CMWCKernels
import MWCTestSupport
import Testing

/// The UTF-8 validator against the one of the standard library.
@Suite struct UTF8Tests {
  /// The length of the valid prefix, by the standard library.
  private func reference(_ bytes: [UInt8]) -> Int {
    var iterator = bytes.makeIterator()
    var decoder = Unicode.UTF8()
    var valid = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) {
      valid += UTF8.width(scalar)
    }
    return valid
  }

  /// The valid prefix by ours, and the same verdict for every way to cut the text in two.
  private func check(_ bytes: [UInt8]) {
    let valid = reference(bytes)
    #expect(unsafe mwc_utf8_valid_prefix(bytes, bytes.count) == valid, "\(bytes)")
    let whole = unsafe mwc_utf8_continue(0, bytes, bytes.count)
    #expect((whole == UInt32(MWC_UTF8_COMPLETE)) == (valid == bytes.count), "\(bytes)")
    for cut in 0...bytes.count {
      let rest = Array(bytes[cut...])
      let state = unsafe mwc_utf8_continue(0, bytes, cut)
      if state == UInt32(MWC_UTF8_REJECT) {
        #expect(whole == state, "\(bytes)")
      } else {
        #expect(
          unsafe mwc_utf8_continue(state, rest, rest.count) == whole, "\(bytes) cut at \(cut)")
      }
    }
  }

  @Test func everyTwoBytes() {
    for first in UInt8.min ... .max {
      check([first])
      for second in UInt8.min ... .max { check([first, second]) }
    }
  }

  /// Every lead byte with what stands at the borders of the ranges behind it.
  @Test func borders() {
    let borders: [UInt8] = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
    for first in UInt8(0xE0)...0xF8 {
      for second in borders {
        for third in borders {
          check([first, second, third])
          for fourth in borders { check([first, second, third, fourth]) }
        }
      }
    }
  }

  /// Long texts with one byte changed, so that faults stand at every place of the wide steps.
  @Test func changedTexts() {
    var random = TestSupport.generator(for: "UTF8Tests.changedTexts")
    for _ in 0..<400 {
      let words = ["plain ascii text ", "é", "☃", "𝄞", "0123456789", "\u{7FF}", "\u{FFFF}"]
      var bytes: [UInt8] = []
      while bytes.count < Int.random(in: 0..<150, using: &random) {
        bytes += Array((words.randomElement(using: &random) ?? "").utf8)
      }
      check(bytes)
      guard let index = bytes.indices.randomElement(using: &random) else { continue }
      bytes[index] = UInt8.random(in: 0x70...0xFF, using: &random)
      check(bytes)
    }
  }
}
