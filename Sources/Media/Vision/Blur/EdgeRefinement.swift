import Foundations
import Glibc

/// Draws the mask's edges where the picture's are.
///
/// The mask has a pixel for each five of the picture. Round its edge a local linear model of the
/// picture's colours explains it (the guided filter: He, Sun, Tang, "Guided Image Filtering", 2010;
/// at the mask's size and applied at the picture's: He and Sun 2015, arXiv 1505.00996): in a window,
/// `mask ≈ a·(Y, U, V) + b`. The coefficients, interpolated, give the mask of each pixel from that
/// pixel's own colours.
final class EdgeRefinement {
  private let coefficients: Grid<SIMD4<Float>>
  private let isEdge: Grid<Bool>
  private let wasEdge: Grid<Bool>
  /// What was drawn at edges before, at the picture's size: noise in the picture's colours must not
  /// make an edge tremble where nothing moves.
  private let drawn: Grid<Float>

  /// For each of the picture's columns: the mask's pixel before it, and how far beyond that it is.
  private let places: Grid<Int32>
  private let shares: Grid<Float>

  /// Of the columns of a row's windows.
  private let sums: Grid<Sums>
  /// One line's: coefficients for each of the mask's columns, and for each of the picture's the
  /// colours and how much of what is new it takes.
  private let between: Grid<SIMD4<Float>>
  private let blues: Grid<Float>
  private let reds: Grid<Float>
  private let taken: Grid<Float>

  /// Mask pixels each way from a window's middle: 25 pixels of a 1280×720 picture across.
  private static let radius = 2
  /// Regularisation, in squared steps of brightness: colour differences below eight count as noise.
  private static let epsilon: Float = 60
  /// Where the mask is this sure all round, there is no edge.
  private static let sure: ClosedRange<Float> = 0.06...0.94
  /// The mask's values that become none and all: what lies between is the edge's softness. Below a third
  /// the network doesn't know, and nothing is shown.
  private static let softness: ClosedRange<Float> = 0.33...0.65

  init(width: Int, height: Int, picture: (width: Int, height: Int)) {
    wasEdge = Grid(width: width, height: height, filledWith: false)
    drawn = Grid(width: picture.width, height: picture.height, filledWith: 0)
    places = Grid(width: picture.width, height: 1, filledWith: 0)
    shares = Grid(width: picture.width, height: 1, filledWith: 0)
    for column in 0..<picture.width {
      let across = (Float(column) + 0.5) * Float(width) / Float(picture.width) - 0.5
      let kept = max(0, min(across, Float(width - 1)))
      places.values[column] = Int32(kept)
      shares.values[column] = kept - kept.rounded(.down)
    }
    sums = Grid(width: width, height: 1, filledWith: Sums())
    between = Grid(width: width + 1, height: 1, filledWith: .zero)
    // Colours come in pairs.
    blues = Grid(width: picture.width + 1, height: 1, filledWith: 0)
    reds = Grid(width: picture.width + 1, height: 1, filledWith: 0)
    taken = Grid(width: picture.width, height: 1, filledWith: 1)
    coefficients = Grid(width: width, height: height, filledWith: .zero)
    isEdge = Grid(width: width, height: height, filledWith: false)
  }

  /// The next mask has none before it.
  func reset() { isEdge.values.update(repeating: false, count: isEdge.count) }

  /// - Parameters:
  ///   - smoothing: the mask, and how much of it is new.
  ///   - picture: the window that the mask is of.
  ///   - alpha: the mask at that window's size, drawn here.
  func refine(
    _ smoothing: MaskSmoothing, _ small: Segmentation, picture: PictureView,
    alpha: GridView<UInt8>
  ) {
    wasEdge.values.update(from: isEdge.values, count: isEdge.count)
    findEdges(smoothing.mask)
    fit(smoothing.mask, small)
    apply(picture, smoothing.mask, smoothing.follow, alpha)
  }

  /// 0…255 of a mask's values.
  @inline(__always)
  private static func bytes(_ values: SIMD4<Float>) -> SIMD4<UInt8> {
    let shares = share(
      (values - softness.lowerBound) * (1 / (softness.upperBound - softness.lowerBound)))
    let steps = shares * shares * (3 - 2 * shares) * 255
    // Beside 2²³ a Float has room for whole numbers alone, in its lowest bits.
    let whole = unsafeBitCast(steps + 8_388_608, to: SIMD4<UInt32>.self)
    return SIMD4(
      UInt8(truncatingIfNeeded: whole.x), UInt8(truncatingIfNeeded: whole.y),
      UInt8(truncatingIfNeeded: whole.z), UInt8(truncatingIfNeeded: whole.w))
  }

  /// Brought into 0…1. The standard library's `clamped` isn't made part of its caller.
  @inline(__always)
  private static func share(_ values: SIMD4<Float>) -> SIMD4<Float> {
    values.replacing(with: 0, where: values .< 0).replacing(with: 1, where: values .> 1)
  }

  private func findEdges(_ mask: Grid<Float>) {
    let (width, height) = (mask.width, mask.height)
    for row in 0..<height {
      let (above, here, below) = (
        mask.row(max(row - 1, 0)), mask.row(row), mask.row(min(row + 1, height - 1))
      )
      let edges = isEdge.row(row)
      func isUnsure(_ left: Int, _ column: Int, _ right: Int) -> Bool {
        let low = min(min(here[left], here[right]), min(above[column], below[column]))
        let high = max(max(here[left], here[right]), max(above[column], below[column]))
        return min(low, here[column]) < Self.sure.upperBound
          && max(high, here[column]) > Self.sure.lowerBound
      }
      edges[0] = isUnsure(0, 0, min(1, width - 1))
      edges[width - 1] = isUnsure(max(width - 2, 0), width - 1, width - 1)
      // Without limits to look for, the compiler takes several at once.
      for column in 1..<max(width - 1, 1) {
        edges[column] = isUnsure(column - 1, column, column + 1)
      }
    }
  }

  private func fit(_ mask: Grid<Float>, _ small: Segmentation) {
    let (width, height) = (mask.width, mask.height)
    for row in 0..<height {
      let (edges, target, values) = (isEdge.row(row), coefficients.row(row), mask.row(row))
      let rows = max(row - Self.radius, 0)...min(row + Self.radius, height - 1)
      // Up to which column those of this row's windows are summed up.
      var summed = 0
      for column in 0..<width {
        // Beside an edge the coefficients are interpolated with these.
        guard edges[column] else {
          target[column] = SIMD4(0, 0, 0, values[column])
          continue
        }
        let columns = max(column - Self.radius, 0)...min(column + Self.radius, width - 1)
        summed = max(summed, columns.lowerBound)
        while summed <= columns.upperBound {
          sums.values[summed] = sum(mask, small, rows, summed)
          summed += 1
        }
        target[column] = model(rows, columns)
      }
    }
  }

  /// Sums of `v = (Y, U, V, mask)` and of `v` times each colour.
  private struct Sums: BitwiseCopyable {
    var sum = SIMD4<Float>.zero
    var byY = SIMD4<Float>.zero
    var byU = SIMD4<Float>.zero
    var byV = SIMD4<Float>.zero
  }

  private func sum(
    _ mask: Grid<Float>, _ small: Segmentation, _ rows: ClosedRange<Int>, _ column: Int
  ) -> Sums {
    var sums = Sums()
    for row in rows.lowerBound...rows.upperBound {
      let place = row * mask.width + column
      let v = SIMD4(
        Float(small.luma.values[place]), Float(small.blue.values[place]),
        Float(small.red.values[place]), mask.values[place])
      sums.sum += v
      sums.byY += v * v.x
      sums.byU += v * v.y
      sums.byV += v * v.z
    }
    return sums
  }

  /// Least squares over a window: covariances of the colours with themselves and with the mask.
  private func model(_ rows: ClosedRange<Int>, _ columns: ClosedRange<Int>) -> SIMD4<Float> {
    var (sum, byY, byU, byV) = (
      SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero
    )
    for column in columns.lowerBound...columns.upperBound {
      let each = sums.values[column]
      sum += each.sum
      byY += each.byY
      byU += each.byU
      byV += each.byV
    }
    let share = 1 / Float(rows.count * columns.count)
    let mean = sum * share
    let y = byY * share - mean * mean.x
    let u = byU * share - mean * mean.y
    let v = byV * share - mean * mean.z
    let (yy, uu, vv) = (y.x + Self.epsilon, u.y + Self.epsilon, v.z + Self.epsilon)
    let (yu, yv, uv) = (y.y, y.z, u.z)
    // The symmetric matrix's inverse by cofactors; ε keeps it regular.
    let first = SIMD3(uu * vv - uv * uv, uv * yv - yu * vv, yu * uv - uu * yv)
    let second = SIMD3(first.y, yy * vv - yv * yv, yu * yv - yy * uv)
    let third = SIMD3(first.z, second.z, yy * uu - yu * yu)
    let determinant = yy * first.x + yu * first.y + yv * first.z
    let side = SIMD3(y.w, u.w, v.w) / determinant
    let a = SIMD3(first.dot(side), second.dot(side), third.dot(side))
    return SIMD4(a, mean.w - a.dot(SIMD3(mean.x, mean.y, mean.z)))
  }

  private func apply(
    _ picture: PictureView, _ mask: Grid<Float>, _ follow: Grid<Float>, _ alpha: GridView<UInt8>
  ) {
    let (width, height) = (follow.width, follow.height)
    let perRow = Float(height) / Float(picture.height)
    for row in 0..<height {
      // The picture's rows and columns whose middles lie in this pixel of the mask.
      let lines = row * picture.height / height..<(row + 1) * picture.height / height
      let edges = isEdge.row(row)
      fillSure(row, mask, alpha, lines: lines)
      var column = 0
      while column < width {
        guard edges[column] else {
          column += 1
          continue
        }
        var end = column + 1
        while end < width, edges[end] { end += 1 }
        let run = column..<end
        let columns = column * picture.width / width..<end * picture.width / width
        column = end
        // A picture smaller than the mask has none in some runs.
        guard !columns.isEmpty else { continue }
        spreadFollow(row, run, follow)
        for y in lines {
          let down = max(0, min((Float(y) + 0.5) * perRow - 0.5, Float(height - 1)))
          interpolate(down, columns)
          if y == lines.lowerBound || y.isMultiple(of: 2) { spreadColours(picture, y, columns) }
          draw(columns, picture.luma.bytes + y * picture.luma.stride, drawn.row(y), alpha.row(y))
        }
      }
    }
  }

  /// How much of what is new each of the picture's columns takes.
  private func spreadFollow(_ row: Int, _ run: Range<Int>, _ follow: Grid<Float>) {
    let (was, follow, pictureWidth) = (wasEdge.row(row), follow.row(row), drawn.width)
    for column in run {
      let left = column * pictureWidth / wasEdge.width
      let right = (column + 1) * pictureWidth / wasEdge.width
      (taken.values + left).update(
        repeating: was[column] ? follow[column] : 1, count: right - left)
    }
  }

  /// The coefficients between two rows of the mask, for all that a run of the picture's columns lies
  /// between.
  private func interpolate(_ down: Float, _ columns: Range<Int>) {
    let upper = min(Int(down), coefficients.height - 1)
    let lower = min(upper + 1, coefficients.height - 1)
    let (first, second) = (coefficients.row(upper), coefficients.row(lower))
    let (weight, target) = (down - Float(upper), between.values)
    let last = coefficients.width - 1
    let (left, right) = (
      Int(places.values[columns.lowerBound]), Int(places.values[columns.upperBound - 1]) + 1
    )
    for column in left...min(right, last) {
      target[column] = first[column] + (second[column] - first[column]) * weight
    }
    // The last column's pixels have no column behind them, and a share of none in it.
    if right > last { target[last + 1] = target[last] }
  }

  /// The colours of a line at the picture's whole width.
  private func spreadColours(_ picture: PictureView, _ y: Int, _ columns: Range<Int>) {
    let (blues, reds) = (blues.values, reds.values)
    let blue = picture.blue.bytes + y / 2 * picture.blue.stride
    let red = picture.red.bytes + y / 2 * picture.red.stride
    for pair in columns.lowerBound / 2...(columns.upperBound - 1) / 2 {
      let (blueHere, redHere) = (Float(blue[pair]), Float(red[pair]))
      (blues[2 * pair], blues[2 * pair + 1]) = (blueHere, blueHere)
      (reds[2 * pair], reds[2 * pair + 1]) = (redHere, redHere)
    }
  }

  /// Draws a run of a line's pixels, four at a time: their coefficients, interpolated across, times
  /// their colours.
  private func draw(
    _ columns: Range<Int>, _ luma: UnsafePointer<UInt8>, _ kept: UnsafeMutablePointer<Float>,
    _ target: UnsafeMutablePointer<UInt8>
  ) {
    var x = columns.lowerBound
    while x + 4 <= columns.upperBound {
      let (first, second) = (coefficients(at: x), coefficients(at: x + 1))
      let (third, fourth) = (coefficients(at: x + 2), coefficients(at: x + 3))
      let byLuma = SIMD4(first.x, second.x, third.x, fourth.x)
      let byBlue = SIMD4(first.y, second.y, third.y, fourth.y)
      let byRed = SIMD4(first.z, second.z, third.z, fourth.z)
      let rest = SIMD4(first.w, second.w, third.w, fourth.w)
      let bright = SIMD4(
        Float(luma[x]), Float(luma[x + 1]), Float(luma[x + 2]), Float(luma[x + 3]))
      let colours =
        bright * byLuma + Self.four(blues.values + x) * byBlue
        + Self.four(reds.values + x) * byRed
      let before = Self.four(kept + x)
      let value = Self.share(colours + rest)
      let now = before + (value - before) * Self.four(taken.values + x)
      UnsafeMutableRawPointer(kept + x).storeBytes(of: now, as: SIMD4<Float>.self)
      let bytes = Self.bytes(now)
      (target[x], target[x + 1]) = (bytes.x, bytes.y)
      (target[x + 2], target[x + 3]) = (bytes.z, bytes.w)
      x += 4
    }
    while x < columns.upperBound {
      let colour = SIMD4(Float(luma[x]), blues.values[x], reds.values[x], 1)
      let value = max(0, min(1, (coefficients(at: x) * colour).sum()))
      kept[x] += (value - kept[x]) * taken.values[x]
      target[x] = Self.bytes(SIMD4(repeating: kept[x])).x
      x += 1
    }
  }

  @inline(__always)
  private func coefficients(at column: Int) -> SIMD4<Float> {
    let left = between.values + Int(places.values[column])
    return left[0] + (left[1] - left[0]) * shares.values[column]
  }

  @inline(__always)
  private static func four(_ place: UnsafePointer<Float>) -> SIMD4<Float> {
    UnsafeRawPointer(place).loadUnaligned(as: SIMD4<Float>.self)
  }

  /// Where the mask is sure all round it is nothing or all: runs of it are filled at once.
  private func fillSure(
    _ row: Int, _ mask: Grid<Float>, _ alpha: GridView<UInt8>, lines: Range<Int>
  ) {
    let (edges, values, width) = (isEdge.row(row), mask.row(row), mask.width)
    var column = 0
    while column < width {
      let isPerson = values[column] >= 0.5
      var end = column + 1
      if !edges[column] {
        while end < width, !edges[end], (values[end] >= 0.5) == isPerson { end += 1 }
        let left = column * alpha.width / width
        let right = end * alpha.width / width
        for line in lines {
          memset(alpha.row(line) + left, isPerson ? 255 : 0, right - left)
        }
      }
      column = end
    }
  }
}
