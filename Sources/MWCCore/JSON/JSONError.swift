internal import CMWCKernels

/// Why bytes are not JSON, or a path is not a path, and where.
@usableFromInline package struct JSONError: Error, Hashable, Sendable {
  /// What is wrong.
  package enum Code: Int32, Hashable, Sendable {
    /// The document stops too early.
    case end = -1
    /// A byte that cannot stand here.
    case syntax = -2
    /// A number that is not spelled as JSON wants it.
    case number = -3
    /// A control character in a string.
    case control = -4
    /// A backslash followed by something else than an escape.
    case escape = -5
    /// Ill-formed UTF-8 in a string.
    case utf8 = -6
    /// Nested too deeply.
    case depth = -7
    /// Something follows the value.
    case trailing = -8
    /// A byte order mark.
    case byteOrderMark = -9
    /// Longer than 4 GiB.
    case length = -10
    /// The path is not spelled as it should be.
    case pathSyntax = -20
    /// The path leads to the same value as an earlier one.
    case pathDuplicate = -21
    /// Too many paths, or too many steps in one.
    case pathLimit = -22
  }

  package let code: Code
  /// For a document the byte at which no valid document could go on; for paths the index of the path.
  package let offset: Int

  package init(_ code: Code, at offset: Int) {
    self.code = code
    self.offset = offset
  }

  /// From what a kernel returned.
  @usableFromInline
  init(kernel result: Int32, at offset: Int) {
    // Every code of the header has its case; the check would name one that was forgotten.
    guard let code = Code(rawValue: result) else {
      preconditionFailure("unknown result \(result) of the JSON kernel")
    }
    self.init(code, at: offset)
  }
}

extension JSONError: CustomStringConvertible {
  @usableFromInline package var description: String {
    switch code {
    case .end: "JSON ends too early, at byte \(offset)"
    case .syntax: "not JSON at byte \(offset)"
    case .number: "number not spelled as in JSON at byte \(offset)"
    case .control: "control character in a JSON string at byte \(offset)"
    case .escape: "unknown escape in a JSON string at byte \(offset)"
    case .utf8: "JSON string is not UTF-8 at byte \(offset)"
    case .depth: "JSON nested too deeply at byte \(offset)"
    case .trailing: "something follows the JSON value at byte \(offset)"
    case .byteOrderMark: "JSON begins with a byte order mark"
    case .length: "JSON is longer than 4 GiB"
    case .pathSyntax: "JSON path \(offset + 1) is not understood; write it like data.gpus[0].name"
    case .pathDuplicate: "JSON path \(offset + 1) leads to the same value as an earlier one"
    case .pathLimit: "too many JSON paths, or too many steps in path \(offset + 1)"
    }
  }
}
