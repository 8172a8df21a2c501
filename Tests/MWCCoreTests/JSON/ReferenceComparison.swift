import MWCCore

/// A scanner that is held against the slow reference, message for message of a stream.
struct ReferenceComparison: ~Copyable {
  private var scanner: JSONScanner
  private let paths: [[ReferenceJSON.Step]]
  private let isLenient: Bool

  init(paths: [[ReferenceJSON.Step]], isLenient: Bool = false) throws(JSONError) {
    self.paths = paths
    self.isLenient = isLenient
    scanner = try JSONScanner(
      paths: paths.map { Self.spell($0) }, options: isLenient ? .nonFinite : [])
  }

  /// What scanner or walk say otherwise than the reference of `bytes`; nil if they agree.
  mutating func disagreement(about bytes: [UInt8]) -> String? {
    let reference: Result<ReferenceJSON.Value, JSONError>
    do throws(JSONError) {
      reference = .success(try ReferenceJSON.parse(bytes, isLenient: isLenient))
    } catch {
      reference = .failure(error)
    }
    return scanDisagreement(about: bytes, reference) ?? walkDisagreement(about: bytes, reference)
  }

  // MARK: The scan

  /// What a scan found of a value, or what the reference says it should have.
  private struct Found: Hashable {
    var kind: JSONKind
    var range: Range<Int>
    var hasEscapes = false
    var isInteger = false
    var isEmptyContainer = false
    var double: UInt64?
    var int64: Int64?
  }

  private static func expected(_ value: ReferenceJSON.Value?, in bytes: [UInt8]) -> Found {
    guard let value else { return Found(kind: .missing, range: 0..<0) }
    var found = Found(
      kind: value.kind, range: value.range, hasEscapes: value.hasEscapes,
      isInteger: value.isInteger)
    switch value.kind {
    case .array, .object:
      found.isEmptyContainer = value.members.isEmpty && value.elements.isEmpty
    case .number:
      // The standard library reads the words, too, and rounds correctly.
      let text = String(decoding: bytes[value.range], as: UTF8.self)
      found.double = Double(text)?.bitPattern
      found.int64 = value.isInteger ? Int64(text) : nil
    default: break
    }
    return found
  }

  private static func found(_ value: borrowing JSONValue, from start: UnsafeRawPointer?) -> Found {
    let range = unsafe value.text.withUnsafeBytes { text in
      guard value.kind != .missing, let start = unsafe start, let base = text.baseAddress
      else { return 0..<0 }
      let offset = unsafe base - start
      return offset..<offset + text.count
    }
    return Found(
      kind: value.kind, range: range, hasEscapes: value.hasEscapes, isInteger: value.isInteger,
      isEmptyContainer: value.isEmptyContainer, double: value.double?.bitPattern,
      int64: value.int64)
  }

  private mutating func scanDisagreement(
    about bytes: [UInt8], _ reference: Result<ReferenceJSON.Value, JSONError>
  ) -> String? {
    let paths = paths
    do throws(JSONError) {
      let values = unsafe try scanner.scan(bytes.span.bytes)
      guard case .success(let tree) = reference else { return "accepted, not \(reference)" }
      let start = unsafe values.json.withUnsafeBytes { $0.baseAddress }
      for (index, path) in paths.enumerated() {
        let value = unsafe Self.found(values[index], from: start)
        let expected = Self.expected(tree.find(path[...]), in: bytes)
        if value != expected { return "\(Self.spell(path)): \(value), not \(expected)" }
      }
      return nil
    } catch {
      return reference == .failure(error) ? nil : "refused: \(error), not \(reference)"
    }
  }

  // MARK: The walk

  /// A walk meets every value where the tree has it, and ends every container where it ends.
  private func walkDisagreement(
    about bytes: [UInt8], _ reference: Result<ReferenceJSON.Value, JSONError>
  ) -> String? {
    var begins: [Int] = []
    var ends: [Int] = []
    do throws(JSONError) {
      try unsafe JSONEvent.forEach(in: bytes.span.bytes, options: isLenient ? .nonFinite : []) {
        event in
        switch event.kind {
        case .key: break
        case .arrayEnd, .objectEnd: ends.append(event.range.upperBound)
        default: begins.append(event.range.lowerBound)
        }
      }
      guard case .success(let tree) = reference else { return "walked, not \(reference)" }
      let all = tree.all
      let containers = all.filter { $0.kind == .array || $0.kind == .object }
      let isSame =
        begins == all.map(\.range.lowerBound)
        && ends == containers.map(\.range.upperBound).sorted()
      return isSame ? nil : "walked otherwise: \(begins), \(ends)"
    } catch {
      return reference == .failure(error) ? nil : "walk refused: \(error), not \(reference)"
    }
  }

  // MARK: Paths

  static func spell(_ path: [ReferenceJSON.Step]) -> String {
    path.reduce("$") { text, step in
      switch step {
      case .index(let index): text + "[\(index)]"
      case .name(let name): text + "[\"" + spell(name: name) + "\"]"
      }
    }
  }

  private static func spell(name: [UInt8]) -> String {
    String(decoding: name, as: UTF8.self).unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
        text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}
