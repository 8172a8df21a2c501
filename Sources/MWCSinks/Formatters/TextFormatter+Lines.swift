internal import MWCCore

// MARK: - Simple

extension TextFormatter {
  /// `CPU:  45.2% | RAM:  62.8% | Disk:  28.5% | GPU:  45.0%`
  func appendSimple(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    output.append("CPU: " as StaticString)
    appendSimplePercent(readings.number(.cpuUse), to: &output)
    output.append(" | RAM: " as StaticString)
    appendSimplePercent(readings.number(.memoryUse), to: &output)
    output.append(" | Disk: " as StaticString)
    appendSimplePercent(readings.number(.diskUse), to: &output)
    if readings.hasGPU {
      output.append(" | GPU: " as StaticString)
      appendSimplePercent(readings.number(.gpuUse), to: &output)
    }
    output.append(UInt8(ascii: "\n"))
  }

  /// The number is coloured, the percent sign is not.
  private func appendSimplePercent(_ reading: Reading, to output: inout OutputBuffer) {
    guard case .number(let percent) = reading else {
      output.append("   N/A" as StaticString)
      return
    }
    beginUsage(percent, to: &output)
    output.appendFixed(percent, places: 1, width: 5)
    endColor(to: &output)
    output.append(UInt8(ascii: "%"))
  }
}

// MARK: - Compact

extension TextFormatter {
  /// `[14:30:26] │ CPU: 80% │ RAM: 85%(10.0/16G) │ DSK: 28% │ GPU: 45%/ 50%`
  func appendCompact(
    _ readings: borrowing Readings, at wallTime: Int64, to output: inout OutputBuffer
  ) {
    if showsTime {
      output.append(UInt8(ascii: "["))
      appendTimeOfDay(readings[.timestamp], at: wallTime, to: &output)
      output.append("] │ " as StaticString)
    }
    output.append("CPU:" as StaticString)
    appendCompactPercent(readings.number(.cpuUse), to: &output)
    output.append(" │ RAM:" as StaticString)
    appendCompactPercent(readings.number(.memoryUse), to: &output)
    appendMemorySizes(
      used: readings.number(.memoryUsed), total: readings.number(.memoryTotal), to: &output)
    output.append(" │ DSK:" as StaticString)
    appendCompactPercent(readings.number(.diskUse), to: &output)
    if readings.hasGPU {
      output.append(" │ GPU:" as StaticString)
      appendCompactPercent(readings.number(.gpuUse), to: &output)
      output.append(UInt8(ascii: "/"))
      appendCompactPercent(readings.number(.gpuMemoryUse), to: &output)
    }
    output.append(UInt8(ascii: "\n"))
  }

  private func appendCompactPercent(_ reading: Reading, to output: inout OutputBuffer) {
    guard case .number(let percent) = reading else {
      output.append(" N/A" as StaticString)
      return
    }
    beginUsage(percent, to: &output)
    output.appendFixed(percent, places: 0, width: 3)
    output.append(UInt8(ascii: "%"))
    endColor(to: &output)
  }

  /// `(10.0/16G)`, in GiB; nothing if neither is known.
  private func appendMemorySizes(
    used: Reading, total: Reading, to output: inout OutputBuffer
  ) {
    let gibi = 1_073_741_824.0
    switch (used, total) {
    case (.number(let used), .number(let total)):
      output.append(UInt8(ascii: "("))
      output.appendFixed(used / gibi, places: 1)
      output.append(UInt8(ascii: "/"))
      output.appendFixed(total / gibi, places: 0)
      output.append("G)" as StaticString)
    case (.number(let used), _):
      output.append(UInt8(ascii: "("))
      output.appendFixed(used / gibi, places: 1)
      output.append("/N/A)" as StaticString)
    case (_, .number(let total)):
      output.append("(N/A/" as StaticString)
      output.appendFixed(total / gibi, places: 0)
      output.append("G)" as StaticString)
    default: break
    }
  }

  /// Of a timestamp what stands behind its first `T`, up to the next `T` and the first dot; all of it
  /// if there is no `T`. A timestamp that is no text says nothing, and the time of arrival is shown.
  private func appendTimeOfDay(
    _ timestamp: borrowing JSONValue, at wallTime: Int64, to output: inout OutputBuffer
  ) {
    switch timestamp.kind {
    case .missing: return
    case .string: break
    default: return clock.appendTime(wallTime, to: &output)
    }
    guard timestamp.hasEscapes else {
      return output.appendSafe(string: Self.timeOfDay(in: timestamp.text))
    }
    scratch.removeAll(keepingCapacity: true)
    timestamp.appendString(to: &scratch)
    // What is cut out is text, not JSON: a backslash in it has been resolved already.
    let time = unsafe scratch.withUnsafeBytes { bytes in
      let part = unsafe Self.timeOfDay(in: RawSpan(_unsafeBytes: bytes))
      return unsafe part.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
    output.appendSafe(time)
  }

  @_lifetime(copy timestamp)
  private static func timeOfDay(in timestamp: RawSpan) -> RawSpan {
    guard let t = timestamp.firstOffset(of: UInt8(ascii: "T"), from: 0) else { return timestamp }
    let next = timestamp.firstOffset(of: UInt8(ascii: "T"), from: t + 1) ?? timestamp.byteCount
    let time = timestamp.extracting(t + 1..<next)
    return time.extracting(
      first: time.firstOffset(of: UInt8(ascii: "."), from: 0) ?? time.byteCount)
  }
}

extension RawSpan {
  fileprivate func firstOffset(of byte: UInt8, from start: Int) -> Int? {
    for offset in start..<byteCount where self.byte(at: offset) == byte { return offset }
    return nil
  }
}
