import Logging
import MWCCore
import Testing

@testable import MWC

/// What the log says about a stream's life.
@Suite struct StreamEventsTests {
  /// Lines for a sequence of events `(kind, JSON)`, a second apart.
  private func lines(_ events: [(kind: Message.Kind, json: String)]) -> [String] {
    var stream = StreamEvents(uri: "ws://a")
    var lines: [String] = []
    for (index, event) in events.enumerated() {
      let payload = Array(event.json.utf8)
      let line = unsafe stream.observe(
        Message(
          wallTime: 0, monotonicTime: Int64(index) * 1_000_000_000, connection: 1,
          kind: event.kind, payload: payload.span.bytes))
      if let line, line.level >= .info { lines.append("\(line.level): \(line.text)") }
    }
    return lines
  }

  private let opened = (kind: Message.Kind.opened, json: "{}")
  private let reconnecting = (
    kind: Message.Kind.state, json: #"{"from":"connecting","to":"reconnecting"}"#
  )
  private func error(_ text: String) -> (kind: Message.Kind, json: String) {
    (.error, #"{"code":"refused","message":"\#(text)"}"#)
  }

  @Test func connecting() { #expect(lines([opened]) == ["info: ws://a: connected"]) }

  @Test func theSameFailureIsSaidOnceAndThenCounted() {
    let attempt = [error("nobody there"), reconnecting]
    #expect(
      lines(attempt + attempt + attempt + [opened]) == [
        "warning: ws://a: nobody there; trying again", "info: ws://a: connected at attempt 4",
      ])
  }

  @Test func anotherFailureIsSaidAgain() {
    #expect(
      lines([error("one"), reconnecting, error("two"), reconnecting, error("one"), reconnecting])
        == [
          "warning: ws://a: one; trying again", "warning: ws://a: two; trying again",
          "warning: ws://a: one; trying again",
        ])
  }

  @Test func anEarlierFailureIsNewsAfterAConnection() {
    #expect(
      lines([error("x"), reconnecting, opened, error("x"), reconnecting]) == [
        "warning: ws://a: x; trying again", "info: ws://a: connected at attempt 2",
        "warning: ws://a: x; trying again",
      ])
  }

  @Test func aServerThatClosesIsSaidToHaveClosed() {
    let closed = (kind: Message.Kind.closed, json: #"{"code":1001,"reason":"","by":"server"}"#)
    #expect(
      lines([opened, closed, reconnecting]) == [
        "info: ws://a: connected",
        "warning: ws://a: the server closed the connection (1001); trying again",
      ])
  }

  @Test func silenceCountsFromTheClosing() {
    var stream = StreamEvents(uri: "ws://a")
    #expect(stream.silence(until: 5) == 0)
    let payload = Array(#"{"code":1006,"reason":"","by":"network"}"#.utf8)
    _ = unsafe stream.observe(
      Message(
        wallTime: 0, monotonicTime: 100, connection: 1, kind: .closed,
        payload: payload.span.bytes))
    #expect(stream.silence(until: 350) == 250)
  }

  @Test func malformedEventsDoNoHarm() {
    #expect(lines([(kind: .error, json: "not json"), reconnecting]).count == 1)
  }
}
