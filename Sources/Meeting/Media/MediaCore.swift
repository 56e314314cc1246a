import Foundations
import RTP
import Signalling
import Synchronization

/// What the media thread does with what it receives: pictures to the decoder and the recorder, sound
/// to the recorder, requests to the encoder, and the rest to the meeting.
final class MediaCore: Sendable {
  let pool = PicturePool()
  let player: SoundPlayer
  private let recorder: MeetingRecorder?
  private let clock: HostClock
  private let tell: @Sendable (PeerID, CallReport) -> Void
  private let state = Mutex(State())

  private struct State {
    var hub: CallHub?
    var pictures: PictureSender?
    var receivers: [PeerID: Receiver] = [:]
    var connected: Set<PeerID> = []
    var sent = 0
  }

  private struct Receiver {
    let name: String
    let pictures: PictureReceiver
  }

  init(
    clock: HostClock, player: SoundPlayer, recorder: MeetingRecorder?,
    tell: @escaping @Sendable (PeerID, CallReport) -> Void
  ) {
    self.clock = clock
    self.player = player
    self.recorder = recorder
    self.tell = tell
  }

  func connect(to hub: CallHub) { state.withLock { $0.hub = hub } }

  func setOwnPictures(_ pictures: PictureSender?) { state.withLock { $0.pictures = pictures } }

  var hub: CallHub {
    guard let hub = state.withLock({ $0.hub }) else {
      preconditionFailure("the media core is used before it is connected")
    }
    return hub
  }

  // MARK: - Members

  /// Pictures of this member may come from now on.
  func expect(_ peer: PeerID, name: String) {
    state.withLock { state in
      guard state.receivers[peer] == nil else { return }
      state.receivers[peer] = Receiver(
        name: name,
        pictures: PictureReceiver(
          clock: clock, pool: pool,
          firstPicture: { [tell] in tell(peer, .firstPicture) },
          needsKeyframe: { [weak self] in
            self?.hub.post { $0.requestKeyframe(from: peer) }
          }))
    }
  }

  func disconnected(_ peer: PeerID) { setConnected(peer, false) }

  func forget(_ peer: PeerID) {
    state.withLock { $0.receivers[peer] = nil }
    player.forget(peer)
    recorder?.finish(peer)
  }

  func finish() {
    player.stop()
    recorder?.finish()
    state.withLock { state in
      state.receivers.removeAll()
      state.hub = nil
      state.pictures = nil
    }
  }

  private func setConnected(_ peer: PeerID, _ isConnected: Bool) {
    state.withLock { state in
      if isConnected {
        state.connected.insert(peer)
      } else {
        state.connected.remove(peer)
      }
      state.pictures?.setViewers(state.connected.count)
    }
  }

  // MARK: - What calls report

  func take(_ report: CallReport, from peer: PeerID) {
    switch report {
    case .picture(let picture): take(picture, from: peer)
    case .sound(let sound):
      if let recorder, let name = state.withLock({ $0.receivers[peer]?.name }) {
        recorder.take(
          EncodedSound(
            bytes: sound.bytes, sampleCount: sound.sampleCount, level: sound.level?.level ?? 0,
            captured: sound.received),
          time: sound.time, received: sound.received, from: peer, name: name)
      }
    case .keyframeWanted: state.withLock { $0.pictures }?.requestKeyframe()
    case .secured(_, let contents):
      setConnected(peer, true)
      recorder?.expect(contents, from: peer)
      // Who joins needs a keyframe to begin with.
      state.withLock { $0.pictures }?.requestKeyframe()
      tell(peer, report)
    case .failed:
      setConnected(peer, false)
      tell(peer, report)
    case .gathered, .candidate, .reachable, .connected, .firstPicture: tell(peer, report)
    }
  }

  private func take(_ picture: ReceivedPicture, from peer: PeerID) {
    guard let receiver = state.withLock({ $0.receivers[peer] }) else { return }
    receiver.pictures.take(
      picture.bytes, codec: picture.codec, isKeyframe: picture.isKeyframe)
    recorder?.take(
      EncodedPicture(
        codec: picture.codec, bytes: picture.bytes, isKeyframe: picture.isKeyframe,
        width: picture.width, height: picture.height, captured: picture.received),
      time: picture.time, received: picture.received, from: peer, name: receiver.name)
  }

  func latestPicture(of peer: PeerID) -> Picture? {
    state.withLock { $0.receivers[peer] }?.pictures.latest
  }

  // MARK: - Figures

  func count(sent picture: PacketizedPicture) { state.withLock { $0.sent += 1 } }

  func takeFigures() -> PictureFigures {
    let (sent, pictures, receivers) = state.withLock { state in
      defer { state.sent = 0 }
      return (state.sent, state.pictures, state.receivers)
    }
    var figures = PictureFigures(
      sent: sent, sentSize: pictures.map { ($0.width, $0.height) })
    for (peer, receiver) in receivers {
      let taken = receiver.pictures.takeStatistics()
      figures.received[peer] = PictureFigures.ReceivedFigures(
        frames: taken.frames, size: taken.size, delay: taken.delay)
    }
    return figures
  }
}
