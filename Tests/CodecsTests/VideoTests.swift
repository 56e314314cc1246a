import Capture
import Codecs
import Foundations
import MediaSupport
import Testing

/// A short moving picture and what VP8 makes of it.
struct Clip {
  static let settings = VideoSettings(width: 320, height: 180, framesPerSecond: 30)
  let pool = PicturePool()
  let pictures: [Picture]

  init(frames: Int, seed: UInt64 = 1) {
    let pattern = PatternSource(settings: Self.settings, seed: seed)
    pictures = (0..<frames).map { [pool] number in
      let picture = pool.makePicture(width: Self.settings.width, height: Self.settings.height)
      pattern.draw(frame: number, captured: WallTime(milliseconds: 1000), on: picture)
      return picture
    }
  }

  static func captured(_ number: Int) -> Moment {
    Moment(nanoseconds: Int64(number) * 1_000_000_000 / 30)
  }

  static func makeEncoder(_ bitrate: Bitrate = .kilobits(300)) throws -> VP8Encoder {
    try VP8Encoder(
      width: settings.width, height: settings.height, framesPerSecond: settings.framesPerSecond,
      bitrate: bitrate)
  }

  func encoded(keyframes: Set<Int> = []) throws -> [EncodedPicture] {
    let encoder = try Self.makeEncoder()
    return try pictures.enumerated().map { number, picture in
      let frame = VideoFrame(picture: picture, captured: Self.captured(number))
      let encoded = try encoder.encode(frame, forceKeyframe: keyframes.contains(number))
      return try #require(encoded)
    }
  }
}

@Suite("Video codecs") struct VideoTests {
  @Test("VP8 brings moving pictures across in good quality")
  func roundTrip() throws {
    let clip = Clip(frames: 30)
    let decoder = try VideoDecoder(codec: .vp8, pool: clip.pool)
    let ratios = try zip(clip.pictures, clip.encoded()).map { source, encoded in
      let shown = try #require(try decoder.decode(encoded.bytes))
      return lumaPSNR(source, shown)
    }
    #expect(ratios.reduce(0, +) / Double(ratios.count) >= 34)
  }

  @Test("Keyframes come at the start and on request, and nowhere else")
  func keyframes() throws {
    let encoded = try Clip(frames: 40).encoded(keyframes: [17, 25])
    let keyframes = encoded.indices.filter { encoded[$0].isKeyframe }
    #expect(keyframes == [0, 17, 25])
    for picture in encoded {
      let header = try VideoHeader(.vp8, picture.bytes)
      #expect(header.isKeyframe == picture.isKeyframe)
      #expect(header.size == (picture.isKeyframe ? .init(width: 320, height: 180) : nil))
    }
  }

  @Test("The bitrate is kept, and a new one takes effect")
  func bitrate() throws {
    let clip = Clip(frames: 120, seed: 3)
    let encoder = try Clip.makeEncoder(.kilobits(400))
    var sizes: [Int] = []
    for (number, picture) in clip.pictures.enumerated() {
      if number == 60 { encoder.bitrate = .kilobits(120) }
      let frame = VideoFrame(picture: picture, captured: Clip.captured(number))
      sizes.append(try encoder.encode(frame, forceKeyframe: false)?.bytes.count ?? 0)
    }
    // The second half second after each change.
    let first = sizes[30..<60].reduce(0, +) * 8
    let second = sizes[90..<120].reduce(0, +) * 8
    #expect((280_000...480_000).contains(first))
    #expect((80_000...160_000).contains(second))
  }

  @Test("A picture of another size is refused, and one that is too large from the start")
  func sizes() throws {
    let encoder = try Clip.makeEncoder()
    let other = PicturePool().makePicture(width: 64, height: 64)
    #expect(throws: CodecFailure.wrongSize(width: 64, height: 64)) {
      try encoder.encode(VideoFrame(picture: other, captured: .zero), forceKeyframe: false)
    }
    #expect(throws: CodecFailure.tooLarge(width: 5000, height: 10)) {
      try VP8Encoder(width: 5000, height: 10, framesPerSecond: 30, bitrate: .kilobits(100))
    }
  }

  @Test("VP9 from elsewhere is decoded, for longer than its decoder has buffers")
  func vp9() throws {
    let clip = Clip(frames: 50)
    let decoder = try VideoDecoder(codec: .vp9, pool: clip.pool)
    for (source, encoded) in zip(clip.pictures, encodeVP9(clip.pictures)) {
      let header = try VideoHeader(.vp9, encoded.bytes)
      #expect(header.isKeyframe == encoded.isKeyframe)
      let shown = try #require(try decoder.decode(encoded.bytes))
      #expect(lumaPSNR(source, shown) > 25)
    }
  }

  @Test("Nothing is shown before a keyframe, nor between damage and the next one")
  func damage() throws {
    let clip = Clip(frames: 6)
    let encoded = try clip.encoded(keyframes: [4]).map(\.bytes)
    let decoder = try VideoDecoder(codec: .vp8, pool: clip.pool)
    #expect(throws: CodecFailure.keyframeNeeded) { try decoder.decode(encoded[1]) }
    #expect(try decoder.decode(encoded[0]) != nil)
    #expect(throws: CodecFailure.self) { try decoder.decode([1]) }
    #expect(throws: CodecFailure.keyframeNeeded) { try decoder.decode(encoded[2]) }
    #expect(try decoder.decode(encoded[4]) != nil)
    #expect(try decoder.decode(encoded[5]) != nil)
  }

  @Test("A header that claims a giant picture is refused before the codec sees it")
  func giants() throws {
    let clip = Clip(frames: 1)
    var vp8 = try clip.encoded()[0].bytes
    vp8[6...9] = [0xFF, 0x3F, 0xFF, 0x3F]
    let decoder = try VideoDecoder(codec: .vp8, pool: clip.pool)
    #expect(throws: CodecFailure.tooLarge(width: 16383, height: 16383)) {
      try decoder.decode(vp8)
    }
    // Frame marker, profile 0, keyframe, shown; sync code; colour space; 65536 × 65536.
    let vp9: [UInt8] = [0x82, 0x49, 0x83, 0x42, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xF0, 0, 0]
    let other = try VideoDecoder(codec: .vp9, pool: clip.pool)
    #expect(throws: CodecFailure.tooLarge(width: 65536, height: 65536)) {
      try other.decode(vp9)
    }
  }

  @Test("A giant picture can't hide behind another frame")
  func hiddenGiants() throws {
    let clip = Clip(frames: 1)
    let small = encodeVP9(clip.pictures)[0].bytes
    let giant: [UInt8] = [0x82, 0x49, 0x83, 0x42, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xF0, 0, 0]
    let decoder = try VideoDecoder(codec: .vp9, pool: clip.pool)
    // Simply behind it: not looked at.
    let shown = try decoder.decode(small + giant + [0])
    #expect(shown?.width == 320)
    // In a superframe: looked at, and refused.
    let sizes = [small.count, giant.count].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    #expect(throws: CodecFailure.tooLarge(width: 65536, height: 65536)) {
      try decoder.decode(small + giant + [0xC9] + sizes + [0xC9])
    }
    // The same index with two sound frames is an ordinary superframe.
    let twice = [small.count, small.count].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    #expect(try decoder.decode(small + small + [0xC9] + twice + [0xC9]) != nil)
  }

  @Test("Packets with changed bytes never crash a decoder", arguments: VideoCodec.allCases)
  func mutations(codec: VideoCodec) throws {
    let clip = Clip(frames: 10)
    let packets =
      switch codec {
      case .vp8: try clip.encoded()
      case .vp9: encodeVP9(clip.pictures)
      }
    var generator = SeededGenerator(seed: 20)
    var refused = 0
    for _ in 0..<40 {
      let decoder = try VideoDecoder(codec: codec, pool: clip.pool)
      for packet in packets {
        let bytes =
          Bool.random(using: &generator) ? packet.bytes : packet.bytes.mutated(&generator)
        do {
          _ = try decoder.decode(bytes)
        } catch {
          refused += 1
        }
      }
    }
    #expect(refused > 0)
  }

  @Test("Random bytes are refused", arguments: VideoCodec.allCases)
  func noise(codec: VideoCodec) throws {
    let decoder = try VideoDecoder(codec: codec, pool: PicturePool())
    var generator = SeededGenerator(seed: 4)
    #expect(throws: CodecFailure.self) { try decoder.decode([]) }
    for length in 0..<400 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      // A chance hit on a header is decodable; what matters is that nothing breaks.
      _ = try? decoder.decode(bytes)
      _ = try? VideoHeader(codec, bytes)
    }
  }
}
