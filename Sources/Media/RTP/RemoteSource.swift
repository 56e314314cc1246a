import Foundations

/// What is agreed on a track: who sends it, and as what payload type.
package struct TrackSettings: Hashable, Sendable {
  /// ``SSRC/any`` of a remote track takes whichever stream has the payload type; of a local one it
  /// is drawn from the session's seed.
  package var ssrc: SSRC
  package var payloadType: PayloadType

  package init(ssrc: SSRC = .any, payloadType: PayloadType) {
    self.ssrc = ssrc
    self.payloadType = payloadType
  }
}

/// The stream of packets behind one remote track. A program at the other end that starts again sends
/// another stream with the same payload type; it takes the old one's place.
struct RemoteSource: Sendable {
  enum Arrival: Hashable {
    case refused
    case newest(Int, missing: Range<Int>)
    case older(Int)
    /// The first packet of a stream: forget everything of those before.
    case first(Int)
  }

  let payloadType: PayloadType
  let clockRate: Int
  /// `nil` until it is known.
  private(set) var ssrc: SSRC?
  private(set) var reception: ReceptionStatistics?
  /// Packets of streams that were replaced.
  private var formerReceived = 0
  private var formerLost = 0
  /// The stream before this one: its stragglers mustn't take the place back.
  private var former: (ssrc: SSRC, left: Moment)?
  private var report: (time: NTPTime, timestamp: UInt32, arrived: Moment)?

  /// How long stragglers of a replaced stream are refused: longer than any packet is under way.
  private static let refusal = Duration.seconds(2)

  init(_ settings: TrackSettings, clockRate: Int) {
    payloadType = settings.payloadType
    self.clockRate = clockRate
    ssrc = settings.ssrc == .any ? nil : settings.ssrc
  }

  mutating func receive(_ packet: RTPPacket, at now: Moment) -> Arrival {
    if packet.ssrc != ssrc {
      if let former, former.ssrc == packet.ssrc, now - former.left < Self.refusal {
        return .refused
      }
      replace(by: packet.ssrc, at: now)
    }
    guard reception != nil else {
      let first = ReceptionStatistics(first: packet, clockRate: clockRate, at: now)
      reception = first
      return .first(first.highest)
    }
    let (receivedBefore, lostBefore) = (received, lost)
    switch reception!.receive(packet, at: now) {
    case .newest(let index, let missing): return .newest(index, missing: missing)
    case .older(let index): return .older(index)
    case .astray: return .refused
    case .restarted(let index):
      (formerReceived, formerLost) = (receivedBefore, lostBefore)
      report = nil
      return .first(index)
    }
  }

  private mutating func replace(by successor: SSRC, at now: Moment) {
    (formerReceived, formerLost) = (received, lost)
    if let ssrc, reception != nil { former = (ssrc, now) }
    ssrc = successor
    reception = nil
    report = nil
  }

  mutating func receive(_ senderReport: SenderReport, at now: Moment) {
    guard senderReport.sender == ssrc else { return }
    report = (senderReport.time, senderReport.timestamp, now)
  }

  /// When the sender's wall clock showed `time`, by its last report; `nil` before the first one.
  func senderTime(of time: MediaTime) -> NTPTime? {
    guard let report, time.clockRate == clockRate else { return nil }
    let since = time - MediaTime(ticks: report.timestamp, clockRate: clockRate)
    return NTPTime(sinceUnixEpoch: report.time.sinceUnixEpoch + since)
  }

  /// What goes into the next report; `nil` when nothing came since the last one (RFC 3550 §6.4).
  mutating func makeReportBlock(at now: Moment) -> ReportBlock? {
    guard let ssrc, let interval = reception?.takeInterval(), interval.received > 0,
      let reception
    else { return nil }
    var delay: UInt32 = 0
    if let report {
      delay = UInt32(clamping: (now - report.arrived).nanoseconds / 1000 * 65536 / 1_000_000)
    }
    return ReportBlock(
      source: ssrc, fractionLost: interval.fractionLost,
      cumulativeLost: Int32(max(-0x80_0000, min(reception.lost, 0x7F_FFFF))),
      highestSequence: UInt32(truncatingIfNeeded: reception.highest),
      jitter: reception.jitterTicks, lastReport: report?.time.middle ?? 0,
      delaySinceLastReport: delay)
  }

  var received: Int { formerReceived + (reception?.received ?? 0) }
  var lost: Int { formerLost + (reception?.lost ?? 0) }
  var jitter: Duration { reception?.jitter ?? .zero }
}
