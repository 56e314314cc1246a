import Foundations

/// Where a local track's packets are: the counters that its headers and reports carry.
struct SenderClock: Sendable {
  let ssrc: SSRC
  let payloadType: PayloadType
  let clockRate: Int
  private(set) var nextNumber: SequenceNumber
  private(set) var packetCount: UInt32 = 0
  /// Of payload.
  private(set) var octetCount: UInt32 = 0
  /// A moment and what the media's clock showed then.
  private var reference: (time: MediaTime, moment: Moment)
  private var sentSinceReport = false
  private var sentBeforeReport = false

  /// - Parameter chance: for the SSRC where none is given, and the two origins that RFC 3550 §5.1
  ///   wants random. The first sequence number is below 2^15, so that losing packets around the
  ///   first wrap can't confuse SRTP's rollover counter (RFC 3711 §3.3.1).
  init(_ settings: TrackSettings, clockRate: Int, chance: inout SeededGenerator) {
    let drawn = SSRC(.random(in: 1...UInt32.max, using: &chance))
    ssrc = settings.ssrc == .any ? drawn : settings.ssrc
    payloadType = settings.payloadType
    self.clockRate = clockRate
    nextNumber = SequenceNumber(.random(in: 0..<0x8000, using: &chance))
    let origin = UInt32.random(in: 0...UInt32.max, using: &chance)
    reference = (MediaTime(ticks: origin, clockRate: clockRate), .zero)
  }

  /// What the media's clock shows at `moment`.
  func time(at moment: Moment) -> MediaTime {
    reference.time + (moment - reference.moment)
  }

  /// Sets the media's clock by a device that keeps its own time.
  mutating func set(to time: MediaTime, at moment: Moment) {
    reference = (time, moment)
  }

  mutating func makePacket(
    marker: Bool, extensions: HeaderExtensions? = nil, payload: [UInt8], time: MediaTime
  ) -> RTPPacket {
    defer {
      nextNumber = nextNumber.next
      packetCount &+= 1
      octetCount &+= UInt32(truncatingIfNeeded: payload.count)
      sentSinceReport = true
    }
    return RTPPacket(
      marker: marker, payloadType: payloadType, sequenceNumber: nextNumber, timestamp: time.ticks,
      ssrc: ssrc, extensions: extensions, payload: payload[...])
  }

  mutating func skipNumber() {
    nextNumber = nextNumber.next
  }

  /// Whether reports of this track are a sender's: it has sent since the last report but one
  /// (RFC 3550 §6.4).
  var isSending: Bool { sentSinceReport || sentBeforeReport }

  mutating func reported() {
    sentBeforeReport = sentSinceReport
    sentSinceReport = false
  }

  func report(at now: Moment, wallOffset: Duration, blocks: [ReportBlock]) -> SenderReport {
    SenderReport(
      sender: ssrc, time: NTPTime(sinceUnixEpoch: now - .zero + wallOffset),
      timestamp: time(at: now).ticks, packetCount: packetCount, octetCount: octetCount,
      blocks: blocks)
  }
}
