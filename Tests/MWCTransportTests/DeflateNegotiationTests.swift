import CMWCTransport
import Testing

/// Sec-WebSocket-Extensions on both sides (RFC 7692, section 7.1).
@Suite struct DeflateNegotiationTests {
  /// What a server makes of a header: its answer, "" when it declines, nil for a malformed header.
  private func accept(_ header: String, policy: mwc_pmd_policy = .lenient) -> String? {
    var agreed = mwc_pmd()
    var policy = policy
    var answer = [CChar](repeating: 1, count: Int(MWC_PMD_ANSWER_MAX))
    let status = unsafe mwc_pmd_accept(header, header.utf8.count, &policy, &agreed, &answer)
    let text = String(
      decoding: answer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    #expect(agreed.enabled == !text.isEmpty)
    #expect(status == 0 || text.isEmpty)
    return status == 0 ? text : nil
  }

  /// What a client makes of an answer: server bits, client bits, server and client takeover; nil when
  /// the connection must fail, [] when there is no compression.
  private func confirm(_ header: String, offered: Bool = true) -> [Int]? {
    var agreed = mwc_pmd()
    var problem: UnsafePointer<CChar>?
    let status = unsafe mwc_pmd_confirm(header, header.utf8.count, offered, &agreed, &problem)
    #expect(unsafe (status == 0) == (problem == nil))
    guard status == 0 else { return nil }
    guard agreed.enabled else { return [] }
    return [
      Int(agreed.server_max_window_bits), Int(agreed.client_max_window_bits),
      agreed.server_no_context_takeover ? 0 : 1, agreed.client_no_context_takeover ? 0 : 1,
    ]
  }

  @Test(
    arguments: [
      ("", ""),
      ("permessage-deflate", "permessage-deflate"),
      (" permessage-deflate ", "permessage-deflate"),
      (MWC_PMD_OFFER, "permessage-deflate"),
      (
        "permessage-deflate;client_max_window_bits=12",
        "permessage-deflate; client_max_window_bits=12"
      ),
      (
        "permessage-deflate; client_max_window_bits=\"10\"",
        "permessage-deflate; client_max_window_bits=10"
      ),
      (
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=10"
      ),
      (
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=8"
      ),
      ("permessage-deflate; server_max_window_bits = 15", "permessage-deflate"),
      (
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover"
      ),
      (
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover; "
          + "server_max_window_bits=9; client_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
          + "server_max_window_bits=9; client_max_window_bits=9"
      ),
      // The first that will do.
      ("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
      ("foo; bar=1; baz=\"q\\\"q\", permessage-deflate", nil),
      ("foo; bar=1; baz=\"qq\",, permessage-deflate,", "permessage-deflate"),
      (
        "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=9"
      ),
      ("permessage-deflate; server_max_window_bits=7, permessage-deflate", "permessage-deflate"),
      (
        "permessage-deflate; server_max_window_bits=9, permessage-deflate",
        "permessage-deflate; server_max_window_bits=9"
      ),
    ] as [(String, String?)])
  func accepted(header: String, answer: String?) {
    #expect(accept(header) == answer)
  }

  /// Offers that RFC 7692 wants declined.
  @Test(arguments: [
    "x-webkit-deflate-frame", "permessage-bzip2", "permessage-deflat", "permessage-deflate2",
    "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=08", "permessage-deflate; server_max_window_bits=1",
    "permessage-deflate; server_max_window_bits=100",
    "permessage-deflate; server_max_window_bits=a",
    "permessage-deflate; server_max_window_bits=9x",
    "permessage-deflate; server_max_window_bits=x9",
    "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; server_max_window_bits=0",
    "permessage-deflate; server_max_window_bits=4294967305",
    "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
  ]) func declined(header: String) {
    #expect(accept(header) == "")
    #expect(confirm(header) == nil)
  }

  @Test(arguments: [
    ";", "permessage-deflate;", "permessage-deflate; =9", "permessage-deflate; a=",
    "permessage-deflate a", "permessage-deflate; a=\"9", "permessage-deflate; a=\"\"",
    "permessage-deflate; a b", "permessage-deflate; a=b c", "a/b", "permessage-deflate; a=\"b c\"",
    "permessage-deflate\u{1}", "permessage-deflate; a=9, ;", "é", "permessage-deflate; a=\"\\",
  ]) func malformed(header: String) {
    #expect(accept(header) == nil)
    #expect(confirm(header) == nil)
  }

  @Test func policy() {
    var policy = mwc_pmd_policy.lenient
    policy.client_max_window_bits = 10
    policy.server_no_context_takeover = true
    policy.client_no_context_takeover = true
    let forgets = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    #expect(accept("permessage-deflate", policy: policy) == forgets)
    #expect(accept(MWC_PMD_OFFER, policy: policy) == forgets + "; client_max_window_bits=10")
    #expect(
      accept("permessage-deflate; client_max_window_bits=9", policy: policy)
        == forgets + "; client_max_window_bits=9")
    policy.enabled = false
    #expect(accept(MWC_PMD_OFFER, policy: policy) == "")
    #expect(accept("permessage-deflate; =", policy: policy) == nil)
  }

  @Test func confirmed() {
    #expect(confirm("") == [])
    #expect(confirm("permessage-deflate") == [15, 15, 1, 1])
    #expect(confirm("permessage-deflate; server_max_window_bits=8") == [8, 15, 1, 1])
    #expect(
      confirm("permessage-deflate; client_max_window_bits=9; server_no_context_takeover")
        == [15, 9, 0, 1])
    #expect(confirm("permessage-deflate; client_no_context_takeover") == [15, 15, 1, 0])
    // In an answer the client's window needs its value.
    #expect(confirm("permessage-deflate; client_max_window_bits") == nil)
    #expect(confirm("permessage-deflate, permessage-deflate") == nil)
    #expect(confirm("permessage-deflate, foo") == nil)
    #expect(confirm("permessage-deflate", offered: false) == nil)
    #expect(confirm("", offered: false) == [])
  }
}

extension mwc_pmd_policy {
  /// Accepts whatever is asked for, asks for nothing.
  fileprivate static var lenient: mwc_pmd_policy {
    mwc_pmd_policy(
      enabled: true, server_no_context_takeover: false, client_no_context_takeover: false,
      client_max_window_bits: 15)
  }
}
