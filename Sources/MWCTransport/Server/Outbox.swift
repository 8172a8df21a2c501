internal import CMWCKernels
internal import CMWCTransport
import MWCCore
import Synchronization

/// What other threads have left for a server's clients, in order.
///
/// Frames are built here, on the caller's thread and once for all clients: plain, and compressed for
/// those who agreed to it. That works because each message is compressed by itself
/// (`server_no_context_takeover`), so what it becomes does not depend on what a client saw before.
final class Outbox: Sendable {
  enum Item: Sendable {
    /// Frames for everybody, as many as came in a row; `compressed` empty: nobody had asked for it.
    case frames(plain: [UInt8], compressed: [UInt8])
    case message(ClientID, frame: [UInt8])
    case close(ClientID, code: Int, reason: String)
    case stop
  }

  private struct State {
    var items: [Item] = []
    /// Broadcasts since the last item of another kind.
    var plain: [UInt8] = []
    var compressed: [UInt8] = []
    /// Made when it is first needed.
    var compressor: Compressor?

    mutating func seal() {
      guard !plain.isEmpty else { return }
      items.append(.frames(plain: plain, compressed: compressed))
      (plain, compressed) = ([], [])
    }
  }

  private let state = Guarded(State())
  private let level: Int
  /// How many clients take compressed messages; set by the loop.
  let compressedClients = Atomic<Int>(0)

  init(compressionLevel: Int) { level = compressionLevel }

  func broadcast(_ kind: Message.Kind, _ bytes: RawSpan) {
    let compresses = compressedClients.load(ordering: .relaxed) > 0
    state.withLock { state in
      if !compresses, !state.compressed.isEmpty { state.seal() }
      if compresses, state.compressed.isEmpty { state.seal() }
      Self.appendFrame(kind, bytes, compressed: false, to: &state.plain)
      guard compresses else { return }
      if state.compressor == nil { state.compressor = Compressor(level: level) }
      if kind.isData, let packed = state.compressor?.compress(bytes) {
        unsafe Self.appendFrame(kind, packed.span.bytes, compressed: true, to: &state.compressed)
      } else {
        Self.appendFrame(kind, bytes, compressed: false, to: &state.compressed)
      }
    }
  }

  func append(_ item: Item) {
    state.withLock { state in
      state.seal()
      state.items.append(item)
    }
  }

  func take() -> [Item] {
    state.withLock { state in
      state.seal()
      let items = state.items
      state.items = []
      return items
    }
  }

  static func frame(_ kind: Message.Kind, _ bytes: RawSpan) -> [UInt8] {
    var frame: [UInt8] = []
    appendFrame(kind, bytes, compressed: false, to: &frame)
    return frame
  }

  private static func appendFrame(
    _ kind: Message.Kind, _ bytes: RawSpan, compressed: Bool, to frames: inout [UInt8]
  ) {
    var header = [UInt8](repeating: 0, count: Int(MWC_WS_HEADER_MAX))
    let length = unsafe mwc_ws_build_header(
      &header, kind.rawValue, true, compressed, UInt64(bytes.byteCount), nil)
    frames.append(contentsOf: header[..<length])
    unsafe bytes.withUnsafeBytes { unsafe frames.append(contentsOf: $0) }
  }
}

/// A deflater that forgets each message. Sendable because the outbox uses it under its lock only.
@safe private final class Compressor: @unchecked Sendable {
  private let deflater: OpaquePointer
  private var room: [UInt8] = []

  init?(level: Int) {
    guard let deflater = unsafe mwc_deflater_create(Int32(level), 15, true) else { return nil }
    unsafe self.deflater = deflater
  }

  deinit { unsafe mwc_deflater_destroy(deflater) }

  /// The compressed payload, nil when it would not be smaller.
  func compress(_ bytes: RawSpan) -> ArraySlice<UInt8>? {
    let bound = unsafe mwc_deflater_bound(deflater, bytes.byteCount)
    if room.count < bound { room = [UInt8](repeating: 0, count: bound) }
    let length = unsafe bytes.withUnsafeBytes { bytes in
      unsafe mwc_deflater_compress(
        deflater, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &room)
    }
    let result = length > 0 && length < bytes.byteCount ? room[..<length] : nil
    // One large message should not cost memory for ever.
    if room.count > 1 << 20 { room = [] }
    return result
  }
}
