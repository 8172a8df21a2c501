/// Draws series as an SVG document that follows the reader's light or dark colours.
struct SVGPlot {
  /// Pixels of the whole picture.
  var width = 960
  /// Pixels of each panel.
  var height = 320

  /// Colours that can be told apart on white and on black.
  private static let colors = ["#0a84a8", "#c77700", "#a03bb0", "#3d8b37", "#3b5bdb", "#d6336c"]

  /// The document.
  ///
  /// - Parameters:
  ///   - title: what stands above it.
  ///   - panels: series that share axes, with the numbers of their colours.
  ///   - times: what the picture covers, nanoseconds since the start of the recording.
  /// - Returns: SVG 1.1 in UTF-8.
  func document(
    title: String, panels: [[(series: PlotSeries, color: Int)]], _ times: ClosedRange<Int64>
  ) -> String {
    let top = 34
    let total = top + panels.count * height
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(total)" \
      viewBox="0 0 \(width) \(total)" font-family="system-ui, sans-serif" font-size="12">
      <style>
        svg { color: #222; background: #fff }
        .grid { stroke: currentColor; stroke-opacity: .15 }
        .line { fill: none; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round }
        text { fill: currentColor }
        @media (prefers-color-scheme: dark) { svg { color: #ddd; background: #16181c } }
      </style>
      <text x="\(width / 2)" y="21" text-anchor="middle" font-size="14">\(escaped(title))</text>

      """
    for (index, panel) in panels.enumerated() {
      text += "<g transform=\"translate(0 \(top + index * height))\">\n"
      text += self.panel(panel, times)
      text += "</g>\n"
    }
    return text + "</svg>\n"
  }

  private func panel(
    _ series: [(series: PlotSeries, color: Int)], _ times: ClosedRange<Int64>
  ) -> String {
    let totals = series.compactMap(\.series.total)
    let least = totals.map(\.least).min() ?? 0
    let greatest = totals.map(\.greatest).max() ?? 0
    let values = PlotAxis(values: least...max(least, greatest), count: 6)
    let time = PlotAxis(times: times, count: 8)
    let (left, right, bottom) = (70.0, Double(width - 20), Double(height - 50))
    func x(_ value: Double) -> String { coordinate(left + time.position(value) * (right - left)) }
    func y(_ value: Double) -> String { coordinate(bottom - values.position(value) * (bottom - 8)) }

    var text = ""
    for tick in values.ticks {
      text += """
        <path class="grid" d="M\(coordinate(left)) \(y(tick))H\(coordinate(right))"/>\
        <text x="\(coordinate(left - 8))" y="\(y(tick))" dy=".35em" text-anchor="end">\
        \(values.label(value: tick))</text>

        """
    }
    for tick in time.ticks {
      text += """
        <path class="grid" d="M\(x(tick)) 8V\(coordinate(bottom))"/>\
        <text x="\(x(tick))" y="\(coordinate(bottom + 16))" text-anchor="middle">\
        \(PlotAxis.label(time: tick))</text>

        """
    }
    var legend = left
    for (series, color) in series {
      let stroke = Self.colors[color % Self.colors.count]
      let path = series.lines(resolution: width).map { line in
        // A line of one point is a dot: its ends are round.
        "M" + line.map { "\(x(Double($0.time))) \(y($0.value))" }.joined(separator: "L")
          + (line.count == 1 ? "h0" : "")
      }
      text += "<path class=\"line\" stroke=\"\(stroke)\" d=\"\(path.joined())\"/>\n"
      let middle = coordinate(bottom + 36)
      text += """
        <path d="M\(coordinate(legend)) \(middle)h18" stroke="\(stroke)" stroke-width="3"/>\
        <text x="\(coordinate(legend + 24))" y="\(middle)" dy=".35em">\(escaped(series.name))</text>

        """
      // About seven pixels for each character, and room to the next one.
      legend += 24 + Double(series.name.count) * 7 + 24
    }
    return text
  }

  private func coordinate(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0
      ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
  }

  private func escaped(_ text: String) -> String {
    Console.visible(text).reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}
