internal import ArgumentParser

/// How a command ends, after `sysexits.h` where it has a word for it.
package enum ExitStatus: Int32, Sendable {
  case done = 0
  /// Finished, but something was wrong with the data.
  case badData = 1
  /// Wrong arguments (EX_USAGE).
  case usage = 64
  /// An input is missing or is not what it should be (EX_NOINPUT).
  case noInput = 66
  /// The server cannot be reached and the attempts are used up (EX_UNAVAILABLE).
  case unreachable = 69
  /// An output cannot be created (EX_CANTCREAT).
  case cannotCreate = 73
  /// Reading or writing failed, or the disk is full (EX_IOERR).
  case inputOutput = 74
  /// The peer broke the protocol (EX_PROTOCOL).
  case protocolError = 76
  /// Authentication was refused (EX_NOPERM).
  case refused = 77
  /// Ended by SIGINT when there was nothing to finish.
  case interrupted = 130
  /// Ended by SIGTERM when there was nothing to finish.
  case terminated = 143
}

/// Why a command could not do what it was asked, in one line for a person.
///
/// The message says what failed, on what, why, and what to do: `run.cap: not a capture; 'mwc import'
/// converts other formats`. The name of the command is put in front when it is printed.
package struct CommandFailure: Error, Sendable {
  package let status: ExitStatus
  /// Empty when everything has been said already and only the status remains.
  package let message: String

  package init(_ status: ExitStatus, _ message: String = "") {
    self.status = status
    self.message = message
  }
}
