import Foundations

/// Pictures of eight bits, three channels, for networks to look at.
struct Drawing {
  let width: Int
  let height: Int
  var bytes: [UInt8]

  /// A head and shoulders drawn with ellipses, its place, colours and noise drawn from the seed: much
  /// like a face to the networks, and nobody's.
  static func face(width: Int, height: Int, seed: UInt64) -> Drawing {
    var generator = SeededGenerator(seed: seed)
    func value(_ range: ClosedRange<Float>) -> Float { .random(in: range, using: &generator) }
    let centre = (x: value(0.42...0.58) * Float(width), y: value(0.4...0.5) * Float(height))
    let size = value(0.2...0.3) * Float(min(width, height))
    let turn = value(-0.15...0.15) * size
    let skin = (value(120...230), value(90...180), value(70...150))
    let cloth = (value(20...200), value(20...200), value(20...200))
    let back = (value(40...220), value(40...220), value(40...220))
    typealias Colour = (Float, Float, Float)
    let shapes: [(x: Float, y: Float, width: Float, height: Float, colour: Colour)] = [
      (0, 2.4, 2.0, 1.5, cloth), (0, -0.25, 1.05, 1.3, (40, 30, 25)), (0, 1.1, 0.4, 0.6, skin),
      (0, 0, 0.9, 1.2, skin), (-0.36, -0.2, 0.2, 0.09, (235, 230, 225)),
      (0.36, -0.2, 0.2, 0.09, (235, 230, 225)), (-0.36, -0.2, 0.09, 0.09, (30, 25, 20)),
      (0.36, -0.2, 0.09, 0.09, (30, 25, 20)), (-0.36, -0.42, 0.25, 0.05, (50, 35, 30)),
      (0.36, -0.42, 0.25, 0.05, (50, 35, 30)),
      (0, 0.15, 0.12, 0.2, (skin.0 - 30, skin.1 - 30, skin.2)),
      (0, 0.6, 0.32, 0.08, (170, 70, 70)),
    ]
    var drawing = Drawing(
      width: width, height: height, bytes: Array(repeating: 0, count: width * height * 3))
    for row in 0..<height {
      for column in 0..<width {
        var colour = back
        for (index, shape) in shapes.enumerated() {
          let shift = index > 3 ? turn : 0
          let x = (Float(column) - centre.x - shape.x * size - shift) / (shape.width * size)
          let y = (Float(row) - centre.y - shape.y * size) / (shape.height * size)
          if x * x + y * y <= 1 { colour = shape.colour }
        }
        let noise = value(-6...6)
        let at = (row * width + column) * 3
        drawing.bytes[at] = UInt8(min(max(colour.0 + noise, 0), 255))
        drawing.bytes[at + 1] = UInt8(min(max(colour.1 + noise, 0), 255))
        drawing.bytes[at + 2] = UInt8(min(max(colour.2 + noise, 0), 255))
      }
    }
    return drawing
  }

  static func noise(width: Int, height: Int, seed: UInt64) -> Drawing {
    var generator = SeededGenerator(seed: seed)
    return Drawing(
      width: width, height: height,
      bytes: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &generator) })
  }
}
