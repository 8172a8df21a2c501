internal import MWCCore

/// What the text formats read from a message, and how the senders spell it.
///
/// Peers disagree about names and units: a percentage is `percentage` or `usage_percent`, a size comes
/// in bytes, MiB or GiB, a GPU may stand in a list, and the `metrics` dialect has no `data` at all. The
/// first spelling that a message has is taken.
///
/// The cases stand in the order of need, so that a format looks only for what it shows.
enum Member: Int, CaseIterable {
  // Every format.
  case type, message, gpu, timestamp
  case cpuUse, memoryUse, diskUse, gpuUse
  // Compact and detailed.
  case memoryUsed, memoryTotal, gpuMemoryUse
  // Detailed.
  case memoryAvailable, diskUsed, diskTotal, diskFree, mountPoint
  case logicalCount, coreCount, architecture, frequencyCurrent, frequencyMax
  case gpuName, gpuMemoryUsed, gpuMemoryTotal, gpuTemperature
  case osName, osVersion, hostname, platform
  case networkSent, networkReceived, processMemory, processUse

  /// One way to spell a member, and what its number is multiplied by.
  typealias Spelling = (path: String, factor: Double)

  /// What the formats need of it: of most members a number.
  fileprivate var enough: PathInterest.Enough {
    switch self {
    case .type, .message, .timestamp, .mountPoint, .logicalCount, .coreCount, .architecture,
      .gpuName, .osName, .osVersion, .hostname, .platform:
      []
    case .gpu: .presence
    case .cpuUse, .memoryUse, .diskUse, .gpuUse, .memoryUsed, .memoryTotal, .gpuMemoryUse,
      .memoryAvailable, .diskUsed, .diskTotal, .diskFree, .frequencyCurrent, .frequencyMax,
      .gpuMemoryUsed, .gpuMemoryTotal, .gpuTemperature, .networkSent, .networkReceived,
      .processMemory, .processUse:
      [.presence, .amount]
    }
  }

  private static let mebi = 1_048_576.0
  private static let gibi = 1_073_741_824.0

  var spellings: [Spelling] {
    switch self {
    case .type: [("type", 1)]
    case .message: [("message", 1), ("payload.message", 1), ("error", 1)]
    case .gpu: [("data.gpu", 1)]
    case .timestamp: [("timestamp", 1)]
    case .cpuUse: [("data.processor.usage_percent", 1), ("cpu.percent_total", 1)]
    case .memoryUse:
      [("data.memory.percentage", 1), ("data.memory.usage_percent", 1), ("memory.percent", 1)]
    case .diskUse:
      [("data.disk.percentage", 1), ("data.disk.usage_percent", 1), ("disk.percent", 1)]
    case .gpuUse: Self.gpu(("gpu_usage_percent", 1), ("usage_percent", 1))
    case .memoryUsed: Self.size("data.memory.used") + [("memory.used_mb", Self.mebi)]
    case .memoryTotal: Self.size("data.memory.total") + [("memory.total_mb", Self.mebi)]
    case .gpuMemoryUse: Self.gpu(("memory_percentage", 1), ("memory_percent", 1))
    case .memoryAvailable:
      Self.size("data.memory.available") + [("memory.available_mb", Self.mebi)]
    case .diskUsed: Self.size("data.disk.used") + [("disk.used_gb", Self.gibi)]
    case .diskTotal: Self.size("data.disk.total") + [("disk.total_gb", Self.gibi)]
    case .diskFree: Self.size("data.disk.free") + [("disk.free_gb", Self.gibi)]
    case .mountPoint: [("data.disk.mount_point", 1)]
    case .logicalCount: [("data.processor.logical_count", 1), ("cpu.count", 1)]
    case .coreCount: [("data.processor.core_count", 1)]
    case .architecture: [("data.system.architecture", 1)]
    case .frequencyCurrent:
      [
        ("data.processor.frequency_current", 1), ("data.processor.frequency_mhz", 1),
        ("cpu.frequency_mhz", 1),
      ]
    case .frequencyMax: [("data.processor.frequency_max", 1)]
    case .gpuName: Self.gpu(("name", 1))
    case .gpuMemoryUsed: Self.gpu(("memory_used", 1), ("memory_used_mb", Self.mebi))
    case .gpuMemoryTotal: Self.gpu(("memory_total", 1), ("memory_total_mb", Self.mebi))
    case .gpuTemperature: Self.gpu(("temperature", 1))
    case .osName: [("data.system.os_name", 1)]
    case .osVersion: [("data.system.os_version", 1)]
    case .hostname: [("data.system.hostname", 1)]
    case .platform: [("data.system.platform", 1)]
    case .networkSent: [("network.bytes_sent_mb", Self.mebi)]
    case .networkReceived: [("network.bytes_recv_mb", Self.mebi)]
    case .processMemory: [("process.memory_mb", Self.mebi)]
    case .processUse: [("process.cpu_percent", 1)]
    }
  }

  private static func size(_ path: String) -> [Spelling] {
    [(path, 1), (path + "_gb", gibi), (path + "_mb", mebi)]
  }

  /// Members of the GPU, or of the first one if there is a list.
  private static func gpu(_ spellings: Spelling...) -> [Spelling] {
    spellings.map { ("data.gpu." + $0.path, $0.factor) }
      + spellings.map { ("data.gpu.gpus[0]." + $0.path, $0.factor) }
  }
}

/// The spellings of the members a format needs, flattened to the paths of one scanner.
///
/// A class, so that handing it around for every message costs one count and not one for each array.
final class MemberTable: Sendable {
  let paths: [String]
  private let enough: [PathInterest.Enough]
  var interest: PathInterest { PathInterest(paths, enough: enough) }
  private let factors: [Double]
  /// The paths of member `m` are those from `starts[m]` up to `starts[m + 1]`.
  private let starts: [Int]

  /// - Parameter last: the last member that is needed.
  init(upTo last: Member) {
    let members = Member.allCases.prefix(last.rawValue + 1)
    let spellings = members.map(\.spellings)
    paths = spellings.flatMap { $0.map(\.path) }
    enough = zip(members, spellings).flatMap { member, spellings in
      spellings.map { _ in member.enough }
    }
    factors = spellings.flatMap { $0.map(\.factor) }
    starts = spellings.reduce(into: [0]) { starts, spellings in
      starts.append((starts.last ?? 0) + spellings.count)
    }
  }

  /// The path of the first spelling that the message has, or of the first of all.
  fileprivate func path(of member: Member, in values: borrowing JSONValues) -> Int {
    let first = starts[member.rawValue]
    for path in first..<starts[member.rawValue + 1] where !values[path].isMissing { return path }
    return first
  }

  fileprivate func factor(of path: Int) -> Double { factors[path] }
}

/// A number of a message, or why there is none.
enum Reading {
  /// The message has no such member.
  case missing
  /// It has one that is no number: null, a text.
  case unusable
  case number(Double)
}

/// The members of one message.
struct Readings: ~Escapable {
  private let values: JSONValues
  private let table: MemberTable

  @_lifetime(copy values)
  init(_ values: JSONValues, by table: MemberTable) {
    self.values = values
    self.table = table
  }

  subscript(member: Member) -> JSONValue {
    @_lifetime(copy self)
    get { values[table.path(of: member, in: values)] }
  }

  /// The number in its unit of reference (bytes, percent, MHz, °C); booleans count as 0 and 1, as in
  /// Python.
  func number(_ member: Member) -> Reading {
    let path = table.path(of: member, in: values)
    let value = values[path]
    switch value.kind {
    case .missing: return .missing
    case .true: return .number(table.factor(of: path))
    case .false: return .number(0)
    default:
      guard let number = value.double else { return .unusable }
      return .number(number * table.factor(of: path))
    }
  }

  /// A GPU is shown if the message has one that is not empty.
  var hasGPU: Bool {
    let gpu = self[.gpu]
    return gpu.kind == .object && !gpu.isEmptyContainer
  }
}
