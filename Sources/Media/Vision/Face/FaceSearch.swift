import Foundations

/// Where faces are in the pictures of one camera, looked for a few windows at a time.
///
/// Says no more of a face than its place: who turns away is remembered for a while.
struct FaceSearch {
  /// A face, and for how many looks it wasn't seen.
  struct Sighting {
    var region: Region
    var misses = 0
  }

  private(set) var sightings: [Sighting] = []
  /// Which window is next.
  private var round = 0
  private var isNew = true

  /// Faces that are followed at once. Beyond it the segmentation sees the whole picture anyway.
  private static let limit = 4
  /// Looks for which a face that isn't seen is where it was: some seconds, for one that bends down.
  private static let patience = 12
  /// The same where the mask shows nobody either.
  private static let alonePatience = 2
  /// Sides of the window for a known face, in sides of the face's region: it may have gone as far.
  private static let room: Float = 2.5
  /// Regions nearer to each other than this share of their width are one face.
  private static let same: Float = 0.6

  init() { sightings.reserveCapacity(Self.limit + 1) }

  /// Looks through some windows; the first time through all, until there is a face.
  /// - Parameters:
  ///   - windows: how many beside those of known faces and people. All are some sixty, a detector's run each.
  ///   - people: rectangles in which somebody is in sight.
  ///   - isTracked: whether somebody is still seen where the face was, though turned away.
  mutating func look(
    at picture: Picture, _ detector: FaceDetector, windows: Int, round people: [PictureWindow],
    isTracked: (Region) -> Bool
  ) throws(ModelFailure) {
    for index in sightings.indices.reversed() {
      let known = sightings[index].region
      let side = FaceWindows.side(near: known.width * Self.room, of: picture)
      let window = Region(
        centreX: known.centreX, centreY: known.centreY, width: side, height: side)
      if let found = try sure(detector, picture, window) {
        sightings[index] = Sighting(region: found)
      } else if sightings[index].misses >= (isTracked(known) ? Self.patience : Self.alonePatience) {
        sightings.remove(at: index)
      } else {
        sightings[index].misses += 1
      }
    }
    merge()
    for person in people where !sightings.contains(where: { person.contains($0.region) }) {
      try add(detector, picture, Self.top(of: person, in: picture))
    }
    let count = FaceWindows.count(picture)
    for _ in 0..<(isNew ? count : windows) {
      if isNew, !sightings.isEmpty { break }
      try add(detector, picture, FaceWindows.window(picture, round))
      round = (round + 1) % count
    }
    isNew = false
  }

  private mutating func add(
    _ detector: FaceDetector, _ picture: Picture, _ window: Region
  ) throws(ModelFailure) {
    guard let found = try sure(detector, picture, window) else { return }
    sightings.append(Sighting(region: found))
    merge()
  }

  /// Where a person's head is, however much of the person is in sight.
  private static func top(of person: PictureWindow, in picture: Picture) -> Region {
    let wanted = 1.2 * Float(min(person.width, person.height))
    let side = FaceWindows.side(near: wanted, of: picture)
    return Region(
      centreX: Float(person.x) + Float(person.width) / 2, centreY: Float(person.y) + 0.4 * side,
      width: side, height: side)
  }

  private func sure(
    _ detector: FaceDetector, _ picture: Picture, _ window: Region
  ) throws(ModelFailure) -> Region? {
    guard let found = try detector.find(in: picture, window: window),
      found.score >= FaceDetector.sureScore
    else { return nil }
    return found.region
  }

  /// Of two that are one, the later found stays; of too many, the largest.
  private mutating func merge() {
    var index = 0
    while index < sightings.count {
      let face = sightings[index].region
      let isTwice = sightings[(index + 1)...].contains { other in
        let width = max(other.region.width, face.width) * Self.same
        return abs(other.region.centreX - face.centreX) < width
          && abs(other.region.centreY - face.centreY) < width
      }
      if isTwice { sightings.remove(at: index) } else { index += 1 }
    }
    while sightings.count > Self.limit,
      let least = sightings.indices.min(by: {
        sightings[$0].region.width < sightings[$1].region.width
      })
    {
      sightings.remove(at: least)
    }
  }
}
