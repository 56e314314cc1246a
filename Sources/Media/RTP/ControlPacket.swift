package import Foundations

/// One packet of RTCP (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3).
package enum ControlPacket: Hashable, Sendable {
  case senderReport(SenderReport)
  case receiverReport(ReceiverReport)
  case sourceDescription([SourceDescription])
  case goodbye([SSRC])
  /// Generic NACK (RFC 4585 §6.2.1): send these again.
  case retransmissionRequest(sender: SSRC, media: SSRC, missing: [SequenceNumber])
  /// RFC 4585 §6.3.1: pictures can't be decoded any more.
  case pictureLossIndication(sender: SSRC, media: SSRC)
  /// RFC 5104 §4.3.1: a keyframe, please.
  case fullIntraRequest(sender: SSRC, entries: [FullIntraEntry])
  /// draft-alvestrand-rmcat-remb-03 §2.2: how much the receiver believes to get through.
  case bitrateEstimate(sender: SSRC, Bitrate)
  /// Well framed, of no use here.
  case other(type: UInt8)
}

package struct SenderReport: Hashable, Sendable {
  package var sender: SSRC
  package var time: NTPTime
  /// The media's clock at `time`.
  package var timestamp: UInt32
  package var packetCount: UInt32
  /// Octets of payload.
  package var octetCount: UInt32
  package var blocks: [ReportBlock] = []
}

package struct ReceiverReport: Hashable, Sendable {
  package var sender: SSRC
  package var blocks: [ReportBlock] = []
}

/// What one receiver says about one stream (RFC 3550 §6.4.1).
package struct ReportBlock: Hashable, Sendable {
  package var source: SSRC
  /// Of the packets since the last report, in units of 1/256.
  package var fractionLost: UInt8
  /// In −2^23...2^23−1; negative when packets came twice.
  package var cumulativeLost: Int32
  package var highestSequence: UInt32
  /// In ticks of the media's clock.
  package var jitter: UInt32
  /// The middle of the NTP time of the last sender report; 0 when there was none.
  package var lastReport: UInt32
  /// From receiving that to sending this, in units of 1/65536 s.
  package var delaySinceLastReport: UInt32

  static let length = 24
}

package struct SourceDescription: Hashable, Sendable {
  package var source: SSRC
  /// The name that ties a participant's streams together; empty when the chunk had none.
  package var cname: String
}

package struct FullIntraEntry: Hashable, Sendable {
  package var media: SSRC
  /// The same number again is the same request again.
  package var number: UInt8
}

/// Numbers of RFC 3550 §12.1, RFC 4585 §6.1, RFC 5104 §4.3.
enum ControlType {
  static let senderReport: UInt8 = 200
  static let receiverReport: UInt8 = 201
  static let sourceDescription: UInt8 = 202
  static let goodbye: UInt8 = 203
  static let transportFeedback: UInt8 = 205
  static let payloadFeedback: UInt8 = 206

  static let nack: UInt8 = 1
  static let pictureLoss: UInt8 = 1
  static let fullIntra: UInt8 = 4
  static let applicationLayer: UInt8 = 15

  static let cnameItem: UInt8 = 1
}
