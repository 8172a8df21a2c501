import MWCCore
import Testing

@Suite struct UnitsTests {
  @Test(arguments: [
    ("250ms", 250_000_000), ("5s", 5_000_000_000), ("10m", 600_000_000_000),
    ("2h", 7_200_000_000_000), ("1h30m", 5_400_000_000_000), ("7", 7_000_000_000),
    ("0.1", 100_000_000), ("0", 0), (".5s", 500_000_000), ("1.", 1_000_000_000),
    ("0.000000001", 1), ("1.5m", 90_000_000_000), ("20us", 20_000), ("1d", 86_400_000_000_000),
  ])
  func readsDurations(text: String, nanoseconds: Int64) {
    #expect(DurationText(text)?.nanoseconds == nanoseconds)
  }

  @Test(arguments: [
    "", "s", "-1", "5x", "1.2.3", ".", "1e3", "5 s", "10s5", "NaN", "9999999999h", "٣s",
    "1m 2s", "3.s.",
  ])
  func refusesDurations(text: String) {
    #expect(DurationText(text) == nil)
  }

  @Test(arguments: ["0s", "250ms", "90s", "2h", "5m", "1us", "7ns"])
  func durationsPrintAsTheyRead(text: String) {
    #expect(DurationText(text)?.description == text)
  }

  @Test(arguments: [
    ("0", 0), ("17", 17), ("1B", 1), ("1KiB", 1024), ("1.25KiB", 1280), ("64MiB", 64 << 20),
    ("1GiB", 1 << 30), ("1KB", 1000), ("1.5GB", 1_500_000_000), ("2mb", 2_000_000),
  ])
  func readsSizes(text: String, bytes: Int64) {
    #expect(ByteCount(text)?.bytes == bytes)
  }

  @Test(arguments: ["", "B", "-1", "1.5.2", "1XB", "1 MiB", "9999999999TiB", "1e3"])
  func refusesSizes(text: String) {
    #expect(ByteCount(text) == nil)
  }

  @Test(arguments: [
    (Int64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (64 << 20, "64.0 MiB"), (5 << 40, "5.0 TiB"),
  ])
  func printsSizes(bytes: Int64, text: String) {
    #expect(ByteCount(bytes: bytes).description == text)
  }

  @Test func readsSpeeds() {
    #expect(PlaybackSpeed("10x") == .times(10))
    #expect(PlaybackSpeed("0.25x") == .times(0.25))
    #expect(PlaybackSpeed("10") == .times(10))
    #expect(PlaybackSpeed("max") == .max)
    #expect(PlaybackSpeed("step") == .step)
    for text in ["", "x", "0", "0x", "-1", "nan", "inf", "1e3", "0x10", "10xx", "9999999999999"] {
      #expect(PlaybackSpeed(text) == nil, "\(text)")
    }
    #expect(PlaybackSpeed.times(10).description == "10x")
    #expect(PlaybackSpeed.times(0.25).description == "0.25x")
  }

  @Test func readsPointsInTime() {
    #expect(PointInTime("+90s") == .offset(90_000_000_000))
    #expect(PointInTime("25%") == .share(0.25))
    #expect(PointInTime("100%") == .share(1))
    #expect(PointInTime("1970-01-01T00:00:01Z") == .wall(1_000_000_000))
    for text in ["", "+", "101%", "%", "-5s", "noon", "2026-13-01T00:00:00Z"] {
      #expect(PointInTime(text) == nil, "\(text)")
    }
  }
}

@Suite struct TimestampTests {
  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000000000Z"),
    (-1, "1969-12-31T23:59:59.999999999Z"),
    (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
    (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
    (.max, "2262-04-11T23:47:16.854775807Z"),
    (.min, "1677-09-21T00:12:43.145224192Z"),
  ])
  func prints(nanoseconds: Int64, text: String) {
    #expect(Timestamp.rfc3339(nanoseconds: nanoseconds) == text)
  }

  @Test func readsWhatItPrints() {
    // Every 11 days and some over two centuries: all months, leap days and century rules.
    var time: Int64 = -9_000_000_000_000_000_000
    while time < 9_000_000_000_000_000_000 {
      #expect(Timestamp.nanoseconds(rfc3339: Timestamp.rfc3339(nanoseconds: time)) == time)
      time += 1_000_003_000_000_007
    }
  }

  @Test(arguments: [
    ("2026-11-21T12:03:11Z", 1_795_262_591_000_000_000),
    ("2026-11-21T13:03:11.5+01:00", 1_795_262_591_500_000_000),
    ("2026-11-21T06:33:11-05:30", 1_795_262_591_000_000_000),
    ("2026-11-21 12:03:11.1234567899Z", 1_795_262_591_123_456_789),
  ])
  func reads(text: String, nanoseconds: Int64) {
    #expect(Timestamp.nanoseconds(rfc3339: text) == nanoseconds)
  }

  @Test(arguments: [
    "", "2026-11-21", "2026-11-21T12:03:11", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
    "2026-11-21T12:60:00Z", "2026-11-21T12:03:11.Z", "2026-11-21T12:03:11Zx",
    "1500-01-01T00:00:00Z",
    "2026-00-10T00:00:00Z", "2026-11-21T12:03:11+1:00",
  ])
  func refuses(text: String) {
    #expect(Timestamp.nanoseconds(rfc3339: text) == nil)
  }
}
