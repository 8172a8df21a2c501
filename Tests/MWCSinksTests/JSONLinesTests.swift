import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

@Suite struct JSONLinesTests {
  private func line(
    _ payload: [UInt8], kind: Message.Kind = .text, direction: Message.Direction = .received
  ) -> String {
    var output = OutputBuffer()
    var lines = JSONLines()
    unsafe lines.append(
      Message(
        wallTime: 1_795_262_591_204_000_000, monotonicTime: 77, connection: 3,
        direction: direction, kind: kind, payload: payload.span.bytes), to: &output)
    return unsafe output.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  private func object(_ line: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  private let head =
    #"{"time":"2026-11-21T12:03:11.204000000Z","time_ns":1795262591204000000,"#
    + #""monotonic_ns":77,"connection":3,"#

  @Test func aTextMessage() {
    #expect(
      line(Array(#"{"type":"welcome"}"#.utf8))
        == head + #""direction":"in","opcode":"text","payload":"{\"type\":\"welcome\"}"}"# + "\n")
  }

  @Test func aBinaryMessageThatWeSent() {
    #expect(
      line([0, 1, 2, 255], kind: .binary, direction: .sent)
        == head + #""direction":"out","opcode":"binary","payload_base64":"AAEC/w=="}"# + "\n")
  }

  @Test func controlFramesAreBytes() {
    #expect(
      line(Array("hi".utf8), kind: .ping)
        == head + #""direction":"in","opcode":"ping","payload_base64":"aGk="}"# + "\n")
    #expect(line([], kind: .pong).contains(#""opcode":"pong","payload_base64":"""#))
  }

  @Test func anEventHoldsItsMembers() {
    #expect(
      line(Array(#"{"code":1000,"reason":"","by":"server"}"#.utf8), kind: .closed)
        == head + #""event":"closed","data":{"code":1000,"reason":"","by":"server"}}"# + "\n")
  }

  @Test(arguments: ["{\"a\":\n1}", "not json", "{\"a\":1", "{\"a\":\"\u{9B}\"}"])
  func anEventThatIsNoEventCannotBreakTheLine(payload: String) throws {
    let text = line(Array(payload.utf8), kind: .note)
    #expect(text.filter(\.isNewline).count == 1)
    #expect(try object(text)["payload"] as? String == payload)
    #expect(try object(text)["data"] == nil)
  }

  @Test func textThatIsNotUTF8IsKeptExactly() throws {
    let payload: [UInt8] = [0x22, 0xFF, 0xC3]
    let encoded = try #require(try object(line(payload))["payload_base64"] as? String)
    #expect(Data(base64Encoded: encoded) == Data(payload))
  }

  @Test func everyTextComesBackExactly() throws {
    var random = TestSupport.generator(for: "JSONLines")
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
        Unicode.Scalar(
          UInt32.random(in: 0...(Bool.random(using: &random) ? 0xFF : 0x10FFFF), using: &random))
      }
      let text = String(String.UnicodeScalarView(scalars))
      let parsed = try #require(try object(line(Array(text.utf8)))["payload"] as? String)
      #expect(Array(parsed.utf8) == Array(text.utf8))
    }
  }

  @Test func kindsOfOtherProgramsAreShown() {
    #expect(
      line([1], kind: Message.Kind(rawValue: 200))
        == head + #""event":200,"payload_base64":"AQ=="}"# + "\n")
  }

  @Test func base64OfEveryLength() {
    let bytes = [UInt8](0...255)
    for length in 0...255 {
      let encoded = unsafe Base64.encode(Array(bytes[..<length]).span.bytes)
      #expect(Data(encoded) == Data(bytes[..<length]).base64EncodedData())
    }
  }
}
