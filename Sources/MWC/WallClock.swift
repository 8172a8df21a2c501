internal import Glibc

/// A moment of the wall clock.
package struct WallClock: Sendable, Equatable {
  /// Nanoseconds since 1970 (UTC).
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static var now: WallClock {
    var time = timespec()
    // Cannot fail: the clock exists on every Linux and the argument is ours.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallClock(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// `YYYY-MM-DDTHH:MM:SS.ffffff` in local time; without the fraction when it is exactly zero, as
  /// Python's `isoformat` writes it.
  package var pythonISO: String {
    let microseconds = split.nanoseconds / 1000
    let time = local("%Y-%m-%dT%H:%M:%S")
    guard microseconds > 0 else { return time }
    let digits = String(microseconds)
    return time + "." + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// Local time as strftime(3) writes `format`; empty when the text would exceed 512 bytes.
  package func local(_ format: String) -> String {
    var seconds = time_t(split.seconds)
    var parts = unsafe tm()
    guard unsafe localtime_r(&seconds, &parts) != nil else { return "" }
    var buffer = [CChar](repeating: 0, count: 512)
    let length = unsafe strftime(&buffer, buffer.count, format, &parts)
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private var split: (seconds: Int64, nanoseconds: Int64) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0 ? (seconds - 1, rest + 1_000_000_000) : (seconds, rest)
  }
}
