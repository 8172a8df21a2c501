import CMWCKernels
import MWCCore
import MWCTestSupport
import Testing

/// The table of what is JSON: the scanner, the walk and the slow reference all say what it says, at
/// every level of vector instructions.
@Suite struct JSONTableTests {
  private let cases: [JSONCase]

  init() throws { cases = try JSONTable.read() }

  private func walkVerdict(_ document: [UInt8], isLenient: Bool) -> JSONError? {
    do throws(JSONError) {
      try unsafe JSONEvent.forEach(
        in: document.span.bytes, options: isLenient ? .nonFinite : []
      ) { _ in }
      return nil
    } catch {
      return error
    }
  }

  private func referenceVerdict(_ document: [UInt8], isLenient: Bool) -> JSONError? {
    do throws(JSONError) {
      _ = try ReferenceJSON.parse(document, isLenient: isLenient)
      return nil
    } catch {
      return error
    }
  }

  @Test func isLongEnough() {
    #expect(cases.count >= 550)
    #expect(Set(cases.compactMap { $0.error?.code }).count == 9, "every error but that of length")
  }

  @Test func scannerAndWalkAgreeAtEveryLevel() {
    SIMDLevels.forEach { level in
      for row in cases {
        let options: JSONScanner.Options = row.isLenient ? .nonFinite : []
        #expect(verdict(row.document, options: options) == row.error, "\(level), \(row)")
        let walked = walkVerdict(row.document, isLenient: row.isLenient)
        #expect(walked == row.error, "\(level), \(row)")
      }
    }
  }

  /// One scanner for all documents, twice: what it remembers of one changes nothing for the others.
  @Test func oneScannerForAll() throws {
    var order = cases.filter { !$0.isLenient }
    order += order.reversed()
    var scanner = try JSONScanner(paths: ["a", "[0]", "[1].a", "a.b", "$"])
    for row in order {
      var error: JSONError?
      do throws(JSONError) {
        _ = unsafe try scanner.scan(row.document.span.bytes)
      } catch let thrown {
        error = thrown
      }
      #expect(error == row.error, "\(row)")
    }
  }

  @Test func theReferenceAgrees() {
    // Its trees are too slow for the longest ones, and recursion has no need of them.
    for row in cases where row.document.count < 10_000 {
      let found = referenceVerdict(row.document, isLenient: row.isLenient)
      #expect(found == row.error, "\(row)")
    }
  }

  /// What an offset means: what stands before it could still have become a document, and with the
  /// byte that stands there (for UTF-8: the sequence that begins there) it cannot.
  @Test func offsetsAreWhereItWentWrong() {
    for row in cases {
      guard let error = row.error, error.code != .byteOrderMark else { continue }
      let before = Array(row.document[..<error.offset])
      let beginning = verdict(before, options: row.isLenient ? .nonFinite : [])
      #expect(beginning == nil || beginning == JSONError(.end, at: before.count), "\(row)")
      guard error.code != .end else { continue }
      let including = Array(row.document[...error.offset])
      #expect(verdict(including, options: row.isLenient ? .nonFinite : []) == error, "\(row)")
    }
  }
}
