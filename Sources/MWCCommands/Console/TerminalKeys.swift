internal import Dispatch
internal import Glibc

/// Hears the keys of the terminal one by one, without Enter and without showing them.
///
/// The terminal is changed while this object listens and put back by `end()`, which must be called
/// before the process ends. Ctrl-C and Ctrl-Z stay signals.
final class TerminalKeys {
  /// The terminal as it was, and how to change it.
  struct Terminal: Sendable {
    fileprivate let descriptor: Int32
    fileprivate let original: termios

    /// Hands over every key at once; also after the process was stopped and goes on.
    func listen() {
      var settings = original
      settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
      // VMIN and VTIME, which C reaches by index: a read returns when there is one byte.
      settings.c_cc.6 = 1
      settings.c_cc.5 = 0
      _ = unsafe tcsetattr(descriptor, TCSADRAIN, &settings)
    }

    /// Puts the terminal back as it was.
    func release() {
      var settings = original
      _ = unsafe tcsetattr(descriptor, TCSADRAIN, &settings)
    }
  }

  let terminal: Terminal
  private let source: any DispatchSourceRead

  /// - Parameter onKey: gets the first byte of each key, off the main thread.
  ///
  /// Nil when the process has no terminal.
  init?(onKey: @escaping @Sendable (UInt8) -> Void) {
    // Not standard input: that may be the capture.
    let descriptor = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    var settings = termios()
    guard unsafe tcgetattr(descriptor, &settings) == 0 else {
      close(descriptor)
      return nil
    }
    terminal = Terminal(descriptor: descriptor, original: settings)
    source = DispatchSource.makeReadSource(
      fileDescriptor: descriptor, queue: DispatchQueue(label: "mwc.keys"))
    source.setEventHandler {
      var bytes = [UInt8](repeating: 0, count: 64)
      let count = unsafe read(descriptor, &bytes, bytes.count)
      guard count > 0 else { return }
      for key in Self.keys(in: bytes[..<count]) { onKey(key) }
    }
    source.setCancelHandler { close(descriptor) }
    terminal.listen()
    source.resume()
  }

  func end() {
    terminal.release()
    source.cancel()
  }

  /// The first byte of each key: an arrow is three bytes and still one key.
  static func keys(in bytes: some Sequence<UInt8>) -> [UInt8] {
    var keys: [UInt8] = []
    var state = State.plain
    for byte in bytes {
      switch (state, byte) {
      case (.plain, 0x1B):
        keys.append(byte)
        state = .escape
      case (.escape, UInt8(ascii: "[")), (.escape, UInt8(ascii: "O")): state = .sequence
      case (.escape, _): state = .plain
      case (.sequence, 0x40...0x7E): state = .plain
      case (.sequence, _): break
      case (.plain, 0x80...0xBF): break
      case (.plain, _): keys.append(byte)
      }
    }
    return keys
  }

  /// Where a row of bytes stands: between keys, or inside an escape sequence (ECMA-48).
  private enum State {
    case plain
    case escape
    case sequence
  }
}
