import Foundations
import Glibc

/// Where a network looks in a picture: a rectangle, turned about its centre.
package struct Region: Hashable, Sendable {
  /// In pixels of the picture, from the outer edge of the first.
  package var centreX: Float
  package var centreY: Float
  package var width: Float
  package var height: Float
  /// Radians, clockwise as seen.
  package var angle: Float

  package init(centreX: Float, centreY: Float, width: Float, height: Float, angle: Float = 0) {
    (self.centreX, self.centreY) = (centreX, centreY)
    (self.width, self.height, self.angle) = (width, height, angle)
  }
}

/// Cuts a region out of a picture for a network: bilinear between pixel centres, black outside, from
/// limited-range BT.601 to red, green and blue.
///
/// Belongs to one thread or actor at a time.
final class PictureSampler {
  private let low: Float
  private let scale: Float
  private let lumaRow: Grid<Float>
  private let blueRow: Grid<Float>
  private let redRow: Grid<Float>

  /// Pixels across of the widest network's picture.
  private static let widthLimit = 256
  /// Positions are counted in 65,536ths of a pixel, and weights in 256ths.
  private static let fraction: Float = 65_536

  /// - Parameters:
  ///   - low: what 0 becomes.
  ///   - high: what 255 becomes.
  init(low: Float, high: Float) {
    self.low = low
    scale = (high - low) / 255
    lumaRow = Grid(width: Self.widthLimit, height: 1, filledWith: 0)
    blueRow = Grid(width: Self.widthLimit, height: 1, filledWith: 0)
    redRow = Grid(width: Self.widthLimit, height: 1, filledWith: 0)
  }

  /// - Parameter target: `width`×`height` pixels of three floats.
  func sample(
    _ picture: Picture, region: Region, into target: UnsafeMutablePointer<Float>, width: Int,
    height: Int
  ) {
    precondition(width <= Self.widthLimit && width.isMultiple(of: 2))
    let (cosine, sine) = (cosf(region.angle), sinf(region.angle))
    let (perColumn, perRow) = (region.width / Float(width), region.height / Float(height))
    // From an output pixel to the picture's: start + across·column + down·row.
    let across = SIMD2(cosine * perColumn, sine * perColumn)
    let down = SIMD2(-sine * perRow, cosine * perRow)
    let start =
      SIMD2(region.centreX - 0.5, region.centreY - 0.5)
      - across * (Float(width) / 2 - 0.5) - down * (Float(height) / 2 - 0.5)
    let size = SIMD2(Float(picture.width), Float(picture.height))
    for row in 0..<height {
      let first = start + down * Float(row)
      // Chroma has half the brightness's detail, so that two pixels share it. It lies between each
      // two columns and rows.
      let firstColour = (first + across / 2) / 2 - 0.25
      line(picture.luma, from: first, by: across, count: width, into: lumaRow.values)
      line(picture.blue, from: firstColour, by: across, count: width / 2, into: blueRow.values)
      line(picture.red, from: firstColour, by: across, count: width / 2, into: redRow.values)
      let pixels = target + row * width * 3
      convert(pixels, width: width)
      blacken(pixels, width: width, from: first, by: across, size: size)
    }
  }

  /// Samples of a plane along a line; beyond the edge the outermost pixel goes on.
  private func line(
    _ plane: Picture.Plane, from first: SIMD2<Float>, by step: SIMD2<Float>, count: Int,
    into samples: UnsafeMutablePointer<Float>
  ) {
    let last = first + step * Float(count - 1)
    let limit = SIMD2(Float(plane.width) - 1.01, Float(plane.height) - 1.01)
    let (low, high) = (pointwiseMin(first, last), pointwiseMax(first, last))
    guard low.x >= 0.01, low.y >= 0.01, high.x <= limit.x, high.y <= limit.y else {
      for index in 0..<count {
        let place = first + step * Float(index)
        samples[index] = Self.value(plane, place.x, place.y)
      }
      return
    }
    // The line lies within the plane, so that nothing needs a look at the edge.
    var (x, y) = (Int(first.x * Self.fraction), Int(first.y * Self.fraction))
    let (acrossX, acrossY) = (Int(step.x * Self.fraction), Int(step.y * Self.fraction))
    let (bytes, stride) = (plane.bytes, plane.stride)
    for index in 0..<count {
      let pixel = bytes + ((y &>> 16) &* stride &+ (x &>> 16))
      let (u, v) = ((x &>> 8) & 255, (y &>> 8) & 255)
      let top = Int(pixel[0]) &* (256 &- u) &+ Int(pixel[1]) &* u
      let bottom = Int(pixel[stride]) &* (256 &- u) &+ Int(pixel[stride &+ 1]) &* u
      samples[index] = Float(top &* (256 &- v) &+ bottom &* v) * (1 / 65_536)
      x = x &+ acrossX
      y = y &+ acrossY
    }
  }

  /// BT.601 §2.5.1 with 16–235 for brightness and 16–240 for colour, kept within 0…255.
  private func convert(_ pixels: UnsafeMutablePointer<Float>, width: Int) {
    let (luma, blue, red) = (lumaRow.values, blueRow.values, redRow.values)
    var pixel = pixels
    for pair in 0..<width / 2 {
      let (u, v) = (blue[pair] - 128, red[pair] - 128)
      let (forRed, forGreen, forBlue) = (
        1.596_027 * v, -0.391_762 * u - 0.812_968 * v, 2.017_232 * u
      )
      for place in 2 &* pair..<2 &* pair &+ 2 {
        let y = 1.164_383 * (luma[place] - 16)
        pixel[0] = max(0, min(y + forRed, 255)) * scale + low
        pixel[1] = max(0, min(y + forGreen, 255)) * scale + low
        pixel[2] = max(0, min(y + forBlue, 255)) * scale + low
        pixel += 3
      }
    }
  }

  /// What lies outside of the picture is black.
  private func blacken(
    _ pixels: UnsafeMutablePointer<Float>, width: Int, from first: SIMD2<Float>,
    by step: SIMD2<Float>, size: SIMD2<Float>
  ) {
    let last = first + step * Float(width - 1)
    func isInside(_ place: SIMD2<Float>) -> Bool {
      place.x >= -0.5 && place.y >= -0.5 && place.x <= size.x - 0.5 && place.y <= size.y - 0.5
    }
    // A line is inside when both its ends are.
    if isInside(first), isInside(last) { return }
    for column in 0..<width where !isInside(first + step * Float(column)) {
      for channel in 0..<3 { pixels[3 * column + channel] = low }
    }
  }

  /// Bilinear; beyond the edge the outermost pixel goes on.
  private static func value(_ plane: Picture.Plane, _ x: Float, _ y: Float) -> Float {
    let x = max(0, min(x, Float(plane.width - 1)))
    let y = max(0, min(y, Float(plane.height - 1)))
    let (column, row) = (Int(x), Int(y))
    let (right, below) = (min(column + 1, plane.width - 1), min(row + 1, plane.height - 1))
    let (u, v) = (x - Float(column), y - Float(row))
    let upper = plane.bytes + row * plane.stride
    let lower = plane.bytes + below * plane.stride
    let top = Float(upper[column]) * (1 - u) + Float(upper[right]) * u
    let bottom = Float(lower[column]) * (1 - u) + Float(lower[right]) * u
    return top * (1 - v) + bottom * v
  }
}
