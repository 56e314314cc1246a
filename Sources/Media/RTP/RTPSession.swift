package import Foundations

/// One peer's RTP session over one transport: sound and pictures both ways, bundled, with RTCP
/// beside RTP (RFC 8843, RFC 5761).
///
/// Packets come and go unprotected; SRTP is around it. Nothing from the peer makes it trap, and
/// whatever it keeps of the peer's has a bound.
package struct RTPSession: Machine {
  package struct Configuration: Sendable {
    package var localAudio: TrackSettings?
    package var localVideo: TrackSettings?
    package var remoteAudio: TrackSettings?
    package var remoteVideo: TrackSettings?
    /// Ties this end's streams together (RFC 7022: random, new for each session).
    package var cname: String
    /// For what RFC 3550 wants random; nothing secret.
    package var seed: UInt64
    /// Civil time since the Unix epoch, less the moment: makes NTP time of moments.
    package var wallOffset: Duration
    /// Of RFC 6464 in the call's description, 1...14; without one, no levels are sent.
    package var audioLevelExtension: UInt8?

    package init(
      localAudio: TrackSettings? = nil, localVideo: TrackSettings? = nil,
      remoteAudio: TrackSettings? = nil, remoteVideo: TrackSettings? = nil, cname: String,
      seed: UInt64, wallOffset: Duration, audioLevelExtension: UInt8? = nil
    ) {
      self.localAudio = localAudio
      self.localVideo = localVideo
      self.remoteAudio = remoteAudio
      self.remoteVideo = remoteVideo
      self.cname = cname
      self.seed = seed
      self.wallOffset = wallOffset
      self.audioLevelExtension = audioLevelExtension
    }
  }

  package enum Input: Sendable {
    /// A datagram of RTP or RTCP, decrypted.
    case received([UInt8])
    case sendPicture(PacketizedPicture)
    case sendSound(EncodedSound)
    /// From now on nothing of the pictures so far may leave, not even as a repeat: the camera was
    /// switched off, or an effect that hides something on.
    case discardPictures
    /// Somebody who watches wants a picture soon: a decoder that failed, a window that opened.
    case requestKeyframe
    /// The next 20 ms of sound are to be played.
    case playSound
    /// The last input: says goodbye.
    case close
  }

  package enum Output: Sendable {
    /// RTP to be protected and sent. A repeat has the bytes of the first time.
    case transmit([UInt8])
    /// RTCP to be protected and sent.
    case transmitControl([UInt8])
    /// Whole, and decodable after those before it.
    case picture(ReceivedPicture)
    /// What to play; together, these make 20 ms for each ``Input/playSound`` on average.
    case sound(SoundPlayout)
    /// For a recording: every packet that came, in order.
    case receivedSound(ReceivedSound)
    /// The peer can't go on without a keyframe.
    case keyframeWanted
  }

  /// Larger datagrams aren't media: no stack sends more than an Ethernet frame.
  package static let maximumDatagram = 2048

  let configuration: Configuration
  /// Names this end in reports and requests where it sends nothing itself.
  let feedbackSSRC: SSRC
  var chance: SeededGenerator
  var soundSender: SoundSender?
  var videoSender: VideoSender?
  var soundReceiver: SoundReceiver?
  var videoReceiver: VideoReceiver?
  var roundTrip: Duration?
  var estimatedBitrate: Bitrate?
  var nextReport: Moment?
  private var malformed = 0
  private var isClosed = false

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    var chance = SeededGenerator(seed: configuration.seed)
    let level = configuration.audioLevelExtension
    soundSender = configuration.localAudio.map {
      SoundSender($0, levelExtension: level, chance: &chance)
    }
    videoSender = configuration.localVideo.map { VideoSender($0, chance: &chance) }
    soundReceiver = configuration.remoteAudio.map { SoundReceiver($0, levelExtension: level) }
    videoReceiver = configuration.remoteVideo.map { VideoReceiver($0) }
    let drawn = SSRC(.random(in: 1...UInt32.max, using: &chance))
    feedbackSSRC = videoSender?.clock.ssrc ?? soundSender?.clock.ssrc ?? drawn
    self.chance = chance
  }

  /// Of the local track; what the call's description should announce.
  package func localSSRC(of kind: MediaKind) -> SSRC? {
    switch kind {
    case .sound: soundSender?.clock.ssrc
    case .video: videoSender?.clock.ssrc
    }
  }

  /// What the sender's clock on the wall showed when it captured the sample or picture of this time.
  /// Comparable between the tracks of one peer, so that sound and pictures can be aligned; `nil`
  /// until the track's first sender report.
  package func senderTime(of time: MediaTime, in kind: MediaKind) -> NTPTime? {
    switch kind {
    case .sound: soundReceiver?.source.senderTime(of: time)
    case .video: videoReceiver?.source.senderTime(of: time)
    }
  }

  package var statistics: RTPStatistics {
    var statistics = RTPStatistics()
    statistics.sentSound = soundSender?.counts ?? SentStatistics()
    statistics.sentVideo = videoSender?.counts ?? SentStatistics()
    statistics.receivedSound = soundReceiver?.statistics ?? ReceivedStatistics()
    statistics.receivedVideo = videoReceiver?.statistics ?? ReceivedStatistics()
    statistics.playout = soundReceiver?.playout ?? PlayoutStatistics()
    statistics.videoDelay = videoReceiver?.delay ?? .zero
    statistics.roundTrip = roundTrip
    statistics.estimatedBitrate = estimatedBitrate
    statistics.soundLevel = soundReceiver?.level
    statistics.malformed = malformed
    return statistics
  }

  // MARK: - Machine

  package var deadline: Moment? {
    guard !isClosed else { return nil }
    return [
      nextReport, videoSender?.deadline, videoReceiver?.deadline(roundTrip: roundTrip),
    ].compactMap { $0 }.min()
  }

  package mutating func handle(
    _ input: Input, at now: Moment, into outputs: inout [Output]
  ) {
    guard !isClosed else { return }
    switch input {
    case .received(let bytes):
      do throws(PacketError) {
        try receive(bytes, at: now, into: &outputs)
      } catch {
        malformed += 1
      }
    case .sendPicture(let picture):
      videoSender?.send(picture, at: now)
      startReporting(at: now)
    case .sendSound(let sound):
      if let packet = soundSender?.send(sound) { outputs.append(.transmit(packet)) }
      startReporting(at: now)
    case .discardPictures:
      videoSender?.forget()
    case .requestKeyframe:
      videoReceiver?.requestKeyframe(at: now)
    case .playSound:
      playSound(at: now, into: &outputs)
    case .close:
      outputs.append(.transmitControl(makeGoodbye(at: now)))
      isClosed = true
      return
    }
    wake(at: now, into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard !isClosed else { return }
    if let requests = videoReceiver?.poll(at: now, roundTrip: roundTrip), !requests.isEmpty,
      let media = videoReceiver?.source.ssrc
    {
      outputs.append(.transmitControl(makeFeedback(requests, on: media, at: now)))
    }
    if videoSender?.takeWish(at: now) == true { outputs.append(.keyframeWanted) }
    var packets: [[UInt8]] = []
    videoSender?.poll(at: now, into: &packets)
    for packet in packets { outputs.append(.transmit(packet)) }
    report(at: now, into: &outputs)
  }

  // MARK: - RTP

  private mutating func receive(
    _ bytes: [UInt8], at now: Moment, into outputs: inout [Output]
  ) throws(PacketError) {
    guard bytes.count <= Self.maximumDatagram else { throw .malformed }
    guard bytes.count >= 4 else { throw .truncated }
    // RFC 5761 §4: RTCP's packet types, which as RTP would be payload types 64...95 with a marker.
    if (192...223).contains(bytes[1]) {
      receive(try ControlPacket.parse(compound: bytes), at: now)
      return
    }
    let packet = try RTPPacket(parsing: bytes)
    startReporting(at: now)
    if packet.payloadType == videoReceiver?.source.payloadType {
      var pictures: [ReceivedPicture] = []
      videoReceiver?.receive(packet, byteCount: bytes.count, at: now, into: &pictures)
      for picture in pictures { outputs.append(.picture(picture)) }
    } else if packet.payloadType == soundReceiver?.source.payloadType {
      var sounds: [ReceivedSound] = []
      let isOpus = soundReceiver?.receive(
        packet, byteCount: bytes.count, at: now, into: &sounds)
      for sound in sounds { outputs.append(.receivedSound(sound)) }
      if isOpus == false { throw .malformed }
    } else {
      throw .malformed
    }
  }

  private mutating func playSound(at now: Moment, into outputs: inout [Output]) {
    guard soundReceiver != nil else {
      outputs.append(.sound(.silence(samples: SoundBlock.samplesPerBlock)))
      return
    }
    var playouts: [SoundPlayout] = []
    var sounds: [ReceivedSound] = []
    soundReceiver?.pull(at: now, into: &playouts, sounds: &sounds)
    for sound in sounds { outputs.append(.receivedSound(sound)) }
    for playout in playouts { outputs.append(.sound(playout)) }
  }
}
