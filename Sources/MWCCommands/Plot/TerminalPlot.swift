/// Draws series with the dots of braille characters, two by four in each character cell.
///
/// ```
///   20 ┤⠀⠀⠀⠀⠀⠀⡠⠒⠉⠢⡀
///   10 ┤⠉⠉⠒⠤⠤⠊⠀⠀⠀⠀⠑⠤⠤
///      └┬─────────────┬
///       +0s           +30s
/// ```
struct TerminalPlot {
  /// Columns of the whole picture.
  let width: Int
  /// Rows of the drawing, axis not counted.
  let height: Int
  /// Whether series are told apart by colour.
  let usesColor: Bool

  /// Foreground colours of terminals: cyan, yellow, magenta, green, blue, red.
  static let colors = [36, 33, 35, 32, 34, 31]

  /// The lines of the picture, without line ends.
  ///
  /// - Parameters:
  ///   - series: what to draw, with the number of its colour; at least one has values.
  ///   - times: what the picture covers, nanoseconds since the start of the recording.
  /// - Returns: drawing, axis, and labels of times.
  func lines(_ series: [(series: PlotSeries, color: Int)], _ times: ClosedRange<Int64>) -> [String]
  {
    let totals = series.compactMap(\.series.total)
    let least = totals.map(\.least).min() ?? 0
    let greatest = totals.map(\.greatest).max() ?? 0
    let values = PlotAxis(values: least...max(least, greatest), count: max(2, height / 4))
    let labels = rowLabels(values)
    let labelWidth = labels.values.map(\.count).max() ?? 1
    var canvas = Canvas(columns: max(10, width - labelWidth - 3), rows: height)
    let time = PlotAxis(times: times, count: max(2, canvas.columns / 14))
    for (series, color) in series {
      draw(series, color, on: &canvas, time, values)
    }
    var lines: [String] = []
    for row in 0..<height {
      let label = labels[row]
      let padding = String(repeating: " ", count: labelWidth - (label?.count ?? 0))
      lines.append(padding + (label ?? "") + (label == nil ? " │" : " ┤") + text(of: canvas, row))
    }
    return lines + timeLines(time, labelWidth: labelWidth, columns: canvas.columns)
  }

  private func draw(
    _ series: PlotSeries, _ color: Int, on canvas: inout Canvas, _ time: PlotAxis,
    _ values: PlotAxis
  ) {
    func place(_ point: PlotSeries.Point) -> (x: Int, y: Int) {
      let x = time.position(Double(point.time)) * Double(canvas.columns * 2 - 1)
      let y = (1 - values.position(point.value)) * Double(canvas.rows * 4 - 1)
      return (Int(x.rounded()), Int(y.rounded()))
    }
    for line in series.lines(resolution: canvas.columns * 2) {
      var previous = place(line[0])
      canvas.dot(previous.x, previous.y, color)
      for point in line.dropFirst() {
        let next = place(point)
        canvas.line(from: previous, to: next, color)
        previous = next
      }
    }
  }

  /// Labels of values by row.
  private func rowLabels(_ axis: PlotAxis) -> [Int: String] {
    var labels: [Int: String] = [:]
    for tick in axis.ticks {
      let row = Int(((1 - axis.position(tick)) * Double(height - 1)).rounded())
      labels[row] = axis.label(value: tick)
    }
    return labels
  }

  private func text(of canvas: Canvas, _ row: Int) -> String {
    var text = ""
    var current: Int?
    for column in 0..<canvas.columns {
      let cell = canvas.cells[row * canvas.columns + column]
      if usesColor, cell.dots != 0, cell.color != current {
        text += "\u{1B}[\(Self.colors[cell.color % Self.colors.count])m"
        current = cell.color
      }
      // The braille block is ordered by the bits of its dots.
      let scalar = cell.dots == 0 ? " " : Unicode.Scalar(0x2800 + UInt32(cell.dots)) ?? " "
      text.unicodeScalars.append(scalar)
    }
    if current != nil { text += "\u{1B}[0m" }
    return usesColor ? text : String(text.reversed().drop { $0 == " " }.reversed())
  }

  private func timeLines(_ axis: PlotAxis, labelWidth: Int, columns: Int) -> [String] {
    let indent = String(repeating: " ", count: labelWidth + 1)
    var rule = Array(repeating: Character("─"), count: columns)
    var labels = Array(repeating: Character(" "), count: columns + 12)
    var free = 0
    for tick in axis.ticks {
      let column = Int((axis.position(tick) * Double(columns - 1)).rounded())
      let label = PlotAxis.label(time: tick)
      rule[column] = "┬"
      guard column >= free, column + label.count <= labels.count else { continue }
      labels.replaceSubrange(column..<column + label.count, with: label)
      free = column + label.count + 1
    }
    let text = String(labels).reversed().drop { $0 == " " }.reversed()
    return [indent + "└" + String(rule), indent + " " + String(text)]
  }
}

/// A grid of dots.
private struct Canvas {
  struct Cell {
    var dots: UInt8 = 0
    var color = 0
  }

  let columns: Int
  let rows: Int
  private(set) var cells: [Cell]

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = Array(repeating: Cell(), count: columns * rows)
  }

  /// Sets a dot; what lies outside is not drawn.
  mutating func dot(_ x: Int, _ y: Int, _ color: Int) {
    guard x >= 0, y >= 0, x < columns * 2, y < rows * 4 else { return }
    // Dots 1 2 3 7 stand in the left column of a cell, 4 5 6 8 in the right one.
    let bits: [UInt8] = x % 2 == 0 ? [0x01, 0x02, 0x04, 0x40] : [0x08, 0x10, 0x20, 0x80]
    let index = y / 4 * columns + x / 2
    cells[index].dots |= bits[y % 4]
    cells[index].color = color
  }

  /// Bresenham's line.
  mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int), _ color: Int) {
    let (dx, dy) = (abs(end.x - start.x), -abs(end.y - start.y))
    let (sx, sy) = (start.x < end.x ? 1 : -1, start.y < end.y ? 1 : -1)
    var (x, y, error) = (start.x, start.y, dx + dy)
    while true {
      dot(x, y, color)
      if x == end.x, y == end.y { return }
      let twice = 2 * error
      if twice >= dy {
        error += dy
        x += sx
      }
      if twice <= dx {
        error += dx
        y += sy
      }
    }
  }
}
