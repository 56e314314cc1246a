package import Foundations
import Glibc

/// What is known of one face in one picture.
package struct FaceLandmarks {
  /// x and y of each point in pixels of the picture: the 468 of the mesh, then five of each iris, its
  /// centre first; the iris on the picture's left comes first.
  package fileprivate(set) var points: [SIMD2<Float>]
  /// The network's own word on whether there is a face, in 0…1. Beyond a turn of 65° the points
  /// collapse, and so does this.
  package internal(set) var flag: Float = 0

  package static let meshCount = 468
  /// Side of the region that a face is searched in, by the face's own.
  static let margin: Float = 1.5
  package static let irisCount = 5
  package static let leftIris = meshCount
  package static let rightIris = meshCount + irisCount

  init() {
    points = Array(repeating: .zero, count: Self.meshCount + 2 * Self.irisCount)
  }

  /// The square that the next picture is searched in: the points' bounds, level with the eyes, half
  /// as large again (MediaPipe's face_landmark module).
  func region() -> Region {
    let eyes = points[263] - points[33]
    let angle = atan2f(eyes.y, eyes.x)
    let (cosine, sine) = (cosf(angle), sinf(angle))
    var low = SIMD2<Float>(repeating: .infinity)
    var high = SIMD2<Float>(repeating: -.infinity)
    for index in 0..<Self.meshCount {
      let point = points[index]
      let level = SIMD2(
        cosine * point.x + sine * point.y, cosine * point.y - sine * point.x)
      low = pointwiseMin(low, level)
      high = pointwiseMax(high, level)
    }
    let middle = (low + high) / 2
    let side = Self.margin * (high - low).max()
    return Region(
      centreX: cosine * middle.x - sine * middle.y, centreY: sine * middle.x + cosine * middle.y,
      width: side, height: side, angle: angle)
  }
}

/// The landmarks of a face whose place is known (Grishchenko et al. 2020, arXiv 2006.10962, "Attention
/// Mesh").
///
/// Belongs to one thread or actor at a time.
package final class FaceMesh {
  private let network: Network
  private let sampler = PictureSampler(low: 0, high: 1)

  /// Side of the network's picture; its points are in pixels of that.
  private static let side = 192

  /// Outputs: mesh, lips, two eyes, two irises, flag.
  private enum Output {
    static let mesh = 0
    static let leftEye = 2
    static let rightEye = 3
    static let leftIris = 4
    static let rightIris = 5
    static let flag = 6
  }

  /// The points of the mesh that the first sixteen of an eye's output stand for: round the lids, the
  /// lower one from the outer corner to the inner, then the upper one between them (MediaPipe's
  /// face_landmark module).
  private static let leftLids = [
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
  ]
  private static let rightLids = [
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
  ]

  package init(store: ModelStore) throws(Failure) {
    network = try store.network(.attentionMesh)
  }

  package func find(
    in picture: Picture, region: Region, into face: inout FaceLandmarks
  ) throws(ModelFailure) {
    guard let input = network.input(0).baseAddress, network.outputCount == 7,
      network.output(Output.mesh).count == 3 * FaceLandmarks.meshCount,
      network.output(Output.leftIris).count == 2 * FaceLandmarks.irisCount,
      network.output(Output.rightIris).count == 2 * FaceLandmarks.irisCount,
      network.output(Output.leftEye).count >= 2 * Self.leftLids.count,
      network.output(Output.rightEye).count >= 2 * Self.rightLids.count
    else { throw .unsupported("a mesh with other points") }
    sampler.sample(picture, region: region, into: input, width: Self.side, height: Self.side)
    try network.run()
    face.flag = 1 / (1 + expf(-network.output(Output.flag)[0]))
    let (cosine, sine) = (cosf(region.angle), sinf(region.angle))
    let across = SIMD2(cosine, sine) * (region.width / Float(Self.side))
    let down = SIMD2(-sine, cosine) * (region.height / Float(Self.side))
    let centre = SIMD2(region.centreX, region.centreY)
    func place(_ x: Float, _ y: Float) -> SIMD2<Float> {
      centre + across * (x - Float(Self.side) / 2) + down * (y - Float(Self.side) / 2)
    }
    let mesh = network.output(Output.mesh)
    for index in 0..<FaceLandmarks.meshCount {
      face.points[index] = place(mesh[3 * index], mesh[3 * index + 1])
    }
    moveIris(Output.leftIris, FaceLandmarks.leftIris)
    moveIris(Output.rightIris, FaceLandmarks.rightIris)
    moveLids(Output.leftEye, Self.leftLids)
    moveLids(Output.rightEye, Self.rightLids)

    func moveIris(_ output: Int, _ first: Int) {
      let iris = network.output(output)
      for index in 0..<FaceLandmarks.irisCount {
        face.points[first + index] = place(iris[2 * index], iris[2 * index + 1])
      }
    }

    // Looked at more closely than the mesh's own.
    func moveLids(_ output: Int, _ lids: [Int]) {
      let eye = network.output(output)
      for index in 0..<lids.count {
        face.points[lids[index]] = place(eye[2 * index], eye[2 * index + 1])
      }
    }
  }
}
