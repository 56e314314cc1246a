import Foundations

/// The sending half of a video track: pacing, history, and the peer's wishes for keyframes.
struct VideoSender: Sendable {
  private(set) var clock: SenderClock
  private(set) var counts = SentStatistics()
  private var pacer = Pacer()
  private var history = SendHistory()
  /// What comes now can't be decoded by the peer before a keyframe.
  private var awaitsKeyframe = true
  private var wish: (due: Moment?, lastPassedOn: Moment?)
  private var lastKeyframe: Moment?
  private var repeats = (since: Moment.zero, count: 0)
  /// The last request of RFC 5104 §4.3.1.2 that was served.
  private var lastFullIntra: (sender: SSRC, number: UInt8)?

  /// Between two wishes that are passed on: an encoder makes one keyframe for all who ask together.
  static let wishInterval = Duration.milliseconds(250)
  /// For a keyframe to be paced out and put together.
  private static let shortestAnswer = Duration.milliseconds(50)
  /// A peer that reports a longer round trip is wrong, or too far away for it to matter.
  private static let longestRoundTrip = Duration.milliseconds(300)
  /// Repeats a second: 3.8 Mbit/s. A peer that loses more is better off with a lower rate, and one
  /// that only says so gets no more.
  static let maximumRepeats = 400

  init(_ settings: TrackSettings, chance: inout SeededGenerator) {
    clock = SenderClock(settings, clockRate: MediaTime.videoClockRate, chance: &chance)
  }

  mutating func send(_ picture: PacketizedPicture, at now: Moment) {
    guard !picture.payloads.isEmpty else { return }
    guard picture.isKeyframe || !awaitsKeyframe else {
      counts.framesDropped += 1
      wantKeyframe(at: now)
      return
    }
    if !pacer.hasRoom(for: picture) {
      counts.framesDropped += pacer.dropWaiting()
      awaitsKeyframe = true
      guard picture.isKeyframe else {
        counts.framesDropped += 1
        wantKeyframe(at: now)
        return
      }
    }
    if picture.isKeyframe {
      awaitsKeyframe = false
      lastKeyframe = now
      wish.due = nil
    }
    pacer.append(picture)
  }

  /// The packets that may leave now.
  mutating func poll(at now: Moment, into packets: inout [[UInt8]]) {
    while let item = pacer.next(at: now) {
      switch item {
      case .again(let bytes):
        counts.retransmissions += 1
        packets.append(bytes)
      case .payload(let picture, let index):
        packets.append(makePacket(of: picture, index: index, at: now))
      }
    }
  }

  private mutating func makePacket(
    of picture: PacketizedPicture, index: Int, at now: Moment
  ) -> [UInt8] {
    if index == 0 {
      counts.frames += 1
      if picture.isKeyframe { counts.keyframes += 1 }
    }
    let number = clock.nextNumber
    let bytes = clock.makePacket(
      marker: index == picture.payloads.count - 1, payload: picture.payloads[index],
      time: clock.time(at: picture.captured)
    ).bytes
    counts.packets += 1
    counts.bytes += bytes.count
    history.append(bytes, number: number, at: now)
    return bytes
  }

  /// Lets go of every picture that hasn't left, or could be sent again.
  mutating func forget() {
    // The rest of a picture that was on its way is a hole, so that nobody takes its first packets
    // for all of it.
    if pacer.isMidPicture { clock.skipNumber() }
    pacer = Pacer()
    history.removeAll()
    awaitsKeyframe = true
  }

  mutating func resend(_ numbers: [SequenceNumber], at now: Moment, roundTrip: Duration?) {
    counts.retransmissionRequests += numbers.count
    // Half a round trip: a request that was under way when the repeat left is older than that.
    let spacing = max(.milliseconds(5), min(roundTrip ?? .zero, Self.longestRoundTrip) / 2)
    if now - repeats.since >= .seconds(1) { repeats = (now, 0) }
    for number in numbers where repeats.count < Self.maximumRepeats {
      guard let bytes = history.resend(number, at: now, spacing: spacing) else { continue }
      repeats.count += 1
      pacer.append(repeat: bytes)
    }
  }

  mutating func peerWantsKeyframe(at now: Moment, roundTrip: Duration?) {
    counts.keyframeRequests += 1
    // A keyframe that left after the request did is the answer to it. If that one is lost, the peer
    // asks again.
    let underWay = max(Self.shortestAnswer, min(roundTrip ?? .zero, Self.longestRoundTrip))
    if let lastKeyframe, now - lastKeyframe < underWay { return }
    wantKeyframe(at: now)
  }

  mutating func peerRequestsIntra(
    _ number: UInt8, from sender: SSRC, at now: Moment, roundTrip: Duration?
  ) {
    if let lastFullIntra, lastFullIntra == (sender, number) { return }
    lastFullIntra = (sender, number)
    peerWantsKeyframe(at: now, roundTrip: roundTrip)
  }

  /// Whether to have the encoder make a keyframe now.
  mutating func takeWish(at now: Moment) -> Bool {
    guard let due = wish.due, now >= due else { return false }
    wish = (nil, now)
    return true
  }

  var deadline: Moment? {
    [pacer.deadline, wish.due].compactMap { $0 }.min()
  }

  mutating func reported() {
    clock.reported()
  }

  mutating func learn(_ block: ReportBlock) {
    counts.learn(block, clockRate: clock.clockRate)
  }

  private mutating func wantKeyframe(at now: Moment) {
    guard wish.due == nil else { return }
    wish.due = wish.lastPassedOn.map { max(now, $0 + Self.wishInterval) } ?? now
  }
}
