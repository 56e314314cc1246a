/// Which part of the picture the network is shown.
///
/// It sees 256×144 pixels: somebody far away is few of them, and is easily lost before a busy wall. So
/// it is shown a window round the people, that makes each of its pixels a whole number of the picture's.
/// The window widens at once where somebody reaches its edge, or an overview shows somebody beyond it,
/// and narrows only when a smaller one would have done for a while.
struct Framing {
  private let picture: (width: Int, height: Int)
  private let network: (width: Int, height: Int)
  private(set) var window: PictureWindow
  /// Pictures since the latest overview.
  private var pictures = 0
  /// Pictures for which a smaller window would have done, or for which nobody was there.
  private var narrower = patience - firstPatience
  private var empty = 0

  /// Pixels of the picture for one of the network's, at least: closer than that there is no more to see.
  private static let least = 2
  /// Room round people, in shares of their width and height: as much is looked for, and as little is
  /// kept.
  private static let room = 0.12
  private static let leastRoom = 0.03
  /// Pictures for which a smaller window has to be enough: each change begins the mask anew.
  private static let patience = 15
  /// The same of the first window: there is no mask yet that one would miss.
  private static let firstPatience = 3
  /// The whole picture is looked at in one picture of so many.
  private static let overview = 8
  /// Pictures without anybody after which all of the picture is looked at.
  private static let emptiness = 3

  init(picture: (width: Int, height: Int), network: (width: Int, height: Int)) {
    (self.picture, self.network) = (picture, network)
    window = PictureWindow(width: picture.width, height: picture.height)
  }

  var whole: PictureWindow { PictureWindow(width: picture.width, height: picture.height) }

  mutating func reset() { self = Framing(picture: picture, network: network) }

  /// Whether the whole picture is due to be looked at, besides the window.
  mutating func takesOverview() -> Bool {
    guard window != whole else { return false }
    pictures += 1
    guard pictures >= Self.overview else { return false }
    pictures = 0
    return true
  }

  /// What the overview shows: the window widens for whoever is beyond it.
  /// - Parameter people: the rectangle of the whole picture in which people are; `nil` for none.
  mutating func widen(for people: PictureWindow?) {
    guard let people, !holds(people, room: 0) else { return }
    window = whole
    narrower = 0
  }

  /// - Parameter people: what the latest window showed, in the picture's pixels.
  /// - Returns: whether the next picture's window is another one.
  mutating func follow(_ people: PictureWindow?) -> Bool {
    let before = window
    guard let people else {
      empty += 1
      if empty >= Self.emptiness { window = whole }
      return window != before
    }
    empty = 0
    let wanted = Self.window(round: people, room: Self.room, in: picture, network)
    if !holds(people, room: Self.leastRoom) {
      // Somebody reaches the edge: how far they go on beyond it isn't seen yet.
      window = wanted.area > window.area ? wanted : wider(round: people)
      narrower = 0
    } else if wanted.area < window.area {
      narrower += 1
      if narrower >= Self.patience {
        window = wanted
        narrower = 0
      }
    } else {
      narrower = 0
    }
    return window != before
  }

  /// Whether there is room round the people on all sides, except where the picture ends.
  private func holds(_ people: PictureWindow, room: Double) -> Bool {
    let across = Int(Double(people.width) * room)
    let down = Int(Double(people.height) * room)
    func isIn(_ low: Int, _ length: Int, _ start: Int, _ extent: Int, _ all: Int, _ room: Int)
      -> Bool
    {
      (start == 0 || low - room >= start)
        && (start + extent >= all || low + length + room <= start + extent)
    }
    return isIn(people.x, people.width, window.x, window.width, picture.width, across)
      && isIn(people.y, people.height, window.y, window.height, picture.height, down)
  }

  /// The next larger window.
  private func wider(round people: PictureWindow) -> PictureWindow {
    let step = window.width / network.width + 1
    return Self.window(step, round: people, in: picture, network) ?? whole
  }

  /// The smallest window that has so much room.
  private static func window(
    round people: PictureWindow, room: Double, in picture: (width: Int, height: Int),
    _ network: (width: Int, height: Int)
  ) -> PictureWindow {
    let width = Int(Double(people.width) * (1 + 2 * room))
    let height = Int(Double(people.height) * (1 + 2 * room))
    var step = least
    while step * network.width < width || step * network.height < height { step += 1 }
    return window(step, round: people, in: picture, network)
      ?? PictureWindow(width: picture.width, height: picture.height)
  }

  /// - Parameter step: the picture's pixels for one of the network's.
  /// - Returns: `nil` where that is more than the picture has.
  private static func window(
    _ step: Int, round people: PictureWindow, in picture: (width: Int, height: Int),
    _ network: (width: Int, height: Int)
  ) -> PictureWindow? {
    let (width, height) = (step * network.width, step * network.height)
    guard width <= picture.width, height <= picture.height,
      width < picture.width || height < picture.height
    else { return nil }
    func start(_ middle: Int, _ length: Int, _ all: Int) -> Int {
      max(0, min(middle - length / 2, all - length)) / 2 * 2
    }
    return PictureWindow(
      x: start(people.x + people.width / 2, width, picture.width),
      y: start(people.y + people.height / 2, height, picture.height), width: width,
      height: height)
  }

  /// The rectangle of a mask's pixels in which somebody is, as the picture's pixels of its window; `nil`
  /// where there are too few to be somebody.
  static func people(
    _ mask: UnsafePointer<Float>, width: Int, height: Int, in window: PictureWindow
  ) -> PictureWindow? {
    var (left, right, top, bottom, count) = (width, -1, height, -1, 0)
    for row in 0..<height {
      let line = mask + row * width
      var found = 0
      for column in 0..<width where line[column] >= 0.5 {
        found += 1
        left = min(left, column)
        right = max(right, column)
      }
      guard found > 0 else { continue }
      count += found
      top = min(top, row)
      bottom = row
    }
    guard count >= leastPixels else { return nil }
    let (x, y) = (left * window.width / width, top * window.height / height)
    return PictureWindow(
      x: window.x + x, y: window.y + y, width: (right + 1) * window.width / width - x,
      height: (bottom + 1) * window.height / height - y)
  }

  /// Of the network's: a head of eight by eight.
  private static let leastPixels = 64
}
