import Glibc
import MWCCore
import Testing

/// Bytes that end where the address space ends: touching one more is a crash.
@safe private final class GuardedBytes {
  private let base: UnsafeMutableRawPointer
  private let size: Int

  init() {
    size = Int(getpagesize())
    let mapped = unsafe mmap(
      nil, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED,
      unsafe mprotect(mapped + size, size, PROT_NONE) == 0
    else { fatalError("no memory for a guard page") }
    unsafe base = mapped
  }

  deinit { unsafe munmap(base, 2 * size) }

  /// Puts `bytes` right before the guard page.
  func place(_ bytes: ArraySlice<UInt8>, _ body: (RawSpan) -> Void) {
    precondition(bytes.count <= size)
    let start = unsafe base + (size - bytes.count)
    unsafe bytes.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress {
        unsafe start.copyMemory(from: source, byteCount: bytes.count)
      }
    }
    unsafe body(RawSpan(_unsafeStart: start, byteCount: bytes.count))
  }
}

@Suite struct JSONBoundsTests {
  /// Every truncation, read up to the last byte and not beyond: an error, and none but the right one.
  @Test func everyTruncation() throws {
    let guarded = GuardedBytes()
    var scanner = try JSONScanner(paths: ["data.gpu", "data.cores[1]", "ok", "[5]", #"[""][1]"#])
    for sample in jsonSamples {
      let bytes = Array(sample.utf8)
      let end = bytes.count - sample.reversed().prefix { $0.isWhitespace }.count
      for length in 0...bytes.count {
        guarded.place(bytes[..<length]) { json in
          do throws(JSONError) {
            _ = try scanner.scan(json)
            #expect(length >= end, "\(length) bytes of \(sample)")
          } catch {
            #expect(length < end)
            // A character that is cut is reported where it begins.
            let isInCharacter = error.code == .utf8 && error.offset >= length - 3
            #expect(error == JSONError(.end, at: length) || isInCharacter, "\(length): \(error)")
          }
        }
      }
    }
  }

  /// Every byte of a sample changed to every other value: an answer, never a crash; and no faulty
  /// document is reported with a fault outside of it.
  @Test func everyChangedByte() {
    let guarded = GuardedBytes()
    for sample in jsonSamples {
      var bytes = Array(sample.utf8)
      for index in bytes.indices {
        let original = bytes[index]
        for value in UInt8.min...UInt8.max {
          bytes[index] = value
          guarded.place(bytes[...]) { json in
            do throws(JSONError) {
              try JSONEvent.forEach(in: json, options: .nonFinite) { _ in }
            } catch {
              #expect(error.offset <= bytes.count)
              // Nothing before the change can be the fault, except the character it is part of.
              #expect(error.offset >= index - 3)
            }
          }
        }
        bytes[index] = original
      }
    }
  }

  @Test func valuesEndAtTheEdge() throws {
    let guarded = GuardedBytes()
    var scanner = try JSONScanner(paths: ["$"])
    for text in ["1", "-12.5e+10", "123456789012345678901234567890", "true", "\"a\\u00e9\"", "[]"] {
      guarded.place(Array(text.utf8)[...]) { json in
        do throws(JSONError) {
          let values = try scanner.scan(json)
          let value = values[0]
          let length = value.text.byteCount
          #expect(length == text.utf8.count - (text.hasPrefix("\"") ? 2 : 0))
          let (kind, double, string) = (value.kind, value.double, value.string)
          if kind == .number { #expect(double == Double(text)) }
          if kind == .string { #expect(string == "aé") }
        } catch {
          Issue.record("\(text): \(error)")
        }
      }
    }
  }
}
