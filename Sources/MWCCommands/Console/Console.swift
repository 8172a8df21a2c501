internal import Glibc
internal import MWCCore

/// Everything that is said about the data: one line at a time on standard error, and a live line
/// that is redrawn in place on a terminal. Data itself goes to standard output through an
/// `OutputBuffer`, never through here.
package enum Console {
  /// Width of the live line now standing on the terminal; 0: none.
  private static let liveWidth = Guarded(0)

  /// Whether `descriptor` is a terminal that understands cursor movement.
  package static func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 && environment("TERM") != "dumb"
  }

  /// The value of an environment variable; nil when it is unset or empty.
  package static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
  }

  /// Prints one line on standard error. Control characters, which a file name or a server's words
  /// may hold, are made visible.
  package static func say(_ line: String) {
    liveWidth.withLock { width in
      if width > 0 { write("\r\u{1B}[K") }
      width = 0
      write(visible(line) + "\n")
    }
  }

  /// Shows `line` in place of the one before. Cut to the width of the terminal; nothing is shown
  /// where standard error is not a terminal.
  package static func showLive(_ line: String) {
    guard isTerminal(STDERR_FILENO) else { return }
    let text = String(visible(line).prefix(terminalWidth() - 1))
    liveWidth.withLock { width in
      write("\r" + text + "\u{1B}[K")
      width = text.count
    }
  }

  /// Removes the live line.
  package static func clearLive() {
    liveWidth.withLock { width in
      if width > 0 { write("\r\u{1B}[K") }
      width = 0
    }
  }

  /// Columns of the terminal at standard error; 80 when it does not say.
  package static func terminalWidth() -> Int {
    if let columns = environment("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
    var size = winsize()
    // The request number has another type in the C headers than ioctl's parameter.
    if unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return 80
  }

  /// `text` with control characters replaced by `\u{…}`.
  package static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return text
    }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.properties.generalCategory == .control {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }

  private static func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
      }
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        return  // Nobody can be told that nobody can be told.
      }
    }
  }
}
