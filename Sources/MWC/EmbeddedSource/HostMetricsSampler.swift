internal import Glibc
package import SystemPackage

/// Reads this host's metrics again and again.
///
/// Processor usage is what happened between two readings, so the sampler remembers the counters of
/// the reading before; the first reading covers the time since boot.
package struct HostMetricsSampler: Sendable {
  private let root: FilePath
  private let system: HostMetrics.System
  private let coreCount: Int?
  private var before: [CPUTimes] = []

  /// - Parameter root: where `proc` and `sys` are found; another folder than `/` in tests.
  package init(root: FilePath = "/") {
    self.root = root
    system = Self.readSystem()
    coreCount = Self.physicalCoreCount(
      SystemFile.lines(root.appending("proc/cpuinfo"), limit: Limit.cpuInfo))
    before = readCPUTimes()
  }

  /// What the host does now.
  package mutating func sample() -> HostMetrics {
    HostMetrics(
      memory: readMemory(), processor: sampleProcessor(), disk: Self.readDisk("/"), system: system)
  }

  /// Bytes read of each file at most: far beyond what large hosts show, small enough never to hurt.
  private enum Limit {
    /// About 100 bytes per core come first; the interrupt counters after them are not needed.
    static let stat = 1 << 20
    /// About 1.5 KiB per core.
    static let cpuInfo = 8 << 20
    static let memInfo = 64 << 10
    static let number = 64
  }
}

// MARK: - Processor

extension HostMetricsSampler {
  /// Counters of one line of `/proc/stat`, in clock ticks since boot.
  private struct CPUTimes: Sendable {
    var busy: UInt64 = 0
    var total: UInt64 = 0

    /// Usage in percent since `before`, one decimal. Counters of a paused virtual machine may step
    /// back: that counts as no time at all.
    func usage(since before: CPUTimes) -> Double {
      guard total > before.total else { return 0 }
      let busyTicks = busy > before.busy ? busy - before.busy : 0
      let totalTicks = total - before.total
      return HostMetrics.percent(Int64(min(busyTicks, totalTicks)), of: Int64(totalTicks))
    }
  }

  private mutating func sampleProcessor() -> HostMetrics.Processor {
    let now = readCPUTimes()
    // A core that came on line since has no reading before: its time since boot counts.
    let usage = now.indices.map { index in
      now[index].usage(since: index < before.count ? before[index] : CPUTimes())
    }
    before = now
    let frequencies = readFrequencies()
    return HostMetrics.Processor(
      usagePercent: usage.first ?? 0, coreCount: coreCount, logicalCount: max(usage.count - 1, 0),
      frequencyCurrent: frequencies.current, frequencyMax: frequencies.max,
      perCoreUsage: Array(usage.dropFirst()))
  }

  /// The line of all cores together, then one per core.
  private func readCPUTimes() -> [CPUTimes] {
    var times: [CPUTimes] = []
    for line in SystemFile.lines(root.appending("proc/stat"), limit: Limit.stat) {
      guard line.starts(with: "cpu".utf8) else { break }
      // user nice system idle iowait irq softirq steal; guest times are inside user and nice.
      let ticks = SystemFile.words(line).dropFirst().prefix(8).map { word in
        UInt64(Substring(decoding: word, as: UTF8.self)) ?? 0
      }
      guard ticks.count >= 4 else { continue }
      let total = ticks.reduce(0, &+)
      let idle = ticks[3] &+ (ticks.count > 4 ? ticks[4] : 0)
      times.append(CPUTimes(busy: total &- idle, total: total))
    }
    return times
  }

  private func readFrequencies() -> (current: Double, max: Double) {
    var sum = 0.0
    var count = 0.0
    for line in SystemFile.lines(root.appending("proc/cpuinfo"), limit: Limit.cpuInfo) {
      if let text = SystemFile.value(of: "cpu MHz", in: line), let megahertz = Double(text) {
        sum += megahertz
        count += 1
      }
    }
    let limit = SystemFile.lines(
      root.appending("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"), limit: Limit.number)
    let kilohertz = limit.first.flatMap { Double(Substring(decoding: $0, as: UTF8.self)) } ?? 0
    return (count > 0 ? sum / count : 0, kilohertz / 1000)
  }

  /// Cores are told apart by package and core number together; threads of one core share both.
  private static func physicalCoreCount(_ lines: [ArraySlice<UInt8>]) -> Int? {
    var package: Substring = ""
    var cores: Set<String> = []
    for line in lines {
      if let text = SystemFile.value(of: "physical id", in: line) { package = text }
      if let text = SystemFile.value(of: "core id", in: line) { cores.insert("\(package)/\(text)") }
    }
    return cores.isEmpty ? nil : cores.count
  }
}

// MARK: - Memory, disk, system

extension HostMetricsSampler {
  private func readMemory() -> HostMetrics.Memory {
    var memory = HostMetrics.Memory()
    var free: Int64 = 0
    var hasAvailable = false
    for line in SystemFile.lines(root.appending("proc/meminfo"), limit: Limit.memInfo) {
      func bytes(_ key: StaticString) -> Int64? {
        SystemFile.value(of: key, in: line)?.split(separator: " ").first.flatMap { Int64($0) }
          .flatMap { $0 <= Int64.max / 1024 ? $0 * 1024 : nil }
      }
      if let value = bytes("MemTotal") { memory.total = value }
      if let value = bytes("MemFree") { free = value }
      if let value = bytes("MemAvailable") {
        memory.available = value
        hasAvailable = true
      }
    }
    if !hasAvailable { memory.available = free }  // kernels before 3.14
    memory.available = min(memory.available, memory.total)
    return memory
  }

  private static func readDisk(_ path: String) -> HostMetrics.Disk {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return HostMetrics.Disk(path: path) }
    let unit = UInt64(status.f_frsize)
    func bytes(_ blocks: fsblkcnt_t) -> Int64 {
      Int64(clamping: UInt64(blocks).multipliedReportingOverflow(by: unit).partialValue)
    }
    return HostMetrics.Disk(
      total: bytes(status.f_blocks), used: bytes(status.f_blocks &- status.f_bfree),
      free: bytes(status.f_bavail), path: path)
  }

  private static func readSystem() -> HostMetrics.System {
    var names = utsname()
    guard unsafe uname(&names) == 0 else { return HostMetrics.System() }
    return HostMetrics.System(
      osName: text(of: names.sysname), osVersion: text(of: names.version),
      osRelease: text(of: names.release), machine: text(of: names.machine),
      hostname: text(of: names.nodename), libraryVersion: libraryVersion())
  }

  /// The text in a fixed C array, up to its terminating zero.
  private static func text<Bytes>(of bytes: Bytes) -> String {
    unsafe withUnsafeBytes(of: bytes) { buffer in
      unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static func libraryVersion() -> String {
    var name = [CChar](repeating: 0, count: 64)
    let length = unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &name, name.count)
    guard length > 1, length <= name.count else { return "" }
    let bytes = name.prefix(length - 1).map { UInt8(bitPattern: $0) }
    return String(decoding: bytes.filter { $0 != UInt8(ascii: " ") }, as: UTF8.self)
  }
}
