import Foundation
import MWCCore
import MWCTestSupport
import Testing

/// Base64 against Foundation's, and what is not base64.
@Suite struct Base64Tests {
  private func decode(_ text: String) -> [UInt8]? {
    let bytes = Array(text.utf8)
    return unsafe Base64.decode(bytes.span.bytes)
  }

  @Test func agreesWithFoundation() {
    var generator = TestSupport.generator(for: "Base64Tests.agreesWithFoundation")
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      let text = Data(bytes).base64EncodedString()
      #expect(unsafe String(decoding: Base64.encode(bytes.span.bytes), as: UTF8.self) == text)
      #expect(decode(text) == bytes)
      #expect(decode(text.filter { $0 != "=" }) == bytes)
    }
  }

  @Test(arguments: [
    "A", "AAAAA", "AA=", "A===", "AB==", "AAB=", "A-AA", "AA AA", "====", "AA==AAAA",
  ])
  func refuses(text: String) { #expect(decode(text) == nil) }
}
