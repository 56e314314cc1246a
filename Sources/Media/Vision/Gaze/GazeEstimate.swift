import Foundations
import Glibc

/// Where somebody looks, as one camera sees it.
package struct GazeEstimate: Hashable, Sendable {
  /// The mesh's flag: whether there is a face, 0…1.
  package var face: Float
  /// Degrees; right and up are positive.
  package var headYaw: Float
  package var headPitch: Float
  /// The gaze's own direction in degrees from the ray to the camera, right and up.
  package var yaw: Float
  package var pitch: Float
  /// Whether the lids let the eyes be seen.
  package var eyesOpen: Bool
  /// How much of the irises the lids leave to be seen, 0…1.
  package var visibility: Float
  /// How far the eyes can be trusted, 0…1: less when they are small, or each says something else (a
  /// glare on glasses hits one of them).
  package var confidence: Float

  /// Degrees between the gaze and the ray to this camera.
  package var angle: Float { (yaw * yaw + pitch * pitch).squareRoot() }

  /// What a person's eyes and head add to what is measured, found by looking at the camera.
  package struct Bias: Hashable, Sendable {
    package var yaw: Float
    package var pitch: Float

    package init(yaw: Float = 0, pitch: Float = 0) {
      (self.yaw, self.pitch) = (yaw, pitch)
    }
  }

  package init(
    face: Float, headYaw: Float, headPitch: Float, yaw: Float, pitch: Float, eyesOpen: Bool = true,
    visibility: Float = 1, confidence: Float = 1
  ) {
    (self.face, self.headYaw, self.headPitch) = (face, headYaw, headPitch)
    (self.yaw, self.pitch) = (yaw, pitch)
    (self.eyesOpen, self.visibility, self.confidence) = (eyesOpen, visibility, confidence)
  }
}

/// From landmarks to a gaze.
///
/// An eye is a ball whose centre lies behind the middle of its corners; the iris lies on it. Under
/// scaled orthographic projection, with the pose's scale `s` and forward direction `f`,
///
///     iris − middle of the corners = s · (r·gaze − d·f)     (across and down)
///
/// so the gaze's direction across and down is `(iris − middle)/(s·r) + (d/r)·f`: no angle of the eye in
/// the head is needed, and the camera's own axes stay in force throughout.
enum GazeModel {
  /// Centimetres from the centre of the eye's rotation to the plane of the iris: the centre lies
  /// 13.5 mm behind the cornea's front (Fry and Hill 1962), the iris 3.6 mm (Gullstrand's eye).
  private static let irisDistance: Float = 1.0
  /// Centimetres from the corners' middle back to the centre of rotation. The corners lie some 7 to
  /// 8 mm behind the cornea's front.
  private static let cornerDepth: Float = 0.6
  /// Centimetres by which an iris stands above its corners' middle when the look is level: the upper
  /// lid opens further than the lower one.
  private static let irisHeight: Float = 0.06
  /// The lids' distance in shares of the corners'. The mesh draws closed lids some 0.12 apart; from 0.2
  /// on an eye counts as open elsewhere too (Soukupová and Čech 2016).
  private static let openness: ClosedRange<Float> = 0.12...0.2
  /// Eyes narrower than this share of what is usual for them are closing.
  private static let shareOfUsual: Float = 0.5
  /// Pixels between an eye's corners from which an iris can be placed to a tenth of its own width.
  private static let eyeWidth: ClosedRange<Float> = 8...20
  /// Centimetres by which two eyes may disagree before they are doubted, and beyond which one of them
  /// sees a reflection.
  private static let disagreement: ClosedRange<Float> = 0.25...0.6

  private struct Eye {
    let outer: Int
    let inner: Int
    let upper: Int
    let lower: Int
    let iris: Int
  }

  private static let eyes = (
    Eye(outer: 33, inner: 133, upper: 159, lower: 145, iris: FaceLandmarks.leftIris),
    Eye(outer: 263, inner: 362, upper: 386, lower: 374, iris: FaceLandmarks.rightIris)
  )

  /// - Parameter usualOpenness: how far this person's eyes are open as a rule; follows what is seen,
  ///   upwards faster than down, so that blinks hardly count.
  static func estimate(
    _ face: FaceLandmarks, usualOpenness: inout Float
  ) -> GazeEstimate? {
    guard let pose = HeadPose.fit(face.points) else { return nil }
    let forward = pose.forward
    let (left, right) = (look(eyes.0, face, pose), look(eyes.1, face, pose))
    let mean = (left.offset + right.offset) / 2
    let across = mean.x / irisDistance + cornerDepth / irisDistance * forward.x
    let down =
      (mean.y + irisHeight) / irisDistance + cornerDepth / irisDistance * forward.y
    let size = min(max(left.width, right.width), eyeWidth.upperBound)
    let sizeTrust =
      (size - eyeWidth.lowerBound) / (eyeWidth.upperBound - eyeWidth.lowerBound)
    // Turned far, one eye hides behind the nose: they differ without anything being wrong.
    let apart = abs(left.offset.y - right.offset.y)
    let doubt =
      (apart - disagreement.lowerBound) / (disagreement.upperBound - disagreement.lowerBound)
    let opening = max(left.openness, right.openness)
    let visibility =
      (opening - openness.lowerBound) / (openness.upperBound - openness.lowerBound)
    let areOpen = opening >= max(openness.lowerBound, shareOfUsual * usualOpenness)
    usualOpenness += (opening - usualOpenness) * (opening > usualOpenness ? 0.2 : 0.02)
    return GazeEstimate(
      face: face.flag, headYaw: pose.yaw, headPitch: pose.pitch,
      yaw: angle(across), pitch: -angle(down),
      eyesOpen: areOpen, visibility: max(0, min(1, visibility)),
      confidence: max(0.2, min(1, sizeTrust)) * max(0.3, min(1, 1 - doubt)))
  }

  private static func look(
    _ eye: Eye, _ face: FaceLandmarks, _ pose: HeadPose
  ) -> (offset: SIMD2<Float>, openness: Float, width: Float) {
    let points = face.points
    var iris = SIMD2<Float>.zero
    for index in eye.iris..<eye.iris + FaceLandmarks.irisCount { iris += points[index] }
    iris /= Float(FaceLandmarks.irisCount)
    let middle = (points[eye.outer] + points[eye.inner]) / 2
    let width = length(points[eye.outer] - points[eye.inner])
    let opening = length(points[eye.upper] - points[eye.lower])
    // A turned head narrows the eye, not its opening.
    let facing = max(abs(pose.forward.z), 0.3)
    return ((iris - middle) / pose.scale, opening * facing / max(width, 1), width)
  }

  private static func length(_ vector: SIMD2<Float>) -> Float {
    (vector * vector).sum().squareRoot()
  }

  /// Degrees of a direction's share across or down; beyond the plane of the picture it stays at 90.
  private static func angle(_ share: Float) -> Float { degrees(asinf(max(-1, min(1, share)))) }
}
