import Foundation
import MWCCore
import MWCTestSupport
import Testing

@testable import MWCSinks

/// What is shown of streams that the original client does not know, and of messages beside the data.
@Suite struct DialectTests {
  private let metrics = """
    {"timestamp":1795257407.203,"cpu":{"percent_total":95.0,"percent_per_core":[90,100],"count":2,\
    "frequency_mhz":2300.0},"memory":{"percent":6.8,"total_mb":24103.9,"available_mb":22469.1,\
    "used_mb":1634.8},"disk":{"percent":28.1,"total_gb":96.7,"used_gb":25.1,"free_gb":67.5},\
    "network":{"bytes_sent_mb":12.5,"bytes_recv_mb":2048},"process":{"memory_mb":45.5,\
    "cpu_percent":0.0}}
    """

  private func shown(
    _ format: OutputFormat, _ messages: [String], color: Bool = false
  ) -> (text: String, outcomes: [FormatOutcome]) {
    var formatter = format.makeFormatter(color: color, secondsFromUTC: 0)
    var output = OutputBuffer()
    let outcomes = messages.map { formatter.format(text: $0, into: &output) }
    return (output.text, outcomes)
  }

  @Test func metricsDialect() {
    #expect(shown(.simple, [metrics]).text == "CPU:  95.0% | RAM:   6.8% | Disk:  28.1%\n")
    // Its timestamps count from an unknown start; the time shown is that of arrival.
    #expect(
      shown(.compact, [metrics]).text == "[14:30:25] │ CPU: 95% │ RAM:  7%(1.6/24G) │ DSK: 28%\n")
    #expect(
      shown(.detailed, [metrics]).text == """

        === System Monitoring - 2024-01-15T14:30:25.123456 ===

        CPU Information:
          Usage:  95.0% [███████████████████░]
          Cores: 2
          Current Frequency: 2300 MHz

        Memory Information:
          Usage:   6.8% [█░░░░░░░░░░░░░░░░░░░]
          Used: 1.6 GB / 23.5 GB
          Available: 21.9 GB

        Disk Information:
          Usage:  28.1% [█████░░░░░░░░░░░░░░░]
          Used: 25.1 GB / 96.7 GB
          Free: 67.5 GB

        Network Information:
          Sent: 12.5 MB
          Received: 2.0 GB

        Process Information:
          Usage:   0.0% [░░░░░░░░░░░░░░░░░░░░]
          Memory: 45.5 MB
        ==================================================

        """)
    #expect(shown(.json, [metrics]).text.hasPrefix("{\n  \"timestamp\": 1795257407.203,\n"))
  }

  @Test func welcomes() {
    let welcome = #"{"type":"connection","status":"connected","message":"d\u00e9marré"}"#
    #expect(shown(.simple, [welcome]).text == "[CONN] démarré\n")
    #expect(shown(.compact, [welcome], color: true).text == "\u{1B}[94m► démarré\u{1B}[0m\n")
    #expect(shown(.detailed, [welcome]).text == "[14:30:25] CONNECTION: démarré\n")
    #expect(
      shown(.json, [welcome]).text
        == "{\n  \"type\": \"connection\",\n  \"message\": \"d\\u00e9marr\\u00e9\"\n}\n")
    #expect(shown(.simple, [#"{"type":"connection"}"#]).text == "[CONN] Connected\n")
    #expect(shown(.simple, [#"{"type":"connection","message":null}"#]).text == "[CONN] None\n")
  }

  @Test func messagesOfOtherDialects() {
    let logs = #"{"type":"logs", "payload":[ {"level":"warn","message":"a b\u001b[0m"} ]}"#
    let compact = #"{"type":"logs","payload":[{"level":"warn","message":"a b\u001b[0m"}]}"#
    #expect(shown(.simple, [logs]).text == "[logs] \(compact)\n")
    #expect(shown(.compact, [logs]).text == "[14:30:25] │ logs │ \(compact)\n")
    #expect(shown(.detailed, [logs]).text == "[14:30:25] logs: \(compact)\n")
    #expect(shown(.simple, [" [1, 2]"]).text == "[message] [1,2]\n")
    #expect(shown(.simple, [#"{"type":7}"#]).text == "[message] {\"type\":7}\n")
    let error = #"{"type":"error","payload":{"message":"Invalid message"}}"#
    #expect(shown(.simple, [error]).text == "[ERROR] Invalid message\n")
    #expect(shown(.compact, [error], color: true).text == "\u{1B}[91m✗ Invalid message\u{1B}[0m\n")
    let documented = #"{"type":"error_message","error":"Sensor failed","severity":"warning"}"#
    #expect(shown(.simple, [documented]).text == "[ERROR] Sensor failed\n")
    #expect(shown(.json, [documented]).text.contains("\"severity\": \"warning\""))
  }

  /// On a connection that speaks the monitoring dialect the replies are hidden, as in the original,
  /// and only there.
  @Test(arguments: [OutputFormat.simple, .compact, .detailed, .json])
  func repliesAreHiddenOnMonitoringConnections(format: OutputFormat) {
    let replies = [
      #"{"type":"pong","timestamp":"2024-01-15T14:30:25"}"#, #"{"type":"error","message":"x"}"#,
      #"{"type":"something_else"}"#, "[]",
    ]
    let data = #"{"type":"monitoring_data","data":{"processor":{"usage_percent":1}}}"#
    let alone = shown(format, replies)
    #expect(alone.outcomes.allSatisfy { $0 == .printed })
    let after = shown(format, [data] + replies)
    #expect(after.outcomes == [.printed, .skipped, .skipped, .skipped, .skipped])
    let welcome = #"{"type":"connection","timestamp":"2024-01-15T14:30:24","message":"hi"}"#
    #expect(shown(format, [welcome] + replies).outcomes.dropFirst().allSatisfy { $0 == .skipped })

    // Another connection has its own dialect.
    var formatter = format.makeFormatter(color: false)
    var output = OutputBuffer()
    _ = formatter.format(text: data, into: &output)
    let bytes = Array(replies[0].utf8)
    let outcome = unsafe formatter.format(
      Message(
        wallTime: 0, monotonicTime: 0, connection: 2, kind: .text, payload: bytes.span.bytes),
      into: &output)
    #expect(outcome == .printed)
  }

  @Test func socketIOPackets() {
    for (packet, simple) in [
      (#"42/health,7["event", {"a": 1}]"#, #"[42/health,7] ["event",{"a":1}]"#),
      (#"0{"sid":"x"}"#, #"[0] {"sid":"x"}"#), ("40/nope,", "[40/nope,] "), ("3probe", "[3probe] "),
      (#"451-/probe,["b",{"_placeholder":true}]"#, #"[451-/probe,] ["b",{"_placeholder":true}]"#),
      (#"44/nope,"Unable to connect""#, #"[44/nope,] "Unable to connect""#),
    ] {
      #expect(shown(.simple, [packet]).text == simple + "\n")
      #expect(shown(.json, [packet]).outcomes == [.printed])
    }
    #expect(
      shown(.json, [#"42["e",1E2]"#]).text
        == "{\n  \"packet\": \"42\",\n  \"data\": [\n    \"e\",\n    100.0\n  ]\n}\n")
    #expect(shown(.json, ["41/probe,"]).text == "{\n  \"packet\": \"41/probe,\"\n}\n")
    for bad in [
      "", "42[", "42x", "7[]", "48[]", "42/a\"b,[]", "42/a\\u,[]", "451[]", "not json",
    ] {
      for format in [OutputFormat.simple, .compact, .detailed, .json] {
        let result = shown(format, [bad])
        #expect(result.outcomes == [.bad] && result.text.isEmpty, "\(bad)")
      }
    }
  }

  @Test(.needsSharedFolder, arguments: TrafficFile.names)
  func recordedTraffic(name: String) throws {
    let traffic = try TrafficFile(named: name)
    for format in OutputFormat.allCases {
      var formatter = format.makeFormatter(color: true)
      var output = OutputBuffer()
      var printed = 0
      for record in traffic.received {
        let bytes = Array(record.payload)
        let kind: Message.Kind =
          switch record.operation {
          case .text: .text
          case .binary: .binary
          case .ping: .ping
          default: .pong
          }
        let before = output.count
        let outcome = unsafe formatter.format(
          Message(
            wallTime: record.time, monotonicTime: 0, connection: 1, kind: kind,
            payload: bytes.span.bytes), into: &output)
        #expect(outcome != .bad, "\(String(decoding: bytes.prefix(200), as: UTF8.self))")
        let after = output.count
        #expect((outcome == .printed) == (after > before))
        if outcome == .printed { printed += 1 }
        #expect(output.text.last == (outcome == .printed ? "\n" : nil))
        output.removeAll()
      }
      #expect(printed > 0 || format == .none)
    }
  }

  @Test func onlyReceivedMessagesAreShown() {
    let payload = Array(#"{"type":"monitoring_data","data":{}}"#.utf8)
    for format in OutputFormat.allCases {
      var formatter = format.makeFormatter(color: false)
      var output = OutputBuffer()
      for kind: Message.Kind in [.ping, .pong, .opened, .closed, .error, .state, .gap, .note] {
        let outcome = unsafe formatter.format(
          Message(
            wallTime: 0, monotonicTime: 0, connection: 1, kind: kind,
            payload: payload.span.bytes), into: &output)
        #expect(outcome == .skipped)
      }
      let sent = unsafe formatter.format(
        Message(
          wallTime: 0, monotonicTime: 0, connection: 1, direction: .sent, kind: .text,
          payload: payload.span.bytes), into: &output)
      #expect(sent == .skipped)
      let size = output.count
      #expect(size == 0)
    }
  }

  @Test func rawIsThePayload() {
    var formatter = OutputFormat.raw.makeFormatter(color: true)
    var output = OutputBuffer()
    #expect(formatter.format(text: "not \u{1B} json", into: &output) == .printed)
    #expect(formatter.format(text: "", kind: .binary, into: &output) == .printed)
    #expect(output.text == "not \u{1B} json\n\n")
  }
}
