/// A picture and when it was taken.
package struct VideoFrame: Sendable {
  package let picture: Picture
  package let captured: Moment

  package init(picture: Picture, captured: Moment) {
    self.picture = picture
    self.captured = captured
  }
}

/// Sound as samples: 48 kHz, one channel, 16 bits. Blocks are 20 ms, 960 samples.
package struct SoundBlock: Sendable {
  package let samples: [Int16]
  /// When the first sample was taken.
  package let captured: Moment

  package static let sampleRate = 48_000
  package static let samplesPerBlock = 960
  package static let duration = Duration.milliseconds(20)

  package init(samples: [Int16], captured: Moment) {
    self.samples = samples
    self.captured = captured
  }
}

package enum VideoCodec: String, Sendable, CaseIterable {
  case vp8 = "VP8"
  case vp9 = "VP9"
}

/// One encoded picture.
package struct EncodedPicture: Sendable {
  package let codec: VideoCodec
  package let bytes: [UInt8]
  package let isKeyframe: Bool
  package let width: Int
  package let height: Int
  package let captured: Moment

  package init(
    codec: VideoCodec, bytes: [UInt8], isKeyframe: Bool, width: Int, height: Int, captured: Moment
  ) {
    self.codec = codec
    self.bytes = bytes
    self.isKeyframe = isKeyframe
    self.width = width
    self.height = height
    self.captured = captured
  }
}

/// One encoded block of sound: an Opus packet.
package struct EncodedSound: Sendable {
  package let bytes: [UInt8]
  /// Samples at 48 kHz that it decodes to.
  package let sampleCount: Int
  /// RFC 6464: 0 is the loudest (0 dBov), 127 is silence.
  package let level: UInt8
  package let captured: Moment

  package init(bytes: [UInt8], sampleCount: Int, level: UInt8, captured: Moment) {
    self.bytes = bytes
    self.sampleCount = sampleCount
    self.level = level
    self.captured = captured
  }
}

/// Turns the packets of a clip or a call back into pictures.
package protocol PictureDecoding: AnyObject {
  /// The picture that `bytes` shows; `nil` when the codec keeps it to itself.
  /// - Throws: when the bytes can't be decoded. The next keyframe is decodable again.
  func decode(_ bytes: [UInt8]) throws -> Picture?
}

/// Who a DTLS-SRTP session's endpoint is (RFC 5764 §4.2): the client opens the handshake.
package enum DTLSRole: Sendable {
  case client
  case server
}
