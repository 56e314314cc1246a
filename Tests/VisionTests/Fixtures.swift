import Capture
import Codecs
import Foundation
import Foundations

/// Clips with known truth that are kept here; the demo's are among them.
enum Fixture {
  private static let speaker = Environment.root.appendingPathComponent(
    "Sources/App/CommandLineTool/Demo/Clips")
  private static let cutOut = Environment.root.appendingPathComponent(
    "Tests/VisionTests/Fixtures")

  struct Truth: Decodable {
    let picturesPerSecond: Int
    let cameras: [Double]
    let looks: [Look]

    struct Look: Decodable {
      let camera: Int
      let time: Double
    }

    /// Who is looked at, and since when, at a time in seconds.
    func look(at time: Double) -> (camera: Int, since: Double) {
      let look = looks.last { $0.time <= time } ?? looks[0]
      return (look.camera, time - look.time)
    }
  }

  static func truth() throws -> Truth {
    try JSONDecoder().decode(
      Truth.self, from: Data(contentsOf: speaker.appendingPathComponent("truth.json")))
  }

  /// Somebody before three cameras, one clip each.
  static func cameras(limit: Int = .max) throws -> [[(picture: Picture, time: Duration)]] {
    try (0..<3).map { try pictures(speaker.appendingPathComponent("camera\($0).webm"), limit) }
  }

  /// Somebody who moves, and which part of the picture they are.
  static func person() throws -> (
    pictures: [(picture: Picture, time: Duration)], masks: [(picture: Picture, time: Duration)]
  ) {
    (
      try pictures(cutOut.appendingPathComponent("person.webm")),
      try pictures(cutOut.appendingPathComponent("mask.webm"))
    )
  }

  private static func pictures(
    _ file: URL, _ limit: Int = .max
  ) throws -> [(picture: Picture, time: Duration)] {
    let clip = try ClipReader(
      path: file.path, pool: PicturePool(),
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    var all: [(picture: Picture, time: Duration)] = []
    while all.count < limit, let next = try clip.next() { all.append(next) }
    return all
  }
}

extension Picture {
  /// A picture of one colour.
  static func plain(_ width: Int, _ height: Int, luma: UInt8) -> Picture {
    let picture = PicturePool(limit: 0).makePicture(width: width, height: height)
    for (plane, value) in [(picture.luma, luma), (picture.blue, 128), (picture.red, 128)] {
      plane.bytes.update(repeating: value, count: plane.stride * plane.height)
    }
    return picture
  }

  /// Draws `other` into this one, its corner at an even place, made smaller by averaging.
  func draw(_ other: Picture, x: Int, y: Int, width: Int) {
    let height = other.height * width / other.width / 2 * 2
    for (source, target, part) in [
      (other.luma, luma, 1), (other.blue, blue, 2), (other.red, red, 2),
    ] {
      for row in 0..<height / part where y / part + row < target.height {
        let rows = Self.span(row, of: height / part, source.height)
        for column in 0..<width / part where x / part + column < target.width {
          let columns = Self.span(column, of: width / part, source.width)
          var sum = 0
          for line in rows {
            for place in columns { sum += Int(source.bytes[line * source.stride + place]) }
          }
          target.bytes[(y / part + row) * target.stride + x / part + column] = UInt8(
            sum / (rows.count * columns.count))
        }
      }
    }
  }

  private static func span(_ index: Int, of count: Int, _ length: Int) -> Range<Int> {
    let begin = index * length / count
    return begin..<max((index + 1) * length / count, begin + 1)
  }

  /// The same, darker or lighter by a factor.
  func dimmed(_ factor: Float) -> Picture {
    let result = PicturePool(limit: 0).makePicture(width: width, height: height)
    result.draw(self, x: 0, y: 0, width: width)
    for index in 0..<result.luma.stride * height {
      let value = 16 + (Float(result.luma.bytes[index]) - 16) * factor
      result.luma.bytes[index] = UInt8(max(16, min(235, value)))
    }
    return result
  }
}
