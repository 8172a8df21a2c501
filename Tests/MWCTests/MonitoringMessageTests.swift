import MWCTestSupport
import Testing

@testable import MWC

@Suite struct MonitoringMessageTests {
  /// A whole second, in nanoseconds since 1970.
  private let second: Int64 = 1_795_256_061_000_000_000

  /// Spellings as Python 3 prints them.
  @Test(arguments: [
    (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (45.2, "45.2"), (100, "100.0"), (0.1, "0.1"),
    (1e15, "1000000000000000.0"), (1.5e15, "1500000000000000.0"),
    (123456789012345680, "1.2345678901234568e+17"), (9007199254740992, "9007199254740992.0"),
    (1e16, "1e+16"), (1.25e16, "1.25e+16"), (1e22, "1e+22"), (1e100, "1e+100"),
    (0.0001, "0.0001"), (0.00012, "0.00012"), (0.00001, "1e-05"), (1.5e-7, "1.5e-07"),
    (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    (31.308593750000004, "31.308593750000004"), (-2.5, "-2.5"), (-1e-7, "-1e-07"),
    (28.999999999999996, "28.999999999999996"), (10737418240, "10737418240.0"),
    (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"),
  ])
  func floatsAsPythonSpellsThem(_ number: Double, _ expected: String) {
    #expect(PythonJSON.spelling(of: number) == expected)
  }

  @Test func everySpellingReadsBackAsTheSameNumber() {
    var generator = TestSupport.generator(for: "Python floats")
    for _ in 0..<20_000 {
      let number = Double(bitPattern: generator.next())
      guard number.isFinite else { continue }
      #expect(Double(PythonJSON.spelling(of: number)) == number)
    }
  }

  @Test func textIsEscapedToASCII() {
    var json = PythonJSON()
    json.object { $0.member("k\"\\", "\u{8}\t\n\u{c}\r\u{1}/\u{7f}é€😀") }
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"k\"\\": "\b\t\n\f\r\u0001/"# + "\u{7f}" + #"\u00e9\u20ac\ud83d\ude00"}"#)
  }

  @Test func nestedValuesAreSeparated() {
    var json = PythonJSON()
    json.object { json in
      json.key("a")
      json.array { json in
        json.number(1)
        json.array { _ in }
        json.object { $0.member("b", true) }
      }
      json.null("c")
      json.member("d", 5)
    }
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"a": [1.0, [], {"b": true}], "c": null, "d": 5}"#)
  }

  @Test func dataMessageIsSpelledLikeTheShippedServer() {
    let text = String(
      decoding: MonitoringMessage.data(.sample, at: second + 182_086_999),
      as: UTF8.self)
    let stamp = LocalTime.pythonISO(nanoseconds: second + 182_086_999)
    #expect(stamp.hasSuffix(".182086"))
    #expect(
      text
        == #"{"type": "monitoring_data", "timestamp": "\#(stamp)", "data": {"memory": "#
        + #"{"total": 25274793984, "available": 24175751168, "used": 1099042816, "#
        + #""percentage": 4.3}, "processor": {"usage_percent": 100.0, "core_count": 2, "#
        + #""logical_count": 2, "frequency_current": 2300.0, "frequency_max": 0.0, "#
        + #""per_core_usage": [100.0, 99.5]}, "disk": {"total": 270553174016, "#
        + #""used": 25811030016, "free": 75632156672, "percentage": 25.4, "path": "/"}, "#
        + ##""system": {"os_name": "Linux", "os_version": "#1 SMP PREEMPT_DYNAMIC @0", "##
        + #""os_release": "6.18.44-generic", "architecture": "x86_64", "#
        + #""platform": "Linux-6.18.44-generic-x86_64-with-glibc2.36", "machine": "x86_64", "#
        + #""processor": "", "python_version": "", "hostname": "vm"}}}"#)
  }

  /// Limits are reached at the value itself; critical replaces warning; memory comes first.
  @Test(arguments: [
    (799, 849, []), (800, 849, ["High memory usage: 80.0% (threshold: 80.0%)"]),
    (
      899, 850,
      [
        "High memory usage: 89.9% (threshold: 80.0%)", "High disk usage: 85.0% (threshold: 85.0%)",
      ]
    ),
    (
      900, 950,
      [
        "Critical memory usage: 90.0% (threshold: 90.0%)",
        "Critical disk usage: 95.0% (threshold: 95.0%)",
      ]
    ),
  ])
  func alerts(_ memoryPerMille: Int64, _ diskPerMille: Int64, _ expected: [String]) {
    var metrics = HostMetrics.sample
    metrics.memory = .init(total: 1000, available: 1000 - memoryPerMille)
    metrics.disk = .init(total: 1000, used: diskPerMille, free: 1000 - diskPerMille)
    let text = String(
      decoding: MonitoringMessage.data(metrics, at: second), as: UTF8.self)
    let messages = text.split(separator: #""message": ""#).dropFirst()
      .map { String($0.prefix { $0 != "\"" }) }
    #expect(messages == expected)
    #expect(text.contains(#""alerts""#) == !expected.isEmpty)
    #expect(text.contains("\"CRITICAL\"") == expected.contains { $0.hasPrefix("Critical") })
  }

  @Test func timestampWithoutFractionWhenMicrosecondsAreZero() {
    #expect(!LocalTime.pythonISO(nanoseconds: second + 999).contains("."))
    #expect(LocalTime.pythonISO(nanoseconds: second + 1000).hasSuffix(".000001"))
  }

  @Test func repliesAreSpelledLikeTheShippedServer() {
    let time = second + 5000
    let stamp = LocalTime.pythonISO(nanoseconds: time)
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    #expect(
      text(MonitoringMessage.pong(at: time)) == #"{"type": "pong", "timestamp": "\#(stamp)"}"#)
    #expect(
      text(MonitoringMessage.status(clientCount: 3, at: time))
        == #"{"type": "status", "connected_clients": 3, "monitoring_active": true, "#
        + #""timestamp": "\#(stamp)"}"#)
    #expect(
      text(MonitoringMessage.invalid()) == #"{"type": "error", "message": "Invalid message"}"#)
    #expect(
      text(MonitoringMessage.welcome(at: time))
        == #"{"type": "connection", "status": "connected", "timestamp": "\#(stamp)", "#
        + #""message": "Connected to monitoring server"}"#)
  }
}

extension HostMetrics {
  /// Figures of a recorded message of the shipped server.
  fileprivate static var sample: HostMetrics {
    HostMetrics(
      memory: .init(total: 25_274_793_984, available: 24_175_751_168),
      processor: .init(
        usagePercent: 100, coreCount: 2, logicalCount: 2, frequencyCurrent: 2300,
        frequencyMax: 0, perCoreUsage: [100, 99.5]),
      disk: .init(total: 270_553_174_016, used: 25_811_030_016, free: 75_632_156_672, path: "/"),
      system: .init(
        osName: "Linux", osVersion: "#1 SMP PREEMPT_DYNAMIC @0", osRelease: "6.18.44-generic",
        machine: "x86_64", hostname: "vm", libraryVersion: "glibc2.36"))
  }
}
