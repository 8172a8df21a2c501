internal import MWC
internal import MWCCapture
internal import MWCCore

extension CaptureCommand {
  /// What the flags say, as the recorder wants it; file names are filled in with the present moment.
  func recorderOptions() throws(CommandFailure) -> RecorderOptions {
    let name = OutputName(pattern: output).expanded(
      time: SystemClock.wallNanoseconds(), host: HostName.current)
    var options = RecorderOptions(streams: try streams.clientOptions(), output: name)
    options.existing = force ? .overwrite : append ? .append : .refuse
    options.limits.duration = duration?.nanoseconds
    options.limits.messages = maxMessages
    options.limits.bytes = maxSize?.bytes
    options.filter = filter
    options.level = level
    options.flushInterval = flushInterval.nanoseconds
    options.syncInterval =
      switch fsyncInterval {
      case .every(let interval): interval.nanoseconds
      case .never: nil
      }
    options.minFree = minFree.bytes
    options.tool = "mwc \(toolVersion)"
    options.notedSettings = [
      "level=\(level)", "compression=\(streams.noCompression ? "off" : "offered")",
      "flush-interval=\(flushInterval)", "max-message-size=\(streams.maxMessageSize.bytes)",
    ]
    if let filter { options.notedSettings.append("filter=\(filter)") }
    return options
  }
}
