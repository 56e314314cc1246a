/// The connected parts of a mask, in cells of four pixels each way: specks are nobody.
final class MaskIslands {
  /// In the picture's pixels.
  private(set) var boxes: [PictureWindow] = []

  private let columns: Int
  private let rows: Int
  /// Whether a cell is a person's and hasn't been walked over yet.
  private let isOpen: Grid<Bool>
  private let stack: Grid<Int32>

  private static let cell = 4
  /// Of a cell's sixteen pixels.
  private static let leastPixels = 8
  /// A head of eight pixels by eight.
  private static let leastCells = 4
  private static let limit = 16

  init(width: Int, height: Int) {
    (columns, rows) = (width / Self.cell, height / Self.cell)
    isOpen = Grid(width: columns, height: rows, filledWith: false)
    stack = Grid(width: columns * rows, height: 1, filledWith: 0)
    boxes.reserveCapacity(Self.limit)
  }

  /// Finds them in a mask of 0…1 of that window.
  /// - Parameter besides: whether those found before stay.
  func find(_ mask: UnsafePointer<Float>, in window: PictureWindow, besides: Bool = false) {
    if !besides { boxes.removeAll(keepingCapacity: true) }
    fill(mask)
    for start in 0..<columns * rows where isOpen.values[start] {
      let (box, count) = walk(from: start)
      guard count >= Self.leastCells, boxes.count < Self.limit else { continue }
      let (x, y) = (box.x * window.width / columns, box.y * window.height / rows)
      boxes.append(
        PictureWindow(
          x: window.x + x, y: window.y + y, width: box.right * window.width / columns - x,
          height: box.bottom * window.height / rows - y))
    }
  }

  private func fill(_ mask: UnsafePointer<Float>) {
    let width = columns * Self.cell
    for row in 0..<rows {
      let line = isOpen.row(row)
      for column in 0..<columns {
        var count = 0
        for y in 0..<Self.cell {
          let pixels = mask + (row * Self.cell + y) * width + column * Self.cell
          for x in 0..<Self.cell where pixels[x] >= 0.5 { count += 1 }
        }
        line[column] = count >= Self.leastPixels
      }
    }
  }

  /// - Returns: its rectangle and size in cells.
  private func walk(from start: Int) -> (box: PictureWindow, count: Int) {
    var (left, right, top, bottom, count) = (columns, 0, rows, 0, 0)
    stack.values[0] = Int32(start)
    isOpen.values[start] = false
    var depth = 1
    func visit(_ column: Int, _ row: Int) {
      guard (0..<columns).contains(column), (0..<rows).contains(row) else { return }
      let place = row * columns + column
      guard isOpen.values[place] else { return }
      isOpen.values[place] = false
      stack.values[depth] = Int32(place)
      depth += 1
    }
    while depth > 0 {
      depth -= 1
      let place = Int(stack.values[depth])
      let (column, row) = (place % columns, place / columns)
      (left, right) = (min(left, column), max(right, column))
      (top, bottom) = (min(top, row), max(bottom, row))
      count += 1
      visit(column - 1, row)
      visit(column + 1, row)
      visit(column, row - 1)
      visit(column, row + 1)
    }
    let box = PictureWindow(
      x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    return (box, count)
  }
}
