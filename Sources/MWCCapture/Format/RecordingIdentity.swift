/// What the files of one recording have in common: the clocks when it began, and whose it is. Its later
/// files say so in an option of their session, `recording=` wall and monotonic time; the first one is
/// known by its anchors.
package struct RecordingIdentity: Hashable, Sendable {
  private let start: String
  private let tool: String
  private let host: String
  private let dialect: String
  private let uris: [String]

  fileprivate init(_ session: CaptureSession) {
    let option = session.options.last { $0.hasPrefix(Self.prefix) }
    start =
      option.map { String($0.dropFirst(Self.prefix.count)) }
      ?? "\(session.wallAnchor)/\(session.monotonicAnchor)"
    tool = session.tool
    host = session.host
    dialect = session.dialect
    uris = session.uris
  }

  private static let prefix = "recording="

  /// What the session of a later file says; `part` is its number, from 2.
  package func options(part: Int) -> [String] { ["\(Self.prefix)\(start)", "part=\(part)"] }
}

extension CaptureSession {
  /// The recording that this is a part of, or all of.
  package var asRecording: RecordingIdentity { RecordingIdentity(self) }
}
