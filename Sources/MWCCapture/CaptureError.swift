package import SystemPackage

/// What can go wrong with a capture file: what, in which file, where, and what to do about it.
///
/// `description` is one line for a person.
package struct CaptureError: Error, Hashable, Sendable {
  /// What went wrong. New codes may be added.
  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// The file to read does not exist, or cannot be opened for reading.
    package static let cannotOpen = Code(rawValue: "cannot-open")
    /// The file does not begin like a capture.
    package static let notACapture = Code(rawValue: "not-a-capture")
    /// Written by a version of the format that this program does not know.
    package static let newerVersion = Code(rawValue: "newer-version")
    /// Uses an encoding that this program does not know.
    package static let unsupported = Code(rawValue: "unsupported")
    /// A checksum or a rule of the format is broken.
    package static let damaged = Code(rawValue: "damaged")
    /// The output exists and nobody said that it may be overwritten or continued.
    package static let exists = Code(rawValue: "exists")
    /// Another process writes this capture.
    package static let locked = Code(rawValue: "locked")
    /// The output cannot be created: folder missing, not writable, …
    package static let cannotCreate = Code(rawValue: "cannot-create")
    /// The disk is full, or has less room than is to be kept free.
    package static let diskFull = Code(rawValue: "disk-full")
    /// The reader of our output has gone (EPIPE).
    package static let outputClosed = Code(rawValue: "output-closed")
    /// Reading or writing failed.
    package static let io = Code(rawValue: "io")
    /// A value that the format cannot hold, such as a message beyond the limit.
    package static let tooLarge = Code(rawValue: "too-large")
  }

  package var code: Code
  /// What failed and why, without the file: "block 17 fails its checksum".
  package var reason: String
  /// What the user can do about it; nil when nothing helps.
  package var advice: String?
  /// The file; "-" is standard input, nil when only bytes were at hand.
  package var file: String?
  /// The block, counted from 0, as in its sequence field.
  package var block: UInt32?
  /// Where in the file, bytes.
  package var offset: Int64?
  /// What the system said.
  package var underlying: Errno?

  package init(
    _ code: Code, _ reason: String, advice: String? = nil, file: String? = nil,
    block: UInt32? = nil, offset: Int64? = nil, underlying: Errno? = nil
  ) {
    self.code = code
    self.reason = reason
    self.advice = advice
    self.file = file
    self.block = block
    self.offset = offset
    self.underlying = underlying
  }

  /// The same error, saying which file it is about.
  func inFile(_ file: String) -> CaptureError {
    var copy = self
    if copy.file == nil { copy.file = file }
    return copy
  }
}

extension CaptureError: CustomStringConvertible {
  /// `run.cap: block 17 at offset 1048576: checksum does not fit; 'mwc recover run.cap' …`
  package var description: String {
    var text = ""
    if let file { text += file == "-" ? "standard input: " : "\(file): " }
    switch (block, offset) {
    case (let block?, let offset?): text += "block \(block) at offset \(offset): "
    case (nil, let offset?): text += "offset \(offset): "
    case (let block?, nil): text += "block \(block): "
    case (nil, nil): break
    }
    text += reason
    if let underlying { text += " (\(underlying))" }
    if let advice { text += "; \(advice)" }
    return text
  }
}
