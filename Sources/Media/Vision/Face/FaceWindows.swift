import Foundations

/// Square windows that cover a picture, each half over the next.
enum FaceWindows {
  static func whole(_ picture: Picture) -> Region {
    let side = Float(max(picture.width, picture.height))
    return Region(
      centreX: Float(picture.width) / 2, centreY: Float(picture.height) / 2, width: side,
      height: side)
  }

  private static func steps(_ length: Int, _ side: Float) -> Int {
    max(Int((2 * (Float(length) - side) / side).rounded(.up)), 0) + 1
  }

  static func count(_ picture: Picture, side: Float) -> Int {
    steps(picture.width, side) * steps(picture.height, side)
  }

  static func window(_ picture: Picture, side: Float, index: Int) -> Region {
    let columns = steps(picture.width, side)
    let rows = steps(picture.height, side)
    func centre(_ place: Int, of count: Int, _ length: Int) -> Float {
      let free = Float(length) - side
      return side / 2 + (count > 1 ? free * Float(place) / Float(count - 1) : free / 2)
    }
    return Region(
      centreX: centre(index % columns, of: columns, picture.width),
      centreY: centre(index / columns, of: rows, picture.height), width: side, height: side)
  }

  /// Those for faces of all sizes that matter: the whole picture, squares of its shorter side, of half and
  /// of a third of that.
  static func count(_ picture: Picture) -> Int {
    let side = Float(min(picture.width, picture.height))
    return (1...3).reduce(1) { $0 + count(picture, side: side / Float($1)) }
  }

  static func window(_ picture: Picture, _ index: Int) -> Region {
    guard index > 0 else { return whole(picture) }
    let side = Float(min(picture.width, picture.height))
    var (parts, rest) = (1, index - 1)
    while rest >= count(picture, side: side / Float(parts)) {
      rest -= count(picture, side: side / Float(parts))
      parts += 1
    }
    return window(picture, side: side / Float(parts), index: rest)
  }

  /// The side nearest to `wanted` at which the detector shrinks a picture as much as for one of the usual
  /// windows: each other shrinking would take memory.
  static func side(near wanted: Float, of picture: Picture) -> Float {
    let network = Float(FaceDetector.side)
    var (best, distance) = (wanted, Float.infinity)
    for parts in 0...3 {
      let shrink = (side(picture, parts: parts) / network).rounded(.down)
      // Up to twice as large it isn't shrunk.
      let range = shrink < 2 ? 1...2 * network : shrink * network...(shrink + 0.99) * network
      let near = min(max(wanted, range.lowerBound), range.upperBound)
      guard abs(near - wanted) < distance else { continue }
      (best, distance) = (near, abs(near - wanted))
    }
    return best
  }

  /// Of the usual windows: the whole picture, or parts of its shorter side.
  private static func side(_ picture: Picture, parts: Int) -> Float {
    parts == 0
      ? Float(max(picture.width, picture.height))
      : Float(min(picture.width, picture.height)) / Float(parts)
  }
}
