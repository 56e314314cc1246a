package import Foundations

/// A whole picture, in an order in which it can be decoded.
package struct ReceivedPicture: Sendable {
  package let codec: VideoCodec
  package let bytes: [UInt8]
  package let isKeyframe: Bool
  /// Of this picture or, when it isn't a keyframe, of the last one that was.
  package let width: Int
  package let height: Int
  package let time: MediaTime
  /// When its first packet came.
  package let begun: Moment
  /// When the packet came that made it whole.
  package let received: Moment
}

/// One Opus packet, in order, whether or not it was in time to be played.
package struct ReceivedSound: Sendable {
  package let bytes: [UInt8]
  package let time: MediaTime
  /// At 48 kHz.
  package let sampleCount: Int
  /// `nil` when the sender doesn't measure it.
  package let level: AudioLevel?
  package let received: Moment
}

/// What to do for the next stretch of sound, in samples at 48 kHz.
package enum SoundPlayout: Hashable, Sendable {
  /// Decode this.
  case packet([UInt8])
  /// This stretch was lost; the packet after it may carry a copy (forward error correction).
  case recover(next: [UInt8], samples: Int)
  /// Lost or late: let the decoder make something up.
  case conceal(samples: Int)
  /// Nothing has come yet, or nothing for a long time.
  case silence(samples: Int)
}
