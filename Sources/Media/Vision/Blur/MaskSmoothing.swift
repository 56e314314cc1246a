/// Calms a mask in time without letting it lag.
///
/// A network's mask trembles where nothing moves. Where the picture stays the same from one frame to
/// the next, so should the mask: it follows slowly there. Where the picture changes, what was known no
/// longer holds, and the mask is taken as it comes: so nothing that has moved on leaves a ghost.
final class MaskSmoothing {
  /// 0…1.
  let mask: Grid<Float>
  /// The share of what is new that was taken for each pixel, 0…1.
  let follow: Grid<Float>
  private let before: Grid<UInt8>
  private let moves: Grid<Float>
  private let across: Grid<Float>
  private var isFresh = true

  /// Share of the new mask where nothing moves: a tremble shrinks to a third, a mask that was wrong
  /// is right again within half a second at 30 frames a second.
  private static let calm: Float = 0.12
  /// Steps of brightness between two frames that are still noise, averaged over the network's large
  /// pixels; each step beyond takes a seventh of the way to following at once.
  private static let noise: Float = 2
  private static let perStep: Float = 1 / 7
  /// A mask that says something quite different is right even where the brightness is the same.
  private static let surprise: Float = 0.6

  init(width: Int, height: Int) {
    mask = Grid(width: width, height: height, filledWith: 0)
    follow = Grid(width: width, height: height, filledWith: 1)
    before = Grid(width: width, height: height, filledWith: 0)
    moves = Grid(width: width, height: height, filledWith: 0)
    across = Grid(width: width, height: height, filledWith: 0)
  }

  /// The next mask has none before it.
  func reset() { isFresh = true }

  func take(_ raw: UnsafeBufferPointer<Float>, luma: Grid<UInt8>) {
    guard let raw = raw.baseAddress else { return }
    let (mask, follow, count) = (mask.values, follow.values, mask.count)
    let (before, now, moves) = (before.values, luma.values, moves.values)
    if isFresh {
      isFresh = false
      for index in 0..<count { (mask[index], follow[index]) = (raw[index], 1) }
    } else {
      for index in 0..<count {
        let change = abs(Float(now[index]) - Float(before[index]))
        let difference = abs(raw[index] - mask[index])
        moves[index] =
          Self.calm + max(change - Self.noise, 0) * Self.perStep
          + max(difference - Self.surprise, 0)
      }
      spread()
      for index in 0..<count { mask[index] += (raw[index] - mask[index]) * follow[index] }
    }
    before.update(from: now, count: count)
  }

  /// The largest motion within two pixels each way goes for all: an edge that moves changes the
  /// picture somewhere near, though not at every point of it.
  private func spread() {
    let (width, height) = (follow.width, follow.height)
    for row in 0..<height {
      let (source, target) = (moves.row(row), across.row(row))
      for column in 0..<width {
        let (left, right) = (max(column - 2, 0), min(column + 2, width - 1))
        let near = max(source[max(column - 1, 0)], source[min(column + 1, width - 1)])
        target[column] = max(max(source[left], source[right]), max(near, source[column]))
      }
    }
    for row in 0..<height {
      let (first, second) = (across.row(max(row - 2, 0)), across.row(max(row - 1, 0)))
      let third = across.row(row)
      let (fourth, fifth) = (
        across.row(min(row + 1, height - 1)), across.row(min(row + 2, height - 1))
      )
      let target = follow.row(row)
      for column in 0..<width {
        let outer = max(first[column], fifth[column])
        let inner = max(second[column], fourth[column])
        target[column] = min(max(max(outer, inner), third[column]), 1)
      }
    }
  }
}
