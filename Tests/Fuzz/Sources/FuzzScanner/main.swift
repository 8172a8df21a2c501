// Fuzzes the scanner, as Swift calls it, against the slow reference of the tests. The input is
// options (1 byte) and messages, 0x1E between them, which one scanner reads one after the other,
// each of them twice.

/// Paths that seeds and dictionary lead to.
let paths: [[ReferenceJSON.Step]] = [
  [], [.name(Array("a".utf8))], [.name(Array("a".utf8)), .name(Array("a".utf8))],
  [.name(Array("a".utf8)), .index(1), .name(Array("b".utf8))], [.index(0)], [.index(1)],
  [.name(Array("type".utf8))], [.name([])], [.name(Array("b".utf8))], [.name(Array("c".utf8))],
  [.name(Array("data".utf8))], [.name(Array("data".utf8)), .name(Array("a".utf8))],
]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: data, count: size))
  guard let options = input.first else { return 0 }
  do {
    var comparison = try ReferenceComparison(paths: paths, isLenient: options & 1 != 0)
    for message in input.dropFirst().split(separator: 0x1E, omittingEmptySubsequences: false) {
      for _ in 0..<2 {
        if let disagreement = comparison.disagreement(about: Array(message)) {
          fatalError("\(String(decoding: message, as: UTF8.self)): \(disagreement)")
        }
      }
    }
  } catch {
    fatalError("\(error)")
  }
  return 0
}
