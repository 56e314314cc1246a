import Foundations

/// The sending half of a sound track: Opus packets as they come (RFC 7587 §4.2).
struct SoundSender: Sendable {
  private(set) var clock: SenderClock
  private(set) var counts = SentStatistics()
  private let levelExtension: UInt8?
  /// The timestamp of the next block, if it follows the last one.
  private var expected: MediaTime?

  /// Blocks count on by their samples unless the capture's time differs by more than this: then
  /// there was a pause. A receiver hears each step, so jitter of the capture mustn't make any.
  static let largestDrift = Duration.milliseconds(60)

  init(_ settings: TrackSettings, levelExtension: UInt8?, chance: inout SeededGenerator) {
    clock = SenderClock(settings, clockRate: MediaTime.audioClockRate, chance: &chance)
    self.levelExtension = levelExtension.flatMap { (1...14).contains($0) ? $0 : nil }
  }

  mutating func send(_ sound: EncodedSound) -> [UInt8]? {
    guard !sound.bytes.isEmpty else { return nil }
    let measured = clock.time(at: sound.captured)
    var time = measured
    var followsPause = true
    if let expected, Self.isSteady(measured - expected) {
      time = expected
      followsPause = false
    }
    clock.set(to: time, at: sound.captured)
    expected = MediaTime(
      ticks: time.ticks &+ UInt32(truncatingIfNeeded: sound.sampleCount),
      clockRate: time.clockRate)
    // The marker begins a talkspurt (RFC 3551 §4.1).
    let packet = clock.makePacket(
      marker: followsPause, extensions: extensions(for: sound), payload: sound.bytes, time: time)
    let bytes = packet.bytes
    counts.packets += 1
    counts.bytes += bytes.count
    counts.frames += 1
    return bytes
  }

  mutating func reported() {
    clock.reported()
  }

  mutating func learn(_ block: ReportBlock) {
    counts.learn(block, clockRate: clock.clockRate)
  }

  mutating func peerRequested(again count: Int) {
    counts.retransmissionRequests += count
  }

  private static func isSteady(_ drift: Duration) -> Bool {
    drift <= largestDrift && drift >= .zero - largestDrift
  }

  private func extensions(for sound: EncodedSound) -> HeaderExtensions? {
    levelExtension.map { id in
      HeaderExtensions(oneByte: [(id, [AudioLevel(level: sound.level).byte])])
    }
  }
}
