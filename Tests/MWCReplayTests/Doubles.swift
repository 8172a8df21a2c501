import MWCCore
import MWCReplay
import MWCTestSupport

/// One message of a pretended recording.
struct Recorded {
  /// Monotonic arrival, nanoseconds.
  var at: Int64
  var text: String
  var connection: UInt32 = 1
  var kind = Message.Kind.text
  var direction = Message.Direction.received
}

/// A recording in memory, as the player of rosbag2 is tested against a mock reader.
struct ArraySource: MessageSource {
  struct Broken: Error, Equatable {}

  private let batch = MessageBatch(byteCapacity: 1 << 10, entryCapacity: 1 << 10)
  private let count: Int
  private let make: (Int) -> Recorded
  private let failsAt: Int?
  private var index = 0
  /// Hears of every position that is asked for.
  var onSeek: (Int64) -> Void = { _ in }

  init(count: Int, failsAt: Int? = nil, make: @escaping (Int) -> Recorded) {
    self.count = count
    self.make = make
    self.failsAt = failsAt
  }

  init(_ messages: [Recorded], failsAt: Int? = nil) {
    self.init(count: messages.count, failsAt: failsAt) { messages[$0] }
  }

  /// Messages at these offsets in milliseconds, called `m0`, `m1`, ….
  init(milliseconds: [Int64]) {
    self.init(count: milliseconds.count) { index in
      Recorded(at: 5_000_000_000 + milliseconds[index] * 1_000_000, text: "m\(index)")
    }
  }

  @_lifetime(&self)
  mutating func next() throws(Broken) -> PlacedMessage? {
    if index == failsAt { throw Broken() }
    guard index < count else { return nil }
    let recorded = make(index)
    index += 1
    let batch = self.batch
    batch.removeAll()
    let bytes = Array(recorded.text.utf8)
    _ = unsafe batch.append(
      Message(
        wallTime: recorded.at, monotonicTime: recorded.at, connection: recorded.connection,
        direction: recorded.direction, kind: recorded.kind, payload: bytes.span.bytes))
    let placed = PlacedMessage(batch[0], position: recorded.at - make(0).at)
    return unsafe _overrideLifetime(placed, mutating: &self)
  }

  mutating func seek(to position: Int64) throws(Broken) {
    onSeek(position)
    index = 0
    while index < count, make(index).at - make(0).at < position { index += 1 }
  }
}

/// Remembers what came, and when.
final class RecordingSink: MessageSink, Sendable {
  typealias Failure = Full
  struct Full: Error, Equatable {}

  private struct State {
    var texts: [String] = []
    var times: [Int64] = []
    var unflushed = 0
    var flushes = 0
    var largestFlush = 0
  }

  private let time: any TimeSource
  private let keepsTexts: Bool
  private let failsAt: Int?
  private let state = Guarded(State())
  private let onDelivery: @Sendable (Int) -> Void

  init(
    _ time: any TimeSource, keepsTexts: Bool = true, failsAt: Int? = nil,
    onDelivery: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.time = time
    self.keepsTexts = keepsTexts
    self.failsAt = failsAt
    self.onDelivery = onDelivery
  }

  var texts: [String] { state.withLock { $0.texts } }
  /// When each message came, in milliseconds after the first.
  var milliseconds: [Double] {
    state.withLock { state in
      state.times.map { Double($0 - (state.times.first ?? 0)) / 1_000_000 }
    }
  }
  var times: [Int64] { state.withLock { $0.times } }
  var flushes: Int { state.withLock { $0.flushes } }
  var largestFlush: Int { state.withLock { $0.largestFlush } }
  var unflushed: Int { state.withLock { $0.unflushed } }

  func deliver(_ message: Message) throws(Full) {
    let text = unsafe message.payload.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    let now = time.now
    let number = state.withLock { state in
      if keepsTexts { state.texts.append(text) }
      state.times.append(now)
      state.unflushed += 1
      return state.times.count
    }
    if number - 1 == failsAt { throw Full() }
    onDelivery(number)
  }

  func flush() {
    state.withLock { state in
      state.flushes += 1
      state.largestFlush = max(state.largestFlush, state.unflushed)
      state.unflushed = 0
    }
  }
}

/// Plays `source` on a hand-driven clock and returns everything there is to look at.
func play(
  _ source: ArraySource, speed: PlaybackSpeed = .times(1), plan: ReplayPlan = ReplayPlan(),
  time: ManualClock = ManualClock()
) throws -> (sink: RecordingSink, statistics: ReplayStatistics, end: ReplayEnd) {
  let sink = RecordingSink(time)
  var replayer = Replayer(
    source: source, sink: sink, clock: ReplayClock(speed: speed, time: time), plan: plan)
  let end = try replayer.run()
  return (sink, replayer.statistics, end)
}
