import CYUV
import Foundations

/// A part of the pattern, ready at the picture's size: cut out of a canvas, with opacity.
///
/// There are two copies of its brightness, half a pixel apart, so that it can move by half pixels.
final class Sprite: @unchecked Sendable {
  // Safety: the memory is written in `init` only.
  let width: Int
  let height: Int
  private let luma: [Layer]
  private let blue: Layer
  private let red: Layer

  /// One plane with its opacity, packed.
  private struct Layer {
    let bytes: UnsafeMutablePointer<UInt8>
    let opacity: UnsafeMutablePointer<UInt8>
    let width: Int
    let height: Int
    /// The part of each row that isn't transparent.
    let spans: [Range<Int>]

    /// - Parameter shift: canvas pixels by which the copy lies further left.
    init(_ canvas: Canvas, plane: Int, width: Int, height: Int, shift: Int) {
      self.width = width
      self.height = height
      bytes = .allocate(capacity: width * height)
      opacity = .allocate(capacity: width * height)
      for (source, target) in [(plane, bytes), (3, opacity)] {
        target.initialize(repeating: 0, count: width * height)
        ScalePlane(
          canvas.plane(source) + shift, Int32(canvas.width), Int32(canvas.width - shift),
          Int32(canvas.height), target, Int32(width), Int32(width), Int32(height), kFilterBox)
      }
      let opacity = opacity
      spans = (0..<height).map { row in
        let values = UnsafeBufferPointer(start: opacity + row * width, count: width)
        guard let first = values.firstIndex(where: { $0 > 0 }),
          let last = values.lastIndex(where: { $0 > 0 })
        else { return 0..<0 }
        return first..<last + 1
      }
    }

    /// Blends one row into a row of `plane`, as far as it lies in it.
    func blend(row: Int, into plane: Picture.Plane, x: Int, y: Int) {
      guard (0..<plane.height).contains(y) else { return }
      let left = max(spans[row].lowerBound, -x)
      let right = min(spans[row].upperBound, plane.width - x)
      guard left < right else { return }
      let source = row * width + left
      let target = plane.bytes + y * plane.stride + x + left
      BlendPlane(
        bytes + source, 0, target, 0, opacity + source, 0, target, 0, Int32(right - left), 1)
    }
  }

  /// - Parameter scale: pixels of the picture per unit.
  init(_ canvas: Canvas, scale: Double) {
    let perPixel = scale / Double(Canvas.pixelsPerUnit)
    width = max(Int(Double(canvas.width) * perPixel), 2)
    height = max(Int(Double(canvas.height) * perPixel), 2)
    // The canvas pixels that make half a pixel of the picture.
    let half = min(max(Int((0.5 / perPixel).rounded()), 1), canvas.width - 1)
    luma = [0, half].map { [width, height] shift in
      Layer(canvas, plane: 0, width: width, height: height, shift: shift)
    }
    let (halfWidth, halfHeight) = (max(width / 2, 1), max(height / 2, 1))
    blue = Layer(canvas, plane: 1, width: halfWidth, height: halfHeight, shift: 0)
    red = Layer(canvas, plane: 2, width: halfWidth, height: halfHeight, shift: 0)
  }

  deinit {
    for layer in luma + [blue, red] {
      layer.bytes.deallocate()
      layer.opacity.deallocate()
    }
  }

  /// Draws the sprite with its upper left corner at (`x`, `y`), leaning: row 0 lies `lean` pixels
  /// further right than the bottom row.
  func draw(on picture: Picture, x: Double, y: Int, lean: Double) {
    func left(_ row: Int) -> Int {
      Int(((x + lean * (1 - Double(row) / Double(height))) * 2).rounded(.down))
    }
    for row in 0..<height {
      let halves = left(row)
      // The copy that lies half a pixel further left stands one pixel further right.
      let isShifted = halves & 1 == 1
      luma[isShifted ? 1 : 0].blend(
        row: row, into: picture.luma, x: (halves >> 1) + (isShifted ? 1 : 0), y: y + row)
    }
    for row in 0..<blue.height {
      let x = left(min(row * 2, height - 1)) >> 2
      blue.blend(row: row, into: picture.blue, x: x, y: (y >> 1) + row)
      red.blend(row: row, into: picture.red, x: x, y: (y >> 1) + row)
    }
  }
}
