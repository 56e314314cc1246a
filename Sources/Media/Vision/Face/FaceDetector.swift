package import Foundations
import Glibc

/// Finds faces with BlazeFace, short range (Bazarevsky et al. 2019, arXiv 1907.05047; the layout of
/// its output is MediaPipe's face_detection_short_range): 896 anchors on two grids, for each a score,
/// a box and six points.
///
/// Belongs to one thread or actor at a time.
package final class FaceDetector {
  private let network: Network
  private let sampler = PictureSampler(low: -1, high: 1)
  /// One for each size that windows of one picture ask for in turn, which are three.
  private var shrinkers: [PictureShrinker] = []
  /// Kept for its memory.
  private var found: [SIMD8<Float>] = []

  /// For cameras of two sizes. Beyond that the oldest makes room.
  private static let shrinkerLimit = 6
  /// Side of the network's picture.
  static let side = 128
  /// Sure enough; the mesh's own flag decides afterwards.
  private static let threshold: Float = 0.5
  /// A score that leaves no doubt: of several such faces the largest is taken.
  static let sureScore: Float = 0.88
  /// Share by which a box must be wider to be another, nearer face: the boxes of one face differ by
  /// less.
  private static let nearer: Float = 1.25
  /// Boxes that overlap the best one by more than this are the same face.
  private static let sameFace: Float = 0.3
  /// Anchors: grid's side and how many a cell.
  private static let grids = [(side: 16, each: 2), (side: 8, each: 6)]
  private static let anchorCount = 896
  /// Numbers an anchor: box and six points.
  private static let stride = 16

  package init(store: ModelStore) throws(Failure) {
    network = try store.network(.faceDetector)
  }

  /// The largest of the faces in a square window of the picture that leave no doubt, which is the
  /// nearest; else the most likely one. The window may reach beyond the picture.
  ///
  /// - Returns: the region for the face's landmarks, and the score in 0…1.
  package func find(
    in picture: Picture, window: Region
  ) throws(ModelFailure) -> (region: Region, score: Float)? {
    let (boxes, logits) = try run(picture, window)
    var best = 0
    for index in 0..<Self.anchorCount where logits[index] > logits[best] { best = index }
    guard Self.probability(logits[best]) >= Self.threshold else { return nil }
    best = Self.nearest(boxes, logits, likeliest: best)
    let face = Self.mean(boxes, logits, of: best)
    return (Self.region(face, in: window), Self.probability(logits[best]))
  }

  /// All faces in a square window of the picture, the likeliest first, up to `limit`.
  func findAll(
    in picture: Picture, window: Region, limit: Int,
    into faces: inout [(region: Region, score: Float)]
  ) throws(ModelFailure) {
    faces.removeAll(keepingCapacity: true)
    let (boxes, logits) = try run(picture, window)
    found.removeAll(keepingCapacity: true)
    while found.count < limit {
      var best: Int?
      // A logit of nought is the threshold of one half.
      for index in 0..<Self.anchorCount where logits[index] > best.map({ logits[$0] }) ?? 0 {
        let face = Self.face(boxes, index)
        if !found.contains(where: { Self.isSame($0, face) }) { best = index }
      }
      guard let best else { return }
      let face = Self.mean(boxes, logits, of: best)
      // The mean may lie a little off its best box, which mustn't be found again.
      found.append(Self.face(boxes, best))
      faces.append((Self.region(face, in: window), Self.probability(logits[best])))
    }
  }

  private func run(
    _ picture: Picture, _ window: Region
  ) throws(ModelFailure) -> (boxes: UnsafeBufferPointer<Float>, logits: UnsafeBufferPointer<Float>)
  {
    fillInput(picture, window)
    try network.run()
    let (boxes, logits) = (network.output(0), network.output(1))
    guard boxes.count == Self.anchorCount * Self.stride, logits.count == Self.anchorCount else {
      throw .unsupported("a detector with other anchors")
    }
    return (boxes, logits)
  }

  /// The mean of all boxes of this face, weighted by their scores.
  private static func mean(
    _ boxes: UnsafeBufferPointer<Float>, _ logits: UnsafeBufferPointer<Float>, of best: Int
  ) -> SIMD8<Float> {
    let chosen = face(boxes, best)
    var sum = SIMD8<Float>(repeating: 0)
    var total: Float = 0
    for index in 0..<anchorCount {
      let weight = probability(logits[index])
      guard weight >= threshold else { continue }
      let candidate = face(boxes, index)
      guard overlap(chosen, candidate) > sameFace else { continue }
      sum += candidate * weight
      total += weight
    }
    return sum / max(total, 1e-6)
  }

  /// Boxes of one face overlap, or one of them holds the other's middle.
  private static func isSame(_ one: SIMD8<Float>, _ other: SIMD8<Float>) -> Bool {
    func holds(_ box: SIMD8<Float>, _ other: SIMD8<Float>) -> Bool {
      let (x, y) = ((other[0] + other[2]) / 2, (other[1] + other[3]) / 2)
      return x > box[0] && x < box[2] && y > box[1] && y < box[3]
    }
    return overlap(one, other) > sameFace || holds(one, other) || holds(other, one)
  }

  private static func nearest(
    _ boxes: UnsafeBufferPointer<Float>, _ logits: UnsafeBufferPointer<Float>, likeliest: Int
  ) -> Int {
    var (best, bestWidth) = (likeliest, boxes[likeliest * stride + 2])
    for index in 0..<anchorCount where probability(logits[index]) >= sureScore {
      let width = boxes[index * stride + 2]
      // Of the nearer face's boxes, the likeliest.
      let isSame = width > bestWidth / nearer && logits[index] > logits[best]
      if width > bestWidth * nearer || (isSame && best != likeliest) {
        (best, bestWidth) = (index, width)
      }
    }
    return best
  }

  private func fillInput(_ picture: Picture, _ window: Region) {
    let input = network.input(0)
    let shrink = window.width / Float(Self.side)
    guard shrink > 2, let floats = input.baseAddress else {
      return sampler.sample(
        picture, region: window, into: input.baseAddress!, width: Self.side, height: Self.side)
    }
    // Averages first: every pixel counts, and sampling alone would skip most of them.
    let factor = shrink.rounded(.down)
    let small = shrinker(
      from: (picture.width, picture.height),
      to: (
        max(Int(Float(picture.width) / factor), 2), max(Int(Float(picture.height) / factor), 2)
      )
    ).shrink(picture)
    let (x, y) = (
      Float(small.width) / Float(picture.width), Float(small.height) / Float(picture.height)
    )
    sampler.sample(
      small,
      region: Region(
        centreX: window.centreX * x, centreY: window.centreY * y, width: window.width * x,
        height: window.height * y),
      into: floats, width: Self.side, height: Self.side)
  }

  private func shrinker(
    from: (width: Int, height: Int), to: (width: Int, height: Int)
  ) -> PictureShrinker {
    for shrinker in shrinkers where shrinker.fits(from: from, to: to) { return shrinker }
    if shrinkers.count == Self.shrinkerLimit { shrinkers.removeFirst() }
    let shrinker = PictureShrinker(from: from, to: to)
    shrinkers.append(shrinker)
    return shrinker
  }

  private static func probability(_ logit: Float) -> Float { 1 / (1 + expf(-logit)) }

  /// Left, top, right, bottom, then the eyes' x and y, in shares of the window.
  private static func face(_ boxes: UnsafeBufferPointer<Float>, _ index: Int) -> SIMD8<Float> {
    let centre = anchor(index)
    let at = index * stride
    func share(_ place: Int) -> Float { boxes[at + place] / Float(side) }
    let (x, y) = (centre.x + share(0), centre.y + share(1))
    let (halfWidth, halfHeight) = (share(2) / 2, share(3) / 2)
    return SIMD8(
      x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, centre.x + share(4),
      centre.y + share(5), centre.x + share(6), centre.y + share(7))
  }

  private static func anchor(_ index: Int) -> (x: Float, y: Float) {
    var rest = index
    for grid in grids {
      let count = grid.side * grid.side * grid.each
      if rest < count {
        let cell = rest / grid.each
        let step = 1 / Float(grid.side)
        return ((Float(cell % grid.side) + 0.5) * step, (Float(cell / grid.side) + 0.5) * step)
      }
      rest -= count
    }
    return (0, 0)
  }

  private static func overlap(_ one: SIMD8<Float>, _ other: SIMD8<Float>) -> Float {
    let width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    let height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    func area(_ box: SIMD8<Float>) -> Float { (box[2] - box[0]) * (box[3] - box[1]) }
    let both = width * height
    return both / max(area(one) + area(other) - both, 1e-6)
  }

  /// MediaPipe's face_landmark module: half as large again as the box, level with the eyes.
  private static func region(_ face: SIMD8<Float>, in window: Region) -> Region {
    let (left, top) = (window.centreX - window.width / 2, window.centreY - window.height / 2)
    let size = FaceLandmarks.margin * max(face[2] - face[0], face[3] - face[1]) * window.width
    return Region(
      centreX: left + (face[0] + face[2]) / 2 * window.width,
      centreY: top + (face[1] + face[3]) / 2 * window.height, width: size, height: size,
      angle: atan2f(face[7] - face[5], face[6] - face[4]))
  }
}
