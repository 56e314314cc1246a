import Foundations

/// The beginning of a recording, and where in it things are set right later.
struct WebMHeader {
  let bytes: [UInt8]
  /// The segment's size.
  private(set) var segmentSizeAt = 0
  /// The first byte in the segment: positions in it count from here.
  private(set) var segmentStart = 0
  /// A hole for the seek head.
  private(set) var seekHeadAt = 0
  private(set) var infoAt = 0
  /// A hole for the duration.
  private(set) var durationAt = 0
  private(set) var tracksAt = 0
  /// The codec's name and the picture's sides, where there is a video track.
  private(set) var videoCodecAt = 0
  private(set) var widthAt = 0
  private(set) var heightAt = 0

  static let videoTrack: UInt8 = 1
  static let audioTrack: UInt8 = 2
  /// Three entries of 21 bytes, the head's own 5, and a void element to fill up.
  static let seekHeadSize = 80
  /// Identifier, size and a 64-bit float.
  static let durationSize = 11

  /// Samples at 48 kHz that the Opus encoder is late by when it serves calls: `OPUS_GET_LOOKAHEAD`.
  private static let preSkip = 312
  /// What is assumed of a picture before the first keyframe tells.
  private static let expected = (codec: VideoCodec.vp8, width: 1280, height: 720)

  init(video: Bool, sound: Bool) {
    var bytes = Matroska.element(
      .ebml,
      Matroska.number(.ebmlVersion, 1) + Matroska.number(.ebmlReadVersion, 1)
        + Matroska.number(.ebmlMaxIDLength, 4) + Matroska.number(.ebmlMaxSizeLength, 8)
        + Matroska.text(.docType, "webm") + Matroska.number(.docTypeVersion, 4)
        + Matroska.number(.docTypeReadVersion, 2))
    bytes += Matroska.identifier(.segment)
    segmentSizeAt = bytes.count
    bytes += Matroska.unknownSize
    segmentStart = bytes.count
    seekHeadAt = bytes.count
    bytes += Matroska.void(Self.seekHeadSize)

    infoAt = bytes.count
    let info =
      Matroska.number(.timestampScale, 1_000_000) + Matroska.text(.muxingApp, "Virtue")
      + Matroska.text(.writingApp, "Virtue") + Matroska.void(Self.durationSize)
    bytes += Matroska.element(.info, info, isWide: true)
    durationAt = bytes.count - Self.durationSize

    tracksAt = bytes.count
    var tracks: [UInt8] = []
    if video { tracks += Self.videoEntry }
    let videoEnd = tracks.count
    if sound { tracks += Self.audioEntry }
    bytes += Matroska.element(.tracks, tracks, isWide: true)
    if video {
      // The entry ends with the codec's name, the video element's head (2 bytes) and the two sides,
      // each 2 bytes behind 2 bytes of head.
      let end = bytes.count - tracks.count + videoEnd
      heightAt = end - 2
      widthAt = end - 6
      videoCodecAt = end - 10 - Self.name(Self.expected.codec).utf8.count
    }
    self.bytes = bytes
  }

  private static var videoEntry: [UInt8] {
    let size =
      Matroska.number(.pixelWidth, UInt64(expected.width), width: 2)
      + Matroska.number(.pixelHeight, UInt64(expected.height), width: 2)
    return Matroska.element(
      .trackEntry,
      Matroska.number(.trackNumber, UInt64(videoTrack))
        + Matroska.number(.trackUID, UInt64(videoTrack)) + Matroska.number(.trackType, 1)
        + Matroska.number(.flagLacing, 0) + Matroska.text(.codecID, name(expected.codec))
        + Matroska.element(.video, size))
  }

  /// The mapping of Opus to Matroska: RFC 9559 §12, RFC 7845 §5.1 for the identification header.
  private static var audioEntry: [UInt8] {
    let head =
      Array("OpusHead".utf8) + [1, 1, UInt8(preSkip & 0xFF), UInt8(preSkip >> 8)]
      // 48,000 Hz, no gain, mapping family 0, little-endian.
      + [0x80, 0xBB, 0x00, 0x00, 0x00, 0x00, 0x00]
    let format =
      Matroska.float(.samplingFrequency, Double(SoundBlock.sampleRate))
      + Matroska.number(.channels, 1)
    let delay = UInt64(preSkip) * 1_000_000_000 / UInt64(SoundBlock.sampleRate)
    return Matroska.element(
      .trackEntry,
      Matroska.number(.trackNumber, UInt64(audioTrack))
        + Matroska.number(.trackUID, UInt64(audioTrack)) + Matroska.number(.trackType, 2)
        + Matroska.number(.flagLacing, 0) + Matroska.text(.codecID, "A_OPUS")
        + Matroska.number(.codecDelay, delay) + Matroska.number(.seekPreRoll, 80_000_000)
        + Matroska.element(.codecPrivate, head) + Matroska.element(.audio, format))
  }

  /// Both names have the same length, so one can be written over the other.
  static func name(_ codec: VideoCodec) -> String {
    switch codec {
    case .vp8: "V_VP8"
    case .vp9: "V_VP9"
    }
  }

  /// Big-endian, as the sides are kept.
  static func side(_ value: Int) -> [UInt8] {
    [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
  }
}
