import Foundations

/// The receiving half of a sound track.
struct SoundReceiver: Sendable {
  private(set) var source: RemoteSource
  private var buffer = SoundBuffer()
  private var counts = ReceivedStatistics()
  private let levelExtension: UInt8?
  private(set) var level: AudioLevel?

  init(_ settings: TrackSettings, levelExtension: UInt8?) {
    source = RemoteSource(settings, clockRate: MediaTime.audioClockRate)
    self.levelExtension = levelExtension
  }

  /// - Returns: whether it was Opus.
  mutating func receive(
    _ packet: RTPPacket, byteCount: Int, at now: Moment, into sounds: inout [ReceivedSound]
  ) -> Bool {
    let index: Int
    switch source.receive(packet, at: now) {
    case .refused:
      counts.refused += 1
      return true
    case .first(let first):
      index = first
      buffer.replace(into: &sounds)
      counts.restarts += 1
    case .newest(let newest, missing: _): index = newest
    case .older(let older): index = older
    }
    counts.packets += 1
    counts.bytes += byteCount
    // Padding without content only probes the path.
    guard !packet.payload.isEmpty else { return true }
    let level = levelExtension.flatMap { packet.extensions?[$0] }.flatMap { AudioLevel($0) }
    switch buffer.insert(packet, at: index, level: level, now: now, into: &sounds) {
    case .stored: self.level = level
    case .unneeded: counts.unneeded += 1
    case .malformed: return false
    }
    return true
  }

  mutating func pull(
    at now: Moment, into playouts: inout [SoundPlayout], sounds: inout [ReceivedSound]
  ) {
    buffer.pull(at: now, into: &playouts, sounds: &sounds)
  }

  mutating func receive(_ report: SenderReport, at now: Moment) {
    source.receive(report, at: now)
  }

  mutating func makeReportBlock(at now: Moment) -> ReportBlock? {
    source.makeReportBlock(at: now)
  }

  var playout: PlayoutStatistics { buffer.statistics }

  var statistics: ReceivedStatistics {
    var statistics = counts
    statistics.lost = source.lost
    statistics.jitter = source.jitter
    statistics.frames = counts.packets - counts.unneeded
    return statistics
  }
}
