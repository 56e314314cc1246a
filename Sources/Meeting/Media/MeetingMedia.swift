import Capture
import Connectivity
package import Foundations
package import Links
import Playback
import Protection
package import RTP
package import Signalling
import Synchronization
import Vision

/// Pictures and sound of one meeting: what this member sends to all, and what it receives of each.
package final class MeetingMedia: Sendable {
  /// What the calls have to say about themselves, in order.
  package let reports: AsyncStream<(PeerID, CallReport)>

  private let core: MediaCore
  private let thread: MediaThread
  private let pictures: PictureSender?
  private let sound: SoundSender?

  /// 1280×720 at 30 pictures a second; smaller pictures get their share.
  private static let fullBitrate = 1_500_000
  private static let leastBitrate = 300_000
  private static let soundBitrate = Bitrate.kilobits(32)

  convenience init(
    parts: SessionParts, emit: @escaping @Sendable (MeetingEvent) -> Void
  ) throws(Failure) {
    try self.init(
      options: parts.options, certificate: parts.certificate, clock: parts.clock,
      secrets: parts.secrets, emit: emit)
  }

  /// Needs of a run only what media are made of, so that other signalling can be put above it.
  /// - Parameter emit: hears of warnings and recordings.
  package init(
    options: MeetingOptions, certificate: RunCertificate, clock: HostClock, secrets: SecretSource,
    emit: @escaping @Sendable (MeetingEvent) -> Void
  ) throws(Failure) {
    let warn: @Sendable (Failure) -> Void = { failure in
      emit(.warning(code: failure.code, message: failure.message))
    }
    let settings = try CallSettings(
      options: options, certificate: certificate, clock: clock, secrets: secrets)
    let (reports, continuation) = AsyncStream.makeStream(of: (PeerID, CallReport).self)
    self.reports = reports
    let core = MediaCore(
      clock: clock, player: try SoundPlayer(spec: options.speaker, failed: warn),
      recorder: try Self.recorder(in: options.recordDirectory, emit: emit),
      tell: { continuation.yield(($0, $1)) })
    self.core = core
    let thread = MediaThread(name: "media")
    self.thread = thread
    let hub = CallHub(
      thread: thread, settings: settings, clock: clock,
      report: { core.take($1, from: $0) }, playSound: { core.player.play($0) })
    core.connect(to: hub)
    do {
      pictures = try Self.pictureSender(
        options, core: core, hub: hub, seed: secrets.seed(), emit: emit, failed: warn)
      sound =
        options.microphone == .none
        ? nil
        : try SoundSender(
          spec: options.microphone, bitrate: Self.soundBitrate, seed: secrets.seed(),
          deliver: { sound in hub.post { $0.send(sound) } }, failed: warn)
    } catch {
      thread.stop()
      throw error
    }
    core.setOwnPictures(pictures)
  }

  private static func recorder(
    in directory: String?, emit: @escaping @Sendable (MeetingEvent) -> Void
  ) throws(Failure) -> MeetingRecorder? {
    guard let directory else { return nil }
    return try MeetingRecorder(
      directory: directory,
      began: { peer, path in emit(.recording(path: path, member: peer)) },
      failed: { emit(.warning(code: $0.code, message: $0.message)) })
  }

  private static func pictureSender(
    _ options: MeetingOptions, core: MediaCore, hub: CallHub, seed: UInt64,
    emit: @escaping @Sendable (MeetingEvent) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) -> PictureSender? {
    guard options.camera != .none else { return nil }
    let cameras = [options.camera] + options.otherCameras
    let store = DataDirectory.modelStore(for: options.dataDirectory)
    return try PictureSender(
      specs: cameras, settings: options.video,
      bitrate: { width, height in
        // By area, as far down as pictures stay recognisable.
        let share = fullBitrate * width * height / (1280 * 720)
        return Bitrate(bitsPerSecond: min(max(share, leastBitrate), 2 * fullBitrate))
      },
      pool: core.pool, seed: seed, effect: try effect(options.background, store: store),
      makeWatch: options.godsEye
        ? { choose, pace throws(Failure) in
          try CameraWatch(
            cameras: cameras.count, store: store,
            calibration: Self.calibration(in: options.dataDirectory, noticed: failed),
            chosen: { output in
              choose(output)
              emit(.cameraSelected(camera: output.camera, reason: output.reason))
            }, paced: pace, failed: failed)
        } : nil,
      deliver: { picture in
        core.count(sent: picture)
        hub.post { $0.send(picture) }
      }, failed: failed)
  }

  /// `nil` as well, and told, when what was kept is damaged: God's eye works without it.
  static func calibration(
    in dataDirectory: String, noticed: (Failure) -> Void
  ) -> GazeCalibration? {
    do throws(Failure) {
      return try CalibrationFile(dataDirectory: dataDirectory).load()
    } catch {
      noticed(
        Failure(
          error.code, exit: error.exit,
          error.message + " Until then God's eye goes without it, and leaves the file as it is."))
      return nil
    }
  }

  private static func effect(
    _ option: BackgroundOption?, store: ModelStore
  ) throws(Failure) -> BackgroundEffect? {
    switch option {
    case nil: nil
    case .blur(let strength): try BackgroundEffect(.blurred(strength: strength), store: store)
    case .image(let path):
      try BackgroundEffect(.image(try BackgroundImage(path: path)), store: store)
    }
  }

  // MARK: - Life

  package func start() {
    pictures?.start()
    sound?.start()
    core.hub.post { $0.startPlayout() }
  }

  /// Ends capture, calls and recordings; returns when all files are whole.
  package func stop() async {
    pictures?.stop()
    sound?.stop()
    await core.hub.closeAll()
    core.finish()
    thread.stop()
  }

  // MARK: - Calls

  package func expect(_ peer: PeerID, name: String) { core.expect(peer, name: name) }

  package func prepare(_ peer: PeerID, session: UInt64, isControlling: Bool) {
    core.hub.post { $0.prepare(peer, session: session, isControlling: isControlling) }
  }

  package func apply(_ remote: RemoteDescription, to peer: PeerID, session: UInt64, role: DTLSRole)
  {
    core.hub.post { $0.apply(remote, to: peer, session: session, role: role) }
  }

  func addRemote(candidate: String, to peer: PeerID, session: UInt64) {
    core.hub.post { $0.addRemote(candidate: candidate, to: peer, session: session) }
  }

  package func discard(_ peer: PeerID) {
    core.hub.post { $0.discard(peer) }
    core.disconnected(peer)
  }

  /// The member is gone: what belongs to it ends.
  package func forget(_ peer: PeerID) {
    discard(peer)
    core.forget(peer)
  }

  /// Asks a member for a picture that needs none before it.
  package func requestKeyframe(from peer: PeerID) {
    core.hub.post { $0.requestKeyframe(from: peer) }
  }

  /// The newest picture of a member, decoded.
  package func latestPicture(of peer: PeerID) -> Picture? { core.latestPicture(of: peer) }

  package func takeStatistics() async -> MediaFigures {
    MediaFigures(
      rtp: await core.hub.statistics(), pictures: core.takeFigures(),
      refusedDatagrams: await core.hub.refusedDatagrams)
  }
}

/// A second's figures of all calls, as they are counted.
package struct MediaFigures: Sendable {
  package let rtp: [PeerID: RTPStatistics]
  package let pictures: PictureFigures
  /// Since the start, of all calls.
  package let refusedDatagrams: Int
}

package struct PictureFigures: Sendable {
  /// Encoded and sent since the last look.
  package var sent = 0
  package var sentSize: (width: Int, height: Int)?
  package var received: [PeerID: ReceivedFigures] = [:]

  package struct ReceivedFigures: Sendable {
    package var frames: Int
    package var size: (width: Int, height: Int)?
    package var delay: Duration?
  }
}
