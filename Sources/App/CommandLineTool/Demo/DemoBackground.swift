import Capture
import Codecs
import Foundation
import Foundations

/// Whether pictures show what is behind the clips' speaker, judged by both sides of them, where she
/// never is.
struct DemoBackground {
  private var cameras: [Sides] = []
  /// Pictures in which there would have been something to see, and those in which it is to be seen.
  private(set) var judged = 0
  private(set) var open = 0

  /// Share of the clip's own sharpness beyond which something can be told.
  private static let limit: Float = 0.6
  /// Grey levels over a few pixels below which there is nothing to be blurred: a plain wall, the sky.
  private static let leastSharpness: Float = 4

  /// - Parameter clips: one a camera; their backgrounds stay as they are in the first picture.
  init(clips: [String]) throws(Failure) {
    let pool = PicturePool()
    for path in clips {
      let clip = try ClipReader(
        path: path, pool: pool, makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
      if let (picture, _) = try clip.next() { cameras.append(Sides(picture)) }
    }
  }

  mutating func take(_ picture: Picture) {
    let sides = Sides(picture)
    let source = cameras.min { $0.distance(to: sides) < $1.distance(to: sides) }
    guard let source, source.sharpness >= Self.leastSharpness else { return }
    judged += 1
    if sides.sharpness > Self.limit * source.sharpness { open += 1 }
  }

  private struct Sides {
    /// Mean brightness of blocks from top to bottom, left side then right: what blur leaves.
    private(set) var blocks: [Float] = []
    /// Mean difference in brightness between pixels a little apart: what it takes away.
    private(set) var sharpness: Float = 0

    private static let rows = 4
    /// Pixels: hair, bricks and letters change within them.
    private static let reach = 4

    init(_ picture: Picture) {
      let luma = picture.luma
      let width = luma.width / 8
      var (change, count) = (0, 0)
      for left in [0, luma.width - width] {
        for block in 0..<Self.rows {
          let rows = block * luma.height / Self.rows..<(block + 1) * luma.height / Self.rows
          var sum = 0
          for row in rows {
            let line = luma.bytes + row * luma.stride + left
            for column in 0..<width { sum += Int(line[column]) }
            guard row + Self.reach < luma.height else { continue }
            let below = line + Self.reach * luma.stride
            for column in 0..<max(width - Self.reach, 0) {
              change += abs(Int(line[column + Self.reach]) - Int(line[column]))
              change += abs(Int(below[column]) - Int(line[column]))
              count += 1
            }
          }
          blocks.append(Float(sum) / Float(max(rows.count * width, 1)))
        }
      }
      sharpness = Float(change) / Float(max(count, 1))
    }

    func distance(to other: Sides) -> Float {
      zip(blocks, other.blocks).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
  }
}
