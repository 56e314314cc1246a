package import Foundations

/// What was sent of one track since the session began.
package struct SentStatistics: Hashable, Sendable {
  /// Without retransmissions.
  package var packets = 0
  /// Of whole packets, before protection.
  package var bytes = 0
  /// Pictures, or blocks of sound.
  package var frames = 0
  package var keyframes = 0
  /// Pictures that weren't sent: the pacer was full, or they came before a keyframe.
  package var framesDropped = 0
  package var retransmissions = 0
  /// Packets that the peer asked for again.
  package var retransmissionRequests = 0
  /// Requests for a keyframe that came from the peer.
  package var keyframeRequests = 0
  /// Of the packets between the peer's last two reports, 0...1; `nil` before the first one.
  package var fractionLost: Double?
  /// As the peer measures it.
  package var jitter: Duration?
}

extension SentStatistics {
  mutating func learn(_ block: ReportBlock, clockRate: Int) {
    fractionLost = Double(block.fractionLost) / 256
    jitter = .nanoseconds(Int64(block.jitter) * 1_000_000_000 / Int64(clockRate))
  }
}

/// What was received of one track since the session began.
package struct ReceivedStatistics: Hashable, Sendable {
  package var packets = 0
  package var bytes = 0
  /// Packets that never came, sent again or not.
  package var lost = 0
  package var jitter = Duration.zero
  /// Pictures, or blocks of sound, that were handed on.
  package var frames = 0
  package var keyframes = 0
  /// Pictures begun and not handed on.
  package var framesDropped = 0
  /// Packets that came twice or too late.
  package var unneeded = 0
  /// Packets of a stream that was replaced, or far from all others.
  package var refused = 0
  /// Packets that were lost and came when asked for again.
  package var repaired = 0
  /// Packets asked for again, each time counted.
  package var retransmissionRequests = 0
  package var keyframeRequests = 0
  /// Streams that this track had, the first included.
  package var restarts = 0
}

/// What became of the received sound.
package struct PlayoutStatistics: Hashable, Sendable {
  /// Blocks made up by the decoder.
  package var concealed = 0
  /// Blocks recovered from the packet after them.
  package var recovered = 0
  /// Packets too late to be played.
  package var late = 0
  /// Packets skipped to shorten the delay.
  package var skipped = 0
  /// Blocks put in to lengthen the delay.
  package var inserted = 0
  /// From a packet's earliest possible arrival to its being played.
  package var delay = Duration.zero
  /// What the delay ought to be.
  package var targetDelay = Duration.zero
}

/// A session's counters. Rates are differences of two of these over the time between them.
package struct RTPStatistics: Hashable, Sendable {
  package var sentSound = SentStatistics()
  package var sentVideo = SentStatistics()
  package var receivedSound = ReceivedStatistics()
  package var receivedVideo = ReceivedStatistics()
  package var playout = PlayoutStatistics()
  /// From a picture's first packet to its being handed on, on average.
  package var videoDelay = Duration.zero
  /// To the peer and back; `nil` before the first report that tells.
  package var roundTrip: Duration?
  /// How much the peer believes to get through; `nil` when it doesn't say.
  package var estimatedBitrate: Bitrate?
  /// How loud the last received packet of sound was.
  package var soundLevel: AudioLevel?
  /// Packets from the peer that aren't any, or of no agreed payload type.
  package var malformed = 0
}
