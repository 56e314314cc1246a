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

  /// Mask pixels each way from a window's middle: 25 pixels of a 1280×720 picture across.
  private static let radius = 2
  /// Regularisation, in squared steps of brightness: colour differences below eight count as noise.
  private static let epsilon: Float = 60
  /// Where the mask is this sure all round, there is no edge.
  private static let sure: ClosedRange<Float> = 0.06...0.94
  /// The mask's values that become none and all: what lies between is the edge's softness.
  private static let softness: ClosedRange<Float> = 0.3...0.7

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
    coefficients = Grid(width: width, height: height, filledWith: .zero)
    isEdge = Grid(width: width, height: height, filledWith: false)
  }

  /// - Parameters:
  ///   - smoothing: the mask, and how much of it is new.
  ///   - alpha: the mask at the picture's size, drawn here.
  func refine(
    _ smoothing: MaskSmoothing, _ small: Segmentation, picture: Picture, alpha: Grid<UInt8>
  ) {
    wasEdge.values.update(from: isEdge.values, count: isEdge.count)
    findEdges(smoothing.mask)
    fit(smoothing.mask, small)
    apply(picture, smoothing.mask, smoothing.follow, alpha)
  }

  /// 0…255 of a mask's value.
  @inline(__always)
  static func byte(_ value: Float) -> UInt8 {
    let share = (value - softness.lowerBound) * (1 / (softness.upperBound - softness.lowerBound))
    let clamped = max(0, min(1, share))
    return UInt8(truncatingIfNeeded: Int32(255 * clamped * clamped * (3 - 2 * clamped) + 0.5))
  }

  private func findEdges(_ mask: Grid<Float>) {
    let (width, height) = (mask.width, mask.height)
    for row in 0..<height {
      let (above, here, below) = (
        mask.row(max(row - 1, 0)), mask.row(row), mask.row(min(row + 1, height - 1))
      )
      let edges = isEdge.row(row)
      for column in 0..<width {
        let (left, right) = (max(column - 1, 0), min(column + 1, width - 1))
        let low = min(min(here[left], here[right]), min(above[column], below[column]))
        let high = max(max(here[left], here[right]), max(above[column], below[column]))
        edges[column] =
          min(low, here[column]) < Self.sure.upperBound
          && max(high, here[column]) > Self.sure.lowerBound
      }
    }
  }

  private func fit(_ mask: Grid<Float>, _ small: Segmentation) {
    let (width, height) = (mask.width, mask.height)
    for row in 0..<height {
      let (edges, target, values) = (isEdge.row(row), coefficients.row(row), mask.row(row))
      for column in 0..<width {
        // Beside an edge the coefficients are interpolated with these.
        guard edges[column] else {
          target[column] = SIMD4(0, 0, 0, values[column])
          continue
        }
        let rows = max(row - Self.radius, 0)...min(row + Self.radius, height - 1)
        let columns = max(column - Self.radius, 0)...min(column + Self.radius, width - 1)
        target[column] = model(mask, small, rows, columns)
      }
    }
  }

  /// Least squares over a window: covariances of the colours with themselves and with the mask, by
  /// sums of `v = (Y, U, V, mask)` and of `v` times each colour.
  private func model(
    _ mask: Grid<Float>, _ small: Segmentation, _ rows: ClosedRange<Int>,
    _ columns: ClosedRange<Int>
  ) -> SIMD4<Float> {
    var sum = SIMD4<Float>.zero
    var (byY, byU, byV) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
    for row in rows.lowerBound...rows.upperBound {
      let at = row * mask.width
      for place in at + columns.lowerBound...at + columns.upperBound {
        let v = SIMD4(
          Float(small.luma.values[place]), Float(small.blue.values[place]),
          Float(small.red.values[place]), mask.values[place])
        sum += v
        byY += v * v.x
        byU += v * v.y
        byV += v * v.z
      }
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
    _ picture: Picture, _ mask: Grid<Float>, _ follow: Grid<Float>, _ alpha: Grid<UInt8>
  ) {
    let (width, height) = (follow.width, follow.height)
    let (places, shares) = (places.values, shares.values)
    let perRow = Float(height) / Float(picture.height)
    for row in 0..<height {
      // The picture's rows and columns whose middles lie in this pixel of the mask.
      let top = row * picture.height / height
      let bottom = (row + 1) * picture.height / height
      let edges = isEdge.row(row)
      fillSure(row, mask, alpha, lines: top..<bottom)
      for column in 0..<width where edges[column] {
        let left = column * picture.width / width
        let right = (column + 1) * picture.width / width
        let taken: Float = wasEdge.row(row)[column] ? follow.row(row)[column] : 1
        let middle = Int32(column)
        let (beforeThis, behindThis) = (max(column - 1, 0), min(column + 1, width - 1))
        for y in top..<bottom {
          let down = max(0, min((Float(y) + 0.5) * perRow - 0.5, Float(height - 1)))
          let upper = min(Int(down), height - 1)
          let lower = min(upper + 1, height - 1)
          let (first, second) = (coefficients.row(upper), coefficients.row(lower))
          let weight = down - Float(upper)
          // Down first, once for all pixels between the same columns; then across, for each.
          let near = first[beforeThis] + (second[beforeThis] - first[beforeThis]) * weight
          let here = first[column] + (second[column] - first[column]) * weight
          let far = first[behindThis] + (second[behindThis] - first[behindThis]) * weight
          let luma = picture.luma.bytes + y * picture.luma.stride
          let blue = picture.blue.bytes + y / 2 * picture.blue.stride
          let red = picture.red.bytes + y / 2 * picture.red.stride
          let (target, kept) = (alpha.row(y), drawn.row(y))
          for x in left..<right {
            let share = shares[x]
            let a =
              places[x] < middle ? near + (here - near) * share : here + (far - here) * share
            let colour = SIMD4(Float(luma[x]), Float(blue[x / 2]), Float(red[x / 2]), 1)
            let value = max(0, min(1, (a * colour).sum()))
            kept[x] += (value - kept[x]) * taken
            target[x] = Self.byte(kept[x])
          }
        }
      }
    }
  }

  /// Where the mask is sure all round it is nothing or all: runs of it are filled at once.
  private func fillSure(
    _ row: Int, _ mask: Grid<Float>, _ alpha: Grid<UInt8>, lines: Range<Int>
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
