internal import MWCCore

/// How a stream stands. A file that begins in the midst of a recording says so at its start: without
/// the files before it nobody would know.
struct ConnectionStanding {
  /// The name of the state, as state events have it.
  private var state = "disconnected"
  /// What the event said that opened the connection; nil when none stands.
  private var opened: [UInt8]?

  /// Follows the events of the stream.
  mutating func observe(_ event: Message) {
    switch event.kind {
    case .opened:
      opened = unsafe event.payload.withUnsafeBytes { unsafe Array($0) }
    case .closed: opened = nil
    case .state:
      do {
        // Events are rare: a scanner for each is cheap enough.
        var scanner = try JSONScanner(paths: ["to"])
        state = try scanner.scan(event.payload)[0].string ?? state
      } catch {
        // State events are written by this program; the state before is the best guess.
      }
    default: break
    }
  }

  /// The payload of the `state` record: a state that goes on.
  var payload: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("from", state)
    json.member("to", state)
    if let opened {
      json.key("opened")
      unsafe json.verbatim(opened.span.bytes)
    }
    json.endObject()
    return json.bytes
  }
}
