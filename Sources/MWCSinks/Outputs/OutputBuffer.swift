internal import Glibc
package import SystemPackage

/// Bytes on their way to a descriptor, gathered so that many messages cost one system call.
///
/// ```
///   formatter ──append──► [ … bytes … | room ]  ──write(to:)──► descriptor
///                          0        count     capacity
/// ```
///
/// Formatters append whole items and never fail: the buffer grows for an item that is larger than its
/// room. The owner writes it out when `isDue` says that enough has gathered, and when nothing more is
/// to come soon. One thread at a time; nothing is written unless the owner asks for it.
///
/// Unsafe storage, safe to use: `base` is allocated and freed exactly once by this uncopyable owner,
/// `count <= capacity` always holds, and nothing keeps the pointer beyond a call.
@safe package struct OutputBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Number of bytes that wait.
  package private(set) var count = 0
  private let dueCount: Int

  /// - Parameter dueCount: how many bytes make a write worth its system call.
  package init(dueCount: Int = 64 << 10) {
    precondition(dueCount > 0, "a buffer must hold something")
    self.dueCount = dueCount
    // Room for one more item of the usual size after the buffer has become due.
    capacity = dueCount + (16 << 10)
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { unsafe base.deallocate() }

  package var isEmpty: Bool { count == 0 }

  /// Whether enough has gathered for a write.
  package var isDue: Bool { count >= dueCount }

  /// The bytes that wait.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  package mutating func removeAll() { count = 0 }

  /// Drops what was appended after `count` was this, to take back half an item.
  package mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "can only become shorter")
    self.count = count
  }
}

// MARK: - Appending

extension OutputBuffer {
  @inline(__always)
  package mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  package mutating func append(_ byte: UInt8, repeated times: Int) {
    guard times > 0 else { return }
    reserve(times)
    unsafe memset(base + count, Int32(byte), times)
    count += times
  }

  /// Puts bytes before what stands from `position` on.
  package mutating func insert(_ byte: UInt8, repeated times: Int, at position: Int) {
    precondition(position >= 0 && position <= count && times >= 0, "outside of the buffer")
    reserve(times)
    unsafe memmove(base + position + times, base + position, count - position)
    unsafe memset(base + position, Int32(byte), times)
    count += times
  }

  @inline(__always)
  package mutating func append(_ text: StaticString) {
    unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package mutating func append(_ span: RawSpan) {
    unsafe span.withUnsafeBytes { unsafe append($0) }
  }

  /// For texts that are made once, not for every message.
  package mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in unsafe append(UnsafeRawBufferPointer(utf8)) }
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  /// Lets `body` write up to `limit` bytes in place; it returns how many it wrote.
  package mutating func append(
    upTo limit: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
  ) {
    reserve(limit)
    let written = unsafe body(UnsafeMutableRawBufferPointer(start: base + count, count: limit))
    precondition(written >= 0 && written <= limit, "more written than there was room for")
    count += written
  }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if more > capacity - count { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    unsafe moved.copyMemory(from: base, byteCount: count)
    unsafe base.deallocate()
    unsafe base = moved
    capacity = larger
  }
}

// MARK: - Writing out

extension OutputBuffer {
  /// Writes all bytes and empties the buffer, in as few system calls as the descriptor allows. Blocks
  /// while the reader is slow, also on a descriptor that somebody made non-blocking.
  ///
  /// SIGPIPE must be ignored by the process. After an error the unwritten bytes are still there.
  package mutating func write(to descriptor: FileDescriptor) throws(OutputError) {
    var written = 0
    defer { dropFirst(written) }
    while written < count {
      let result = unsafe Glibc.write(descriptor.rawValue, base + written, count - written)
      if result >= 0 {
        written += result
        continue
      }
      let failure = Errno(rawValue: errno)
      switch failure {
      case .interrupted: continue
      case .wouldBlock: try waitUntilWritable(descriptor)
      default: throw OutputError(failure)
      }
    }
  }

  private func waitUntilWritable(_ descriptor: FileDescriptor) throws(OutputError) {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
    while unsafe poll(&request, 1, -1) < 0 {
      let failure = Errno(rawValue: errno)
      guard failure == .interrupted else { throw OutputError(failure) }
    }
  }

  private mutating func dropFirst(_ written: Int) {
    guard written > 0 else { return }
    unsafe memmove(base, base + written, count - written)
    count -= written
  }
}
