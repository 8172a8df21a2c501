package import MWCCapture

/// The one session of several captures that become one: whose URIs it has, and which connection of
/// which capture gets which number.
///
/// Captures that have a session in common are parts of one recording, as `mwc split` makes them, and so
/// are those that a recording has left when it went on in new files: their connections are the same. In all others connection 1 is another one each time. Where all are
/// parts of one recording, it is that recording again, sessions and all.
package struct MergedSession {
  package private(set) var session: CaptureSession
  /// The recording that each capture belongs to.
  private var recordings: [Int] = []
  private var numbers: [Connection: UInt32] = [:]

  /// A connection as it is told from others: the same number may mean another server in the next
  /// session.
  private struct Connection: Hashable {
    var recording: Int
    var number: UInt32
    var uri: String?
  }

  /// Notes about what was merged, at most.
  private static let maxNotes = 256
  /// Bytes of URIs that fit in a session, with room for everything else.
  private static let maxURIBytes = 512 << 10

  /// - Parameter summaries: of the captures, at least one.
  /// - Throws: `CaptureError`: `tooLarge`.
  package init(_ summaries: [CaptureSummary]) throws(CaptureError) {
    precondition(!summaries.isEmpty, "something has to be merged")
    let all = summaries.flatMap(\.sessions)
    let first = all.min { $0.wallAnchor < $1.wallAnchor }
    // Who begins is where the times count from.
    session = CaptureSession(
      wallAnchor: first?.wallAnchor ?? 0, monotonicAnchor: first?.monotonicAnchor ?? 0,
      utcOffset: first?.utcOffset ?? 0, tool: "mwc merge")
    session.timeZone = Self.common(all.map(\.timeZone))
    session.host = Self.common(all.map(\.host))
    session.dialect = Self.common(all.map(\.dialect))
    findRecordings(summaries)
    isOneRecording = Set(recordings).count == 1
    try numberConnections(summaries)
    noteSources(summaries)
  }

  /// What all agree on; empty where they do not.
  private static func common(_ texts: [String]) -> String {
    texts.allSatisfy { $0 == texts.first } ? texts.first ?? "" : ""
  }

  /// Whether all captures are parts of one recording.
  private(set) var isOneRecording = false

  private mutating func findRecordings(_ summaries: [CaptureSummary]) {
    var known: [RecordingIdentity: Int] = [:]
    for (index, summary) in summaries.enumerated() {
      let found = Set(summary.sessions.compactMap { known[$0.asRecording] })
      let recording = found.min() ?? index
      recordings.append(recording)
      if found.count > 1 {
        // This one shows that what looked like several recordings is one.
        for other in recordings.indices where found.contains(recordings[other]) {
          recordings[other] = recording
        }
        known = known.mapValues { found.contains($0) ? recording : $0 }
      }
      for session in summary.sessions { known[session.asRecording] = recording }
    }
  }

  private mutating func numberConnections(
    _ summaries: [CaptureSummary]
  ) throws(CaptureError) {
    var isTooLarge = false
    func add(_ connection: Connection) {
      guard numbers[connection] == nil, !isTooLarge else { return }
      guard numbers.count < Int(CaptureFormat.maxConnection) else {
        isTooLarge = true
        return
      }
      numbers[connection] = UInt32(numbers.count + 1)
      if let uri = connection.uri { session.uris.append(uri) }
    }
    for (summary, recording) in zip(summaries, recordings) {
      for session in summary.sessions {
        for (index, uri) in session.uris.enumerated() {
          add(Connection(recording: recording, number: UInt32(clamping: index + 1), uri: uri))
        }
      }
    }
    // Connections without a URI come behind all that have one: a session lists URIs by number.
    for (summary, recording) in zip(summaries, recordings) {
      let named = summary.sessions.map(\.uris.count).min() ?? 0
      for connection in summary.connections where Int(connection.number) > named {
        add(Connection(recording: recording, number: connection.number, uri: nil))
      }
    }
    let size = session.uris.reduce(0) { $0 + $1.utf8.count }
    guard !isTooLarge, size <= Self.maxURIBytes else {
      throw CaptureError(
        .tooLarge, "together they have more connections than one capture can hold",
        advice: "merge fewer of them")
    }
  }

  /// Says in the options of the session what each capture was.
  private mutating func noteSources(_ summaries: [CaptureSummary]) {
    for summary in summaries {
      for source in summary.sessions where session.options.count < Self.maxNotes {
        let words = ["merged=\(summary.file)", source.host, source.tool].filter { !$0.isEmpty }
        session.options.append(String(words.joined(separator: " ").prefix(512)))
      }
    }
  }

  /// The number that a connection gets; 0 speaks of the recording itself and stays.
  func number(of connection: UInt32, in source: CaptureSession, capture: Int) -> UInt32 {
    guard connection > 0 else { return 0 }
    let index = Int(connection) - 1
    let recording = recordings[capture]
    let uri = index < source.uris.count ? source.uris[index] : nil
    return numbers[Connection(recording: recording, number: connection, uri: uri)]
      ?? numbers[Connection(recording: recording, number: connection, uri: nil)] ?? 0
  }
}
