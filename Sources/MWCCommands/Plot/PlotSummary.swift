internal import MWCCore

/// The numbers of a plot without the picture.
struct PlotSummary {
  private let file: String
  private let series: [PlotSeries]
  private let paths: [(path: String, others: Int)]
  private let startWallTime: Int64
  private let messages: UInt64

  init(_ file: String, _ data: PlotData) {
    self.file = file
    series = data.series
    paths = data.pathsWithOthers
    startWallTime = data.startWallTime
    messages = data.messages
  }

  /// A table, each line with its end.
  var text: String {
    let heads = ["path", "values", "min", "mean", "max", "last"]
    let rows = series.map { series -> [String] in
      guard let total = series.total else { return [series.name] }
      return [
        Console.visible(series.name), NumberText.grouped(total.count),
        PlotAxis.plain(total.least), PlotAxis.plain(total.mean), PlotAxis.plain(total.greatest),
        PlotAxis.plain(total.last.value),
      ]
    }
    let widths = heads.indices.map { column in
      ([heads] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([heads] + rows).map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// One object; times are wall-clock nanoseconds.
  var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.member("file", file)
    json.member("messages", messages)
    json.key("series")
    json.beginArray()
    for series in series {
      guard let total = series.total else { continue }
      json.beginObject()
      json.member("path", series.path)
      json.member("connection", series.connection)
      json.member("count", total.count)
      json.member("min", total.least)
      json.member("mean", total.mean)
      json.member("max", total.greatest)
      json.member("first", total.first.value)
      json.member("last", total.last.value)
      json.member("first_time_ns", startWallTime &+ total.first.time)
      json.member("last_time_ns", startWallTime &+ total.last.time)
      json.endObject()
    }
    json.endArray()
    json.key("not_numbers")
    json.beginObject()
    for (path, others) in paths { json.member(path, others) }
    json.endObject()
    json.endObject()
    return json.text
  }
}
