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
}
