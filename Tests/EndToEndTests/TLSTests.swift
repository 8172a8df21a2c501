import Foundation
import MWCTestSupport
import Testing

/// Certificates are checked, and a wrong one is said to be wrong.
@Suite(.fewAtATime) struct TLSTests {
  /// Certificates made for one test by `openssl`: an authority, and servers it vouches for.
  private struct Certificates {
    let folder: TemporaryFolder

    init() async throws {
      folder = try TemporaryFolder()
      try await openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority"
          + " -keyout ca.key -out ca.pem")
    }

    /// Issues a certificate valid for `name`.
    func issue(for name: String, as file: String, days: Int = 1) async throws {
      try folder.write("subjectAltName=\(name)\n".utf8, to: "\(file).ext")
      try await openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server"
          + " -keyout \(file).key -out \(file).csr")
      try await openssl(
        "x509 -req -in \(file).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days \(days)"
          + " -extfile \(file).ext -out \(file).pem")
    }

    private func openssl(_ arguments: String) async throws {
      let result = try await ChildProcess.run(
        "/usr/bin/openssl", arguments.split(separator: " ").map(String.init),
        workingFolder: folder.path)
      try #require(result.status == .exited(0), "\(result.errors)")
    }

    func server(_ file: String, count: Int = 3) async throws -> Peer {
      try await SampleCapture.numberedPeer(
        count: count, in: folder,
        arguments: [
          "--certificate", folder.file("\(file).pem"), "--key", folder.file("\(file).key"),
        ])
    }
  }

  private func record(_ peer: Peer, in folder: TemporaryFolder, _ arguments: [String]) async throws
    -> ChildProcess.Result
  {
    try await Program.capture.run(
      [
        "--uri", "wss://localhost:\(peer.port)/", "--output", folder.file("out.cap"),
        "--no-reconnect", "--quiet",
      ] + arguments)
  }

  @Test func trustedCertificateIsAccepted() async throws {
    let certificates = try await Certificates()
    try await certificates.issue(for: "DNS:localhost", as: "good")
    let peer = try await certificates.server("good")
    let folder = certificates.folder
    let result = try await record(peer, in: folder, ["--ca-file", folder.file("ca.pem")])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(try await cat(folder.file("out.cap")).filter(\.isText).count == 3)
  }

  @Test func unknownAuthorityIsRefused() async throws {
    let certificates = try await Certificates()
    try await certificates.issue(for: "DNS:localhost", as: "good")
    let peer = try await certificates.server("good")
    let result = try await record(peer, in: certificates.folder, [])
    expectFailure(result, code: 76, naming: ["certificate", "localhost:\(peer.port)"])
  }

  @Test func certificateOfAnotherHostIsRefused() async throws {
    let certificates = try await Certificates()
    try await certificates.issue(for: "DNS:elsewhere.example", as: "other")
    let peer = try await certificates.server("other")
    let folder = certificates.folder
    let result = try await record(peer, in: folder, ["--ca-file", folder.file("ca.pem")])
    expectFailure(result, code: 76, naming: ["certificate"])
  }

  @Test func insecureAcceptsAnythingAndWarns() async throws {
    let certificates = try await Certificates()
    try await certificates.issue(for: "DNS:elsewhere.example", as: "other")
    let peer = try await certificates.server("other")
    let result = try await record(peer, in: certificates.folder, ["--insecure"])
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.errors.contains("--insecure"), "\(result.errors)")
  }

  @Test func authorityFileThatIsMissing() async throws {
    let certificates = try await Certificates()
    try await certificates.issue(for: "DNS:localhost", as: "good")
    let peer = try await certificates.server("good")
    let file = certificates.folder.file("missing.pem")
    let result = try await record(peer, in: certificates.folder, ["--ca-file", file])
    expectFailure(result, code: 66, naming: [file])
  }
}
