internal import MWCCore

/// The format `raw`: the payload of every data message we received, byte for byte, and a newline.
/// What is not a message says nothing here.
struct RawFormatter: MessageFormatter {
  var interest: PathInterest? { nil }

  func format(_ message: borrowing Message, into output: inout OutputBuffer) -> FormatOutcome {
    guard message.kind.isData, message.direction == .received else { return .skipped }
    output.append(message.payload)
    output.append(UInt8(ascii: "\n"))
    return .printed
  }

  func formatConnection(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {}
  func formatError(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {}
  func formatStatistics(json: RawSpan, into output: inout OutputBuffer) {}
}

/// The format `none`: says nothing at all.
struct SilentFormatter: MessageFormatter {
  let interest: PathInterest? = PathInterest([])

  func format(_ message: borrowing Message, into output: inout OutputBuffer) -> FormatOutcome {
    .skipped
  }

  func formatConnection(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {}
  func formatError(_ text: String, at wallTime: Int64, into output: inout OutputBuffer) {}
  func formatStatistics(json: RawSpan, into output: inout OutputBuffer) {}
}
