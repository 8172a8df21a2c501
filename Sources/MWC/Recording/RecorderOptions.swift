package import MWCCapture
package import MWCCore
package import MWCTransport

/// What to record, where to, and until when.
package struct RecorderOptions: Sendable {
  /// The streams; the first is connection 1.
  package var streams: [ClientOptions]
  /// Path of the capture, with the parts of an `OutputName`; `-` is standard output.
  package var output: String
  /// What to do when the output exists.
  package var existing = LocalFile.Existing.refuse
  package var rotation = Rotation()
  package var limits = Limits()
  /// Only received messages that meet it are recorded; nil: all. What we send, control frames and
  /// events always are.
  package var filter: FilterExpression?
  /// zlib level of the file, 0 (stored) to 9.
  package var level = 6
  /// The most a killed process can lose, nanoseconds; 0: every batch goes to the kernel at once.
  package var flushInterval: Int64 = 100_000_000
  /// The most a power cut can lose, nanoseconds; 0: every flush is synced; nil: never.
  package var syncInterval: Int64? = 1_000_000_000
  /// Bytes to leave free on the disk.
  package var minFree: Int64 = 1 << 30
  /// Tool and version, for the file's header.
  package var tool = ""
  /// Settings worth knowing when the recording is read, as `name=value`, for the file's header.
  package var notedSettings: [String] = []

  package init(streams: [ClientOptions], output: String) {
    self.streams = streams
    self.output = output
  }

  /// When the recording goes on in a new file, and which of those before it stay. Each stream that has
  /// files of its own is meant by itself.
  package struct Rotation: Sendable, Equatable {
    /// A file that has so many bytes, about, is followed by the next one.
    package var size: Int64?
    /// Nanoseconds after which the next file begins; see `RotationSchedule`.
    package var interval: Int64?
    /// The most completed files that stay.
    package var keep: Int?
    /// The most bytes of completed files that stay; the newest always does.
    package var keepSize: Int64?

    package init() {}

    /// Whether somebody asked for several files rather than for one.
    package var isAsked: Bool { self != Rotation() }
  }

  /// When a recording stops by itself; whatever comes first.
  package struct Limits: Sendable, Equatable {
    /// Nanoseconds since the recording began. What arrives later is not recorded.
    package var duration: Int64?
    /// Received text and binary messages, all streams together; exactly that many are recorded.
    package var messages: Int64?
    /// Bytes of the capture, all its files together; the block that reaches them is still completed.
    package var bytes: Int64?

    package init() {}
  }
}

/// How a recording ended.
package struct RecordingResult: Sendable {
  package var end: End
  package var statistics: RecordingStatistics
  /// Streams that failed for good, by number from 0, and why.
  package var failures: [Int: TransportError]
  /// Set when messages were lost to a full disk that was still full at the end.
  package var diskError: CaptureError?

  package enum End: Sendable {
    /// Somebody asked for it.
    case stopped
    case durationReached
    case messagesReached
    case bytesReached
    /// No stream is left that could come back.
    case streamsEnded
    /// The event loop can do no more, for lack of memory or descriptors. What came before is written.
    case loopFailed
    /// Who read our standard output has gone.
    case outputClosed
    /// Writing failed for good.
    case outputFailed(CaptureError)
  }
}

/// Why a recording could not begin. Nothing was connected.
package enum RecorderError: Error, Sendable {
  case output(CaptureError)
  case transport(TransportError)
}
