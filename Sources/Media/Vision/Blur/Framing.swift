import Foundations

/// Which part of the picture the network is shown.
///
/// It sees 256×144 pixels: somebody far away is few of them, and is easily lost before a busy wall. So
/// it is shown a window round the people, that makes each of its pixels a whole number of the picture's.
/// Who they are is known from faces, as long as there are any: what looks like somebody elsewhere, a
/// photograph on the wall perhaps, moves no window. The window goes along with whoever nears its edge,
/// widens where somebody is cut off, and narrows only when a smaller one would have done for a while: the
/// longer, the more often that was wrong.
struct Framing {
  private let picture: (width: Int, height: Int)
  private let network: (width: Int, height: Int)
  private(set) var window: PictureWindow
  /// Pictures since faces were looked for.
  private var pictures = lookInterval
  /// Pictures for which a smaller window would have done, or for which nobody was there.
  private var narrower = 0
  private var patience = firstPatience
  private var empty = 0
  /// Pictures since the window last narrowed.
  private var steady = 0
  /// The people in the latest mask.
  private var followed: PictureWindow?
  /// Where the latest look found a face without a person round it; how many did so one after the other, and
  /// how many of them move the window.
  private var lost: PictureWindow?
  private var uncovered = 0
  private var uncoveredPatience = firstUncovered
  /// Whether somebody reached the window's edge in the latest mask.
  private var wasCut = false

  /// Room round people that is looked for, in shares of their width and height.
  private static let room = 0.15
  /// Who comes as near to the window's edge as this part of it takes the window along: a walker takes some
  /// pictures for it.
  private static let margin = 20
  /// Pictures for which a smaller window has to be enough; of the first window, for which there is no mask
  /// yet that one would miss; and after it was wrong again and again.
  private static let usualPatience = 15
  private static let firstPatience = 3
  private static let mostPatience = 240
  /// The same in looks, for a face without a person.
  private static let firstUncovered = 2
  private static let mostUncovered = 16
  /// Who is cut off within so many pictures of narrowing was narrowed too soon.
  private static let soon = 90
  /// After so many pictures without a change what was wrong before is forgotten.
  private static let calm = 900
  /// Faces are looked for in one picture of so many, and in each while nobody is seen.
  private static let lookInterval = 8
  private static let (look, narrowLook, emptyLook) = (2, 6, 8)
  /// Pictures without anybody after which all of the picture is looked at.
  private static let emptiness = 3

  init(picture: (width: Int, height: Int), network: (width: Int, height: Int)) {
    (self.picture, self.network) = (picture, network)
    window = PictureWindow(width: picture.width, height: picture.height)
  }

  var whole: PictureWindow { PictureWindow(width: picture.width, height: picture.height) }

  mutating func reset() { self = Framing(picture: picture, network: network) }

  /// Through how many windows faces are to be looked for in this picture: more where there may be somebody
  /// whom the network isn't shown, or doesn't see.
  mutating func takesLook() -> Int {
    pictures += 1
    guard pictures >= Self.lookInterval || empty > 0 else { return 0 }
    pictures = 0
    return empty > 0 ? Self.emptyLook : window == whole ? Self.look : Self.narrowLook
  }

  /// There are faces and no mask yet: the window is where their bodies must be.
  mutating func begin(with faces: [FaceSearch.Sighting]) {
    var bodies: PictureWindow?
    for face in faces { bodies = body(of: face.region).union(bodies) }
    if let bodies { window = smallest(round: bodies) }
  }

  /// - Parameters:
  ///   - islands: parts of the mask that are large enough to be somebody, in the picture's pixels.
  ///   - faces: where they were seen last.
  ///   - areFresh: whether they were looked for in this picture.
  ///   - isCovered: whether the mask shows a person there.
  /// - Returns: whether there is anybody among the islands.
  mutating func follow(
    _ islands: [PictureWindow], faces: [FaceSearch.Sighting], areFresh: Bool,
    isCovered: (Region) -> Bool
  ) -> Bool {
    var people: PictureWindow?
    for island in islands where isPerson(island, faces) { people = island.union(people) }
    // Since they were looked for, who walks has left the place.
    if people == nil, !areFresh || faces.allSatisfy({ $0.misses > 0 }) {
      for island in islands { people = island.union(people) }
    }
    if areFresh {
      lost = nil
      for face in faces where face.misses == 0 && !isCovered(face.region) {
        lost = body(of: face.region).union(lost)
      }
      uncovered = lost == nil ? 0 : uncovered + 1
    }
    steady += 1
    if steady == Self.calm {
      (patience, uncoveredPatience) = (Self.usualPatience, Self.firstUncovered)
    }
    empty = people == nil ? empty + 1 : 0
    followed = people
    if areFresh, let lost, empty > 0 || uncovered >= uncoveredPatience, seek(lost.union(people)) {
      return people != nil
    }
    if let people { follow(people.union(lost)) }
    if empty >= Self.emptiness, faces.isEmpty { move(to: whole) }
    return people != nil
  }

  /// Whether there is a face to the island, or it is where people were a picture ago: who turns away is still
  /// there, whatever portrait hangs on the wall.
  private func isPerson(_ island: PictureWindow, _ faces: [FaceSearch.Sighting]) -> Bool {
    faces.isEmpty || faces.contains { body(of: $0.region).overlaps(island) }
      || followed.map { 2 * $0.common(with: island) > island.area } ?? false
  }

  /// The window goes where a face is round which the network sees nobody, if that is a closer look.
  private mutating func seek(_ wanted: PictureWindow) -> Bool {
    let next = smallest(round: wanted)
    guard next != window, next.area < window.area || !window.contains(wanted) else { return false }
    // Should it not help, the next try comes later.
    uncoveredPatience = min(2 * uncoveredPatience, Self.mostUncovered)
    (uncovered, steady) = (0, 0)
    move(to: next)
    return true
  }

  private mutating func follow(_ people: PictureWindow) {
    let wanted = smallest(round: people)
    let isCut = isCut(people)
    defer { wasCut = isCut }
    if isCut && wasCut || wanted.area > window.area {
      // Nobody knows yet how far they go on.
      if steady < Self.soon, window != whole { patience = min(patience * 2, Self.mostPatience) }
      move(to: isCut && wanted.area <= window.area ? wider(round: people) : wanted)
    } else if !holds(people) {
      move(to: sameSize(round: people))
    } else if wanted.area < window.area {
      narrower += 1
      if narrower >= patience {
        patience = max(patience, Self.usualPatience)
        steady = 0
        move(to: wanted)
      }
    } else {
      narrower = 0
    }
  }

  private mutating func move(to next: PictureWindow) {
    window = next
    narrower = 0
  }

  /// Shoulders, and down to the lap. The face's region is half as large again as its face.
  private func body(of face: Region) -> PictureWindow {
    func place(_ value: Float, _ limit: Int) -> Int { Int(max(0, min(value, Float(limit)))) }
    let x = place(face.centreX - 1.5 * face.width, picture.width - 2)
    let y = place(face.centreY - 0.8 * face.width, picture.height - 2)
    return PictureWindow(
      x: x, y: y, width: max(place(face.centreX + 1.5 * face.width, picture.width) - x, 2),
      height: max(place(face.centreY + 3.2 * face.width, picture.height) - y, 2))
  }

  // MARK: - Windows

  /// Whether the people have room on all sides, except where the picture ends.
  private func holds(_ people: PictureWindow) -> Bool {
    let (across, down) = (window.width / Self.margin, window.height / Self.margin)
    return (window.x == 0 || people.x >= window.x + across)
      && (window.right >= picture.width || people.right + across <= window.right)
      && (window.y == 0 || people.y >= window.y + down)
      && (window.bottom >= picture.height || people.bottom + down <= window.bottom)
  }

  /// Whether they reach the window's very edge, where the picture doesn't end.
  private func isCut(_ people: PictureWindow) -> Bool {
    window.x > 0 && people.x <= window.x || window.y > 0 && people.y <= window.y
      || window.right < picture.width && people.right >= window.right
      || window.bottom < picture.height && people.bottom >= window.bottom
  }

  /// The next larger window.
  private func wider(round people: PictureWindow) -> PictureWindow {
    placed(window.width / network.width + 1, round: people) ?? whole
  }

  private func sameSize(round people: PictureWindow) -> PictureWindow {
    window == whole ? whole : placed(window.width / network.width, round: people) ?? whole
  }

  /// The smallest window that has room round them, where the picture doesn't end.
  private func smallest(round people: PictureWindow) -> PictureWindow {
    let across = Int(Double(people.width) * Self.room)
    let down = Int(Double(people.height) * Self.room)
    let (left, top) = (max(people.x - across, 0), max(people.y - down, 0))
    let wanted = PictureWindow(
      x: left, y: top, width: min(people.right + across, picture.width) - left,
      height: min(people.bottom + down, picture.height) - top)
    var step = 1
    while step * network.width < wanted.width || step * network.height < wanted.height {
      step += 1
    }
    return placed(step, round: wanted) ?? whole
  }

  /// - Parameter step: the picture's pixels for one of the network's.
  /// - Returns: `nil` where that is more than the picture has.
  private func placed(_ step: Int, round people: PictureWindow) -> PictureWindow? {
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
}
