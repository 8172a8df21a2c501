internal import MWC
internal import MWCCapture
internal import MWCCore

extension CaptureCommand {
  /// What the flags say, as the recorder wants it.
  func recorderOptions() throws(CommandFailure) -> RecorderOptions {
    var options = RecorderOptions(streams: try streams.clientOptions(), output: output)
    options.existing = force ? .overwrite : append ? .append : .refuse
    options.rotation = rotation.rules
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
