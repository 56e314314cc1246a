import Glibc

/// How a head is turned, and how large it appears.
package struct HeadPose: Hashable, Sendable {
  /// Rows of the rotation from the head's axes to the camera's: right, down, away.
  var right: SIMD3<Float>
  var down: SIMD3<Float>
  /// Pixels a centimetre of the template.
  package var scale: Float

  var away: SIMD3<Float> { right.cross(down) }

  /// Where the face points, in the camera's axes.
  var forward: SIMD3<Float> { SIMD3(-right.z, -down.z, -away.z) }

  /// Degrees; positive towards the picture's right.
  package var yaw: Float { degrees(atan2f(forward.x, -forward.z)) }

  /// Degrees; positive upwards.
  package var pitch: Float {
    degrees(atan2f(-forward.y, (forward.x * forward.x + forward.z * forward.z).squareRoot()))
  }

  /// The rotation and scale that best bring the template over the landmarks, under scaled
  /// orthographic projection: `p = s·(R·X)xy + t`.
  ///
  /// An affine fit has a closed form and gives the start; it takes a narrow face for a turned one, so
  /// a few Gauss–Newton steps over the four true unknowns follow. The network's own depth isn't used:
  /// it is compressed as a head turns, and would pull the turn towards zero.
  /// - Returns: `nil` where the points don't span a face.
  package static func fit(_ points: [SIMD2<Float>]) -> HeadPose? {
    let template = HeadTemplate.points
    var total: Float = 0
    var middle = SIMD3<Float>.zero
    var centre = SIMD2<Float>.zero
    for point in template {
      total += point.weight
      middle += point.weight * point.position
      centre += point.weight * points[point.index]
    }
    middle /= total
    centre /= total
    guard var pose = affine(points, middle: middle, centre: centre) else { return nil }
    for _ in 0..<steps { pose.refine(points, middle: middle, centre: centre) }
    guard pose.scale.isFinite, pose.scale > 0, pose.right.x.isFinite, pose.down.y.isFinite else {
      return nil
    }
    return pose
  }

  /// Gauss–Newton steps; the fourth no longer changes a hundredth of a degree.
  private static let steps = 4

  private static func affine(
    _ points: [SIMD2<Float>], middle: SIMD3<Float>, centre: SIMD2<Float>
  ) -> HeadPose? {
    // Normal equations: (Σ w·X·Xᵀ)·m = Σ w·X·p, for each row m of the projection.
    var (xx, xy, xz) = (Float(0), Float(0), Float(0))
    var (yy, yz, zz) = (Float(0), Float(0), Float(0))
    var (forX, forY) = (SIMD3<Float>.zero, SIMD3<Float>.zero)
    for point in HeadTemplate.points {
      let position = point.position - middle
      let seen = points[point.index] - centre
      let weighted = position * point.weight
      xx += weighted.x * position.x
      xy += weighted.x * position.y
      xz += weighted.x * position.z
      yy += weighted.y * position.y
      yz += weighted.y * position.z
      zz += weighted.z * position.z
      forX += weighted * seen.x
      forY += weighted * seen.y
    }
    let first = SIMD3(yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy)
    let second = SIMD3(first.y, xx * zz - xz * xz, xy * xz - xx * yz)
    let third = SIMD3(first.z, second.z, xx * yy - xy * xy)
    let determinant = xx * first.x + xy * first.y + xz * first.z
    guard abs(determinant) > 1e-3 else { return nil }
    func solve(_ side: SIMD3<Float>) -> SIMD3<Float> {
      SIMD3(first.dot(side), second.dot(side), third.dot(side)) / determinant
    }
    let (across, along) = (solve(forX), solve(forY))
    let (width, height) = (across.length, along.length)
    guard width > 1e-3, height > 1e-3 else { return nil }
    // The nearest pair of perpendicular unit rows: both give way by half of what is between them.
    let (a, b) = (across / width, along / height)
    let sum = (a + b).normalized
    let difference = (a - b).normalized
    guard sum.length > 0.5, difference.length > 0.5 else { return nil }
    let half = Float(0.5).squareRoot()
    return HeadPose(
      right: (sum + difference) * half, down: (sum - difference) * half,
      scale: (width + height) / 2)
  }

  /// One step over scale and a small turn ω, for which d(R·X) = ω × R·X.
  private mutating func refine(
    _ points: [SIMD2<Float>], middle: SIMD3<Float>, centre: SIMD2<Float>
  ) {
    var normal = (
      SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero
    )
    var side = SIMD4<Float>.zero
    let third = away
    for point in HeadTemplate.points {
      let position = point.position - middle
      let turned = SIMD3(right.dot(position), down.dot(position), third.dot(position))
      let rest = points[point.index] - centre - scale * SIMD2(turned.x, turned.y)
      let rows =
        [
          (SIMD4(turned.x, 0, scale * turned.z, -scale * turned.y), rest.x),
          (SIMD4(turned.y, -scale * turned.z, 0, scale * turned.x), rest.y),
        ] as InlineArray<2, _>
      for index in 0..<2 {
        let (row, rest) = rows[index]
        let weighted = row * point.weight
        normal.0 += row * weighted.x
        normal.1 += row * weighted.y
        normal.2 += row * weighted.z
        normal.3 += row * weighted.w
        side += weighted * rest
      }
    }
    guard let step = solve4(normal, side) else { return }
    scale += step.x
    rotate(by: SIMD3(step.y, step.z, step.w))
  }

  private mutating func rotate(by turn: SIMD3<Float>) {
    let angle = turn.length
    guard angle > 1e-7, angle.isFinite else { return }
    let axis = turn / angle
    let (cosine, sine) = (cosf(angle), sinf(angle))
    let columns = (
      SIMD3(right.x, down.x, away.x), SIMD3(right.y, down.y, away.y),
      SIMD3(right.z, down.z, away.z)
    )
    // Rodrigues' formula on each column of R.
    func turned(_ column: SIMD3<Float>) -> SIMD3<Float> {
      column * cosine + axis.cross(column) * sine + axis * (axis.dot(column) * (1 - cosine))
    }
    let (x, y, z) = (turned(columns.0), turned(columns.1), turned(columns.2))
    right = SIMD3(x.x, y.x, z.x).normalized
    down = SIMD3(x.y, y.y, z.y)
    down = (down - right * right.dot(down)).normalized
  }
}

/// Gaussian elimination with the largest pivot; `nil` for a singular matrix.
private func solve4(
  _ matrix: (SIMD4<Float>, SIMD4<Float>, SIMD4<Float>, SIMD4<Float>), _ side: SIMD4<Float>
) -> SIMD4<Float>? {
  var rows: InlineArray<4, SIMD4<Float>> = [matrix.0, matrix.1, matrix.2, matrix.3]
  var side = side
  for column in 0..<4 {
    var pivot = column
    for row in column..<4 where abs(rows[row][column]) > abs(rows[pivot][column]) { pivot = row }
    guard abs(rows[pivot][column]) > 1e-9 else { return nil }
    rows.swapAt(column, pivot)
    (side[column], side[pivot]) = (side[pivot], side[column])
    for row in 0..<4 where row != column {
      let factor = rows[row][column] / rows[column][column]
      rows[row] -= rows[column] * factor
      side[row] -= side[column] * factor
    }
  }
  return SIMD4(
    side.x / rows[0].x, side.y / rows[1].y, side.z / rows[2].z, side.w / rows[3].w)
}

func degrees(_ radians: Float) -> Float { radians * 180 / .pi }

extension SIMD3<Float> {
  func dot(_ other: SIMD3<Float>) -> Float { (self * other).sum() }

  func cross(_ other: SIMD3<Float>) -> SIMD3<Float> {
    SIMD3(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
  }

  var length: Float { dot(self).squareRoot() }

  /// Zero stays zero.
  var normalized: SIMD3<Float> {
    let length = length
    return length > 0 ? self / length : self
  }
}
