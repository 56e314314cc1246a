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
  private let half: Picture
  private let lumaScaler: BoxScaler
  private let colourScaler: BoxScaler
  private let weights: Grid<UInt8>
  private let colourWeights: Grid<UInt8>
  private let weightScaler: BoxScaler
  private let colourWeightScaler: BoxScaler

  /// Radius of the averages in shares of the picture's height, for strengths 1 to 3.
  private static let radii = [0.011, 0.021, 0.04]
  /// Averages on top of each other: two make a tent, smooth enough that no square shows.
  private static let passes = 2
  /// What the person counts at least: where nothing but the person is near, it must be something.
  private static let least: Float = 0.004

  init(width: Int, height: Int, strength: Int) {
    let half = ((width + 1) / 2, (height + 1) / 2)
    let (columns, rows) = ((half.0 + 1) / 2, (half.1 + 1) / 2)
    let pool = PicturePool(limit: 0)
    self.half = pool.makePicture(width: half.0, height: half.1)
    small = pool.makePicture(width: columns, height: rows)
    let colour = (small.blue.width, small.blue.height)
    lumaScaler = BoxScaler(from: (width, height), to: (columns, rows))
    colourScaler = BoxScaler(from: half, to: colour)
    weights = Grid(width: columns, height: rows, filledWith: 0)
    colourWeights = Grid(width: colour.0, height: colour.1, filledWith: 0)
    weightScaler = BoxScaler(from: (width, height), to: (columns, rows))
    colourWeightScaler = BoxScaler(from: (columns, rows), to: colour)
    let strength = min(max(strength, 1), Self.radii.count)
    let radius = Self.radii[strength - 1] * Double(height) / 4
    // In a picture so small that some would round to the same, each is softer than the one before.
    luma = Layer(width: columns, height: rows, radius: max(Int(radius.rounded()), strength))
    let colourRadius = max(Int((radius / 2).rounded()), 1)
    blue = Layer(width: colour.0, height: colour.1, radius: colourRadius)
    red = Layer(width: colour.0, height: colour.1, radius: colourRadius)
  }

  /// - Parameter alpha: the mask at the picture's size, 255 for the person.
  func draw(_ picture: Picture, alpha: Grid<UInt8>, onto target: Picture) {
    lumaScaler.scale(
      picture.luma.bytes, stride: picture.luma.stride, to: small.luma.bytes,
      stride: small.luma.stride)
    colourScaler.scale(
      picture.blue.bytes, stride: picture.blue.stride, to: small.blue.bytes,
      stride: small.blue.stride)
    colourScaler.scale(
      picture.red.bytes, stride: picture.red.stride, to: small.red.bytes,
      stride: small.red.stride)
    weightScaler.scale(
      alpha.values, stride: alpha.width, to: weights.values, stride: weights.width)
    colourWeightScaler.scale(
      weights.values, stride: weights.width, to: colourWeights.values,
      stride: colourWeights.width)
    luma.soften(small.luma, weights: weights, least: Self.least, passes: Self.passes)
    blue.soften(small.blue, weights: colourWeights, least: Self.least, passes: Self.passes)
    red.soften(small.red, weights: colourWeights, least: Self.least, passes: Self.passes)
    // Twice by two: libyuv does that without asking for memory.
    small.enlarge(onto: half)
    half.enlarge(onto: target)
  }
}

extension Picture {
  fileprivate func enlarge(onto target: Picture) {
    I420Scale(
      luma.bytes, Int32(luma.stride), blue.bytes, Int32(blue.stride), red.bytes,
      Int32(red.stride), Int32(width), Int32(height), target.luma.bytes,
      Int32(target.luma.stride), target.blue.bytes, Int32(target.blue.stride),
      target.red.bytes, Int32(target.red.stride), Int32(target.width), Int32(target.height),
      kFilterBilinear)
  }
}

/// One plane's weighted averages.
private final class Layer {
  /// Value times weight, and weight.
  private let sums: Grid<SIMD2<Float>>
  private let spare: Grid<SIMD2<Float>>
  private let column: Grid<SIMD2<Float>>
  private let radius: Int

  init(width: Int, height: Int, radius: Int) {
    sums = Grid(width: width, height: height, filledWith: .zero)
    spare = Grid(width: width, height: height, filledWith: .zero)
    column = Grid(width: width, height: 1, filledWith: .zero)
    self.radius = min(radius, max((min(width, height) - 1) / 2, 0))
  }

  func soften(_ plane: Picture.Plane, weights: Grid<UInt8>, least: Float, passes: Int) {
    let (width, height) = (sums.width, sums.height)
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
        // Beside 2²³ a Float has room for whole numbers alone, in its lowest bits.
        let whole = min(source[place].x / source[place].y, 255) + 8_388_608
        values[place] = UInt8(truncatingIfNeeded: whole.bitPattern)
      }
    }
  }

  /// Running sums from `sums` into `spare`; beyond the edge the outermost goes on.
  private func averageAcross() {
    let (width, last, radius) = (sums.width, sums.width - 1, radius)
    // Two rows at once: each sum waits for the one before it in its own row only.
    for row in stride(from: 0, to: sums.height, by: 2) {
      let other = min(row + 1, sums.height - 1)
      let (source, target) = (sums.row(row), spare.row(row))
      let (source2, target2) = (sums.row(other), spare.row(other))
      var sum = source[0] * Float(radius + 1)
      var sum2 = source2[0] * Float(radius + 1)
      for place in 1...max(radius, 1) where radius > 0 {
        sum += source[min(place, last)]
        sum2 += source2[min(place, last)]
      }
      for place in 0..<width {
        let (enters, leaves) = (min(place + radius + 1, last), max(place - radius, 0))
        (target[place], target2[place]) = (sum, sum2)
        sum += source[enters] - source[leaves]
        sum2 += source2[enters] - source2[leaves]
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
