import MWCCore
package import Testing

/// Lets only a few tests of the marked suites run at the same time, all suites together.
///
/// The testing library starts every test at once. That is right for tests that compute; tests that
/// start programs would have a hundred of them fight for the cores, and wait for each other longer
/// than any time-out should be.
package struct FewAtATime: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  package func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    // Only the cases count: a test or a suite around them would hold a place and wait for others.
    guard testCase != nil else { return try await body() }
    await Self.places.enter()
    defer { Self.places.leave() }
    try await body()
  }

  private static let places = Places(count: 4)
}

extension Trait where Self == FewAtATime {
  /// See `FewAtATime`.
  package static var fewAtATime: Self { FewAtATime() }
}

/// A counting semaphore for tasks; first come, first served.
private final class Places: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Guarded<State>

  init(count: Int) { state = Guarded(State(free: count)) }

  func enter() async {
    await withCheckedContinuation { continuation in
      let enters = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if enters { continuation.resume() }
    }
  }

  func leave() {
    let next = state.withLock { state in
      if state.waiting.isEmpty {
        state.free += 1
        return nil as CheckedContinuation<Void, Never>?
      }
      return state.waiting.removeFirst()
    }
    next?.resume()
  }
}
