package import Foundations

/// Looks at the pictures of several cameras: for each the face, the head's turn and the gaze.
///
/// One pair of networks serves all cameras in turn. Belongs to one thread or actor at a time.
package final class GodsEye {
  private let detector: FaceDetector
  private let mesh: FaceMesh
  private let cameras: [Camera]
  private var agreement = FaceAgreement()
  /// What the speaker's eyes and head add, where it has been measured.
  package var calibration: GazeCalibration?

  private final class Camera {
    var tracker = FaceTracker()
    var face = FaceLandmarks()
    var usualOpenness: Float = 0
  }

  /// Cameras that are looked at by turns: each takes a share of one core, and a desk has no more
  /// of them.
  package static let cameraLimit = 8

  package init(cameras: Int, store: ModelStore) throws(Failure) {
    detector = try FaceDetector(store: store)
    mesh = try FaceMesh(store: store)
    self.cameras = (0..<cameras).map { _ in Camera() }
  }

  /// `nil` where there is no face.
  package func look(
    at picture: Picture, camera: Int
  ) throws(ModelFailure) -> GazeEstimate? {
    let number = camera
    let camera = cameras[number]
    try camera.tracker.follow(
      picture, detector: detector, mesh: mesh, camera: number, agreement: &agreement,
      into: &camera.face)
    // What is usual for one person says nothing about another.
    if camera.tracker.hasMoved { camera.usualOpenness = 0 }
    guard camera.tracker.isTracking,
      var estimate = GazeModel.estimate(camera.face, usualOpenness: &camera.usualOpenness)
    else { return nil }
    if let bias = calibration?.bias {
      estimate.yaw -= bias.yaw
      estimate.pitch -= bias.pitch
    }
    return estimate
  }
}

extension GazeEstimate {
  /// What the choice between cameras is told of it.
  package var sight: CameraSelector.Sight {
    let head = SIMD2(headYaw, headPitch)
    return eyesOpen
      ? .face(
        yaw: yaw, pitch: pitch, confidence: confidence, head: head, visibility: visibility)
      : .closedEyes(head: head)
  }
}
