/// The faces that one camera's looks round have found, of which each shows a part of the picture.
struct SeenFaces: Sendable {
  private(set) var faces: [Entry] = []
  private var round = 0

  struct Entry: Sendable {
    var region: Region
    var score: Float
    fileprivate var round: Int
  }

  /// More are dropped.
  static let limit = FaceAgreement.faceLimit
  /// Widths of a face's region between the middles of two boxes of one face: in one picture, and in
  /// pictures that are some tenths of a second apart.
  private static let same: Float = 0.5
  private static let moved: Float = 0.8

  mutating func begin() { round += 1 }

  mutating func add(_ region: Region, score: Float) {
    var score = score
    var (best, at) = (region, 0)
    while at < faces.count {
      let known = faces[at]
      let reach = known.round == round ? Self.same : Self.moved
      let off = known.region.centre - region.centre
      let near = reach * max(known.region.width, region.width)
      guard (off * off).sum() < near * near else {
        at += 1
        continue
      }
      // A window's edge cuts faces, and the detector is less sure of such.
      if known.round == round, known.score > score { (best, score) = (known.region, known.score) }
      faces.remove(at: at)
    }
    if faces.count < Self.limit { faces.append(Entry(region: best, score: score, round: round)) }
  }

  /// - Parameter rounds: how many, besides this one, it takes to see all of the picture.
  mutating func forget(after rounds: Int) {
    let oldest = round - rounds
    faces.removeAll { $0.round < oldest }
  }
}
