import Dispatch
import Foundations
import Synchronization
import Vision

/// God's eye in a meeting: looks at the cameras' pictures on a thread of its own and says which camera
/// is looked at. A picture that comes while another of the same camera waits takes its place; none
/// leaves the process by this way.
final class CameraWatch: Sendable {
  private let queue: WorkQueue
  private let signal: WorkSignal
  private let state: Mutex<State>
  private let analysis: Analysis
  private let chosen: @Sendable (CameraSelector.Output) -> Void
  private let paced: @Sendable (_ camera: Int, _ isIdle: Bool) -> Void
  private let failed: @Sendable (Failure) -> Void

  private struct State {
    /// The newest picture of each camera that waits.
    var waiting: [VideoFrame?]
    var schedule = LookSchedule()
    var selected: Int?
    var angle: Float?
    var isChallenged = false
  }

  // Safety: used on `queue` only.
  private final class Analysis: @unchecked Sendable {
    let eye: GodsEye
    var selector = CameraSelector()
    var outputs: [CameraSelector.Output] = []
    /// What each camera was last told.
    var isIdle: [Bool]
    var hasFailed = false

    init(eye: GodsEye, cameras: Int) {
      self.eye = eye
      isIdle = Array(repeating: false, count: cameras)
    }
  }

  /// - Parameters:
  ///   - chosen: is told of each choice.
  ///   - paced: is told when a camera's pictures are wanted now and then only, and when all of them are
  ///     again, which comes before it is chosen.
  init(
    cameras: Int, store: ModelStore, calibration: GazeCalibration?,
    chosen: @escaping @Sendable (CameraSelector.Output) -> Void,
    paced: @escaping @Sendable (_ camera: Int, _ isIdle: Bool) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    queue = WorkQueue(label: "gods-eye")
    signal = WorkSignal(queue: queue)
    self.chosen = chosen
    self.paced = paced
    self.failed = failed
    state = Mutex(State(waiting: Array(repeating: nil, count: cameras)))
    let eye = try GodsEye(cameras: cameras, store: store)
    eye.calibration = calibration
    analysis = Analysis(eye: eye, cameras: cameras)
    var ignored: [CameraSelector.Output] = []
    for camera in 0..<cameras {
      analysis.selector.handle(.appeared(camera: camera), at: .zero, into: &ignored)
    }
    signal.whenRaised { [weak self] in self?.look() }
  }

  /// On the camera's own thread.
  func take(_ frame: VideoFrame, from camera: Int) {
    let isTaken = state.withLock { state -> Bool in
      guard
        state.schedule.takes(
          camera: camera, at: frame.captured,
          isChosen: state.selected == nil || state.selected == camera, angle: state.angle,
          isChallenged: state.isChallenged)
      else { return false }
      state.waiting[camera] = frame
      return true
    }
    if isTaken { signal.raise() }
  }

  /// The camera's pictures have ended.
  func lose(_ camera: Int, at now: Moment) {
    queue.queue.async {
      self.analysis.selector.handle(
        .lost(camera: camera), at: now, into: &self.analysis.outputs)
      self.tell()
    }
  }

  private func look() {
    while true {
      let next = state.withLock { state -> (Int, VideoFrame)? in
        var oldest: (camera: Int, frame: VideoFrame)?
        // The oldest first, so that no camera starves.
        for (camera, waiting) in state.waiting.enumerated() {
          guard let waiting else { continue }
          if let oldest, oldest.frame.captured <= waiting.captured { continue }
          oldest = (camera, waiting)
        }
        if let oldest { state.waiting[oldest.camera] = nil }
        return oldest
      }
      guard let (camera, frame) = next else { return }
      do {
        let estimate = try analysis.eye.look(at: frame.picture, camera: camera)
        state.withLock { state in
          if state.selected == camera { state.angle = estimate?.angle }
        }
        analysis.selector.handle(
          .saw(camera: camera, estimate?.sight ?? .nobody), at: frame.captured,
          into: &analysis.outputs)
        analysis.selector.handle(.decide, at: frame.captured, into: &analysis.outputs)
        tell()
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

  /// Passes on what has been decided.
  private func tell() {
    let (selected, isMoving) = state.withLock { state in
      if state.selected != analysis.selector.selected { state.angle = nil }
      state.selected = analysis.selector.selected
      state.isChallenged = analysis.selector.isChallenged
      return (
        state.selected, LookSchedule.isMoving(angle: state.angle, isChallenged: state.isChallenged)
      )
    }
    for camera in analysis.isIdle.indices {
      let isIdle = selected != nil && selected != camera && !isMoving
      guard isIdle != analysis.isIdle[camera] else { continue }
      analysis.isIdle[camera] = isIdle
      paced(camera, isIdle)
    }
    for output in analysis.outputs { chosen(output) }
    analysis.outputs.removeAll(keepingCapacity: true)
  }
}
