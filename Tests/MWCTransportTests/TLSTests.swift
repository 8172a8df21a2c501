import Foundation
import MWCCore
import MWCTestSupport
import MWCTransport
import Testing

/// Certificates made for the tests: an authority, and what it issued.
private final class Certificates: Sendable {
  let folder: TemporaryFolder

  init() async throws {
    folder = try TemporaryFolder()
    let script = """
      set -e; cd '\(folder.path)'
      new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key \
        -subj "/CN=$2" "${@:3}"; }
      new ca authority -x509 -days 30 -out ca.pem
      new other other -x509 -days 30 -out other.pem
      issue() { new $1 "$2" -out $1.csr; printf "subjectAltName=$3\\n" > $1.ext
        openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem \
          -extfile $1.ext "${@:4}"; }
      issue good localhost DNS:localhost,IP:127.0.0.1 -days 30
      issue wrong elsewhere DNS:elsewhere.example -days 30
      issue expired localhost DNS:localhost,IP:127.0.0.1 -days -1
      issue client me DNS:me -days 30
      """
    let result = try await ChildProcess.shell(script)
    try #require(result.status == .exited(0), "\(result.errors)")
  }

  func file(_ name: String) -> String { folder.file(name) }

  func server(_ name: String, clientCA: String? = nil) -> ServerTLS {
    ServerTLS(
      certificateFile: file(name + ".pem"), keyFile: file(name + ".key"), clientCAFile: clientCA)
  }
}

@Suite(.serialized) struct TLSTests {
  private func serve(_ tls: ServerTLS) throws -> (loop: EventLoop, server: WebSocketServer) {
    let loop = try EventLoop.forTests()
    var options = ServerOptions()
    options.tls = tls
    return (loop, try loop.listen(options, handler: RecordingHandler()))
  }

  private func failure(
    _ uri: String, _ change: (inout ClientOptions) -> Void
  ) throws -> TransportError {
    let client = try Client(uri) { options in
      options.reconnect.maximumAttempts = 1
      change(&options)
    }
    let end = try client.states.end()
    guard case .failed(let error) = end else {
      throw Inbox.Missing(what: "failure", last: ["\(end)"])
    }
    return error
  }

  @Test func aGoodCertificateIsAccepted() async throws {
    let certificates = try await Certificates()
    let (loop, server) = try serve(certificates.server("good"))
    defer { loop.stop() }
    for host in ["localhost", "127.0.0.1"] {
      let client = try Client("wss://\(host):\(server.port)") {
        $0.tls.caFile = certificates.file("ca.pem")
      }
      try client.inbox.wait(for: .opened)
      let message = noise(1 << 20)
      server.broadcast(.binary, message)
      #expect(try client.inbox.messages(1).first?.bytes == message)
      client.loop.stop()
    }
  }

  @Test(arguments: [
    ("wrong", "ca.pem", "another name"), ("expired", "ca.pem", "expired"),
    ("good", "other.pem", "not trusted"), ("good", "", "not trusted"),
    ("ca", "", "self-signed"),
  ])
  func aBadCertificateIsRefusedWithItsReason(
    name: String, authority: String, words: String
  ) async throws {
    let certificates = try await Certificates()
    let (loop, server) = try serve(certificates.server(name))
    defer { loop.stop() }
    let error = try failure("wss://localhost:\(server.port)") {
      if !authority.isEmpty { $0.tls.caFile = certificates.file(authority) }
    }
    #expect(error.code == .tls)
    #expect(error.message.contains(words), "\(error.message)")
  }

  @Test(arguments: ["wrong", "expired", "ca"])
  func withoutVerificationAnyCertificateWillDo(name: String) async throws {
    let certificates = try await Certificates()
    let (loop, server) = try serve(certificates.server(name))
    defer { loop.stop() }
    let client = try Client("wss://localhost:\(server.port)") { $0.tls.verifies = false }
    try client.inbox.wait(for: .opened)
    server.broadcast(.text, Array("x".utf8))
    try client.inbox.wait(for: .text)
  }

  @Test func clientsCanBeAskedForCertificates() async throws {
    let certificates = try await Certificates()
    let (loop, server) = try serve(
      certificates.server("good", clientCA: certificates.file("ca.pem")))
    defer { loop.stop() }
    let client = try Client("wss://localhost:\(server.port)") {
      $0.tls.caFile = certificates.file("ca.pem")
      $0.tls.certificateFile = certificates.file("client.pem")
      $0.tls.keyFile = certificates.file("client.key")
    }
    try client.inbox.wait(for: .opened)
    let error = try failure("wss://localhost:\(server.port)") {
      $0.tls.caFile = certificates.file("ca.pem")
    }
    #expect(error.code == .tls || error.code == .lost, "\(error)")
  }

  @Test func aServerWithoutTLSIsSaidToBeOne() async throws {
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let server = try loop.listen(ServerOptions(), handler: RecordingHandler())
    let error = try failure("wss://127.0.0.1:\(server.port)") { _ in }
    #expect(error.code == .tls)
    #expect(error.message.contains("does not speak TLS"), "\(error.message)")
  }

  @Test func filesThatCannotBeReadAreNamed() async throws {
    let certificates = try await Certificates()
    let loop = try EventLoop.forTests()
    defer { loop.stop() }
    let error = #expect(throws: TransportError.self) {
      _ = try Client("wss://localhost", loop: loop) { $0.tls.caFile = "/nowhere/ca.pem" }
    }
    #expect(error?.message == "cannot read '/nowhere/ca.pem': no such file or directory")
    let garbage = try certificates.folder.write(Array("no certificate".utf8), to: "garbage.pem")
    let other = try failure("wss://127.0.0.1:1") { $0.tls.caFile = garbage }
    #expect(other.code == .tls)
    #expect(other.message.contains("garbage.pem"))
  }

  /// The ring is full while TLS still holds decrypted bytes: no loss, and no spinning meanwhile.
  @Test func aSlowConsumerStopsATLSServerToo() async throws {
    let certificates = try await Certificates()
    let (loop, server) = try serve(certificates.server("good"))
    defer { loop.stop() }
    let ring = BatchRing(batchCount: 2, byteCapacity: 16 << 10, entryCapacity: 64)
    let client = try Client("wss://localhost:\(server.port)", ring: ring) {
      $0.tls.caFile = certificates.file("ca.pem")
    }
    try client.inbox.wait(for: .opened)
    let messages = (0..<3000).map { noise(1000, seed: UInt64($0)) }
    for message in messages { server.broadcast(.binary, message) }
    try await Task.sleep(for: .milliseconds(200))
    let before = client.loop.roundCount
    try await Task.sleep(for: .milliseconds(500))
    #expect(client.loop.roundCount - before < 50)
    #expect(try client.inbox.messages(3000).map(\.bytes) == messages)
  }
}
