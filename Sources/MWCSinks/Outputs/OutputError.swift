package import SystemPackage

/// Why bytes could not be handed to where they belong.
package struct OutputError: Error, Sendable, Equatable {
  package enum Code: Sendable, Equatable {
    /// The reader of the pipe or socket has gone: no fault, the command ends quietly.
    case readerGone
    /// The write failed; `underlying` says how (disk full, I/O error).
    case writeFailed
  }

  package let code: Code
  /// What the system said.
  package let underlying: Errno

  package init(_ errno: Errno) {
    code = errno == .brokenPipe || errno == .connectionReset ? .readerGone : .writeFailed
    underlying = errno
  }
}

extension OutputError: CustomStringConvertible {
  package var description: String {
    switch code {
    case .readerGone: "the reader of the output has gone"
    case .writeFailed: "writing the output failed: \(underlying)"
    }
  }
}
