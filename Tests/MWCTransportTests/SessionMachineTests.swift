import Testing

@testable import MWCTransport

/// The life of a session, told step by step with a clock made by hand.
@Suite struct SessionMachineTests {
  private typealias Machine = SessionMachine
  private typealias Action = SessionMachine.Action

  private static let second: Int64 = 1_000_000_000
  private static let refused = TransportError(.refused, "nobody")

  private func machine(
    jitter: Double = 0.5, _ change: (inout ClientOptions) -> Void = { _ in }
  ) throws -> SessionMachine {
    var options = ClientOptions(uri: try WebSocketURI("ws://h"))
    change(&options)
    return SessionMachine(options: options) { jitter }
  }

  private func opened(_ change: (inout ClientOptions) -> Void = { _ in }) throws -> SessionMachine {
    var machine = try machine(change)
    _ = machine.handle(.start, at: 0)
    _ = machine.handle(.opened, at: 0)
    return machine
  }

  @Test func successAndStop() throws {
    var machine = try machine()
    #expect(machine.handle(.start, at: 0) == [.state(.connecting), .connect])
    #expect(machine.handle(.opened, at: 1) == [.state(.connected), .recordOpened])
    #expect(machine.handle(.stop, at: 2) == [.sendClose(code: 1000, reason: "")])
    #expect(
      machine.handle(.closeReceived(code: 1000, reason: ""), at: 3) == [
        .recordClosed(code: 1000, reason: "", by: "client"), .drop, .state(.ended(.stopped)),
      ])
    #expect(machine.deadline == nil)
    #expect(machine.handle(.start, at: 4).isEmpty)
  }

  @Test func refusedIsTriedAgainWithGrowingWaits() throws {
    var machine = try machine()
    _ = machine.handle(.start, at: 0)
    var now: Int64 = 0
    var waits: [Int64] = []
    for failure in 1...6 {
      let actions = machine.handle(.failedToConnect(Self.refused), at: now)
      #expect(actions.prefix(2) == [.recordError(Self.refused), .errorState])
      let deadline = try #require(machine.deadline)
      #expect(
        actions.last
          == .state(
            .reconnecting(attempt: failure + 1, wait: .nanoseconds(deadline - now))))
      waits.append((deadline - now) / Self.second)
      #expect(machine.handle(.time, at: deadline - 1).isEmpty)
      now = deadline
      #expect(machine.handle(.time, at: now) == [.state(.connecting), .connect])
    }
    #expect(waits == [5, 10, 20, 40, 60, 60])
  }

  @Test func jitterSpreadsTheWaitByAQuarter() {
    let policy = ReconnectPolicy()
    #expect(policy.wait(afterFailures: 1, jitter: 0) == .milliseconds(3750))
    #expect(policy.wait(afterFailures: 1, jitter: 0.999) < .milliseconds(6250))
    #expect(policy.wait(afterFailures: 0, jitter: 0.5) == .seconds(5))
    #expect(policy.wait(afterFailures: 1_000_000, jitter: 0.5) == .seconds(60))
    var slow = policy
    slow.interval = .seconds(600)
    #expect(slow.wait(afterFailures: 3, jitter: 0.5) == .seconds(600))
  }

  @Test func threeAttemptsHaveTwoWaits() throws {
    var machine = try machine { $0.reconnect.maximumAttempts = 3 }
    _ = machine.handle(.start, at: 0)
    for _ in 0..<2 {
      _ = machine.handle(.failedToConnect(Self.refused), at: 0)
      _ = machine.handle(.time, at: try #require(machine.deadline))
    }
    #expect(
      machine.handle(.failedToConnect(Self.refused), at: 0) == [
        .recordError(Self.refused), .errorState, .state(.ended(.failed(Self.refused))),
      ])
  }

  @Test func withoutReconnectingTheFirstFailureIsTheEnd() throws {
    var machine = try machine { $0.reconnect.isEnabled = false }
    _ = machine.handle(.start, at: 0)
    #expect(
      machine.handle(.failedToConnect(Self.refused), at: 0).last
        == .state(.ended(.failed(Self.refused))))
  }

  @Test func withoutReconnectingACloseIsTheEnd() throws {
    var machine = try opened { $0.reconnect.isEnabled = false }
    _ = machine.handle(.closeReceived(code: 1001, reason: "bye"), at: 1)
    #expect(
      machine.handle(.lost, at: 2)
        == [.state(.ended(.serverClosed(code: 1001, reason: "bye")))])
  }

  @Test(arguments: [401, 403, 404, 426])
  func aRefusalOfTheFirstAttemptIsFinal(status: Int) throws {
    var machine = try machine()
    _ = machine.handle(.start, at: 0)
    let error = HTTPText.refusal(status)
    #expect(error.code == (status < 404 ? .authentication : .http))
    // No error state: the source system shows none for HTTP answers.
    #expect(
      machine.handle(.failedToConnect(error), at: 0)
        == [.recordError(error), .state(.ended(.failed(error)))])
  }

  @Test(arguments: [403, 404])
  func aRefusalAfterSuccessIsTriedAgain(status: Int) throws {
    var machine = try opened()
    _ = machine.handle(.lost, at: 0)
    _ = machine.handle(.time, at: try #require(machine.deadline))
    _ = machine.handle(.failedToConnect(HTTPText.refusal(status)), at: 0)
    guard case .waiting = machine.phase else {
      Issue.record("\(machine.phase)")
      return
    }
  }

  @Test(arguments: [429, 500, 503])
  func aServerInTroubleIsTriedAgain(status: Int) throws {
    var machine = try machine()
    _ = machine.handle(.start, at: 0)
    _ = machine.handle(.failedToConnect(HTTPText.refusal(status)), at: 0)
    guard case .waiting = machine.phase else {
      Issue.record("\(machine.phase)")
      return
    }
  }

  @Test func noAnswerInTimeFails() throws {
    var machine = try machine { $0.connectTimeout = .seconds(3) }
    _ = machine.handle(.start, at: 0)
    #expect(machine.handle(.time, at: 3 * Self.second - 1).isEmpty)
    let actions = machine.handle(.time, at: 3 * Self.second)
    #expect(
      actions.prefix(3) == [
        .drop, .recordError(TransportError(.timeout, "no connection within 3 s")), .errorState,
      ])
  }

  @Test(arguments: [1000, 1001])
  func aNormalCloseIsNoErrorAndWaitsTheInterval(code: Int) throws {
    var machine = try opened()
    #expect(
      machine.handle(.closeReceived(code: code, reason: ""), at: 10) == [
        .recordClosed(code: code, reason: "", by: "server"), .sendClose(code: code, reason: ""),
      ])
    #expect(
      machine.handle(.lost, at: 20)
        == [.state(.reconnecting(attempt: 1, wait: .seconds(5)))])
    _ = machine.handle(.time, at: 5 * Self.second + 20)
    #expect(
      machine.handle(.opened, at: 6 * Self.second) == [
        .state(.connected), .recordGap(6 * Self.second - 10), .recordOpened,
      ])
  }

  @Test func anotherCloseIsAnError() throws {
    var machine = try opened()
    let error = TransportError(.closed, "the server closed the connection with 1011 (oops)")
    #expect(
      machine.handle(.closeReceived(code: 1011, reason: "oops"), at: 10) == [
        .recordClosed(code: 1011, reason: "oops", by: "server"), .recordError(error),
        .sendClose(code: 1011, reason: ""),
      ])
  }

  @Test func aServerThatClosesNoSocketIsLeft() throws {
    var machine = try opened { $0.closeTimeout = .seconds(2) }
    _ = machine.handle(.closeReceived(code: 1000, reason: ""), at: 0)
    #expect(machine.deadline == 2 * Self.second)
    #expect(machine.handle(.time, at: 2 * Self.second).first == .drop)
  }

  @Test func aLossIsRecordedAsOne() throws {
    var machine = try opened()
    let error = TransportError(.lost, "the connection was lost without a closing handshake")
    #expect(
      machine.handle(.lost, at: 0) == [
        .recordError(error), .recordClosed(code: 1006, reason: "", by: "network"),
        .state(.reconnecting(attempt: 1, wait: .seconds(5))),
      ])
  }

  @Test func pingsGoOutAndAnythingCountsAsAnAnswer() throws {
    var machine = try opened()
    #expect(machine.deadline == 30 * Self.second)
    #expect(machine.handle(.time, at: 30 * Self.second) == [.ping])
    #expect(machine.deadline == 40 * Self.second)
    machine.noteTraffic(at: 31 * Self.second)
    #expect(machine.handle(.time, at: 40 * Self.second).isEmpty)
    #expect(machine.deadline == 60 * Self.second)
    #expect(machine.handle(.time, at: 60 * Self.second) == [.ping])
    let actions = machine.handle(.time, at: 70 * Self.second)
    #expect(
      actions.first
        == .recordError(TransportError(.timeout, "no answer to a ping within 10 s")))
    #expect(actions.contains(.drop))
  }

  @Test func withoutPingsThereIsNothingToWaitFor() throws {
    let machine = try opened { $0.pingInterval = nil }
    #expect(machine.deadline == nil)
  }

  @Test func aViolationIsAnsweredAndTheServerLeft() throws {
    var machine = try opened()
    let error = TransportError(.tooBig, "message too big")
    #expect(
      machine.handle(.violated(error, code: 1009), at: 0) == [
        .recordError(error), .recordClosed(code: 1009, reason: "message too big", by: "client"),
        .sendClose(code: 1009, reason: "message too big"),
      ])
    #expect(
      machine.handle(.lost, at: 1) == [.state(.reconnecting(attempt: 1, wait: .seconds(5)))])
  }

  @Test func stoppingDuringTheWaitEndsAtOnce() throws {
    var machine = try machine()
    _ = machine.handle(.start, at: 0)
    _ = machine.handle(.failedToConnect(Self.refused), at: 0)
    #expect(machine.handle(.stop, at: 1) == [.state(.ended(.stopped))])
  }

  @Test func stoppingTwiceWaitsNoLonger() throws {
    var machine = try opened()
    _ = machine.handle(.stop, at: 1)
    #expect(machine.handle(.stop, at: 2).contains(.drop))
  }

  @Test func stoppingWhileConnectingDropsTheSocket() throws {
    var machine = try machine()
    _ = machine.handle(.start, at: 0)
    #expect(machine.handle(.stop, at: 1) == [.drop, .state(.ended(.stopped))])
  }

  @Test func hugeDurationsDoNotOverflow() {
    #expect(Duration.seconds(Int64.max).nanoseconds > 0)
    #expect(Duration.seconds(Int64.min).nanoseconds < 0)
    #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
  }
}
