import DequeModule
import Foundations

/// Holds sound back just long enough to play it without gaps, and says for each stretch what to play.
///
/// The position is the sender's time of the sample that is played next. Left alone, it advances with
/// the pulls, and the delay stays as it is. The delay grows when nothing is there to play and
/// concealment fills in without the position advancing; it shrinks when a packet is skipped, or the
/// place of a lost one.
struct SoundBuffer: Sendable {
  /// Packets held, 1.3 s of 20 ms each. Beyond that the oldest is let go.
  static let capacity = 64
  /// Nothing for so long isn't a gap any more but a pause; playing starts anew after it. Longer
  /// than the 400 ms after which a quiet Opus encoder sends a sign of life.
  static let pause = Duration.seconds(1)
  /// A hole that is wider is not filled but jumped over.
  static let widestGap = 96_000
  /// So many packets in a row that are all too late mean that the position is wrong.
  static let longestLateRun = 25
  /// By how much and for how long the delay must be above its target before a packet is skipped: a
  /// quiet one; or any, when it's far above or has been for long.
  static let excess = (slight: Duration.milliseconds(25), far: Duration.milliseconds(60))
  static let excessTime = (quiet: Duration.milliseconds(500), any: Duration.seconds(5))

  private struct Held {
    let index: Int
    /// In samples, without wrapping.
    let time: Int64
    let payload: OpusPayload
    let sound: ReceivedSound

    var end: Int64 { time + Int64(payload.sampleCount) }
    var isQuiet: Bool {
      payload.isDiscontinuous || (sound.level.map { $0.level >= AudioLevel.quietest } ?? false)
    }
  }

  private var packets: Deque<Held> = []
  private var estimate = DelayEstimate()
  private var timeline: Int64?
  private var position: Int64?
  /// Of the last packet that left the buffer.
  private var lastIndex = Int.min
  private var lastWasDiscontinuous = false
  private var lastArrival = Moment.zero
  private var lateRun = 0
  private var excessSince: Moment?
  /// Samples to be played until the next pull; negative when more was given.
  private var owed = 0
  private(set) var statistics = PlayoutStatistics()

  enum Outcome: Hashable {
    case stored
    case unneeded
    case malformed
  }

  // MARK: - In

  mutating func insert(
    _ packet: RTPPacket, at index: Int, level: AudioLevel?, now: Moment,
    into sounds: inout [ReceivedSound]
  ) -> Outcome {
    guard let payload = OpusPayload(packet.payload) else { return .malformed }
    guard index > lastIndex, !packets.contains(where: { $0.index == index }) else {
      return .unneeded
    }
    var time = extend(packet.timestamp)
    if let position, time + Int64(payload.sampleCount) <= position {
      lateRun += 1
    } else {
      lateRun = 0
    }
    if lateRun >= Self.longestLateRun
      || estimate.isStep(time: Self.duration(time), arrived: now)
    {
      restart(into: &sounds)
      time = extend(packet.timestamp)
    }
    estimate.learn(time: Self.duration(time), arrived: now)
    let sound = ReceivedSound(
      bytes: Array(packet.payload),
      time: MediaTime(ticks: packet.timestamp, clockRate: MediaTime.audioClockRate),
      sampleCount: payload.sampleCount, level: level, received: now)
    let held = Held(index: index, time: time, payload: payload, sound: sound)
    lastArrival = now
    let place = packets.lastIndex { $0.index < index }.map { $0 + 1 } ?? 0
    packets.insert(held, at: place)
    if packets.count > Self.capacity {
      let oldest = letGo(into: &sounds)
      if let position, position < oldest.end { self.position = oldest.end }
    }
    return .stored
  }

  /// Another stream begins: hands on what is held and forgets the rest.
  mutating func replace(into sounds: inout [ReceivedSound]) {
    restart(into: &sounds)
    lastIndex = .min
  }

  /// The sender's clock has been set.
  private mutating func restart(into sounds: inout [ReceivedSound]) {
    while !packets.isEmpty { letGo(into: &sounds) }
    position = nil
    timeline = nil
    estimate = DelayEstimate()
    lateRun = 0
    lastWasDiscontinuous = false
  }

  @discardableResult
  private mutating func letGo(into sounds: inout [ReceivedSound]) -> Held {
    let held = packets.removeFirst()
    lastIndex = held.index
    lastWasDiscontinuous = held.payload.isDiscontinuous
    sounds.append(held.sound)
    return held
  }

  // MARK: - Out

  /// What to play for the next 20 ms. With packets of other lengths a call gives several answers or
  /// none; on average they make 960 samples.
  mutating func pull(
    at now: Moment, into playouts: inout [SoundPlayout], sounds: inout [ReceivedSound]
  ) {
    owed += SoundBlock.samplesPerBlock
    while owed > 0 { owed -= step(at: now, into: &playouts, sounds: &sounds) }
  }

  /// - Returns: how many samples its answer makes; more than none, unless it moved on in the buffer.
  private mutating func step(
    at now: Moment, into playouts: inout [SoundPlayout], sounds: inout [ReceivedSound]
  ) -> Int {
    letLateGo(into: &sounds)
    guard let position else { return start(at: now, into: &playouts, sounds: &sounds) }
    let delay = self.delay(of: position, at: now)
    statistics.delay = delay
    statistics.targetDelay = estimate.target
    watchExcess(delay, at: now)
    guard let head = packets.first else {
      return fillIn(from: position, delay: delay, at: now, into: &playouts)
    }
    let gap = Int(clamping: head.time - position)
    guard gap <= Self.widestGap else {
      self.position = nil
      return 0
    }
    if gap > 0 {
      return bridge(gap, from: position, to: head, delay: delay, into: &playouts)
    }
    return play(head, delay: delay, at: now, into: &playouts, sounds: &sounds)
  }

  private mutating func letLateGo(into sounds: inout [ReceivedSound]) {
    guard let position else { return }
    while let head = packets.first, head.end <= position {
      statistics.late += 1
      letGo(into: &sounds)
    }
  }

  private mutating func start(
    at now: Moment, into playouts: inout [SoundPlayout], sounds: inout [ReceivedSound]
  ) -> Int {
    // What waited for longer than it should, since nobody pulled, is skipped.
    while packets.count > 1, delay(of: packets[1].time, at: now) >= estimate.target {
      letGo(into: &sounds)
    }
    guard let head = packets.first, delay(of: head.time, at: now) >= estimate.target else {
      playouts.append(.silence(samples: owed))
      return owed
    }
    position = head.time
    excessSince = nil
    return 0
  }

  /// Nothing is there: late or lost, or the sender pauses.
  private mutating func fillIn(
    from position: Int64, delay: Duration, at now: Moment, into playouts: inout [SoundPlayout]
  ) -> Int {
    guard now - lastArrival < Self.pause else {
      self.position = nil
      playouts.append(.silence(samples: owed))
      return owed
    }
    let block = SoundBlock.samplesPerBlock
    if lastWasDiscontinuous || delay + SoundBlock.duration > DelayEstimate.longest {
      self.position = position + Int64(block)
    } else {
      statistics.inserted += 1
    }
    if !lastWasDiscontinuous { statistics.concealed += 1 }
    playouts.append(.conceal(samples: block))
    return block
  }

  /// The next packet belongs later.
  private mutating func bridge(
    _ gap: Int, from position: Int64, to head: Held, delay: Duration,
    into playouts: inout [SoundPlayout]
  ) -> Int {
    let block = SoundBlock.samplesPerBlock
    let isLoss = head.index != lastIndex + 1
    // What was put in before, when it wasn't clear whether the packet was late or lost, is taken
    // back here.
    let surplus = max(.zero, delay - estimate.target)
    let spare = Int(surplus / SoundBlock.duration) * block
    if spare > 0 {
      self.position = position + Int64(min(gap, spare))
      return 0
    }
    let samples = gap % block == 0 ? block : gap % block
    self.position = position + Int64(samples)
    if isLoss, samples == gap, samples == head.payload.sampleCount, !head.payload.isDiscontinuous {
      statistics.recovered += 1
      playouts.append(.recover(next: head.sound.bytes, samples: samples))
    } else {
      if isLoss { statistics.concealed += 1 }
      playouts.append(.conceal(samples: samples))
    }
    return samples
  }

  private mutating func play(
    _ head: Held, delay: Duration, at now: Moment, into playouts: inout [SoundPlayout],
    sounds: inout [ReceivedSound]
  ) -> Int {
    if packets.count > 1, mayShorten(head, delay: delay, at: now) {
      letGo(into: &sounds)
      position = head.end
      statistics.skipped += 1
      excessSince = now
      return 0
    }
    if head.isQuiet, estimate.target - delay > SoundBlock.duration {
      statistics.inserted += 1
      playouts.append(.conceal(samples: SoundBlock.samplesPerBlock))
      return SoundBlock.samplesPerBlock
    }
    letGo(into: &sounds)
    position = head.end
    playouts.append(.packet(head.sound.bytes))
    return head.payload.sampleCount
  }

  // MARK: - Delay

  private mutating func watchExcess(_ delay: Duration, at now: Moment) {
    if delay - estimate.target < Self.excess.slight {
      excessSince = nil
    } else if excessSince == nil {
      excessSince = now
    }
  }

  private func mayShorten(_ head: Held, delay: Duration, at now: Moment) -> Bool {
    guard let excessSince, now - excessSince >= Self.excessTime.quiet else { return false }
    return head.isQuiet || delay - estimate.target >= Self.excess.far
      || now - excessSince >= Self.excessTime.any
  }

  private func delay(of time: Int64, at now: Moment) -> Duration {
    now - (estimate.base + Self.duration(time))
  }

  private static func duration(_ samples: Int64) -> Duration {
    .nanoseconds(samples * 62_500 / 3)
  }

  /// The timestamp without its wrapping, next to the last one.
  private mutating func extend(_ timestamp: UInt32) -> Int64 {
    guard let last = timeline else {
      timeline = Int64(timestamp)
      return Int64(timestamp)
    }
    let step = Int64(Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: last)))
    timeline = last + step
    return last + step
  }
}
