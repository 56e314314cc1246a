import Foundations

/// The receiving half of a video track: repair, assembly, and the wish for keyframes.
struct VideoReceiver: Sendable {
  private(set) var source: RemoteSource
  private var repair = LossRepair()
  private var assembler = FrameAssembler(first: 0)
  private var keyframes = KeyframeRequester()
  private(set) var counts = ReceivedStatistics()
  /// From a picture's first packet to its being handed on.
  private(set) var delay = Duration.zero

  /// Until the first packet of a picture may have been overtaken by its second.
  private static let startTolerance = Duration.milliseconds(10)

  /// What to tell the peer.
  enum Request: Hashable {
    case again([SequenceNumber])
    case keyframe
  }

  init(_ settings: TrackSettings) {
    source = RemoteSource(settings, clockRate: MediaTime.videoClockRate)
  }

  mutating func receive(
    _ packet: RTPPacket, byteCount: Int, at now: Moment, into pictures: inout [ReceivedPicture]
  ) {
    let index: Int
    switch source.receive(packet, at: now) {
    case .refused:
      counts.refused += 1
      return
    case .first(let first):
      index = first
      restart(at: first)
    case .newest(let newest, let missing):
      index = newest
      if !repair.notice(missing, revealedBy: newest, at: now) { assembler.lose(newest - 1) }
    case .older(let older):
      index = older
      if repair.arrived(older) { counts.repaired += 1 }
    }
    counts.packets += 1
    counts.bytes += byteCount
    keyframes.heard(at: now)
    let first = pictures.count
    let hadCandidate = assembler.hasCandidate
    switch assembler.insert(packet, at: index, now: now, into: &pictures) {
    case .stored: break
    case .unneeded: counts.unneeded += 1
    }
    if assembler.hasCandidate, !hadCandidate { keyframes.postpone(at: now) }
    for picture in pictures[first...] {
      count(picture)
      if picture.isKeyframe { keyframes.satisfied() }
    }
    settle(at: now, after: packet)
  }

  /// Asks for what is due.
  mutating func poll(at now: Moment, roundTrip: Duration?) -> [Request] {
    var requests: [Request] = []
    if let lost = repair.giveUp(at: now, roundTrip: roundTrip) {
      assembler.lose(lost)
      settle(at: now, after: nil)
    }
    let missing = repair.requests(at: now, roundTrip: roundTrip)
    if !missing.isEmpty {
      counts.retransmissionRequests += missing.count
      requests.append(.again(missing))
    }
    if keyframes.poll(at: now) {
      counts.keyframeRequests += 1
      requests.append(.keyframe)
    }
    return requests
  }

  func deadline(roundTrip: Duration?) -> Moment? {
    [repair.deadline(roundTrip: roundTrip), keyframes.deadline].compactMap { $0 }.min()
  }

  /// Before anything has come there is nobody to ask, and the first packets ask by themselves.
  mutating func requestKeyframe(at now: Moment) {
    guard source.ssrc != nil else { return }
    keyframes.askNow(at: now)
  }

  mutating func receive(_ report: SenderReport, at now: Moment) {
    source.receive(report, at: now)
  }

  mutating func makeReportBlock(at now: Moment) -> ReportBlock? {
    source.makeReportBlock(at: now)
  }

  var statistics: ReceivedStatistics {
    var statistics = counts
    statistics.lost = source.lost
    statistics.jitter = source.jitter
    statistics.framesDropped += assembler.dropped
    return statistics
  }

  /// Holes that are waited for.
  var missingCount: Int { repair.count }

  /// Packets of frames that aren't whole.
  var heldCount: Int { assembler.heldCount }

  private mutating func restart(at index: Int) {
    counts.framesDropped += assembler.dropped
    assembler = FrameAssembler(first: index)
    repair.removeAll()
    counts.restarts += 1
  }

  private mutating func settle(at now: Moment, after packet: RTPPacket?) {
    repair.forget(before: assembler.floor)
    guard assembler.needsKeyframe else {
      keyframes.recovered()
      return
    }
    if assembler.hasCandidate {
      keyframes.need(at: now, delay: KeyframeRequester.interval)
    } else {
      let mayHaveBegun = packet?.startsMidFrame ?? false
      keyframes.need(at: now, delay: mayHaveBegun ? Self.startTolerance : .zero)
    }
  }

  private mutating func count(_ picture: ReceivedPicture) {
    counts.frames += 1
    if picture.isKeyframe { counts.keyframes += 1 }
    // The mean of the last sixteen or so.
    delay += (picture.received - picture.begun - delay) / 16
  }
}

extension RTPPacket {
  /// Whether this is a later piece of a VP8 frame.
  fileprivate var startsMidFrame: Bool {
    var data = payload
    guard let descriptor = try? VP8Descriptor(parsing: &data) else { return false }
    return !descriptor.startsFrame
  }
}
