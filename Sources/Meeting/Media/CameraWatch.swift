import Dispatch
import Foundations
import Synchronization
import Vision

/// God's eye in a meeting: looks at the cameras' pictures on a thread of its own and says which camera
/// is looked at. A picture that comes while another of the same camera waits takes its place; none
/// leaves the process by this way.
final class CameraWatch: Sendable {
  private let queue = WorkQueue(label: "gods-eye")
  private let state: Mutex<State>
  private let analysis: Analysis
  private let chosen: @Sendable (CameraSelector.Output) -> Void
  private let failed: @Sendable (Failure) -> Void

  private struct State {
    /// The newest picture of each camera that waits.
    var waiting: [VideoFrame?]
    var schedule = LookSchedule()
    var isLooking = false
    var selected: Int?
    var angle: Float?
    var isChallenged = false
  }

  // Safety: used on `queue` only.
  private final class Analysis: @unchecked Sendable {
    let eye: GodsEye
    var selector = CameraSelector()
    var outputs: [CameraSelector.Output] = []
    var hasFailed = false

    init(eye: GodsEye) { self.eye = eye }
  }

  init(
    cameras: Int, store: ModelStore, calibration: GazeCalibration?,
    chosen: @escaping @Sendable (CameraSelector.Output) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    self.chosen = chosen
    self.failed = failed
    state = Mutex(State(waiting: Array(repeating: nil, count: cameras)))
    let eye = try GodsEye(cameras: cameras, store: store)
    eye.calibration = calibration
    analysis = Analysis(eye: eye)
    var ignored: [CameraSelector.Output] = []
    for camera in 0..<cameras {
      analysis.selector.handle(.appeared(camera: camera), at: .zero, into: &ignored)
    }
  }

  /// On the camera's own thread.
  func take(_ frame: VideoFrame, from camera: Int) {
    let begins = state.withLock { state -> Bool in
      guard
        state.schedule.takes(
          camera: camera, at: frame.captured,
          isChosen: state.selected == nil || state.selected == camera, angle: state.angle,
          isChallenged: state.isChallenged)
      else { return false }
      state.waiting[camera] = frame
      defer { state.isLooking = true }
      return !state.isLooking
    }
    if begins { queue.queue.async { self.look() } }
  }

  /// The camera's pictures have ended.
  func lose(_ camera: Int, at now: Moment) {
    queue.queue.async { self.decide([.lost(camera: camera)], at: now) }
  }

  private func look() {
    while true {
      let next = state.withLock { state -> (Int, VideoFrame)? in
        let waiting = state.waiting.indices.filter { state.waiting[$0] != nil }
        // The oldest first, so that no camera starves.
        guard
          let camera = waiting.min(by: {
            state.waiting[$0]!.captured < state.waiting[$1]!.captured
          }), let frame = state.waiting[camera]
        else {
          state.isLooking = false
          return nil
        }
        state.waiting[camera] = nil
        return (camera, frame)
      }
      guard let (camera, frame) = next else { return }
      do {
        let estimate = try analysis.eye.look(at: frame.picture, camera: camera)
        state.withLock { state in
          if state.selected == camera { state.angle = estimate?.angle }
        }
        decide(
          [.saw(camera: camera, estimate?.sight ?? .nobody), .decide], at: frame.captured)
      } catch {
        guard !analysis.hasFailed else { continue }
        analysis.hasFailed = true
        failed(
          Failure(
            "gods-eye-failed", exit: .software,
            "The look can't be followed: \(error). The camera stays as it is."))
      }
    }
  }

  private func decide(_ inputs: [CameraSelector.Input], at now: Moment) {
    analysis.outputs.removeAll(keepingCapacity: true)
    for input in inputs { analysis.selector.handle(input, at: now, into: &analysis.outputs) }
    state.withLock { state in
      if state.selected != analysis.selector.selected { state.angle = nil }
      state.selected = analysis.selector.selected
      state.isChallenged = analysis.selector.isChallenged
    }
    for output in analysis.outputs { chosen(output) }
  }
}
