package import Foundations

/// Follows the face in front of one camera: looks where it was, and searches the picture when it was
/// nowhere or has gone.
///
/// Of several faces it takes the one nearest to the camera. It stays with that one until it loses it or
/// another is clearly nearer, for which it looks now and then.
package struct FaceTracker {
  private var region: Region?
  private var round = 0
  private var unsure = 0
  /// Pictures since the latest look for a nearer face.
  private var pictures = 0
  private var nearerRound = 0
  /// What may be a nearer face.
  private var candidate = FaceLandmarks()
  /// Whether the latest picture's face is another one than that of the picture before, because it is
  /// nearer.
  package private(set) var hasMoved = false

  /// Below this the mesh has found no face.
  package static let faceThreshold: Float = 0.5
  /// Small windows searched a picture once large ones have shown nothing: a far face is found within
  /// three pictures, and a picture costs no more than three times the mesh.
  private static let smallWindows = 6
  /// Pixels. A smaller face has eyes of less than eight.
  private static let leastSide: Float = 30
  /// A nearer face is looked for in each picture of so many: 200 ms for a camera that is looked at,
  /// 600 ms for an idle one. The detector then costs a small part of what the mesh does.
  private static let nearerInterval = 3
  /// Smaller windows searched each time for a face that is too small for the whole picture: those of a
  /// far face's picture have all been within eight times.
  private static let nearerWindows = 3
  /// Share by which a face must be larger to be the nearer one. Two who sit side by side differ by
  /// less; and who has been left for a nearer one must come as much nearer in turn.
  private static let nearer: Float = 1.3
  /// Share of a window that a face fills which the detector finds.
  private static let foundShare: Float = 1 / 6

  package init() {}

  package var isTracking: Bool { region != nil }

  /// Puts what it finds into `face`; its flag says whether that is one.
  package mutating func follow(
    _ picture: Picture, detector: FaceDetector, mesh: FaceMesh, into face: inout FaceLandmarks
  ) throws(ModelFailure) {
    hasMoved = false
    if let known = region {
      try mesh.find(in: picture, region: known, into: &face)
      if keep(face, in: picture) {
        return try moveToNearer(picture, detector: detector, mesh: mesh, from: &face)
      }
    }
    region = nil
    pictures = 0
    face.flag = 0
    guard let found = try search(picture, detector) else { return }
    // The detector's box is coarse: a second look from the points themselves settles them.
    try mesh.find(in: picture, region: found, into: &face)
    guard face.flag >= Self.faceThreshold else { return }
    try mesh.find(in: picture, region: face.region(), into: &face)
    _ = keep(face, in: picture)
  }

  /// Whether the face is good for the next picture.
  private mutating func keep(_ face: FaceLandmarks, in picture: Picture) -> Bool {
    guard face.flag >= Self.faceThreshold else { return false }
    let next = face.region()
    let limit = 3 * Float(max(picture.width, picture.height))
    guard next.width.isFinite, next.width >= Self.leastSide, next.width <= limit,
      next.centreX >= 0, next.centreY >= 0, next.centreX <= Float(picture.width),
      next.centreY <= Float(picture.height)
    else { return false }
    region = next
    return true
  }

  private mutating func moveToNearer(
    _ picture: Picture, detector: FaceDetector, mesh: FaceMesh, from face: inout FaceLandmarks
  ) throws(ModelFailure) {
    pictures += 1
    guard pictures >= Self.nearerInterval, let known = region else { return }
    pictures = 0
    guard let found = try searchNearer(than: known, picture, detector) else { return }
    try mesh.find(in: picture, region: found, into: &candidate)
    guard candidate.flag >= Self.faceThreshold else { return }
    // The detector's box has another size than the points' bounds: only these are compared.
    let settled = candidate.region()
    guard settled.width.isFinite, settled.width >= known.width * Self.nearer else { return }
    try mesh.find(in: picture, region: settled, into: &candidate)
    guard candidate.region().width >= known.width * Self.nearer, keep(candidate, in: picture)
    else { return }
    swap(&face, &candidate)
    hasMoved = true
  }

  /// The whole picture and, where a nearer face could be too small for that, some of the smaller windows
  /// in turn.
  private mutating func searchNearer(
    than known: Region, _ picture: Picture, _ detector: FaceDetector
  ) throws(ModelFailure) -> Region? {
    func search(_ window: Region) throws(ModelFailure) -> Region? {
      guard let found = try detector.find(in: picture, window: window),
        found.score >= FaceDetector.sureScore, found.region.width >= known.width * Self.nearer
      else { return nil }
      return found.region
    }
    let whole = FaceWindows.whole(picture)
    if let found = try search(whole) { return found }
    let least = Self.nearer * known.width / FaceLandmarks.margin
    guard least < whole.width * Self.foundShare else { return nil }
    let side = Float(min(picture.width, picture.height))
    let large = FaceWindows.count(picture, side: side)
    let small = least < side * Self.foundShare ? FaceWindows.count(picture, side: side / 2) : 0
    for _ in 0..<min(Self.nearerWindows, large + small) {
      nearerRound = (nearerRound + 1) % (large + small)
      let window =
        nearerRound < large
        ? FaceWindows.window(picture, side: side, index: nearerRound)
        : FaceWindows.window(picture, side: side / 2, index: nearerRound - large)
      if let found = try search(window) { return found }
    }
    return nil
  }

  /// The whole picture for a near face, squares of its shorter side, and, some at a time, squares of
  /// half of that: the detector wants a face to fill a sixth of what it is shown. What it is sure of
  /// ends the search; otherwise the likeliest of all is taken, because what fills the picture may be
  /// a cat on the wall.
  private mutating func search(
    _ picture: Picture, _ detector: FaceDetector
  ) throws(ModelFailure) -> Region? {
    var best = try detector.find(in: picture, window: FaceWindows.whole(picture))
    if let best, best.score >= FaceDetector.sureScore { return best.region }
    let side = Float(min(picture.width, picture.height))
    for index in 0..<FaceWindows.count(picture, side: side) {
      let window = FaceWindows.window(picture, side: side, index: index)
      guard let found = try detector.find(in: picture, window: window) else { continue }
      if found.score > best?.score ?? 0 { best = found }
    }
    if let best, best.score >= FaceDetector.sureScore { return best.region }
    let small = side / 2
    let count = FaceWindows.count(picture, side: small)
    for _ in 0..<min(Self.smallWindows, count) {
      round = (round + 1) % count
      let window = FaceWindows.window(picture, side: small, index: round)
      guard let found = try detector.find(in: picture, window: window) else { continue }
      if found.score > best?.score ?? 0 { best = found }
    }
    // Small windows are looked through in turn: until all have been, only the sure counts.
    unsure = best == nil ? 0 : unsure + 1
    guard let best, best.score >= FaceDetector.sureScore || unsure * Self.smallWindows >= count
    else { return nil }
    unsure = 0
    return best.region
  }
}
