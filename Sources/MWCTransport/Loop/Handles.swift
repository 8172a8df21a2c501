internal import CMWCTransport

// The objects of the C side, one type each. All are used on the loop's thread only, and none after
// its end, which their single owners see to: `LoopCore` for the loop and the hosts, `LoopTimer`,
// `ServerCore` for its listener, `SocketLink` for its socket (told by `closed`). That is why the
// pointers in here are safe to use.

@safe struct LoopHandle {
  fileprivate let pointer: OpaquePointer

  init?(log: mwc_log_handler, context: UnsafeMutableRawPointer) {
    guard let pointer = unsafe mwc_loop_create(log, context) else { return nil }
    unsafe self.pointer = pointer
  }

  /// One poll round; false when the loop can do no more.
  func runOnce() -> Bool { unsafe mwc_loop_run_once(pointer) == 0 }
  /// The one call that any thread may make.
  func wake() { unsafe mwc_loop_wake(pointer) }
  func destroy() { unsafe mwc_loop_destroy(pointer) }
  /// What libwebsockets complained about last.
  func takeError() -> String { unsafe String(cString: mwc_loop_take_error(pointer)) }
}

/// TLS settings.
@safe struct HostHandle {
  fileprivate let pointer: OpaquePointer

  init?(client tls: TLSOptions, loop: LoopHandle) {
    let host = unsafe withOptionalCStrings(tls.caFile, tls.certificateFile, tls.keyFile) {
      unsafe mwc_host_create_client(loop.pointer, $0, $1, $2)
    }
    guard let host = unsafe host else { return nil }
    unsafe pointer = host
  }

  init?(server tls: ServerTLS, loop: LoopHandle) {
    let host = unsafe withOptionalCStrings(tls.certificateFile, tls.keyFile, tls.clientCAFile) {
      unsafe mwc_host_create_server(loop.pointer, $0, $1, $2)
    }
    guard let host = unsafe host else { return nil }
    unsafe pointer = host
  }
}

@safe struct TimerHandle {
  private let pointer: OpaquePointer

  init?(
    loop: LoopHandle, fired: @convention(c) (UnsafeMutableRawPointer?) -> Void,
    context: UnsafeMutableRawPointer
  ) {
    guard let pointer = unsafe mwc_timer_create(loop.pointer, fired, context) else { return nil }
    unsafe self.pointer = pointer
  }

  func set(after delay: Int64) { unsafe mwc_timer_set(pointer, delay) }
  func cancel() { unsafe mwc_timer_cancel(pointer) }
  func destroy() { unsafe mwc_timer_destroy(pointer) }
}

@safe struct ListenerHandle {
  private let pointer: OpaquePointer

  /// Takes over `descriptor`, also when it fails.
  init?(
    loop: LoopHandle, descriptor: Int32, host: HostHandle?, accept: mwc_accept_handler,
    context: UnsafeMutableRawPointer
  ) {
    let listener = unsafe mwc_listener_create(
      loop.pointer, descriptor, host?.pointer, accept, context)
    guard let listener = unsafe listener else { return nil }
    unsafe pointer = listener
  }

  func destroy() { unsafe mwc_listener_destroy(pointer) }
}

@safe struct SocketHandle {
  let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

  /// Begins to connect; nil when that fails at once.
  init?(
    loop: LoopHandle, target: SocketTarget, head: String, host: HostHandle?,
    owner: mwc_socket_owner
  ) {
    var owner = unsafe owner
    let socket = unsafe withOptionalCStrings(target.address, target.serverName, head) {
      address, serverName, head in
      var request = unsafe mwc_client_request()
      unsafe request.address = address
      unsafe request.port = target.port
      unsafe request.server_name = serverName
      unsafe request.tls = target.isTLS
      unsafe request.insecure = target.isInsecure
      unsafe request.head = head
      unsafe request.head_length = target.headLength
      unsafe request.host = host?.pointer
      return unsafe mwc_socket_connect(loop.pointer, &request, &owner)
    }
    guard let socket = unsafe socket else { return nil }
    unsafe pointer = socket
  }

  func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe mwc_socket_write(pointer, bytes.baseAddress, bytes.count) == 0
  }

  var isBlocked: Bool { unsafe mwc_socket_is_blocked(pointer) }
  func wantWritable() { unsafe mwc_socket_want_writable(pointer) }
  func finishWriting() { unsafe mwc_socket_finish_writing(pointer) }
  func pause() { unsafe mwc_socket_pause(pointer) }
  func resume() { unsafe mwc_socket_resume(pointer) }
  func close() { unsafe mwc_socket_close(pointer) }

  var peer: String {
    var text = [CChar](repeating: 0, count: 64)
    unsafe mwc_socket_peer(pointer, &text, text.count)
    return String(characters: text)
  }
}

/// Where a client's socket goes.
struct SocketTarget {
  /// Numeric address, or "+" and the path of a unix socket.
  var address: String
  var port: Int32
  var serverName: String
  var isTLS: Bool
  var isInsecure: Bool
  var headLength: Int
}

extension String {
  /// The characters up to the first zero.
  init(characters: some Sequence<CChar>) {
    self.init(
      decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// Calls `body` with C strings, nil where the string is nil.
private func withOptionalCStrings<Result>(
  _ first: String?, _ second: String?, _ third: String?,
  _ body: (UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Result
) -> Result {
  func with(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
  }
  return unsafe with(first) { first in
    unsafe with(second) { second in unsafe with(third) { unsafe body(first, second, $0) } }
  }
}
