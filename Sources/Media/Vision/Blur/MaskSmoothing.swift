/// Calms a mask in time without letting it lag.
///
/// A network's mask trembles where nothing moves. Where the picture stays the same from one frame to
/// the next, so should the mask: it follows slowly there. Where the picture changes, what was known no
/// longer holds, and the mask is taken as it comes: so nothing that has moved on leaves a ghost.
final class MaskSmoothing {
  /// 0…1.
  let mask: Grid<Float>
  private let before: Grid<UInt8>
  private var isFresh = true

  /// Share of the new mask where nothing moves: a tremble shrinks to a third, a mask that was wrong
  /// is right again within half a second at 30 frames a second.
  private static let calm: Float = 0.12
  /// Steps of brightness between two frames that are still noise, averaged over the network's large
  /// pixels; each step beyond takes a seventh of the way to following at once.
  private static let noise: Float = 3
  private static let perStep: Float = 1 / 7
  /// A mask that says something quite different is right even where the brightness is the same.
  private static let surprise: Float = 0.6

  init(width: Int, height: Int) {
    mask = Grid(width: width, height: height, filledWith: 0)
    before = Grid(width: width, height: height, filledWith: 0)
  }

  /// The next mask has none before it.
  func reset() { isFresh = true }

  func take(_ raw: UnsafeBufferPointer<Float>, luma: Grid<UInt8>) {
    guard let raw = raw.baseAddress else { return }
    let (mask, before, now, count) = (mask.values, before.values, luma.values, mask.count)
    if isFresh {
      isFresh = false
      for index in 0..<count { mask[index] = raw[index] }
    } else {
      for index in 0..<count {
        let change = abs(Float(now[index]) - Float(before[index]))
        let difference = raw[index] - mask[index]
        let follow =
          Self.calm + max(change - Self.noise, 0) * Self.perStep
          + max(abs(difference) - Self.surprise, 0)
        mask[index] += difference * min(follow, 1)
      }
    }
    before.update(from: now, count: count)
  }
}
