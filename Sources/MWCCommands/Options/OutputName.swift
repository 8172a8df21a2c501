internal import MWC

/// A file name with parts that are filled in when the file is made: `%Y %m %d %H %M %S` (local
/// time), `%h` (this host's name) and `%%` (a percent sign).
struct OutputName: Equatable, Sendable {
  let pattern: String

  /// The first `%` in `pattern` with something else behind it, as it was written.
  var unknownPart: String? {
    var rest = pattern[...]
    while let percent = rest.firstIndex(of: "%") {
      let part = rest[percent...].prefix(2)
      guard part.count == 2, let letter = part.last, "YmdHMSh%".contains(letter) else {
        return String(part)
      }
      rest = rest[percent...].dropFirst(2)
    }
    return nil
  }

  /// The name at a moment, in nanoseconds since 1970 (UTC), on a host; a slash in the host's name
  /// does not make a folder.
  func expanded(time: Int64, host: String) -> String {
    var name = ""
    var rest = pattern[...]
    while let percent = rest.firstIndex(of: "%") {
      name += rest[..<percent]
      let part = rest[percent...].prefix(2)
      switch part {
      case "%h": name += host.map { $0 == "/" ? "_" : $0 }
      case "%%": name += "%"
      default: name += LocalTime.formatted(nanoseconds: time, String(part))
      }
      rest = rest[percent...].dropFirst(2)
    }
    return name + rest
  }
}
