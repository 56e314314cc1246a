import Codecs
import Dispatch
import Foundations
import RTP
import Synchronization

/// The way back for one member's pictures: decodes off the media thread and keeps the newest.
///
/// Pictures build on one another, so none is skipped: a decoder that falls behind for longer than the
/// queue holds starts again at a keyframe.
final class PictureReceiver: Sendable {
  private let queue = WorkQueue(label: "decoder", urgent: true)
  private let decoder: DecoderBox
  private let state = Mutex(State())
  private let clock: HostClock
  private let needsKeyframe: @Sendable () -> Void
  private let firstPicture: @Sendable () -> Void
  /// About a third of a second at 30 fps; beyond it the picture is stale anyway.
  private static let backlogLimit = 10

  private struct State {
    var latest: Picture?
    var decoded = 0
    var backlog = 0
    var awaitsKeyframe = true
    var delays: [Duration] = []
  }

  // Safety: used on `queue` only.
  private final class DecoderBox: @unchecked Sendable {
    let pool: PicturePool
    var decoder: VideoDecoder?
    var codec: VideoCodec?
    init(pool: PicturePool) { self.pool = pool }
  }

  init(
    clock: HostClock, pool: PicturePool, firstPicture: @escaping @Sendable () -> Void,
    needsKeyframe: @escaping @Sendable () -> Void
  ) {
    self.clock = clock
    self.needsKeyframe = needsKeyframe
    self.firstPicture = firstPicture
    decoder = DecoderBox(pool: pool)
  }

  /// The newest decoded picture.
  var latest: Picture? { state.withLock { $0.latest } }

  /// What was decoded since the last call: pictures, and the median time since their capture where
  /// they carry it.
  func takeStatistics() -> (frames: Int, size: (width: Int, height: Int)?, delay: Duration?) {
    state.withLock { state in
      defer {
        state.decoded = 0
        state.delays.removeAll(keepingCapacity: true)
      }
      let sorted = state.delays.sorted()
      return (
        state.decoded, state.latest.map { ($0.width, $0.height) },
        sorted.isEmpty ? nil : sorted[sorted.count / 2]
      )
    }
  }

  func take(_ bytes: [UInt8], codec: VideoCodec, isKeyframe: Bool) {
    let (accepted, asks) = state.withLock { state -> (Bool, Bool) in
      if isKeyframe { state.awaitsKeyframe = false }
      guard !state.awaitsKeyframe else { return (false, false) }
      guard state.backlog < Self.backlogLimit else {
        state.awaitsKeyframe = true
        return (false, true)
      }
      state.backlog += 1
      return (true, false)
    }
    if asks { needsKeyframe() }
    guard accepted else { return }
    queue.queue.async { self.decode(bytes, codec: codec) }
  }

  private func decode(_ bytes: [UInt8], codec: VideoCodec) {
    do {
      if decoder.codec != codec {
        decoder.decoder = try VideoDecoder(codec: codec, pool: decoder.pool)
        decoder.codec = codec
      }
      let picture = try decoder.decoder?.decode(bytes)
      let delay = picture.flatMap(FrameMarker.read).map { marker in
        Duration.milliseconds(clock.wallTime().milliseconds - marker.captured.milliseconds)
      }
      let isFirst = state.withLock { state -> Bool in
        state.backlog -= 1
        guard let picture else { return false }
        defer {
          state.latest = picture
          state.decoded += 1
        }
        if let delay, state.delays.count < 120 { state.delays.append(delay) }
        return state.latest == nil
      }
      if isFirst { firstPicture() }
    } catch {
      state.withLock {
        $0.backlog -= 1
        $0.awaitsKeyframe = true
      }
      needsKeyframe()
    }
  }
}
