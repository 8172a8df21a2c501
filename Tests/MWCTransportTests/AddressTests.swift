import Glibc
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

/// Where connections go, and what is said when they do not get there.
@Suite(.serialized) struct AddressTests {
  private func failure(
    _ uri: String, _ change: (inout ClientOptions) -> Void = { _ in }
  ) throws -> TransportError {
    let client = try Client(uri) { options in
      options.reconnect.isEnabled = false
      change(&options)
    }
    let end = try client.states.end()
    guard case .failed(let error) = end else {
      throw Inbox.Missing(what: "failure", last: ["\(end)"])
    }
    return error
  }

  @Test func aClosedPortIsRefused() throws {
    let port = try TestSupport.freePort()
    let error = try failure("ws://127.0.0.1:\(port)")
    #expect(error.code == .refused)
    #expect(error.message.contains("127.0.0.1:\(port)"))
  }

  @Test func aNameWithoutAddressIsADNSError() throws {
    let error = try failure("ws://does-not-exist.invalid")
    #expect(error.code == .dns)
    #expect(error.message.contains("does-not-exist.invalid"))
  }

  @Test func aMissingUnixSocketIsRefused() throws {
    let folder = try TemporaryFolder()
    let error = try failure("ws+unix://\(folder.path)/none.sock")
    #expect(error.code == .refused)
    #expect(error.message.contains("none.sock"))
  }

  @Test(arguments: ["ws://127.0.0.1", "ws://[::1]", "ws://localhost"])
  func theLoopbackHasManyNames(start: String) throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    var options = ServerOptions()
    options.endpoint = .tcp(host: start.contains("::1") ? "::1" : "127.0.0.1", port: 0)
    let handler = RecordingHandler()
    let server = try loop.listen(options, handler: handler)
    let client = try Client("\(start):\(server.port)/x?y", loop: loop)
    let opened = try client.inbox.wait(for: .opened)
    #expect(try opened.member("address").hasSuffix(":\(server.port)"))
    let request = try handler.wait("client") { $0.connected.first?.request }
    #expect(request.path == "/x")
    #expect(request.query == "y")
  }

  @Test func unixSocketsWorkAndLeaveNoFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("mwc.sock")
    let loop = try EventLoop.forTests()
    var options = ServerOptions()
    options.endpoint = .unix(path: path)
    let server = try loop.listen(options, handler: RecordingHandler())
    let client = try Client("ws+unix://\(path)", loop: loop)
    #expect(try client.inbox.wait(for: .opened).member("address") == "unix")
    server.broadcast(.text, Array("x".utf8))
    try client.inbox.wait(for: .text)
    // Taken, and taken by somebody who answers.
    let error = #expect(throws: TransportError.self) {
      try loop.listen(options, handler: RecordingHandler())
    }
    #expect(error?.code == .address)
    loop.stop()
    unsafe #expect(access(path, F_OK) != 0)
  }

  @Test func aStaleSocketFileIsReplacedButNoOtherFile() throws {
    let folder = try TemporaryFolder()
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    var options = ServerOptions()
    let file = try folder.write(Array("precious".utf8), to: "file")
    options.endpoint = .unix(path: file)
    #expect(throws: TransportError.self) {
      try loop.listen(options, handler: RecordingHandler())
    }
    unsafe #expect(access(file, F_OK) == 0)

    let stale = folder.file("stale.sock")
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: stale.utf8) }
    let bound = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(descriptor)
    options.endpoint = .unix(path: stale)
    _ = try loop.listen(options, handler: RecordingHandler())
  }

  @Test func aTakenPortIsAnError() throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let server = try loop.listen(ServerOptions(), handler: RecordingHandler())
    var options = ServerOptions()
    options.endpoint = .tcp(host: "127.0.0.1", port: server.port)
    let error = #expect(throws: TransportError.self) {
      try loop.listen(options, handler: RecordingHandler())
    }
    #expect(error?.code == .address)
    #expect(error?.message.contains("address already in use") == true)
  }
}

/// What the environment must not change.
@Suite struct EnvironmentTests {
  @Test func proxiesOfTheEnvironmentAreNotUsed() async {
    await #expect(processExitsWith: .success) {
      _ = unsafe setenv("http_proxy", "127.0.0.1:1", 1)
      _ = unsafe setenv("HTTP_PROXY", "127.0.0.1:1", 1)
      let loop = try EventLoop.forTests()
      let server = try loop.listen(ServerOptions(), handler: RecordingHandler())
      let client = try Client("ws://127.0.0.1:\(server.port)", loop: loop)
      try client.inbox.wait(for: .opened)
      exit(0)
    }
  }
}
