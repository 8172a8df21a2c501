/// The messages of the `monitoring` dialect as its shipped server spells them: keys in exactly that
/// order, Python's JSON spelling, local time without a zone.
package enum MonitoringMessage {
  /// The first message to every client.
  package static func welcome(at time: Int64) -> [UInt8] {
    build {
      $0.member("type", "connection")
      $0.member("status", "connected")
      $0.member("timestamp", LocalTime.pythonISO(nanoseconds: time))
      $0.member("message", "Connected to monitoring server")
    }
  }

  /// The stream itself: one reading of the host, with alerts when a limit is reached.
  package static func data(_ metrics: HostMetrics, at time: Int64) -> [UInt8] {
    let alerts = Alert.evaluate(metrics)
    return build { json in
      json.member("type", "monitoring_data")
      json.member("timestamp", LocalTime.pythonISO(nanoseconds: time))
      json.key("data")
      json.object { json in
        json.key("memory")
        json.object { append(metrics.memory, to: &$0) }
        json.key("processor")
        json.object { append(metrics.processor, to: &$0) }
        json.key("disk")
        json.object { append(metrics.disk, to: &$0) }
        json.key("system")
        json.object { append(metrics.system, to: &$0) }
      }
      if !alerts.isEmpty {
        json.key("alerts")
        json.array { json in
          for alert in alerts { json.object { append(alert, at: time, to: &$0) } }
        }
      }
    }
  }

  /// The answer to `ping`.
  package static func pong(at time: Int64) -> [UInt8] {
    build {
      $0.member("type", "pong")
      $0.member("timestamp", LocalTime.pythonISO(nanoseconds: time))
    }
  }

  /// The answer to `get_status`; `clientCount` includes the client that asks.
  package static func status(clientCount: Int, at time: Int64) -> [UInt8] {
    build {
      $0.member("type", "status")
      $0.member("connected_clients", clientCount)
      $0.member("monitoring_active", true)
      $0.member("timestamp", LocalTime.pythonISO(nanoseconds: time))
    }
  }

  /// The answer to what is not JSON.
  package static func invalid() -> [UInt8] {
    build {
      $0.member("type", "error")
      $0.member("message", "Invalid message")
    }
  }

  private static func build(_ body: (inout PythonJSON) -> Void) -> [UInt8] {
    var json = PythonJSON()
    json.object(body)
    return json.bytes
  }
}

// MARK: - Parts of the data message

extension MonitoringMessage {
  private static func append(_ memory: HostMetrics.Memory, to json: inout PythonJSON) {
    json.member("total", memory.total)
    json.member("available", memory.available)
    json.member("used", memory.used)
    json.member("percentage", memory.percentage)
  }

  private static func append(_ processor: HostMetrics.Processor, to json: inout PythonJSON) {
    json.member("usage_percent", processor.usagePercent)
    if let count = processor.coreCount {
      json.member("core_count", count)
    } else {
      json.null("core_count")
    }
    json.member("logical_count", processor.logicalCount)
    json.member("frequency_current", processor.frequencyCurrent)
    json.member("frequency_max", processor.frequencyMax)
    json.key("per_core_usage")
    json.array { json in
      for usage in processor.perCoreUsage { json.number(usage) }
    }
  }

  private static func append(_ disk: HostMetrics.Disk, to json: inout PythonJSON) {
    json.member("total", disk.total)
    json.member("used", disk.used)
    json.member("free", disk.free)
    json.member("percentage", disk.percentage)
    json.member("path", disk.path)
  }

  private static func append(_ system: HostMetrics.System, to json: inout PythonJSON) {
    json.member("os_name", system.osName)
    json.member("os_version", system.osVersion)
    json.member("os_release", system.osRelease)
    json.member("architecture", system.machine)
    json.member("platform", system.platform)
    json.member("machine", system.machine)
    // The source system leaves this empty on Linux, too.
    json.member("processor", "")
    // Clients expect the member; there is no Python here, and no version to claim.
    json.member("python_version", "")
    json.member("hostname", system.hostname)
  }

  private static func append(_ alert: Alert, at time: Int64, to json: inout PythonJSON) {
    json.member("timestamp", LocalTime.pythonISO(nanoseconds: time))
    json.member("component", alert.component)
    json.member("metric", "usage_percent")
    json.member("value", alert.value)
    json.member("threshold", alert.threshold)
    json.member("level", alert.isCritical ? "CRITICAL" : "WARNING")
    let adjective = alert.isCritical ? "Critical" : "High"
    // Both figures have one decimal already, so their spelling is that of `%.1f`.
    let value = PythonJSON.spelling(of: alert.value)
    let threshold = PythonJSON.spelling(of: alert.threshold)
    json.member(
      "message", "\(adjective) \(alert.component) usage: \(value)% (threshold: \(threshold)%)")
  }
}

/// A limit that was reached. Evaluated anew for every message, so an alert repeats while the
/// condition lasts.
private struct Alert {
  let component: String
  let value: Double
  let threshold: Double
  let isCritical: Bool

  /// At most one alert for memory, then one for the disk; critical replaces warning.
  static func evaluate(_ metrics: HostMetrics) -> [Alert] {
    [
      check("memory", metrics.memory.percentage, warning: 80, critical: 90),
      check("disk", metrics.disk.percentage, warning: 85, critical: 95),
    ].compactMap(\.self)
  }

  private static func check(
    _ component: String, _ value: Double, warning: Double, critical: Double
  ) -> Alert? {
    guard value >= warning else { return nil }
    let isCritical = value >= critical
    return Alert(
      component: component, value: value, threshold: isCritical ? critical : warning,
      isCritical: isCritical)
  }
}
