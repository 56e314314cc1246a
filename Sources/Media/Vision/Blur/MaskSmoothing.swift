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
  /// Each row's ends go on by `reach`, so that what looks round itself needs no limits.
  private let moves: Grid<Float>
  private let across: Grid<Float>
  private var isFresh = true
  /// The window that the latest mask was of, until the first mask of another one comes.
  private var movedFrom: PictureWindow?
  /// Masks of this window so far.
  private var masks = 0

  /// Pixels each way in which motion goes for all.
  private static let reach = 2
  /// Share of the new mask where nothing moves: a tremble shrinks to a third, a mask that was wrong
  /// is right again within half a second at 30 pictures a second.
  private static let calm: Float = 0.15
  /// Steps of brightness between two frames that are still noise, averaged over the network's large
  /// pixels; each step beyond takes a seventh of the way to following at once.
  private static let noise: Float = 2
  private static let perStep: Float = 1 / 7
  /// Where something has moved, the mask that came with it is as unsure as what it covers or uncovers:
  /// how much is taken falls by this factor from picture to picture, not at once.
  private static let settling: Float = 0.8
  /// A mask that says something quite different is right even where the brightness is the same.
  private static let surprise: Float = 0.3
  /// Of a window that is new it isn't yet: what the network takes for somebody there for a picture or two
  /// is never seen.
  private static let unsurprised = 2

  init(width: Int, height: Int) {
    mask = Grid(width: width, height: height, filledWith: 0)
    follow = Grid(width: width, height: height, filledWith: 1)
    before = Grid(width: width, height: height, filledWith: 0)
    moves = Grid(width: width + 2 * Self.reach, height: height, filledWith: 0)
    across = Grid(width: width, height: height, filledWith: 0)
  }

  /// The next mask has none before it.
  func reset() { (isFresh, movedFrom) = (true, nil) }

  /// The next mask is of another window: what is known of both stays.
  func move(from window: PictureWindow) {
    if !isFresh { movedFrom = movedFrom ?? window }
  }

  /// - Parameters:
  ///   - raw: the network's mask of `window`.
  ///   - luma: what the network was shown.
  func take(_ raw: UnsafeBufferPointer<Float>, luma: Grid<UInt8>, of window: PictureWindow) {
    guard let raw = raw.baseAddress else { return }
    let (values, share, count) = (mask.values, follow.values, mask.count)
    if let former = movedFrom {
      carryOver(from: former, to: window, luma: luma)
      (movedFrom, masks) = (nil, 0)
    }
    masks += 1
    if isFresh {
      (isFresh, masks) = (false, Self.unsurprised)
      for index in 0..<count { (values[index], share[index]) = (raw[index], 1) }
    } else {
      for row in 0..<mask.height { findMoves(raw + row * mask.width, luma, row) }
      spread()
      soften()
      for index in 0..<count { values[index] += (raw[index] - values[index]) * share[index] }
    }
    before.values.update(from: luma.values, count: count)
  }

  /// What was known of a window, where another one shows it. Of what that doesn't show it was nobody; and
  /// where its pixels are of another size, it is as if nothing had moved.
  private func carryOver(
    from former: PictureWindow, to window: PictureWindow, luma: Grid<UInt8>
  ) {
    let isSameSize = former.width == window.width && former.height == window.height
    let (width, height) = (mask.width, mask.height)
    let (stepX, stepY) = (
      Float(window.width) / Float(former.width), Float(window.height) / Float(former.height)
    )
    let firstX = Float(window.x - former.x) * Float(width) / Float(former.width) + stepX / 2 - 0.5
    let firstY =
      Float(window.y - former.y) * Float(height) / Float(former.height) + stepY / 2 - 0.5
    for row in 0..<height {
      let y = firstY + Float(row) * stepY
      let (target, was, now) = (across.row(row), follow.row(row), luma.row(row))
      for column in 0..<width {
        let x = firstX + Float(column) * stepX
        let isKnown = x > -1 && y > -1 && x < Float(width) && y < Float(height)
        target[column] = isKnown ? mask.value(x, y) { $0 } : 0
        was[column] = isKnown && isSameSize ? before.value(x, y) { Float($0) } : Float(now[column])
      }
    }
    mask.values.update(from: across.values, count: mask.count)
    for index in 0..<before.count {
      before.values[index] = UInt8(follow.values[index])
      follow.values[index] = Self.calm
    }
  }

  /// How much of what is new each pixel of a row would take by itself.
  private func findMoves(_ raw: UnsafePointer<Float>, _ luma: Grid<UInt8>, _ row: Int) {
    let (mask, before, now) = (mask.row(row), before.row(row), luma.row(row))
    let target = moves.row(row) + Self.reach
    let surprise: Float = masks > Self.unsurprised ? Self.surprise : 1
    for column in 0..<luma.width {
      let change = abs(Float(now[column]) - Float(before[column]))
      let difference = abs(raw[column] - mask[column])
      target[column] =
        Self.calm + max(change - Self.noise, 0) * Self.perStep
        + max(difference - surprise, 0)
    }
    Self.extend(moves.row(row), luma.width, by: Self.reach)
  }

  /// Beyond a row's ends its outermost goes on.
  private static func extend(_ row: UnsafeMutablePointer<Float>, _ width: Int, by reach: Int) {
    row.update(repeating: row[reach], count: reach)
    (row + reach + width).update(repeating: row[reach + width - 1], count: reach)
  }

  /// The largest motion within two pixels each way goes for all: an edge that moves changes the
  /// picture somewhere near, though not at every point of it.
  private func spread() {
    let (width, height) = (follow.width, follow.height)
    for row in 0..<height {
      let (source, target) = (moves.row(row), across.row(row))
      for column in 0..<width {
        let left = max(source[column], source[column + 1])
        let right = max(source[column + 3], source[column + 4])
        target[column] = max(max(left, right), source[column + 2])
      }
    }
    for row in 0..<height {
      let (first, second) = (across.row(max(row - 2, 0)), across.row(max(row - 1, 0)))
      let third = across.row(row)
      let (fourth, fifth) = (
        across.row(min(row + 1, height - 1)), across.row(min(row + 2, height - 1))
      )
      let (target, settling) = (moves.row(row) + Self.reach, follow.row(row))
      for column in 0..<width {
        let outer = max(first[column], fifth[column])
        let inner = max(second[column], fourth[column])
        let moved = min(max(max(outer, inner), third[column]), 1)
        target[column] = max(moved, settling[column] * Self.settling)
      }
      Self.extend(moves.row(row), width, by: Self.reach)
    }
  }

  /// What is taken changes from pixel to pixel by little: where it changes at once, the mask shows the
  /// network's large pixels as steps.
  private func soften() {
    let (width, height) = (follow.width, follow.height)
    for row in 0..<height {
      let (source, target) = (moves.row(row) + Self.reach - 1, across.row(row))
      for column in 0..<width {
        target[column] = (source[column] + source[column + 1] + source[column + 2]) * (1 / 3)
      }
    }
    for row in 0..<height {
      let (above, here) = (across.row(max(row - 1, 0)), across.row(row))
      let (below, target) = (across.row(min(row + 1, height - 1)), follow.row(row))
      for column in 0..<width {
        target[column] = (above[column] + here[column] + below[column]) * (1 / 3)
      }
    }
  }
}

extension Grid {
  /// Between four values; beyond the edge the outermost go on.
  fileprivate func value(_ x: Float, _ y: Float, _ number: (Element) -> Float) -> Float {
    let (left, top) = (x.rounded(.down), y.rounded(.down))
    func at(_ column: Int, _ row: Int) -> Float {
      number(self.row(max(0, min(row, height - 1)))[max(0, min(column, width - 1))])
    }
    let (column, row) = (Int(left), Int(top))
    let upper = at(column, row) + (at(column + 1, row) - at(column, row)) * (x - left)
    let lower = at(column, row + 1) + (at(column + 1, row + 1) - at(column, row + 1)) * (x - left)
    return upper + (lower - upper) * (y - top)
  }
}
