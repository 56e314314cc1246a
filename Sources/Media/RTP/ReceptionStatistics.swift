import Foundations

/// Follows one stream's sequence numbers and measures its loss and jitter (RFC 3550 §A.1, §A.3,
/// §A.8).
///
/// Deviation from §A.1: a stream counts from its first packet instead of its third, since everything
/// here has been authenticated by SRTP and a keyframe shouldn't be lost to probation.
struct ReceptionStatistics: Sendable {
  /// What the next packet is to the stream. Indices are sequence numbers that don't wrap.
  enum Place: Hashable {
    /// Newer than all before; the packets in `missing` haven't come.
    case newest(Int, missing: Range<Int>)
    /// Between or before others: late, repeated or sent again.
    case older(Int)
    /// Far from all others. It isn't used; if the next one follows it, the sender has restarted.
    case astray
    /// The second packet of a stream that goes on elsewhere. All earlier indices are void.
    case restarted(Int)
  }

  /// A longer jump forward is taken for a restart (§A.1 MAX_DROPOUT).
  static let maximumDropout = 3000
  /// §A.1 has 100 for MAX_MISORDER; packets sent again come later than that at high rates.
  static let maximumMisorder = 500

  private let clockRate: Int
  private var base: Int
  private(set) var highest: Int
  private(set) var received = 1
  /// Where a restarted sender would go on.
  private var restart: SequenceNumber?
  private var expectedBefore = 0
  private var receivedBefore = 0

  private var lastTransit: Int32
  private var lastTimestamp: UInt32
  /// Sixteen times the jitter in ticks (§A.8).
  private var scaledJitter: UInt32 = 0

  init(first packet: RTPPacket, clockRate: Int, at now: Moment) {
    self.clockRate = clockRate
    base = Int(packet.sequenceNumber.rawValue)
    highest = base
    lastTimestamp = packet.timestamp
    lastTransit = Self.transit(of: packet, clockRate: clockRate, at: now)
  }

  mutating func receive(_ packet: RTPPacket, at now: Moment) -> Place {
    let newest = SequenceNumber(UInt16(truncatingIfNeeded: highest))
    let step = packet.sequenceNumber.distance(from: newest)
    if step > 0, step < Self.maximumDropout {
      let missing = highest + 1..<highest + step
      highest += step
      received += 1
      restart = nil
      measureJitter(packet, at: now)
      return .newest(highest, missing: missing)
    }
    if step <= 0, step > -Self.maximumMisorder {
      received += 1
      return .older(highest + step)
    }
    guard restart == packet.sequenceNumber else {
      restart = packet.sequenceNumber.next
      return .astray
    }
    self = ReceptionStatistics(first: packet, clockRate: clockRate, at: now)
    return .restarted(highest)
  }

  /// Interarrival jitter as a duration.
  var jitter: Duration {
    .nanoseconds(Int64(scaledJitter >> 4) * 1_000_000_000 / Int64(clockRate))
  }

  var jitterTicks: UInt32 { scaledJitter >> 4 }

  /// Packets that never came, less those that came twice.
  var lost: Int { highest - base + 1 - received }

  /// Packets received since the last call, and the fraction lost in units of 1/256 (§A.3).
  mutating func takeInterval() -> (received: Int, fractionLost: UInt8) {
    let expected = highest - base + 1
    let expectedNow = expected - expectedBefore
    let receivedNow = received - receivedBefore
    expectedBefore = expected
    receivedBefore = received
    let lostNow = expectedNow - receivedNow
    guard expectedNow > 0, lostNow > 0 else { return (receivedNow, 0) }
    return (receivedNow, UInt8(min(lostNow * 256 / expectedNow, 255)))
  }

  /// §A.8, for packets in order with a new timestamp: those of one picture share theirs, and the
  /// pacing between them isn't the network's doing.
  private mutating func measureJitter(_ packet: RTPPacket, at now: Moment) {
    guard packet.timestamp != lastTimestamp else { return }
    lastTimestamp = packet.timestamp
    let transit = Self.transit(of: packet, clockRate: clockRate, at: now)
    let difference = transit.subtractingReportingOverflow(lastTransit).partialValue.magnitude
    lastTransit = transit
    // A jump of the sender's clock isn't jitter.
    guard difference < UInt32(clockRate) * 10 else { return }
    scaledJitter = scaledJitter &+ difference &- ((scaledJitter &+ 8) >> 4)
  }

  private static func transit(of packet: RTPPacket, clockRate: Int, at now: Moment) -> Int32 {
    let arrival = MediaTime(ticks: 0, clockRate: clockRate) + (now - .zero)
    return Int32(bitPattern: arrival.ticks &- packet.timestamp)
  }
}
