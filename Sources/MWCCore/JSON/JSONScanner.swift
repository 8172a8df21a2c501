public import CMWCKernels

/// A compiled set of paths that finds its values in one message after the other.
///
/// ```swift
/// var scanner = try JSONScanner(paths: ["type", "data.gpu.gpus[0].name"])
/// let values = try scanner.scan(message.payload)     // all of it checked, nothing copied
/// if values[0].isString("monitoring_data") { … values[1] … }
/// ```
///
/// Memory is allocated when the scanner is made, not per message. `mwc_json.h` says how paths are
/// written, what is checked and how open questions of JSON are decided.
///
/// Unsafe storage, safe to use: both blocks are allocated and freed exactly once by this uncopyable
/// owner, the kernel is given their true sizes, and values are handed out only as views that cannot
/// outlive the scan.
@safe @usableFromInline package struct JSONScanner: ~Copyable {
  /// What to accept beyond RFC 8259, and how to go about it.
  package struct Options: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The bare words `NaN`, `Infinity` and `-Infinity`, which Python writes.
    package static let nonFinite = Options(rawValue: UInt32(MWC_JSON_NONFINITE))
    /// Numbers are converted during the scan: for those who want the values of most paths.
    package static let convert = Options(rawValue: UInt32(MWC_JSON_CONVERT))
    /// Nothing is expected of a message for what earlier ones were like. Changes no result.
    package static let general = Options(rawValue: UInt32(MWC_JSON_GENERAL))
  }

  private let memory: UnsafeMutableRawPointer
  @usableFromInline let scanner: OpaquePointer
  @usableFromInline let values: UnsafeMutablePointer<mwc_json_value>
  /// How many paths there are.
  @usableFromInline package let count: Int
  @usableFromInline let isConverting: Bool

  /// - Parameters:
  ///   - paths: like `data.gpus[0].name`; no two may lead to the same value.
  ///   - options: what to accept beyond RFC 8259.
  ///   - depth: deepest nesting to accept, at most 1024.
  /// - Throws: `JSONError` whose offset is the index of the path at fault.
  package init(
    paths: [String], options: Options = [], depth: Int = 1024
  ) throws(JSONError) {
    // One block of text and the pieces of it; the kernel keeps its own copy.
    var text: [UInt8] = []
    var bounds: [Range<Int>] = []
    for path in paths {
      let start = text.count
      text.append(contentsOf: path.utf8)
      bounds.append(start..<text.count)
    }
    var failure: Int32 = 0
    var badPath = 0
    let made: (UnsafeMutableRawPointer, OpaquePointer)? = unsafe text.withUnsafeBufferPointer {
      text in
      let pieces = unsafe bounds.map { range in
        unsafe mwc_json_text(
          bytes: text.baseAddress.map { unsafe $0 + range.lowerBound }, length: range.count)
      }
      let size = unsafe mwc_json_scanner_size(pieces, pieces.count)
      let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
      let scanner = unsafe mwc_json_scanner_init(
        memory, size, pieces, pieces.count, options.rawValue, UInt32(max(1, depth)), &failure,
        &badPath)
      guard let scanner = unsafe scanner else {
        unsafe memory.deallocate()
        return nil
      }
      return unsafe (memory, scanner)
    }
    guard let made = unsafe made else { throw JSONError(kernel: failure, at: badPath) }
    unsafe memory = made.0
    unsafe scanner = made.1
    count = paths.count
    isConverting = options.contains(.convert)
    unsafe values = .allocate(capacity: max(1, paths.count))
    unsafe values.initialize(repeating: mwc_json_value(), count: max(1, paths.count))
  }

  /// For paths that the program itself holds and that are known to be good.
  package init(valid paths: [String], options: Options = []) {
    do {
      try self.init(paths: paths, options: options)
    } catch {
      preconditionFailure("\(error): \(paths)")
    }
  }

  deinit {
    unsafe memory.deallocate()
    unsafe values.deallocate()
  }

  /// Checks the whole of `json` and locates the values of all paths.
  /// - Throws: `JSONError` with the offset of the first byte at fault.
  @inlinable @_lifetime(&self, copy json)
  package mutating func scan(_ json: RawSpan) throws(JSONError) -> JSONValues {
    var errorOffset = 0
    let result = unsafe json.withUnsafeBytes { bytes in
      unsafe mwc_json_scan(scanner, bytes.baseAddress, bytes.count, values, &errorOffset)
    }
    guard result == 0 else { throw JSONError(kernel: result, at: errorOffset) }
    let found = unsafe JSONValues(
      json: json, values: values, count: count, areConverted: isConverting)
    return found
  }
}

/// What a scan found, by the index of the path. Cannot outlive the message, nor the next scan.
@safe @usableFromInline package struct JSONValues: ~Escapable {
  /// The message.
  @usableFromInline package let json: RawSpan
  @usableFromInline let values: UnsafePointer<mwc_json_value>
  @usableFromInline let count: Int
  @usableFromInline let areConverted: Bool

  @inlinable @_lifetime(copy json)
  init(json: RawSpan, values: UnsafePointer<mwc_json_value>, count: Int, areConverted: Bool) {
    self.json = json
    unsafe self.values = values
    self.count = count
    self.areConverted = areConverted
  }

  /// The value of path `index`; missing if the message has none.
  @inlinable
  package subscript(index: Int) -> JSONValue {
    @inline(__always) @_lifetime(copy self)
    get {
      precondition(index >= 0 && index < count, "no such path")
      return unsafe JSONValue(values + index, in: json, isConverted: areConverted)
    }
  }
}
