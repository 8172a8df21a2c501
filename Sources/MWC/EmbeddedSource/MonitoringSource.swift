internal import Dispatch
internal import Logging
package import MWCCore
package import MWCTransport

/// A server in the `monitoring` dialect that streams this host's real metrics.
///
/// Every client gets the welcome first and then the same bytes as all others. `ping`, `get_status`
/// and what is not JSON are answered at once; everything else is ignored, as the dialect has it.
package final class MonitoringSource: ServerHandler {
  private let interval: Int64
  private let state: Guarded<State>
  /// Apart from the rest: reading files must not keep the loop's thread waiting.
  private let sampler = Guarded(HostMetricsSampler())

  private struct State: ~Copyable {
    var server: WebSocketServer?
    /// Clients that came before `begin` knew the server.
    var early: [ClientID] = []
    var scanner: JSONScanner
    var timer: (any DispatchSourceTimer)?
  }

  /// - Parameter interval: nanoseconds between two messages; more than none.
  package init(interval: Int64) {
    precondition(interval > 0, "an interval is longer than nothing")
    self.interval = interval
    do {
      state = Guarded(State(scanner: try JSONScanner(paths: ["type"], options: .nonFinite)))
    } catch {
      preconditionFailure("the path is ours and correct: \(error)")
    }
  }

  /// Begins to stream to the clients of `server`, which was made with this handler.
  package func begin(on server: WebSocketServer) {
    let step = DispatchTimeInterval.nanoseconds(Int(interval))
    state.withLock { state in
      state.server = server
      for id in state.early { Self.welcome(id, on: server) }
      state.early = []
      let timer = DispatchSource.makeTimerSource(
        flags: .strict, queue: DispatchQueue(label: "mwc.monitoring"))
      // A repeating timer counts from its first deadline, so the interval does not drift.
      timer.schedule(deadline: .now() + step, repeating: step, leeway: .nanoseconds(0))
      timer.setEventHandler { [weak self] in self?.stream() }
      timer.resume()
      state.timer = timer
    }
  }

  /// Streams no more. The server and its clients stay as they are.
  package func end() {
    state.withLock { state in
      state.timer?.cancel()
      state.timer = nil
      state.server = nil
    }
  }

  private func stream() {
    let metrics = sampler.withLock { $0.sample() }
    let message = MonitoringMessage.data(metrics, at: SystemClock.wallNanoseconds())
    state.withLock { $0.server?.broadcast(.text, message) }
  }

  private static func welcome(_ id: ClientID, on server: WebSocketServer) {
    server.send(to: id, .text, MonitoringMessage.welcome(at: SystemClock.wallNanoseconds()))
  }
}

// MARK: - What clients do

extension MonitoringSource {
  package func clientConnected(_ id: ClientID, request: ServerRequest) {
    state.withLock { state in
      if let server = state.server {
        Self.welcome(id, on: server)
      } else {
        state.early.append(id)
      }
    }
  }

  package func received(_ id: ClientID, _ message: Message) {
    state.withLock { state in
      guard let server = state.server else { return }
      let now = SystemClock.wallNanoseconds()
      do {
        let type = try state.scanner.scan(message.payload)[0]
        if type.isString("ping") {
          server.send(to: id, .text, MonitoringMessage.pong(at: now))
        } else if type.isString("get_status") {
          let status = MonitoringMessage.status(clientCount: server.clientCount, at: now)
          server.send(to: id, .text, status)
        }
      } catch {
        // The dialect's server cuts off clients that send binary nonsense; ignoring it is friendlier
        // and no client depends on the cut.
        if message.kind == .text { server.send(to: id, .text, MonitoringMessage.invalid()) }
      }
    }
  }

  package func clientClosed(_ id: ClientID, code: Int, reason: String) {
    state.withLock { state in state.early.removeAll { $0 == id } }
  }
}
