import Capture
import Codecs
import Dispatch
import Foundations
import RTP
import Synchronization

/// The way out for pictures: capture → encoder → payloads cut once → `deliver`, which hands them to
/// every call. Nothing is encoded while nobody watches, and a frame that the encoder can't take in
/// time makes room for the next.
final class PictureSender: Sendable {
  private let queue = WorkQueue(label: "encoder", urgent: true)
  private let capture: Mutex<VideoCapture?>
  private let state: Mutex<State>
  private let encoder: EncoderBox
  private let deliver: @Sendable (PacketizedPicture) -> Void
  private let failed: @Sendable (Failure) -> Void

  private struct State {
    /// The newest frame that waits for the encoder; an older one is dropped for it.
    var waiting: VideoFrame?
    var isEncoding = false
    var viewers = 0
    var keyframes = KeyframeGate()
  }

  // Safety: used on `queue` only.
  private final class EncoderBox: @unchecked Sendable {
    var encoder: VP8Encoder
    var packetizer = VP8Packetizer()
    init(encoder: VP8Encoder) { self.encoder = encoder }
  }

  let width: Int
  let height: Int

  init(
    spec: CameraSpec, settings: VideoSettings, bitrate: (Int, Int) -> Bitrate, pool: PicturePool,
    seed: UInt64,
    deliver: @escaping @Sendable (PacketizedPicture) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    self.deliver = deliver
    self.failed = failed
    state = Mutex(State())
    capture = Mutex(nil)
    let latch = FrameLatch()
    let camera = try VideoCapture(
      spec: spec, settings: settings, pool: pool, seed: seed,
      makeDecoder: { codec, pool in try VideoDecoder(codec: codec, pool: pool) },
      deliver: { latch.take($0) }, noticed: failed, failed: failed)
    width = camera.settings.width
    height = camera.settings.height
    do {
      encoder = EncoderBox(
        encoder: try VP8Encoder(
          width: width, height: height, framesPerSecond: camera.settings.framesPerSecond,
          bitrate: bitrate(width, height)))
    } catch {
      throw Failure(
        "encoder-failed", exit: .software, "The VP8 encoder can't be started: \(error).")
    }
    capture.withLock { $0 = camera }
    latch.open(for: self)
  }

  func start() {
    capture.withLock { $0 }?.start()
  }

  func stop() {
    let camera = capture.withLock { camera in
      defer { camera = nil }
      return camera
    }
    camera?.stop()
  }

  /// How many calls take the pictures now.
  func setViewers(_ count: Int) {
    state.withLock { $0.viewers = count }
  }

  /// A receiver needs a keyframe: it gets one, shared with all who ask within a moment.
  func requestKeyframe() {
    state.withLock { $0.keyframes.request() }
  }

  fileprivate func take(_ frame: VideoFrame) {
    let begins = state.withLock { state -> Bool in
      guard state.viewers > 0 else { return false }
      state.waiting = frame
      defer { state.isEncoding = true }
      return !state.isEncoding
    }
    if begins { queue.queue.async { self.encodeWaiting() } }
  }

  private func encodeWaiting() {
    while true {
      let next = state.withLock { state -> (VideoFrame, Bool)? in
        guard let frame = state.waiting else {
          state.isEncoding = false
          return nil
        }
        state.waiting = nil
        return (frame, state.keyframes.takesKeyframe(at: frame.captured))
      }
      guard let (frame, forceKeyframe) = next else { return }
      do {
        if let picture = try encoder.encoder.encode(frame, forceKeyframe: forceKeyframe) {
          if picture.isKeyframe { state.withLock { $0.keyframes.made(at: frame.captured) } }
          deliver(encoder.packetizer.packetize(picture))
        }
      } catch {
        failed(Failure("encoder-failed", exit: .software, "A picture can't be encoded: \(error)."))
      }
    }
  }
}

/// Breaks the circle between a capture, which needs to know where its frames go, and the sender,
/// which owns the capture.
private final class FrameLatch: Sendable {
  private let sender = Mutex<WeakSender>(WeakSender())

  private struct WeakSender {
    weak var sender: PictureSender?
  }

  func open(for sender: PictureSender) {
    self.sender.withLock { $0.sender = sender }
  }

  func take(_ frame: VideoFrame) {
    sender.withLock { $0.sender }?.take(frame)
  }
}
