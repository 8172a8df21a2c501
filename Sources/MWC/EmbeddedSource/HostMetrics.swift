/// One reading of this host: what a `monitoring_data` message carries.
///
/// Percentages have one decimal, as the source system rounds them; sizes are bytes. A value that the
/// system does not tell is zero, empty or nil, never a reason to fail.
package struct HostMetrics: Sendable, Equatable {
  package var memory = Memory()
  package var processor = Processor()
  package var disk = Disk()
  package var system = System()

  package struct Memory: Sendable, Equatable {
    package var total: Int64 = 0
    package var available: Int64 = 0
    /// What is not available, caches that could be dropped not counted.
    package var used: Int64 { total - available }
    package var percentage: Double { percent(used, of: total) }
  }

  package struct Processor: Sendable, Equatable {
    /// Of all cores together, since the reading before.
    package var usagePercent = 0.0
    /// Physical cores; nil where the system does not tell.
    package var coreCount: Int?
    package var logicalCount = 0
    /// MHz, mean of all cores; zero when unknown.
    package var frequencyCurrent = 0.0
    /// MHz; zero when unknown, which is usual in virtual machines.
    package var frequencyMax = 0.0
    /// One value per logical core, since the reading before.
    package var perCoreUsage: [Double] = []
  }

  package struct Disk: Sendable, Equatable {
    package var total: Int64 = 0
    package var used: Int64 = 0
    /// What an ordinary user may still write; the reserve of the superuser is in none of the figures.
    package var free: Int64 = 0
    package var path = "/"
    package var percentage: Double { percent(used, of: used + free) }
  }

  /// Strings that do not change while the system runs.
  package struct System: Sendable, Equatable {
    package var osName = ""
    package var osVersion = ""
    package var osRelease = ""
    package var machine = ""
    package var hostname = ""
    /// Version of the C library, such as `glibc2.36`; empty when unknown.
    package var libraryVersion = ""
    /// The line by which the source system names a platform.
    package var platform: String {
      let base = "\(osName)-\(osRelease)-\(machine)"
      return libraryVersion.isEmpty ? base : "\(base)-with-\(libraryVersion)"
    }
  }

  /// `part` of `whole` in percent, rounded to one decimal; zero when there is no whole.
  static func percent(_ part: Int64, of whole: Int64) -> Double {
    guard whole > 0 else { return 0 }
    return (Double(part) / Double(whole) * 1000).rounded(.toNearestOrEven) / 10
  }
}
