import CYUV
import Foundations

/// The background out of focus, at a quarter of the picture's size each way.
///
/// Only what is background is averaged: each pixel counts by how little of the person is in it, and
/// the sum is divided by what counted. So the person's colours don't shine out round it, which is the
/// halo that such effects are known for.
final class SoftBackground {
  private let luma: Layer
  private let blue: Layer
  private let red: Layer
  private let small: Picture
  private let strength: Int

  /// Radius of the averages in shares of the picture's height, for strengths 1 to 3.
  private static let radii = [0.009, 0.017, 0.032]
  /// Averages on top of each other: three come close to a Gaussian.
  private static let passes = 3
  /// What the person counts at least: where nothing but the person is near, it must be something.
  private static let least: Float = 0.004
  static let shrink = 4

  init(width: Int, height: Int, strength: Int) {
    func part(_ side: Int) -> Int { max((side / Self.shrink + 1) / 2 * 2, 2) }
    self.strength = min(max(strength, 1), Self.radii.count)
    let (columns, rows) = (part(width), part(height))
    small = PicturePool(limit: 0).makePicture(width: columns, height: rows)
    let radius = Self.radii[self.strength - 1] * Double(height) / Double(Self.shrink)
    luma = Layer(width: columns, height: rows, radius: max(Int(radius.rounded()), 1))
    let half = max(Int((radius / 2).rounded()), 1)
    blue = Layer(width: columns / 2, height: rows / 2, radius: half)
    red = Layer(width: columns / 2, height: rows / 2, radius: half)
  }

  /// - Parameter alpha: the mask at the picture's size, 255 for the person.
  func draw(_ picture: Picture, alpha: Grid<UInt8>, onto target: Picture) {
    I420Scale(
      picture.luma.bytes, Int32(picture.luma.stride), picture.blue.bytes,
      Int32(picture.blue.stride), picture.red.bytes, Int32(picture.red.stride),
      Int32(picture.width), Int32(picture.height), small.luma.bytes, Int32(small.luma.stride),
      small.blue.bytes, Int32(small.blue.stride), small.red.bytes, Int32(small.red.stride),
      Int32(small.width), Int32(small.height), kFilterBox)
    luma.soften(small.luma, alpha: alpha, least: Self.least, passes: Self.passes)
    blue.soften(small.blue, alpha: alpha, least: Self.least, passes: Self.passes)
    red.soften(small.red, alpha: alpha, least: Self.least, passes: Self.passes)
    I420Scale(
      small.luma.bytes, Int32(small.luma.stride), small.blue.bytes, Int32(small.blue.stride),
      small.red.bytes, Int32(small.red.stride), Int32(small.width), Int32(small.height),
      target.luma.bytes, Int32(target.luma.stride), target.blue.bytes,
      Int32(target.blue.stride), target.red.bytes, Int32(target.red.stride),
      Int32(target.width), Int32(target.height), kFilterBilinear)
  }
}

/// One plane's weighted averages.
private final class Layer {
  /// Value times weight, and weight.
  private let sums: Grid<SIMD2<Float>>
  private let spare: Grid<SIMD2<Float>>
  private let column: Grid<SIMD2<Float>>
  private let weights: Grid<UInt8>
  private let radius: Int

  init(width: Int, height: Int, radius: Int) {
    sums = Grid(width: width, height: height, filledWith: .zero)
    spare = Grid(width: width, height: height, filledWith: .zero)
    column = Grid(width: width, height: 1, filledWith: .zero)
    weights = Grid(width: width, height: height, filledWith: 0)
    self.radius = min(radius, max((min(width, height) - 1) / 2, 0))
  }

  func soften(_ plane: Picture.Plane, alpha: Grid<UInt8>, least: Float, passes: Int) {
    let (width, height) = (sums.width, sums.height)
    ScalePlane(
      alpha.values, Int32(alpha.width), Int32(alpha.width), Int32(alpha.height), weights.values,
      Int32(width), Int32(width), Int32(height), kFilterBox)
    for row in 0..<height {
      let (values, weight, target) = (
        plane.bytes + row * plane.stride, weights.row(row), sums.row(row)
      )
      for place in 0..<width {
        let share = max(Float(255 - weight[place]) * (1 / 255), least)
        target[place] = SIMD2(Float(values[place]) * share, share)
      }
    }
    for _ in 0..<passes {
      averageAcross()
      averageDown()
    }
    for row in 0..<height {
      let (values, source) = (plane.bytes + row * plane.stride, sums.row(row))
      for place in 0..<width {
        values[place] = UInt8(min(source[place].x / source[place].y + 0.5, 255))
      }
    }
  }

  /// Running sums from `sums` into `spare`; beyond the edge the outermost goes on.
  private func averageAcross() {
    let (width, last, radius) = (sums.width, sums.width - 1, radius)
    for row in 0..<sums.height {
      let (source, target) = (sums.row(row), spare.row(row))
      var sum = source[0] * Float(radius + 1)
      for place in 1...max(radius, 1) where radius > 0 { sum += source[min(place, last)] }
      for place in 0..<width {
        target[place] = sum
        sum += source[min(place + radius + 1, last)] - source[max(place - radius, 0)]
      }
    }
  }

  /// From `spare` back into `sums`, scaled so that the sums stay as large as they were.
  private func averageDown() {
    let (width, last, radius) = (sums.width, sums.height - 1, radius)
    let scale = 1 / Float((2 * radius + 1) * (2 * radius + 1))
    let sum = column.values
    for place in 0..<width { sum[place] = spare.values[place] * Float(radius + 1) }
    for row in 1...max(radius, 1) where radius > 0 {
      let next = spare.row(min(row, last))
      for place in 0..<width { sum[place] += next[place] }
    }
    for row in 0...last {
      let (target, enters, leaves) = (
        sums.row(row), spare.row(min(row + radius + 1, last)), spare.row(max(row - radius, 0))
      )
      for place in 0..<width {
        target[place] = sum[place] * scale
        sum[place] += enters[place] - leaves[place]
      }
    }
  }
}
