import Capture
import Connectivity
import Foundations
import Links
import Protection
import RTP
import Signalling

/// What all calls of one run have in common.
struct CallSettings: Sendable {
  let identity: DTLSIdentity
  let ice: @Sendable (_ isControlling: Bool) -> ICEConfiguration
  private let sound: TrackSettings?
  private let pictures: TrackSettings?
  private let cname: String
  private let seed: UInt64
  /// From this process's moments to civil time, for sender reports.
  private let wallOffset: Duration

  /// Payload types as most stacks have them.
  static let soundPayloadType: UInt8 = 111
  static let picturePayloadType: UInt8 = 96

  init(
    options: MeetingOptions, certificate: RunCertificate, clock: HostClock, secrets: SecretSource
  ) throws(Failure) {
    do {
      identity = try DTLSIdentity(
        certificateDER: certificate.certificateDER,
        privateKeyPEM: certificate.privateKeyPEM)
    } catch {
      throw Failure(
        "no-certificate", exit: .software, "The run's certificate can't be used: \(error).")
    }
    let ports = options.port > 0 ? ICEConfiguration.ports(above: options.port) : nil
    ice = { isControlling in
      ICEConfiguration(
        controlling: isControlling, credentials: .make(from: secrets), ports: ports,
        interfaces: options.interfaces)
    }
    func ssrc() -> SSRC { SSRC(UInt32(truncatingIfNeeded: secrets.seed()) | 1) }
    sound =
      options.microphone == .none
      ? nil : TrackSettings(ssrc: ssrc(), payloadType: PayloadType(Self.soundPayloadType))
    pictures =
      options.camera == .none
      ? nil : TrackSettings(ssrc: ssrc(), payloadType: PayloadType(Self.picturePayloadType))
    // RFC 7022: unlinkable to the member outside this meeting.
    cname = secrets.bytes(12).hexadecimal
    seed = secrets.seed()
    wallOffset =
      .milliseconds(clock.wallTime().milliseconds)
      - .nanoseconds(clock.now().nanoseconds)
  }

  func localDescription(
    credentials: ICECredentials, candidates: [String]
  ) -> LocalDescription {
    var tracks: [MediaTrack] = []
    if let sound {
      tracks.append(
        MediaTrack(
          kind: .audio, ssrc: sound.ssrc.rawValue, payloadType: Self.soundPayloadType,
          codec: "opus", clockRate: 48_000, cname: cname))
    }
    if let pictures {
      tracks.append(
        MediaTrack(
          kind: .video, ssrc: pictures.ssrc.rawValue, payloadType: Self.picturePayloadType,
          codec: "VP8", clockRate: 90_000, cname: cname))
    }
    return LocalDescription(
      ufrag: credentials.ufrag, password: credentials.password,
      fingerprint: identity.fingerprint, candidates: candidates, tracks: tracks)
  }

  /// What the RTP session with the sender of `remote` is told.
  ///
  /// Both sides send with the offerer's payload types (RFC 3264 §6.1): the one who answers takes them
  /// over, whatever numbers another implementation gave them.
  func rtpConfiguration(
    for remote: RemoteDescription, isOfferer: Bool
  ) -> RTPSession.Configuration {
    func track(_ kind: MediaTrack.Kind, codec: String) -> TrackSettings? {
      remote.tracks.first {
        $0.kind == kind && $0.codec.lowercased() == codec.lowercased()
      }.map { TrackSettings(ssrc: SSRC($0.ssrc), payloadType: PayloadType($0.payloadType)) }
    }
    func local(_ own: TrackSettings?, answering offered: TrackSettings?) -> TrackSettings? {
      guard !isOfferer, let own, let offered else { return own }
      return TrackSettings(ssrc: own.ssrc, payloadType: offered.payloadType)
    }
    let (remoteAudio, remoteVideo) = (track(.audio, codec: "opus"), track(.video, codec: "VP8"))
    return RTPSession.Configuration(
      localAudio: local(sound, answering: remoteAudio),
      localVideo: local(pictures, answering: remoteVideo), remoteAudio: remoteAudio,
      remoteVideo: remoteVideo, cname: cname,
      seed: seed &+ UInt64(truncatingIfNeeded: remote.ufrag.hashValue), wallOffset: wallOffset)
  }
}
