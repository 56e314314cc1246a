import Capture
import Codecs
import Dispatch
import Foundations
import Synchronization

/// The pictures of a camera that is looked at, one after the other, each with its time since the look
/// began.
protocol LookSource {
  /// `nil` at the end.
  func next() throws(Failure) -> (picture: Picture, time: Duration)?
}

/// A clip counts from its beginning, every picture of it, as fast as they are analysed.
extension ClipReader: LookSource {}

/// A camera that runs: it is started when the look begins, and its newest picture counts.
final class LiveLook: LookSource {
  private let camera: String
  private let capture: VideoCapture
  private let inbox: Inbox
  private var began: Moment?

  /// What the capture's thread puts in: a picture that nobody has taken makes room for the next.
  private final class Inbox: Sendable {
    let state = Mutex<(frame: VideoFrame?, failure: Failure?)>((nil, nil))
    let arrived = DispatchSemaphore(value: 0)

    func put(_ frame: VideoFrame?, _ failure: Failure?) {
      state.withLock { state in
        if let frame { state.frame = frame }
        if let failure { state.failure = failure }
      }
      arrived.signal()
    }
  }

  /// For reading which camera is meant, and for the eyes' way to it.
  private static let lead = Duration.milliseconds(1500)
  /// Seconds without a picture after which a camera gives none.
  private static let patience = 5

  init(
    _ spec: CameraSpec, named camera: String, pool: PicturePool, seed: UInt64
  ) throws(Failure) {
    self.camera = camera
    let inbox = Inbox()
    self.inbox = inbox
    capture = try VideoCapture(
      spec: spec, settings: VideoSettings(), pool: pool, seed: seed,
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) },
      deliver: { inbox.put($0, nil) }, failed: { inbox.put(nil, $0) })
  }

  deinit { capture.stop() }

  func next() throws(Failure) -> (picture: Picture, time: Duration)? {
    capture.start()
    while true {
      guard inbox.arrived.wait(timeout: .now() + .seconds(Self.patience)) == .success else {
        throw Failure(
          "no-pictures", exit: .inputOutput,
          "The camera “\(DisplayText.line(camera, limit: 80))” gives no pictures. See that nothing "
            + "else uses it.")
      }
      let (frame, failure) = inbox.state.withLock { state in
        defer { state.frame = nil }
        return (state.frame, state.failure)
      }
      if let failure { throw failure }
      guard let frame else { continue }
      let start = began ?? frame.captured
      began = start
      let passed = frame.captured - start
      if passed >= Self.lead { return (frame.picture, passed - Self.lead) }
    }
  }
}
