package import Foundations

/// Follows the face in front of one camera: looks where it was, and searches the picture when it was
/// nowhere or has gone.
///
/// Of several faces it takes the one nearest to the camera and stays with it until it loses it.
package struct FaceTracker {
  private var region: Region?
  private var round = 0
  private var unsure = 0

  /// Below this the mesh has found no face.
  package static let faceThreshold: Float = 0.5
  /// Small windows searched a picture once large ones have shown nothing: a far face is found within
  /// three pictures, and a picture costs no more than three times the mesh.
  private static let smallWindows = 6
  /// Pixels. A smaller face has eyes of less than eight.
  private static let leastSide: Float = 30

  package init() {}

  package var isTracking: Bool { region != nil }

  /// Puts what it finds into `face`; its flag says whether that is one.
  package mutating func follow(
    _ picture: Picture, detector: FaceDetector, mesh: FaceMesh, into face: inout FaceLandmarks
  ) throws(ModelFailure) {
    if let known = region {
      try mesh.find(in: picture, region: known, into: &face)
      if keep(face, in: picture) { return }
    }
    region = nil
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

  /// The whole picture for a near face, squares of its shorter side, and, some at a time, squares of
  /// half of that: the detector wants a face to fill a sixth of what it is shown. What it is sure of
  /// ends the search; otherwise the likeliest of all is taken, because what fills the picture may be
  /// a cat on the wall.
  private mutating func search(
    _ picture: Picture, _ detector: FaceDetector
  ) throws(ModelFailure) -> Region? {
    let (width, height) = (Float(picture.width), Float(picture.height))
    let whole = Region(
      centreX: width / 2, centreY: height / 2, width: max(width, height),
      height: max(width, height))
    var best = try detector.find(in: picture, window: whole)
    if let best, best.score >= FaceDetector.sureScore { return best.region }
    let side = min(width, height)
    for index in 0..<Windows.count(picture, side: side) {
      let window = Windows.window(picture, side: side, index: index)
      guard let found = try detector.find(in: picture, window: window) else { continue }
      if found.score > best?.score ?? 0 { best = found }
    }
    if let best, best.score >= FaceDetector.sureScore { return best.region }
    let small = side / 2
    let count = Windows.count(picture, side: small)
    for _ in 0..<min(Self.smallWindows, count) {
      round = (round + 1) % count
      let window = Windows.window(picture, side: small, index: round)
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

/// Square windows that cover a picture, each half over the next.
private enum Windows {
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
}
