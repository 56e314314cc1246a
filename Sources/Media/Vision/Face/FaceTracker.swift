package import Foundations

/// Follows the face in front of one camera: looks where it was, and searches the picture when it was
/// nowhere or has gone.
///
/// Of several faces it takes the one nearest to the camera. It stays with that one until it loses it or,
/// as it looks round now and then, another is clearly nearer, or the other cameras follow somebody else
/// (``FaceAgreement``).
package struct FaceTracker {
  private var region: Region?
  private var round = 0
  private var unsure = 0
  private var home = FaceHome()
  /// Pictures since the latest look round.
  private var pictures = 0
  private var window = 0
  /// What may be another face.
  private var candidate = FaceLandmarks()
  /// Kept for their memory.
  private var found: [(region: Region, score: Float)] = []
  private var seen = SeenFaces()
  private var faces: [FaceAgreement.Face] = []
  /// Whether the latest picture's face is another one than that of the picture before, because it was
  /// gone over to.
  package private(set) var hasMoved = false

  /// Below this the mesh has found no face.
  package static let faceThreshold: Float = 0.5
  /// Small windows searched a picture once large ones have shown nothing: a far face is found within
  /// three pictures, and a picture costs no more than three times the mesh.
  private static let smallWindows = 6
  /// Pixels. A smaller face has eyes of less than eight.
  private static let leastSide: Float = 30
  /// Other faces are looked for in each picture of so many: 200 ms for a camera that is looked at,
  /// 600 ms for an idle one. The detector then costs a small part of what the mesh does.
  private static let roundInterval = 3
  /// Smaller windows searched each time for faces that are too small for the whole picture: those of a
  /// far face's picture have all been within eight times.
  private static let roundWindows = 3
  private static let nearer = FaceAgreement.nearer
  /// Share of a window that a face fills which the detector finds.
  private static let foundShare: Float = 1 / 6

  package init() {}

  package var isTracking: Bool { region != nil }

  /// Puts what it finds into `face`; its flag says whether that is one.
  /// - Parameters:
  ///   - agreement: whom all cameras follow; this one's number is `camera`.
  package mutating func follow(
    _ picture: Picture, detector: FaceDetector, mesh: FaceMesh, camera: Int,
    agreement: inout FaceAgreement, into face: inout FaceLandmarks
  ) throws(ModelFailure) {
    hasMoved = false
    agreement.pass()
    if let known = region {
      try mesh.find(in: picture, region: known, into: &face)
      if keep(face, in: picture) {
        pictures += 1
        guard pictures >= Self.roundInterval, let known = region else { return }
        pictures = 0
        return try lookRound(
          picture, from: known, detector, mesh, camera: camera, &agreement, &face)
      }
      home.lose()
    }
    region = nil
    // The next picture is looked round in: others may follow somebody else.
    pictures = Self.roundInterval - 1
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
    home.note(next.centre, width: next.width)
    return true
  }

  private mutating func lookRound(
    _ picture: Picture, from known: Region, _ detector: FaceDetector, _ mesh: FaceMesh,
    camera: Int, _ agreement: inout FaceAgreement, _ face: inout FaceLandmarks
  ) throws(ModelFailure) {
    try see(picture, detector, besides: known)
    let followed = listFaces(known)
    let least = known.width * Self.nearer
    agreement.note(camera: camera, faces: faces, followed: followed)
    if let nearer = agreement.nearer(than: camera, width: least),
      try move(to: faces[nearer].region, picture, mesh, &face, atLeast: least)
    {
      return agreement.settle(on: nearer, camera: camera)
    }
    let agreed = agreement.agree(camera: camera)
    if agreed != followed { _ = try move(to: faces[agreed].region, picture, mesh, &face) }
  }

  /// From left to right; what is followed is one of them, whether the detector has found it or not.
  /// - Returns: its place.
  private mutating func listFaces(_ known: Region) -> Int {
    faces.removeAll(keepingCapacity: true)
    var own = FaceAgreement.Face(known, isSure: false)
    var (at, nearest) = (-1, known.width / 2)
    for (index, other) in seen.faces.enumerated() {
      let off = other.region.centre - known.centre
      let distance = (off * off).sum().squareRoot()
      if distance < nearest { (at, nearest) = (index, distance) }
    }
    let isHome = home.holds(known.centre, width: known.width)
    for (index, other) in seen.faces.enumerated() {
      let region = other.region
      var face = FaceAgreement.Face(region, isSure: other.score >= FaceDetector.sureScore)
      if index == at {
        own = face
      } else {
        let isOwner = !isHome && home.holds(region.centre, width: region.width)
        face.familiarity = isOwner ? home.familiarity : 0
        faces.append(face)
      }
    }
    own.familiarity = isHome ? home.familiarity : home.astray
    faces.append(own)
    faces.sort { $0.place.x < $1.place.x }
    return faces.firstIndex { $0.place == own.place } ?? 0
  }

  /// - Parameter least: the width that a region must have to count as that of a nearer face. The
  ///   detector's box has another size than the points' bounds: only these are compared.
  /// - Returns: whether there is a face.
  private mutating func move(
    to found: Region, _ picture: Picture, _ mesh: FaceMesh, _ face: inout FaceLandmarks,
    atLeast least: Float = 0
  ) throws(ModelFailure) -> Bool {
    try mesh.find(in: picture, region: found, into: &candidate)
    guard candidate.flag >= Self.faceThreshold else { return false }
    let settled = candidate.region()
    guard settled.width.isFinite, settled.width >= least else { return false }
    try mesh.find(in: picture, region: settled, into: &candidate)
    let place = candidate.region()
    guard place.width >= least, keep(candidate, in: picture) else { return false }
    home.move(to: place.centre, width: place.width)
    swap(&face, &candidate)
    hasMoved = true
    return true
  }

  /// Faces in the whole picture and, where a nearer one could be too small for that, in some of the
  /// smaller windows in turn.
  private mutating func see(
    _ picture: Picture, _ detector: FaceDetector, besides known: Region
  ) throws(ModelFailure) {
    seen.begin()
    let whole = FaceWindows.whole(picture)
    try see(picture, detector, in: whole)
    let least = Self.nearer * known.width / FaceLandmarks.margin
    guard least < whole.width * Self.foundShare else { return seen.forget(after: 0) }
    let side = Float(min(picture.width, picture.height))
    let large = FaceWindows.count(picture, side: side)
    let small = least < side * Self.foundShare ? FaceWindows.count(picture, side: side / 2) : 0
    for _ in 0..<min(Self.roundWindows, large + small) {
      window = (window + 1) % (large + small)
      try see(
        picture, detector,
        in: window < large
          ? FaceWindows.window(picture, side: side, index: window)
          : FaceWindows.window(picture, side: side / 2, index: window - large))
    }
    seen.forget(after: (large + small - 1) / Self.roundWindows)
  }

  private mutating func see(
    _ picture: Picture, _ detector: FaceDetector, in window: Region
  ) throws(ModelFailure) {
    try detector.findAll(in: picture, window: window, limit: SeenFaces.limit, into: &found)
    for face in found { seen.add(face.region, score: face.score) }
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

extension Region {
  var centre: SIMD2<Float> { SIMD2(centreX, centreY) }
}

extension FaceAgreement.Face {
  fileprivate init(_ region: Region, isSure: Bool) {
    self.init(place: region.centre, width: region.width, angle: region.angle, isSure: isSure)
  }

  fileprivate var region: Region {
    Region(
      centreX: place.x, centreY: place.y, width: width, height: width, angle: angle)
  }
}
