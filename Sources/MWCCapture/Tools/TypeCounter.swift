internal import MWCCore

/// Counts messages by their type: the JSON member `type`, or the event of a Socket.IO packet.
///
/// However many types there are, memory is bounded: what comes after the first `maxTypes` is counted
/// together.
final class TypeCounter {
  /// Types told apart.
  static let maxTypes = 1000

  private var scanner = TypeScanner()
  /// The types in the order in which they came; nil is that of messages without one.
  private var names: [String?] = []
  private var tallies: [Tally] = []
  private var places: [String?: Int] = [:]
  /// The type of the message before, as it was spelled.
  private var latest: (spelling: [UInt8], place: Int)?
  private(set) var others = Tally()

  /// Every type with what came of it, the most frequent first, among equals by name.
  var types: [CaptureSummary.TypeTally] {
    zip(names, tallies).map { CaptureSummary.TypeTally(name: $0, tally: $1) }
      .sorted { left, right in
        guard left.tally.messages == right.tally.messages else {
          return left.tally.messages > right.tally.messages
        }
        guard let name = left.name, let other = right.name else { return left.name != nil }
        return name < other
      }
  }

  /// Counts a text or binary message; other records have no type.
  func count(_ message: borrowing Message) {
    guard message.kind.isData else { return }
    var tally = Tally()
    tally.messages = 1
    tally.bytes = UInt64(message.payload.byteCount)
    if let place = place(of: message) { tallies[place].add(tally) } else { others.add(tally) }
  }

  private func place(of message: borrowing Message) -> Int? {
    let isTyped = scanner.find(in: message)
    if isTyped, let latest, latest.spelling == scanner.spelling { return latest.place }
    let name = isTyped ? scanner.name : nil
    guard let place = places[name] else {
      guard names.count < Self.maxTypes else { return nil }
      names.append(name)
      tallies.append(Tally())
      places[name] = names.count - 1
      return names.count - 1
    }
    if isTyped { latest = (scanner.spelling, place) }
    return place
  }
}

/// Finds the type of a message.
private struct TypeScanner: ~Copyable {
  private var scanner = JSONScanner(valid: ["type", "[0]"], options: .nonFinite)
  /// The type as it is spelled, and what that means.
  private(set) var spelling: [UInt8] = []
  private var isEscaped = false

  var name: String? {
    guard isEscaped else { return String(decoding: spelling, as: UTF8.self) }
    var scanner = JSONScanner(valid: ["$"])
    let json = [UInt8(ascii: "\"")] + spelling + [UInt8(ascii: "\"")]
    do throws(JSONError) {
      let span = unsafe json.span.bytes
      return try scanner.scan(span)[0].string
    } catch {
      // It was a string of a document that was scanned.
      return nil
    }
  }

  /// Whether `message` has a type.
  mutating func find(in message: borrowing Message) -> Bool {
    guard message.kind == .text else { return false }
    return Self.find(in: message.payload, &scanner, &spelling, &isEscaped)
  }

  private static func find(
    in payload: RawSpan, _ scanner: inout JSONScanner, _ spelling: inout [UInt8],
    _ isEscaped: inout Bool
  ) -> Bool {
    let json = SocketIOPacket.document(in: payload)
    do throws(JSONError) {
      let values = try scanner.scan(json)
      let value = values[json.byteCount < payload.byteCount ? 1 : 0]
      guard value.kind == .string else { return false }
      spelling.removeAll(keepingCapacity: true)
      unsafe value.text.withUnsafeBytes { unsafe spelling.append(contentsOf: $0) }
      isEscaped = value.hasEscapes
      return true
    } catch {
      return false
    }
  }
}
