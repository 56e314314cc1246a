import CYUV
import Foundations

/// A colour as a canvas keeps it: BT.601, limited range.
struct Paint {
  let luma: UInt8
  let blue: UInt8
  let red: UInt8

  /// Red, green and blue in 0...255, gamma-encoded (ITU-R BT.601-7 §2.5).
  init(_ r: Double, _ g: Double, _ b: Double) {
    func byte(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 16), 240)) }
    luma = byte(16 + 0.257 * r + 0.504 * g + 0.098 * b)
    blue = byte(128 - 0.148 * r - 0.291 * g + 0.439 * b)
    red = byte(128 + 0.439 * r - 0.368 * g - 0.071 * b)
  }

  /// A colour of the given hue (turns), saturation and value (0...1).
  init(hue: Double, saturation: Double, value: Double) {
    func channel(_ offset: Double) -> Double {
      let position = (offset + hue * 6).truncatingRemainder(dividingBy: 6)
      return 255 * value * (1 - saturation * max(0, min(position, 4 - position, 1)))
    }
    self.init(channel(5), channel(3), channel(1))
  }

  private init(luma: UInt8, blue: UInt8, red: UInt8) {
    (self.luma, self.blue, self.red) = (luma, blue, red)
  }

  func mixed(with other: Paint, _ share: Double) -> Paint {
    func mix(_ left: UInt8, _ right: UInt8) -> UInt8 {
      UInt8(Double(left) + (Double(right) - Double(left)) * share)
    }
    return Paint(
      luma: mix(luma, other.luma), blue: mix(blue, other.blue), red: mix(red, other.red))
  }
}

/// Where the pattern's parts are painted before they are scaled to the picture: 4:4:4 with opacity,
/// at two canvas pixels a unit, so that scaling down smooths the edges. Everything is painted by
/// rows and by libyuv, which keeps it quick even in a debug build.
///
/// Coordinates are units: a picture is 720 of them high, whatever its size.
final class Canvas {
  let width: Int
  let height: Int
  private let memory: UnsafeMutablePointer<UInt8>

  static let pixelsPerUnit = 2

  /// Luma, blue, red and opacity, each `width` × `height`.
  func plane(_ index: Int) -> UnsafeMutablePointer<UInt8> {
    memory + index * width * height
  }

  init(width: Double, height: Double, ground: Paint, isOpaque: Bool) {
    self.width = max(Int(width * Double(Self.pixelsPerUnit)), 1)
    self.height = max(Int(height * Double(Self.pixelsPerUnit)), 1)
    memory = .allocate(capacity: self.width * self.height * 4)
    let values = [ground.luma, ground.blue, ground.red, isOpaque ? 255 : 0]
    for (index, value) in values.enumerated() {
      plane(index).initialize(repeating: value, count: self.width * self.height)
    }
  }

  deinit {
    memory.deallocate()
  }

  /// Paints part of a row of canvas pixels, and makes it opaque; without paint only that.
  private func span(_ row: Int, from left: Int, to right: Int, _ paint: Paint?) {
    let (left, right) = (max(left, 0), min(right, width))
    guard (0..<height).contains(row), left < right else { return }
    let start = row * width + left
    if let paint {
      (plane(0) + start).update(repeating: paint.luma, count: right - left)
      (plane(1) + start).update(repeating: paint.blue, count: right - left)
      (plane(2) + start).update(repeating: paint.red, count: right - left)
    }
    (plane(3) + start).update(repeating: 255, count: right - left)
  }

  private static func pixel(_ units: Double) -> Int {
    Int((units * Double(pixelsPerUnit)).rounded())
  }

  func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ paint: Paint?) {
    gradient(x, y, width, height) { _ in paint }
  }

  /// A rectangle whose rows' paint depends on how far down they are, in 0...1.
  func gradient(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ paint: (Double) -> Paint?
  ) {
    let (top, bottom) = (Self.pixel(y), Self.pixel(y + height))
    guard top < bottom else { return }
    for row in max(top, 0)..<max(min(bottom, self.height), max(top, 0)) {
      let share = Double(row - top) / Double(bottom - top)
      span(row, from: Self.pixel(x), to: Self.pixel(x + width), paint(share))
    }
  }

  func ellipse(
    _ centreX: Double, _ centreY: Double, _ radiusX: Double, _ radiusY: Double, _ paint: Paint?
  ) {
    let (top, bottom) = (Self.pixel(centreY - radiusY), Self.pixel(centreY + radiusY))
    guard top < bottom else { return }
    for row in top..<bottom {
      let y = ((Double(row) + 0.5) / Double(Self.pixelsPerUnit) - centreY) / radiusY
      guard abs(y) < 1 else { continue }
      let half = radiusX * (1 - y * y).squareRoot()
      span(row, from: Self.pixel(centreX - half), to: Self.pixel(centreX + half), paint)
    }
  }

  /// A band from one horizontal edge to another, each given by its left and right end.
  func trapezium(
    top: (left: Double, right: Double, y: Double),
    bottom: (left: Double, right: Double, y: Double), _ paint: Paint?
  ) {
    let (first, last) = (Self.pixel(top.y), Self.pixel(bottom.y))
    guard first < last else { return }
    for row in first..<last {
      let share = (Double(row) + 0.5 - Double(first)) / Double(last - first)
      let left = top.left + (bottom.left - top.left) * share
      let right = top.right + (bottom.right - top.right) * share
      span(row, from: Self.pixel(left), to: Self.pixel(right), paint)
    }
  }

  /// Roughens the brightness with smooth spots.
  /// - Parameters:
  ///   - grain: units from one spot to the next, at least half of one.
  ///   - strength: 0...255; how much of the brightness the spots take over.
  func roughen(grain: Double, strength: UInt8, generator: inout SeededGenerator) {
    let cell = max(Self.pixel(grain), 1)
    let spots = min(max(width / cell + 2, 2), 128)
    var noise = [UInt8](repeating: 0, count: spots * spots)
    for start in stride(from: 0, to: noise.count, by: 8) {
      let bits = generator.next()
      for index in start..<min(start + 8, noise.count) {
        // Half the range: spots that are neither black nor white.
        noise[index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * (index - start))) / 2 + 64
      }
    }
    let side = min(spots * cell, max(width, height))
    var tile = [UInt8](repeating: 0, count: side * side)
    ScalePlane(
      noise, Int32(spots), Int32(min(spots, side / cell + 1)), Int32(min(spots, side / cell + 1)),
      &tile, Int32(side), Int32(side), Int32(side), kFilterBilinear)
    let share = [UInt8](repeating: strength, count: side)
    for top in stride(from: 0, to: height, by: side) {
      for left in stride(from: 0, to: width, by: side) {
        let start = plane(0) + top * width + left
        BlendPlane(
          tile, Int32(side), start, Int32(width), share, 0, start, Int32(width),
          Int32(min(side, width - left)), Int32(min(side, height - top)))
      }
    }
  }
}
