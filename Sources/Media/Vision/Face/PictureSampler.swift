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
struct PictureSampler {
  /// What 0 and 255 become.
  let low: Float
  let high: Float

  /// - Parameter target: `width`×`height` pixels of three floats.
  func sample(
    _ picture: Picture, region: Region, into target: UnsafeMutablePointer<Float>, width: Int,
    height: Int
  ) {
    let (cosine, sine) = (cosf(region.angle), sinf(region.angle))
    let (perColumn, perRow) = (region.width / Float(width), region.height / Float(height))
    // From an output pixel to the picture's: x = x0 + a·column + b·row.
    let (a, b) = (cosine * perColumn, -sine * perRow)
    let (c, d) = (sine * perColumn, cosine * perRow)
    let (middleColumn, middleRow) = (Float(width) / 2 - 0.5, Float(height) / 2 - 0.5)
    let x0 = region.centreX - 0.5 - a * middleColumn - b * middleRow
    let y0 = region.centreY - 0.5 - c * middleColumn - d * middleRow
    let scale = (high - low) / 255
    let (luma, blue, red) = (picture.luma, picture.blue, picture.red)
    let black = SIMD4<Float>(repeating: low)
    var pixel = target
    let inside = SIMD2(Float(luma.width) - 0.5, Float(luma.height) - 0.5)
    for row in 0..<height {
      var colours = SIMD2<Float>(128, 128)
      for column in 0..<width {
        let x = x0 + a * Float(column) + b * Float(row)
        let y = y0 + c * Float(column) + d * Float(row)
        var colour = black
        if x >= -0.5, y >= -0.5, x <= inside.x, y <= inside.y {
          // Chroma has half the brightness's detail, so that two pixels share it. It lies between each
          // two columns and rows.
          if column & 1 == 0 {
            let (halfX, halfY) = ((x + a / 2) / 2 - 0.25, (y + c / 2) / 2 - 0.25)
            colours = SIMD2(Self.value(blue, halfX, halfY), Self.value(red, halfX, halfY))
          }
          colour = Self.colour(Self.value(luma, x, y), colours.x, colours.y)
          colour = colour * scale + low
        }
        pixel[0] = colour.x
        pixel[1] = colour.y
        pixel[2] = colour.z
        pixel += 3
      }
    }
  }

  /// BT.601 §2.5.1 with 16–235 for brightness and 16–240 for colour, kept within 0…255.
  @inline(__always)
  private static func colour(_ luma: Float, _ blue: Float, _ red: Float) -> SIMD4<Float> {
    let y = 1.164_383 * (luma - 16)
    let (u, v) = (blue - 128, red - 128)
    let colour = SIMD4<Float>(
      y + 1.596_027 * v, y - 0.391_762 * u - 0.812_968 * v, y + 2.017_232 * u, 0)
    return colour.clamped(
      lowerBound: SIMD4(repeating: 0), upperBound: SIMD4(repeating: 255))
  }

  /// Bilinear; beyond the edge the outermost pixel goes on.
  @inline(__always)
  private static func value(_ plane: Picture.Plane, _ x: Float, _ y: Float) -> Float {
    let x = max(0, min(x, Float(plane.width - 1)))
    let y = max(0, min(y, Float(plane.height - 1)))
    // In range by the lines above, and a number: the caller has compared it.
    let (column, row) = (Int(x), Int(y))
    let (right, below) = (min(column &+ 1, plane.width &- 1), min(row &+ 1, plane.height &- 1))
    let (u, v) = (x - Float(column), y - Float(row))
    let upper = plane.bytes + row * plane.stride
    let lower = plane.bytes + below * plane.stride
    let top = Float(upper[column]) * (1 - u) + Float(upper[right]) * u
    let bottom = Float(lower[column]) * (1 - u) + Float(lower[right]) * u
    return top * (1 - v) + bottom * v
  }
}
