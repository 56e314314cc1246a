import CYUV
import Foundations

/// Makes a plane smaller, each new pixel the mean of those that it stands for. libyuv does it too, but
/// asks for memory each time, except to a half or a quarter.
final class BoxScaler {
  let width: Int
  let height: Int
  private let sums: Grid<UInt16>
  private let from: (width: Int, height: Int)

  /// - Parameter from: at least as large, at most 128 times each way (for the sums in 16 bits, 257
  ///   rows).
  init(from: (width: Int, height: Int), to: (width: Int, height: Int)) {
    self.from = from
    (width, height) = to
    sums = Grid(width: from.width, height: 1, filledWith: 0)
  }

  func scale(
    _ source: UnsafePointer<UInt8>, stride: Int, to target: UnsafeMutablePointer<UInt8>,
    stride targetStride: Int
  ) {
    if isPart(2) || isPart(4) {
      ScalePlane(
        source, Int32(stride), Int32(from.width), Int32(from.height), target,
        Int32(targetStride), Int32(width), Int32(height), kFilterBox)
      return
    }
    let sums = sums.values
    let columns = from.width
    for row in 0..<height {
      let top = row * from.height / height
      let bottom = max((row + 1) * from.height / height, top + 1)
      let first = source + top * stride
      for column in 0..<columns { sums[column] = UInt16(first[column]) }
      for line in top + 1..<max(bottom, top + 1) {
        let next = source + line * stride
        for column in 0..<columns { sums[column] &+= UInt16(next[column]) }
      }
      let line = target + row * targetStride
      let rows = bottom - top
      if columns.isMultiple(of: width) {
        merge(sums, into: line, each: columns / width, rows: rows)
      } else {
        merge(sums, into: line, rows: rows)
      }
    }
  }

  private func isPart(_ part: Int) -> Bool {
    from.width == width * part && from.height == height * part
  }

  private func merge(
    _ sums: UnsafeMutablePointer<UInt16>, into line: UnsafeMutablePointer<UInt8>, each: Int,
    rows: Int
  ) {
    let share = UInt32((1 << 16) / (each * rows))
    for column in 0..<width {
      let start = sums + column * each
      var sum: UInt32 = 0
      for place in 0..<each { sum &+= UInt32(start[place]) }
      line[column] = UInt8(truncatingIfNeeded: min((sum &* share &+ 32_768) >> 16, 255))
    }
  }

  private func merge(
    _ sums: UnsafeMutablePointer<UInt16>, into line: UnsafeMutablePointer<UInt8>, rows: Int
  ) {
    for column in 0..<width {
      let left = column * from.width / width
      let right = max((column + 1) * from.width / width, left + 1)
      var sum = 0
      for place in left..<right { sum &+= Int(sums[place]) }
      line[column] = UInt8(truncatingIfNeeded: sum / ((right - left) * rows))
    }
  }
}
