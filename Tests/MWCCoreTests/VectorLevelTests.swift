import CMWCKernels
import MWCTestSupport
import Testing

/// The choice of vector instructions.
@Suite struct VectorLevelTests {
  @Test func everyLevelHasAName() throws {
    let names = try (0..<Int32(MWC_SIMD_LEVELS)).map { level in
      unsafe String(cString: try #require(unsafe mwc_simd_name(level)))
    }
    #expect(names == ["scalar", "sse4", "avx2", "avx512", "neon"])
    #expect(unsafe mwc_simd_name(-1) == nil)
    #expect(unsafe mwc_simd_name(Int32(MWC_SIMD_LEVELS)) == nil)
  }

  @Test func aLevelIsChosenThatTheProcessorHas() {
    #expect(mwc_simd_has(mwc_simd_level()))
    #expect(mwc_simd_has(Int32(MWC_SIMD_SCALAR)))
    #expect(!mwc_simd_has(-1))
    #expect(!mwc_simd_has(Int32(MWC_SIMD_LEVELS)))
    #expect(!mwc_simd_force(Int32(MWC_SIMD_LEVELS)))
  }

  /// Every level finds the same ill-formed byte, wherever it stands.
  @Test func validatesTextAtEveryLevel() {
    let characters = ["a", "é", "☃", "𝄞", "\u{800}", "\u{D7FF}", "\u{10000}", "\u{10FFFF}"]
    var text: [UInt8] = []
    while text.count < 200 { text += Array(characters.joined().utf8) }
    SIMDLevels.forEach { level in
      #expect(unsafe mwc_utf8_valid_prefix(text, text.count) == text.count)
      for index in text.indices where text[index] >= 0x80 {
        var broken = text
        broken[index] = 0x20
        let start = text[...index].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
        // A lead that is gone leaves its continuation bytes at fault, otherwise the lead is.
        let fault = start == index ? index + 1 : start
        #expect(
          unsafe mwc_utf8_valid_prefix(broken, broken.count) == fault,
          "level \(level), byte \(index)")
      }
    }
  }
}
