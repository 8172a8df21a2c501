internal import MWCCore

/// The page of the `detailed` format. Members that a message lacks show as zero or `N/A`, as the
/// original has it; members that are there and make no sense (null, a text for a number) as `N/A`.
extension TextFormatter {
  func appendDetailed(
    _ readings: borrowing Readings, at wallTime: Int64, to output: inout OutputBuffer
  ) {
    let isMetrics = readings[.type].isMissing
    output.append(UInt8(ascii: "\n"))
    begin(.cyan, to: &output)
    output.append("=== System Monitoring - " as StaticString)
    if isMetrics {
      // These timestamps count from an unknown start.
      clock.appendTimestamp(wallTime, to: &output)
    } else {
      appendText(readings[.timestamp], missing: "", to: &output)
    }
    output.append(" ===" as StaticString)
    endColor(to: &output)
    output.append("\n\n" as StaticString)

    appendProcessor(readings, isMetrics: isMetrics, to: &output)
    appendMemory(readings, to: &output)
    appendDisk(readings, isMetrics: isMetrics, to: &output)
    if readings.hasGPU { appendGPU(readings, to: &output) }
    if isMetrics {
      appendNetwork(readings, to: &output)
      appendProcess(readings, to: &output)
    } else {
      appendSystem(readings, to: &output)
    }
    begin(.cyan, to: &output)
    output.append(UInt8(ascii: "="), repeated: 50)
    endColor(to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  // MARK: Sections

  private func appendProcessor(
    _ readings: borrowing Readings, isMetrics: Bool, to output: inout OutputBuffer
  ) {
    appendTitle("CPU Information:", to: &output)
    appendUsage("  Usage: ", readings.number(.cpuUse), to: &output)
    output.append("\n  Cores: " as StaticString)
    appendText(readings[.logicalCount], to: &output)
    if !isMetrics {
      output.append(" (Physical: " as StaticString)
      appendText(readings[.coreCount], to: &output)
      output.append(")\n  Architecture: " as StaticString)
      appendText(readings[.architecture], to: &output)
    }
    output.append("\n  Current Frequency: " as StaticString)
    appendRounded(readings.number(.frequencyCurrent), unit: " MHz", to: &output)
    if !isMetrics {
      output.append("\n  Max Frequency: " as StaticString)
      appendRounded(readings.number(.frequencyMax), unit: " MHz", to: &output)
    }
    output.append("\n\n" as StaticString)
  }

  private func appendMemory(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    appendTitle("Memory Information:", to: &output)
    appendUsage("  Usage: ", readings.number(.memoryUse), to: &output)
    output.append("\n  Used: " as StaticString)
    appendSize(readings.number(.memoryUsed), to: &output)
    output.append(" / " as StaticString)
    appendSize(readings.number(.memoryTotal), to: &output)
    output.append("\n  Available: " as StaticString)
    appendSize(readings.number(.memoryAvailable), to: &output)
    output.append("\n\n" as StaticString)
  }

  private func appendDisk(
    _ readings: borrowing Readings, isMetrics: Bool, to output: inout OutputBuffer
  ) {
    appendTitle("Disk Information:", to: &output)
    appendUsage("  Usage: ", readings.number(.diskUse), to: &output)
    output.append("\n  Used: " as StaticString)
    appendSize(readings.number(.diskUsed), to: &output)
    output.append(" / " as StaticString)
    appendSize(readings.number(.diskTotal), to: &output)
    output.append("\n  Free: " as StaticString)
    appendSize(readings.number(.diskFree), to: &output)
    if !isMetrics {
      output.append("\n  Mount: " as StaticString)
      appendText(readings[.mountPoint], to: &output)
    }
    output.append("\n\n" as StaticString)
  }

  private func appendGPU(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    appendTitle("GPU Information:", to: &output)
    output.append("  Name: " as StaticString)
    appendText(readings[.gpuName], to: &output)
    output.append(UInt8(ascii: "\n"))
    appendUsage("  Usage: ", readings.number(.gpuUse), to: &output)
    output.append(UInt8(ascii: "\n"))
    appendUsage("  Memory: ", readings.number(.gpuMemoryUse), to: &output)
    let used = readings.number(.gpuMemoryUsed)
    let total = readings.number(.gpuMemoryTotal)
    // The member is in bytes, but some senders put MiB there; no GPU has less than 1 MiB.
    let isMebibytes = if case .number(let bytes) = total { bytes < 1_048_576 } else { false }
    let factor = isMebibytes ? 1_048_576.0 : 1
    output.append(" (" as StaticString)
    appendSize(used, factor: factor, to: &output)
    output.append(" / " as StaticString)
    appendSize(total, factor: factor, to: &output)
    output.append(UInt8(ascii: ")"))
    if case .number(let temperature) = readings.number(.gpuTemperature) {
      output.append("\n  Temperature: " as StaticString)
      output.appendFixed(temperature, places: 0)
      output.append("°C" as StaticString)
    }
    output.append("\n\n" as StaticString)
  }

  private func appendSystem(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    appendTitle("System Information:", to: &output)
    output.append("  OS: " as StaticString)
    appendText(readings[.osName], to: &output)
    output.append(UInt8(ascii: " "))
    appendText(readings[.osVersion], missing: "", to: &output)
    output.append("\n  Hostname: " as StaticString)
    appendText(readings[.hostname], to: &output)
    output.append("\n  Platform: " as StaticString)
    appendText(readings[.platform], to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  private func appendNetwork(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    appendTitle("Network Information:", to: &output)
    output.append("  Sent: " as StaticString)
    appendSize(readings.number(.networkSent), to: &output)
    output.append("\n  Received: " as StaticString)
    appendSize(readings.number(.networkReceived), to: &output)
    output.append("\n\n" as StaticString)
  }

  private func appendProcess(_ readings: borrowing Readings, to output: inout OutputBuffer) {
    appendTitle("Process Information:", to: &output)
    appendUsage("  Usage: ", readings.number(.processUse), to: &output)
    output.append("\n  Memory: " as StaticString)
    appendSize(readings.number(.processMemory), to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  // MARK: Pieces

  private func appendTitle(_ title: StaticString, to output: inout OutputBuffer) {
    begin(.magenta, to: &output)
    output.append(title)
    endColor(to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  /// A percentage and its bar: `  Usage:  45.2% [█████████░░░░░░░░░░░]`.
  private func appendUsage(
    _ label: StaticString, _ reading: Reading, to output: inout OutputBuffer
  ) {
    output.append(label)
    let percent: Double
    switch reading {
    case .number(let number): percent = number
    case .missing: percent = 0
    case .unusable:
      output.append("  N/A" as StaticString)
      return
    }
    beginUsage(percent, to: &output)
    output.appendFixed(percent, places: 1, width: 5)
    output.append(UInt8(ascii: "%"))
    endColor(to: &output)
    output.append(" [" as StaticString)
    beginUsage(percent, to: &output)
    appendBar(percent, to: &output)
    endColor(to: &output)
    output.append(UInt8(ascii: "]"))
  }

  /// 20 characters; longer above 100 % and below 0 %, but never longer than 500, since the number
  /// comes from outside.
  private func appendBar(_ percent: Double, to output: inout OutputBuffer) {
    let width = 20
    let longest = 500
    let filled = percent.isNaN ? 0 : Int(max(-480, min(500, percent / 100 * Double(width))))
    for _ in 0..<max(0, min(filled, longest)) { output.append("█" as StaticString) }
    for _ in 0..<max(0, min(width - filled, longest)) { output.append("░" as StaticString) }
  }

  private func appendSize(
    _ reading: Reading, factor: Double = 1, to output: inout OutputBuffer
  ) {
    switch reading {
    case .number(let bytes): output.appendSize(bytes * factor)
    case .missing: output.appendSize(0)
    case .unusable: output.append("N/A" as StaticString)
    }
  }

  private func appendRounded(
    _ reading: Reading, unit: StaticString, to output: inout OutputBuffer
  ) {
    switch reading {
    case .number(let number): output.appendFixed(number, places: 0)
    case .missing: output.append(UInt8(ascii: "0"))
    case .unusable:
      output.append("N/A" as StaticString)
      return
    }
    output.append(unit)
  }
}
