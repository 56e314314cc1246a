package import Foundations
import Synchronization

/// Something that has a picture for each moment of its own time.
package protocol VideoSource: AnyObject {
  /// What it really gives, which may differ from what was wished for.
  var settings: VideoSettings { get }
  /// Time between pictures.
  var interval: Duration { get }
  /// What is wrong with what it plays all the same, once that is known.
  var defect: Failure? { get }

  /// The picture of slot `slot`, which is `slot` intervals after the start; `nil` when nothing has
  /// changed. Slots only grow, and may be left out.
  func picture(slot: Int, captured: WallTime) throws(Failure) -> Picture?
}

/// Runs a camera in real time on a thread of its own and hands on each picture. Pictures that come
/// too late to be of use are left out, never queued.
package final class VideoCapture: Sendable {
  /// Makes the decoder for a clip.
  package typealias DecoderMaker =
    @Sendable (VideoCodec, PicturePool) throws -> any PictureDecoding

  /// What the pictures really are: a clip has a size and a rate of its own.
  package let settings: VideoSettings
  private let runner: Runner
  private let thread = SourceThread()
  private let deliver: @Sendable (VideoFrame) -> Void
  private let noticed: @Sendable (Failure) -> Void
  private let failed: @Sendable (Failure) -> Void

  /// - Parameters:
  ///   - seed: picks the pattern's colours, unless `spec` has a seed of its own.
  ///   - deliver: is called on the capture's thread.
  ///   - noticed: is called there, once, when something is wrong with a clip that plays all the same.
  ///   - failed: is called on the capture's thread when the source has broken down; no picture comes
  ///     after that.
  package init(
    spec: CameraSpec, settings: VideoSettings, pool: PicturePool, seed: UInt64,
    makeDecoder: @escaping DecoderMaker, deliver: @escaping @Sendable (VideoFrame) -> Void,
    noticed: @escaping @Sendable (Failure) -> Void = { _ in },
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    let sides = 16...Picture.sideLimit
    guard sides.contains(settings.width), sides.contains(settings.height),
      (1...120).contains(settings.framesPerSecond)
    else {
      throw Failure(
        "bad-video-settings", exit: .usage,
        "A picture is 16 to \(Picture.sideLimit) pixels wide and high, 1 to 120 times a second.")
    }
    let source: any VideoSource =
      switch spec {
      case .none:
        throw Failure("no-camera", exit: .usage, "There is no camera to start.")
      case .pattern(let chosen):
        PatternCamera(PatternSource(settings: settings, seed: chosen ?? seed), pool: pool)
      case .file(let path):
        try openClip(path, settings: settings, pool: pool, makeDecoder: makeDecoder)
      }
    self.settings = source.settings
    self.deliver = deliver
    self.noticed = noticed
    self.failed = failed
    runner = Runner(source)
  }

  /// Whether its pictures are wanted now and then only. Taken back, the very next picture comes when
  /// it would have come.
  package func setIdle(_ isIdle: Bool) { runner.isIdle.store(isIdle, ordering: .relaxed) }

  /// Begins, or goes on where ``stop()`` left off.
  package func start() {
    thread.start { [runner, deliver, noticed, failed] signal in
      runner.run(until: signal, deliver: deliver, noticed: noticed, failed: failed)
    }
  }

  /// Returns when no more pictures will come. Called from `deliver` it returns at once, and that
  /// picture is the last.
  package func stop() {
    thread.stop()
  }

  /// What the thread works with.
  private final class Runner: @unchecked Sendable {
    // Safety: touched only by the thread that `SourceThread` runs, one at a time, but for the atomic.
    private let source: any VideoSource
    let isIdle = Atomic(false)
    private var slot = 0
    private var hasToldDefect = false

    /// Between an idle camera's pictures, at least.
    private static let idleInterval = Duration.milliseconds(190)

    init(_ source: any VideoSource) {
      self.source = source
    }

    func run(
      until signal: StopSignal, deliver: (VideoFrame) -> Void, noticed: (Failure) -> Void,
      failed: (Failure) -> Void
    ) {
      let clock = HostClock()
      let interval = source.interval
      // The moment of slot 0, had the source run all the time.
      let origin = clock.now() - interval * slot
      let step = (Self.idleInterval.nanoseconds + interval.nanoseconds - 1) / interval.nanoseconds
      while signal.sleep(until: origin + interval * slot, on: clock) {
        if isIdle.load(ordering: .relaxed), !slot.isMultiple(of: Int(step)) {
          slot += 1
          continue
        }
        let captured = clock.now()
        do throws(Failure) {
          if let picture = try source.picture(slot: slot, captured: clock.wallTime()) {
            if signal.isUp { return }
            deliver(VideoFrame(picture: picture, captured: captured))
          }
          if !hasToldDefect, let defect = source.defect {
            hasToldDefect = true
            noticed(defect)
          }
        } catch {
          return failed(error)
        }
        let elapsed = clock.now() - origin
        slot = max(slot + 1, Int(elapsed.nanoseconds / interval.nanoseconds))
      }
    }
  }
}

/// The pattern as a camera.
private final class PatternCamera: VideoSource {
  private let pattern: PatternSource
  private let pool: PicturePool

  init(_ pattern: PatternSource, pool: PicturePool) {
    self.pattern = pattern
    self.pool = pool
  }

  var settings: VideoSettings { pattern.settings }
  var defect: Failure? { nil }
  var interval: Duration { .nanoseconds(1_000_000_000 / Int64(settings.framesPerSecond)) }

  func picture(slot: Int, captured: WallTime) -> Picture? {
    let picture = pool.makePicture(width: settings.width, height: settings.height)
    pattern.draw(frame: slot, captured: captured, on: picture)
    return picture
  }
}
