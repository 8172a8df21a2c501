import Foundation
import MWCTestSupport
import SystemPackage
import Testing

@testable import MWC

/// The sampler reads a folder that looks like `/`, filled by each test.
@Suite struct HostMetricsTests {
  @Test func readsThisHost() {
    var sampler = HostMetricsSampler()
    let metrics = sampler.sample()
    #expect(metrics.memory.total > 1 << 20)
    #expect((0...metrics.memory.total).contains(metrics.memory.available))
    #expect((0...100).contains(metrics.memory.percentage))
    #expect(metrics.processor.logicalCount >= 1)
    #expect(metrics.processor.perCoreUsage.count == metrics.processor.logicalCount)
    #expect(metrics.processor.perCoreUsage.allSatisfy { (0...100).contains($0) })
    #expect(metrics.disk.total > 0)
    #expect(metrics.disk.path == "/")
    #expect(metrics.system.osName == "Linux")
    #expect(!metrics.system.hostname.isEmpty)
    #expect(metrics.system.platform.hasPrefix("Linux-"))
  }

  @Test func processorUsageIsWhatHappenedBetweenTwoReadings() throws {
    let root = try FakeRoot()
    try root.write(
      "proc/stat",
      """
      cpu  100 0 100 700 100 0 0 0 0 0
      cpu0 50 0 50 350 50 0 0 0 0 0
      cpu1 50 0 50 350 50 0 0 0 0 0
      intr 12345

      """)
    var sampler = HostMetricsSampler(root: root.path)
    try root.write(
      "proc/stat",
      """
      cpu  200 10 130 760 100 0 0 0 0 0
      cpu0 150 0 50 350 50 0 0 0 0 0
      cpu1 50 10 80 410 50 0 0 0 0 0
      cpu2 1 0 0 3 0 0 0 0 0 0
      intr 12345

      """)
    let processor = sampler.sample().processor
    #expect(processor.usagePercent == 70.0)
    // The third core came on line in between: its whole life counts.
    #expect(processor.perCoreUsage == [100.0, 40.0, 25.0])
    #expect(processor.logicalCount == 3)
  }

  @Test func countersThatStepBackMeanNoUsage() throws {
    let root = try FakeRoot()
    try root.write("proc/stat", "cpu  900 0 0 900 0 0 0 0 0 0\ncpu0 900 0 0 900 0 0 0 0 0 0\n")
    var sampler = HostMetricsSampler(root: root.path)
    try root.write("proc/stat", "cpu  10 0 0 20 0 0 0 0 0 0\ncpu0 10 0 0 2000 0 0 0 0 0 0\n")
    let processor = sampler.sample().processor
    #expect(processor.usagePercent == 0)
    #expect(processor.perCoreUsage == [0])
  }

  @Test func coresAndFrequencies() throws {
    let root = try FakeRoot()
    let cpu = { (package: Int, core: Int, megahertz: String) in
      "physical id\t: \(package)\ncore id\t\t: \(core)\ncpu MHz\t\t: \(megahertz)\n\n"
    }
    try root.write(
      "proc/cpuinfo",
      cpu(0, 0, "1000.000") + cpu(0, 0, "2000.000") + cpu(1, 0, "3000.000")
        + cpu(1, 0, "4000.000"))
    try root.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3700000\n")
    var sampler = HostMetricsSampler(root: root.path)
    let processor = sampler.sample().processor
    #expect(processor.coreCount == 2)
    #expect(processor.frequencyCurrent == 2500)
    #expect(processor.frequencyMax == 3700)
  }

  @Test func memoryFigures() throws {
    let root = try FakeRoot()
    try root.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 375 kB\n")
    var sampler = HostMetricsSampler(root: root.path)
    let memory = sampler.sample().memory
    #expect(memory.total == 1000 * 1024)
    #expect(memory.used == 625 * 1024)
    #expect(memory.percentage == 62.5)
  }

  /// Files that are missing, empty or full of nonsense give zeros, never a crash.
  @Test(arguments: [
    "", "\n\n\n", "cpu\ncpu0\n", "cpu  x y z w\n", "MemTotal:\nMemAvailable: -\n",
    "MemTotal: 9223372036854775807 kB\nMemAvailable: 99 kB\n",
    "cpu  18446744073709551615 18446744073709551615 1 1 1\n", ":::\nphysical id\ncore id:\n",
    "\u{0}\u{FFFD}",
  ])
  func survivesNonsense(_ text: String) throws {
    let root = try FakeRoot()
    for name in ["proc/stat", "proc/cpuinfo", "proc/meminfo"] { try root.write(name, text) }
    var sampler = HostMetricsSampler(root: root.path)
    let metrics = sampler.sample()
    #expect(metrics.memory.used >= 0)
    #expect(metrics.processor.usagePercent >= 0)
    #expect(metrics.processor.frequencyMax == 0)
  }

  @Test func survivesMissingFiles() {
    var sampler = HostMetricsSampler(root: "/nonexistent")
    let metrics = sampler.sample()
    #expect(metrics.memory == HostMetrics.Memory())
    #expect(metrics.processor == HostMetrics.Processor())
    #expect(metrics.disk.total > 0)
  }
}

/// A folder of its own for one test.
private struct FakeRoot {
  private let folder: TemporaryFolder
  var path: FilePath { FilePath(folder.path) }

  init() throws { folder = try TemporaryFolder() }

  func write(_ name: String, _ text: String) throws {
    let parent = URL(fileURLWithPath: folder.file(name)).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try folder.write(text.utf8, to: name)
  }
}
