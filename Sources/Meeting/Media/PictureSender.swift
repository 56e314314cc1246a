import Capture
import Codecs
import Dispatch
import Foundations
import RTP
import Synchronization
import Vision

/// Makes the picture that others may see of one that they may not.
protocol PictureEffect: AnyObject {
  /// - Returns: `nil` where there is none for this picture; then none is sent.
  func apply(to picture: Picture) throws(Failure) -> Picture?
  /// The next picture comes from another camera.
  func beginAnew()
}

extension BackgroundEffect: PictureEffect {}

/// The way out for pictures: capture → effect → encoder → payloads cut once → `deliver`, which hands
/// them to every call. Nothing is encoded while nobody watches, and a frame that effect and encoder
/// can't take in time makes room for the next.
///
/// Where there is an effect, the encoder gets what the effect gives and nothing else: when it fails,
/// no picture is sent. Of several cameras the one looked at goes this way; the others' pictures go
/// to ``CameraWatch`` only.
final class PictureSender: Sendable {
  private let signal = WorkSignal(queue: WorkQueue(label: "encoder", urgent: true))
  private let captures: Mutex<[VideoCapture]>
  private let state: Mutex<State>
  private let encoder: EncoderBox
  private let watch: CameraWatch?
  private let deliver: @Sendable (PacketizedPicture) -> Void
  private let failed: @Sendable (Failure) -> Void

  private struct State {
    /// The newest frame that waits for the encoder; an older one is dropped for it.
    var waiting: (frame: VideoFrame, camera: Int)?
    var viewers = 0
    var keyframes = KeyframeGate()
    /// The camera whose pictures are sent.
    var camera = 0
  }

  // Safety: used on the signal's queue only.
  private final class EncoderBox: @unchecked Sendable {
    var encoder: VP8Encoder
    var packetizer = VP8Packetizer()
    var fitting: PictureFitting
    let effect: (any PictureEffect)?
    /// Whose picture the effect had last.
    var preparedCamera = 0
    /// Whose picture was sent last.
    var sentCamera = 0
    /// Told once, not with every picture; and once when it is over.
    var effectHasFailed = false

    init(encoder: VP8Encoder, width: Int, height: Int, effect: (any PictureEffect)?) {
      self.encoder = encoder
      self.effect = effect
      fitting = PictureFitting(width: width, height: height)
    }
  }

  let width: Int
  let height: Int

  /// - Parameters:
  ///   - specs: one or more cameras; several need `watch`, the first gives the size.
  ///   - makeWatch: is given what to tell of each choice, and which camera rests.
  init(
    specs: [CameraSpec], settings: VideoSettings, bitrate: (Int, Int) -> Bitrate,
    pool: PicturePool, seed: UInt64, effect: (any PictureEffect)?,
    makeWatch: (
      (
        _ choose: @escaping @Sendable (CameraSelector.Output) -> Void,
        _ pace: @escaping @Sendable (Int, Bool) -> Void
      ) throws(Failure) -> CameraWatch
    )?,
    deliver: @escaping @Sendable (PacketizedPicture) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    self.deliver = deliver
    self.failed = failed
    state = Mutex(State())
    captures = Mutex([])
    let latch = FrameLatch()
    var cameras: [VideoCapture] = []
    for (index, spec) in specs.enumerated() {
      cameras.append(
        try VideoCapture(
          spec: spec, settings: settings, pool: pool, seed: seed &+ UInt64(index),
          makeDecoder: { codec, pool in try VideoDecoder(codec: codec, pool: pool) },
          deliver: { latch.take($0, from: index) }, noticed: failed,
          failed: { failure in
            failed(failure)
            latch.lose(index)
          }))
    }
    guard let first = cameras.first else {
      throw Failure("no-camera", exit: .usage, "There is no camera to start.")
    }
    width = first.settings.width
    height = first.settings.height
    do {
      encoder = EncoderBox(
        encoder: try VP8Encoder(
          width: width, height: height, framesPerSecond: first.settings.framesPerSecond,
          bitrate: bitrate(width, height)),
        width: width, height: height, effect: effect)
    } catch {
      throw Failure(
        "encoder-failed", exit: .software, "The VP8 encoder can't be started: \(error).")
    }
    watch =
      if let makeWatch {
        try makeWatch({ latch.choose($0) }, { latch.pace($0, isIdle: $1) })
      } else { nil }
    captures.withLock { [cameras] in $0 = cameras }
    latch.open(for: self)
    signal.whenRaised { [weak self] in self?.encodeWaiting() }
  }

  func start() {
    for camera in captures.withLock({ $0 }) { camera.start() }
  }

  func stop() {
    let cameras = captures.withLock { cameras in
      defer { cameras = [] }
      return cameras
    }
    for camera in cameras { camera.stop() }
  }

  /// How many calls take the pictures now.
  func setViewers(_ count: Int) {
    state.withLock { $0.viewers = count }
  }

  /// A receiver needs a keyframe: it gets one, shared with all who ask within a moment.
  func requestKeyframe() {
    state.withLock { $0.keyframes.request() }
  }

  /// From now on this camera's pictures are sent. Its first one is a keyframe because it is another
  /// camera's than the one before; asked for here, a last frame of the former camera, already in the
  /// works, would take one too.
  fileprivate func choose(_ output: CameraSelector.Output) {
    state.withLock { state in
      guard state.camera != output.camera else { return }
      state.camera = output.camera
      // The other camera's frame would follow the new beginning.
      state.waiting = nil
    }
  }

  /// An idle camera is only looked at now and then: it needn't take pictures more often.
  fileprivate func pace(_ camera: Int, isIdle: Bool) {
    captures.withLock { cameras in
      if cameras.indices.contains(camera) { cameras[camera].setIdle(isIdle) }
    }
  }

  fileprivate func lose(_ camera: Int) {
    watch?.lose(camera, at: HostClock().now())
  }

  fileprivate func take(_ frame: VideoFrame, from camera: Int) {
    watch?.take(frame, from: camera)
    let isTaken = state.withLock { state -> Bool in
      guard state.viewers > 0, state.camera == camera else { return false }
      state.waiting = (frame, camera)
      return true
    }
    if isTaken { signal.raise() }
  }

  private func encodeWaiting() {
    while true {
      let next = state.withLock { state in
        defer { state.waiting = nil }
        return state.waiting
      }
      guard let (taken, camera) = next else { return }
      guard let frame = prepare(taken, of: camera) else { continue }
      let isRequested = state.withLock { $0.keyframes.takesKeyframe(at: frame.captured) }
      let forceKeyframe = isRequested || camera != encoder.sentCamera
      do {
        if let picture = try encoder.encoder.encode(frame, forceKeyframe: forceKeyframe) {
          encoder.sentCamera = camera
          if picture.isKeyframe { state.withLock { $0.keyframes.made(at: frame.captured) } }
          deliver(encoder.packetizer.packetize(picture))
        }
      } catch {
        failed(Failure("encoder-failed", exit: .software, "A picture can't be encoded: \(error)."))
      }
    }
  }

  /// The frame as it may be seen by others; `nil` when there is none that may.
  private func prepare(_ frame: VideoFrame, of camera: Int) -> VideoFrame? {
    if camera != encoder.preparedCamera { encoder.effect?.beginAnew() }
    encoder.preparedCamera = camera
    guard let fitted = encoder.fitting.fit(frame.picture) else { return nil }
    guard let effect = encoder.effect else {
      return VideoFrame(picture: fitted, captured: frame.captured)
    }
    do throws(Failure) {
      guard let picture = try effect.apply(to: fitted) else { return nil }
      if encoder.effectHasFailed { failed(Self.resumption) }
      encoder.effectHasFailed = false
      return VideoFrame(picture: picture, captured: frame.captured)
    } catch {
      if !encoder.effectHasFailed { failed(Self.withheld(because: error)) }
      encoder.effectHasFailed = true
      return nil
    }
  }

  private static let resumption = Failure(
    "pictures-again", exit: .success, "The effect works again, and pictures are sent again.")

  /// The failure, and what it means for those who wait for pictures.
  private static func withheld(because failure: Failure) -> Failure {
    Failure(
      failure.code, exit: failure.exit,
      failure.message + " Until the effect works again no picture is sent.")
  }
}

/// Breaks the circle between captures and watch, which need to know where frames and choices go, and
/// the sender, which owns them.
private final class FrameLatch: Sendable {
  private let sender = Mutex<WeakSender>(WeakSender())

  private struct WeakSender {
    weak var sender: PictureSender?
  }

  func open(for sender: PictureSender) {
    self.sender.withLock { $0.sender = sender }
  }

  func take(_ frame: VideoFrame, from camera: Int) {
    sender.withLock { $0.sender }?.take(frame, from: camera)
  }

  func choose(_ output: CameraSelector.Output) {
    sender.withLock { $0.sender }?.choose(output)
  }

  func pace(_ camera: Int, isIdle: Bool) {
    sender.withLock { $0.sender }?.pace(camera, isIdle: isIdle)
  }

  func lose(_ camera: Int) {
    sender.withLock { $0.sender }?.lose(camera)
  }
}
