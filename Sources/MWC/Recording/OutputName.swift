/// A file name with parts that are filled in when the file is made: `%Y %m %d %H %M %S` (local
/// time), `%h` (this host's name), `%i` (the number of the stream, which then has files of its own)
/// and `%%` (a percent sign).
package struct OutputName: Equatable, Sendable {
  package let pattern: String

  package init(pattern: String) { self.pattern = pattern }

  /// Text, and what stands behind a `%`, in turns.
  private static func pieces(of pattern: some StringProtocol) -> [String] {
    var pieces: [String] = []
    var rest = Substring(pattern)
    while let percent = rest.firstIndex(of: "%") {
      pieces.append(String(rest[..<percent]))
      pieces.append(String(rest[percent...].prefix(2)))
      rest = rest[percent...].dropFirst(2)
    }
    return pieces + [String(rest)]
  }

  private static let timeParts = ["%Y", "%m", "%d", "%H", "%M", "%S"]

  /// The first `%` in `pattern` with something else behind it, as it was written.
  package var unknownPart: String? {
    Self.pieces(of: pattern).first {
      $0.hasPrefix("%") && !Self.timeParts.contains($0) && !["%h", "%i", "%%"].contains($0)
    }
  }

  /// Whether each stream has files of its own.
  package var hasStream: Bool { Self.pieces(of: pattern).contains("%i") }

  /// Whether the name of the file is another one later.
  package var changesWithTime: Bool {
    Self.pieces(of: file).contains { Self.timeParts.contains($0) }
  }

  /// Whether the folder is another one later.
  package var folderChangesWithTime: Bool {
    Self.pieces(of: folder).contains { Self.timeParts.contains($0) }
  }

  /// Everything up to the last slash, which is part of it.
  private var folder: Substring {
    pattern[..<(pattern.lastIndex(of: "/").map { pattern.index(after: $0) } ?? pattern.startIndex)]
  }

  /// The name without its folder, as it was written.
  package var file: Substring { pattern[folder.endIndex...] }

  /// What the parts stand for.
  package struct Values: Sendable {
    /// Nanoseconds since 1970 (UTC).
    package var time: Int64
    /// A slash in it does not make a folder.
    package var host: String
    /// The number of the stream, from 1.
    package var stream: Int

    package init(time: Int64, host: String, stream: Int = 1) {
      self.time = time
      self.host = host
      self.stream = stream
    }
  }

  package func expanded(_ values: Values) -> String { Self.expand(pattern, values) }
  func expandedFolder(_ values: Values) -> String { Self.expand(folder, values) }
  func expandedFile(_ values: Values) -> String { Self.expand(file, values) }

  private static func expand(_ pattern: some StringProtocol, _ values: Values) -> String {
    pieces(of: pattern).map { piece in
      if timeParts.contains(piece) {
        return LocalTime.formatted(nanoseconds: values.time, piece)
      }
      return literal(piece, values)
    }.joined()
  }

  /// The text of a piece that does not change with the time.
  private static func literal(_ piece: String, _ values: Values) -> String {
    switch piece {
    case "%h": String(values.host.map { $0 == "/" ? "_" : $0 })
    case "%i": padded(values.stream)
    case "%%": "%"
    default: piece
    }
  }

  /// Four digits at least, so that names sort as the numbers do.
  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

// MARK: - Numbers

extension OutputName {
  /// `session.0007.cap` for `session.cap` and 7; 0: the name as it is.
  static func numbered(_ file: String, _ number: Int) -> String {
    guard number > 0 else { return file }
    guard let dot = file.dropFirst().lastIndex(of: ".") else { return "\(file).\(padded(number))" }
    return "\(file[..<dot]).\(padded(number))\(file[dot...])"
  }

  /// The number that a file of this name has, 0 when it has none.
  ///
  /// - Parameters:
  ///   - file: a name without folder.
  ///   - values: host and stream; the time may be any.
  /// - Returns: nil when this pattern gives no such name at any time.
  func number(of file: String, _ values: Values) -> Int? {
    if let (plain, number) = Self.split(file), fits(plain, values) { return number }
    return fits(file, values) ? 0 : nil
  }

  /// Takes the number out of a name: the reverse of `numbered`.
  private static func split(_ file: String) -> (plain: String, number: Int)? {
    func number(_ text: Substring) -> Int? {
      guard text.count >= 4, text.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int(text),
        value > 0
      else { return nil }
      return value
    }
    guard let last = file.lastIndex(of: ".") else { return nil }
    let stem = file[..<last]
    if let dot = stem.lastIndex(of: "."), let value = number(stem[stem.index(after: dot)...]) {
      return (String(stem[..<dot]) + String(file[last...]), value)
    }
    return number(file[file.index(after: last)...]).map { (String(stem), $0) }
  }

  private func fits(_ file: String, _ values: Values) -> Bool {
    var rest = file[...]
    for piece in Self.pieces(of: self.file) {
      if Self.timeParts.contains(piece) {
        let digits = rest.prefix(piece == "%Y" ? 4 : 2)
        guard digits.count == (piece == "%Y" ? 4 : 2),
          digits.allSatisfy({ $0.isASCII && $0.isNumber })
        else { return false }
        rest = rest.dropFirst(digits.count)
      } else {
        let text = Self.literal(piece, values)
        guard rest.hasPrefix(text) else { return false }
        rest = rest.dropFirst(text.count)
      }
    }
    return rest.isEmpty
  }
}
