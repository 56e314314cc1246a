import Foundations

/// What the session says and hears in RTCP.
extension RTPSession {
  /// Between reports, times 0.8 to 1.2 so that sessions don't fall into step (RFC 3550 §6.3.1). Far
  /// less than the 5 % of the bandwidth that RFC 3550 allows: 1.2 kbit/s.
  static let reportInterval = Duration.seconds(1)
  /// The first report comes early: recordings align the tracks by it, and it starts the measuring
  /// of the round trip.
  static let firstReport = Duration.milliseconds(200)

  // MARK: - Out

  mutating func startReporting(at now: Moment) {
    if nextReport == nil { nextReport = now + Self.firstReport }
  }

  mutating func report(at now: Moment, into outputs: inout [Output]) {
    guard let due = nextReport, now >= due else { return }
    nextReport = now + Self.reportInterval * Double.random(in: 0.8...1.2, using: &chance)
    let blocks = [
      soundReceiver?.makeReportBlock(at: now), videoReceiver?.makeReportBlock(at: now),
    ].compactMap { $0 }
    let packets = makeReports(blocks: blocks, at: now)
    soundSender?.reported()
    videoSender?.reported()
    outputs.append(.transmitControl(ControlPacket.bytes(ofCompound: packets)))
  }

  /// Reports first, then the CNAME of each who reports (RFC 3550 §6.1). All blocks are in the first
  /// report: both local streams stand for one receiver (RFC 8108 §5.3).
  private func makeReports(blocks: [ReportBlock], at now: Moment) -> [ControlPacket] {
    let offset = configuration.wallOffset
    var reports: [SenderReport] = []
    for clock in [videoSender?.clock, soundSender?.clock] {
      guard let clock, clock.isSending else { continue }
      reports.append(
        clock.report(at: now, wallOffset: offset, blocks: reports.isEmpty ? blocks : []))
    }
    // One packet for each: not all stacks read more than one chunk (aiortc 1.x).
    let descriptions = (reports.isEmpty ? [feedbackSSRC] : reports.map(\.sender)).map {
      ControlPacket.sourceDescription([
        SourceDescription(source: $0, cname: configuration.cname)
      ])
    }
    let first: [ControlPacket] =
      reports.isEmpty
      ? [.receiverReport(ReceiverReport(sender: feedbackSSRC, blocks: blocks))]
      : reports.map { .senderReport($0) }
    return first + descriptions
  }

  /// A compound of its own, without report blocks: those have their own rhythm (RFC 4585 §3.1).
  func makeFeedback(
    _ requests: [VideoReceiver.Request], on media: SSRC, at now: Moment
  ) -> [UInt8] {
    let feedback = requests.map { request -> ControlPacket in
      switch request {
      case .again(let numbers):
        .retransmissionRequest(sender: feedbackSSRC, media: media, missing: numbers)
      case .keyframe: .pictureLossIndication(sender: feedbackSSRC, media: media)
      }
    }
    return ControlPacket.bytes(ofCompound: makeReports(blocks: [], at: now) + feedback)
  }

  func makeGoodbye(at now: Moment) -> [UInt8] {
    let local = [videoSender?.clock.ssrc, soundSender?.clock.ssrc].compactMap { $0 }
    let sources = local.isEmpty ? [feedbackSSRC] : local
    return ControlPacket.bytes(
      ofCompound: makeReports(blocks: [], at: now) + [.goodbye(sources)])
  }

  // MARK: - In

  mutating func receive(_ packets: [ControlPacket], at now: Moment) {
    for packet in packets {
      switch packet {
      case .senderReport(let report):
        soundReceiver?.receive(report, at: now)
        videoReceiver?.receive(report, at: now)
        learn(report.blocks, at: now)
      case .receiverReport(let report):
        learn(report.blocks, at: now)
      case .retransmissionRequest(_, let media, let missing):
        if media == videoSender?.clock.ssrc {
          videoSender?.resend(missing, at: now, roundTrip: roundTrip)
        } else if media == soundSender?.clock.ssrc {
          soundSender?.peerRequested(again: missing.count)
        }
      case .pictureLossIndication(_, let media):
        if media == videoSender?.clock.ssrc {
          videoSender?.peerWantsKeyframe(at: now, roundTrip: roundTrip)
        }
      case .fullIntraRequest(let sender, let entries):
        for entry in entries where entry.media == videoSender?.clock.ssrc {
          videoSender?.peerRequestsIntra(entry.number, from: sender, at: now, roundTrip: roundTrip)
        }
      case .bitrateEstimate(_, let rate):
        estimatedBitrate = rate
      case .sourceDescription, .goodbye, .other:
        break
      }
    }
  }

  private mutating func learn(_ blocks: [ReportBlock], at now: Moment) {
    for block in blocks {
      if block.source == soundSender?.clock.ssrc {
        soundSender?.learn(block)
      } else if block.source == videoSender?.clock.ssrc {
        videoSender?.learn(block)
      } else {
        continue
      }
      learnRoundTrip(from: block, at: now)
    }
  }

  /// RFC 3550 §6.4.1: now, less when this end's report left, less how long the peer kept it.
  private mutating func learnRoundTrip(from block: ReportBlock, at now: Moment) {
    guard block.lastReport != 0 else { return }
    let time = NTPTime(sinceUnixEpoch: now - .zero + configuration.wallOffset).middle
    let ticks = Int32(bitPattern: time &- block.lastReport &- block.delaySinceLastReport)
    // The units are 15 µs, so a little below zero is zero; ten seconds are somebody's mistake.
    guard (-64...655_360).contains(ticks) else { return }
    let measured = Duration.nanoseconds(Int64(max(ticks, 0)) * 1_000_000_000 / 65_536)
    roundTrip = roundTrip.map { ($0 * 7 + measured) / 8 } ?? measured
  }
}
