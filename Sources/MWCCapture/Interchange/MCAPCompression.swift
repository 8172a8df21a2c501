internal import Glibc

/// Decompresses chunks with the system's zstd and LZ4 libraries, if they are installed: found when
/// the first such chunk comes, so that a program that never meets one needs neither.
enum MCAPCompression {
  /// Decodes `bytes` into exactly `size` bytes of `output`, which is emptied first.
  ///
  /// - Parameters:
  ///   - bytes: a zstd or LZ4 frame.
  ///   - compression: its name in MCAP.
  ///   - size: what the chunk says; the caller has bounded it.
  ///   - output: where to.
  /// - Throws: `CaptureError`: `unsupported` when the library is missing or the name is unknown,
  ///   `damaged` when the bytes do not decode to that.
  static func decode(
    _ bytes: RawSpan, _ compression: String, size: Int, into output: ByteBuffer
  ) throws(CaptureError) {
    output.removeAll()
    let decoded: Int?
    switch compression {
    case "zstd":
      guard let library = unsafe zstd else { throw missing("zstd", "libzstd1") }
      decoded = unsafe decode(bytes, size, into: output, library.decode)
    case "lz4":
      guard let library = unsafe lz4 else { throw missing("LZ4", "liblz4-1") }
      decoded = unsafe decode(bytes, size, into: output, library.decode)
    default:
      throw CaptureError(.unsupported, "chunks compressed with '\(compression)' are not known")
    }
    guard decoded == size else {
      throw CaptureError(.damaged, "a chunk does not decompress to the \(size) bytes it promises")
    }
  }

  private static func missing(_ name: String, _ package: String) -> CaptureError {
    CaptureError(
      .unsupported, "chunks are compressed with \(name), whose library is not installed",
      advice: "install \(package), or convert the file with 'mcap decompress'")
  }

  /// Gives `body` room for `size` bytes; nil where it says that the bytes are bad.
  private static func decode(
    _ bytes: RawSpan, _ size: Int, into output: ByteBuffer,
    _ body: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Int?
  ) -> Int? {
    var decoded: Int?
    unsafe bytes.withUnsafeBytes { source in
      unsafe output.appendUnsafe(upTo: size) { room in
        decoded = unsafe body(source, room)
        return min(decoded ?? 0, size)
      }
    }
    return decoded
  }

  private static let zstd = unsafe ZstdLibrary()
  private static let lz4 = unsafe LZ4Library()
}

/// Finds a function of a library; nil when there is none.
private func symbol<Function>(_ library: UnsafeMutableRawPointer, _ name: String, as: Function.Type)
  -> Function?
{
  guard let address = unsafe dlsym(library, name) else { return nil }
  // The caller knows the C declaration.
  return unsafe unsafeBitCast(address, to: Function.self)
}

/// Two functions of `zstd.h`, whose declarations are stable. Never unloaded.
@unsafe private struct ZstdLibrary: Sendable {
  private typealias Decompress =
    @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
  private typealias IsError = @convention(c) (Int) -> UInt32

  private let decompress: Decompress
  private let isError: IsError

  init?() {
    guard let library = unsafe dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL),
      let decompress = unsafe symbol(library, "ZSTD_decompress", as: Decompress.self),
      let isError = unsafe symbol(library, "ZSTD_isError", as: IsError.self)
    else { return nil }
    unsafe self.decompress = decompress
    unsafe self.isError = isError
  }

  func decode(_ source: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Int? {
    let result = unsafe decompress(
      room.baseAddress, room.count, source.baseAddress, source.count)
    return unsafe isError(result) == 0 ? result : nil
  }
}

/// The functions of `lz4frame.h` that decode a frame. Never unloaded.
@unsafe private struct LZ4Library: Sendable {
  private typealias Create =
    @convention(c) (UnsafeMutablePointer<OpaquePointer?>, UInt32) -> Int
  private typealias Free = @convention(c) (OpaquePointer?) -> Int
  private typealias Decompress =
    @convention(c) (
      OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>, UnsafeRawPointer?,
      UnsafeMutablePointer<Int>, UnsafeRawPointer?
    ) -> Int
  private typealias IsError = @convention(c) (Int) -> UInt32

  private let create: Create
  private let free: Free
  private let decompress: Decompress
  private let isError: IsError

  /// `LZ4F_VERSION`.
  private static let version: UInt32 = 100

  init?() {
    guard let library = unsafe dlopen("liblz4.so.1", RTLD_NOW | RTLD_LOCAL),
      let create = unsafe symbol(library, "LZ4F_createDecompressionContext", as: Create.self),
      let free = unsafe symbol(library, "LZ4F_freeDecompressionContext", as: Free.self),
      let decompress = unsafe symbol(library, "LZ4F_decompress", as: Decompress.self),
      let isError = unsafe symbol(library, "LZ4F_isError", as: IsError.self)
    else { return nil }
    unsafe self.create = create
    unsafe self.free = free
    unsafe self.decompress = decompress
    unsafe self.isError = isError
  }

  func decode(_ source: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Int? {
    var context: OpaquePointer?
    guard unsafe isError(create(&context, Self.version)) == 0 else { return nil }
    defer { _ = unsafe free(context) }
    var read = 0
    var written = 0
    while read < source.count {
      var taken = source.count - read
      var given = room.count - written
      let result = unsafe decompress(
        context, room.baseAddress.map { unsafe $0 + written }, &given,
        source.baseAddress.map { unsafe $0 + read }, &taken, nil)
      guard unsafe isError(result) == 0 else { return nil }
      read += taken
      written += given
      // The frame has ended; or there is more in it than the chunk promises.
      if result == 0 || (taken == 0 && given == 0) { return result == 0 ? written : nil }
    }
    return nil
  }
}
