import Foundation
import Capture
import Codecs
import Foundations
import MediaSupport
import Playback
import Testing

/// Plays a clip until `count` pictures have come or it failed.
private func play(
  _ path: String, count: Int, settings: VideoSettings = VideoSettings()
) async throws -> (settings: VideoSettings, pictures: [Picture], failure: Failure?) {
  let (events, continuation) = AsyncStream.makeStream(of: Result<VideoFrame, Failure>.self)
  let capture = try VideoCapture(
    spec: .file(path), settings: settings, pool: PicturePool(), seed: 0,
    makeDecoder: { try VideoDecoder(codec: $0, pool: $1) },
    deliver: { continuation.yield(.success($0)) }, failed: { continuation.yield(.failure($0)) })
  capture.start()
  defer { capture.stop() }
  var pictures: [Picture] = []
  for await event in events {
    switch event {
    case .success(let frame): pictures.append(frame.picture)
    case .failure(let failure): return (capture.settings, pictures, failure)
    }
    if pictures.count == count { break }
  }
  return (capture.settings, pictures, nil)
}

/// Whether the capture says that the file is no good, rather than play it.
private func refusal(_ path: String) -> Failure? {
  do {
    _ = try VideoCapture(
      spec: .file(path), settings: VideoSettings(), pool: PicturePool(), seed: 0,
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) }, deliver: { _ in }, failed: { _ in })
    return nil
  } catch {
    return error
  }
}

@Suite("Y4M clips") struct Y4MTests {
  private let folder = TemporaryFolder()

  /// Frames of one grey each, 16 × 16.
  private func clip(
    levels: [UInt8], header: String = "YUV4MPEG2 W16 H16 F60:1 Ip A1:1 C420jpeg"
  ) -> [UInt8] {
    Array((header + "\n").utf8)
      + levels.flatMap { level in
        Array("FRAME\n".utf8) + [UInt8](repeating: level, count: 256)
          + [UInt8](repeating: 128, count: 128)
      }
  }

  private func levels(_ pictures: [Picture]) -> [UInt8] { pictures.map { $0.luma.bytes[5] } }

  @Test(
    "An idle camera gives a picture now and then, and all of them as soon as it is wanted again")
  func idle() async throws {
    let path = folder.write(
      clip(levels: [10, 20, 30], header: "YUV4MPEG2 W16 H16 F30:1 Ip A1:1 C420jpeg"), to: "i.y4m")
    let (frames, continuation) = AsyncStream.makeStream(of: VideoFrame.self)
    let capture = try VideoCapture(
      spec: .file(path), settings: VideoSettings(), pool: PicturePool(), seed: 0,
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) },
      deliver: { continuation.yield($0) }, failed: { _ in })
    capture.setIdle(true)
    capture.start()
    var times: [Moment] = []
    for await frame in frames {
      times.append(frame.captured)
      if times.count == 4 { capture.setIdle(false) }
      if times.count == 14 { break }
    }
    capture.stop()
    let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
    #expect(gaps[..<3].allSatisfy { $0 >= .milliseconds(150) })
    #expect(gaps[4...].min() ?? .zero < .milliseconds(100))
  }

  @Test("Frames come in order, and again from the start")
  func loop() async throws {
    let path = folder.write(clip(levels: [20, 30, 40]), to: "a.y4m")
    let played = try await play(path, count: 12, settings: VideoSettings(framesPerSecond: 60))
    #expect(played.settings == VideoSettings(width: 16, height: 16, framesPerSecond: 60))
    let shown = levels(played.pictures)
    #expect(shown.first == 20)
    #expect(Set(shown) == [20, 30, 40])
    #expect(played.pictures.allSatisfy { $0.blue.bytes[0] == 128 && $0.red.bytes[0] == 128 })
  }

  @Test("A clip that is cut short plays what is whole")
  func cut() async throws {
    let bytes = clip(levels: [20, 30, 40])
    let path = folder.write(bytes.dropLast(100), to: "a.y4m")
    let played = try await play(path, count: 12, settings: VideoSettings(framesPerSecond: 60))
    #expect(Set(levels(played.pictures)) == [20, 30])
  }

  @Test("A faster clip is played at the rate that was asked for, in its own time")
  func rate() async throws {
    let path = folder.write(clip(levels: (1...40).map { 20 + $0 }), to: "a.y4m")
    let played = try await play(path, count: 8, settings: VideoSettings(framesPerSecond: 30))
    #expect(played.settings.framesPerSecond == 30)
    for (earlier, later) in zip(levels(played.pictures), levels(played.pictures).dropFirst()) {
      #expect((later - earlier).isMultiple(of: 2))
    }
  }

  @Test("Larger pictures are scaled down into the size that was asked for")
  func scaling() async throws {
    let path = folder.write(clip(levels: [60, 60]), to: "a.y4m")
    let settings = VideoSettings(width: 32, height: 16)
    #expect(try await play(path, count: 1, settings: settings).settings.width == 16)
    let wide = "YUV4MPEG2 W64 H32 F30:1"
    let frame = Array("FRAME\n".utf8) + [UInt8](repeating: 70, count: 64 * 32 * 3 / 2)
    let big = folder.write(Array((wide + "\n").utf8) + frame, to: "b.y4m")
    let played = try await play(big, count: 1, settings: settings)
    #expect(played.settings.width == 32 && played.settings.height == 16)
    #expect(played.pictures[0].width == 32 && played.pictures[0].luma.bytes[20] == 70)
  }

  @Test(
    "Headers that can't be are refused",
    arguments: [
      "", "YUV4MPEG2", "YUV4MPEG2 W16", "YUV4MPEG2 W0 H16", "YUV4MPEG2 W-16 H16",
      "YUV4MPEG2 W99999999999999999999 H16", "YUV4MPEG2 W5000 H5000",
      "YUV4MPEG2 W16 H16 C422", "YUV4MPEG2 W16 H16 C420p10",
    ])
  func headers(header: String) {
    let path = folder.write(clip(levels: [20], header: header), to: "a.y4m")
    #expect(refusal(path)?.code == "bad-clip")
  }

  @Test("Odd rates don't stop it", arguments: ["F0:0", "F1:0", "F-1:1", "F999999999:1", "Fx"])
  func rates(rate: String) async throws {
    let path = folder.write(clip(levels: [20], header: "YUV4MPEG2 W16 H16 \(rate)"), to: "a.y4m")
    #expect(try await play(path, count: 2).settings.framesPerSecond == 30)
  }

  @Test("A missing file, a folder and an empty file are refused")
  func missing() {
    #expect(refusal(folder.file("none"))?.code == "cannot-read-file")
    #expect(refusal(folder.path)?.code == "cannot-read-file")
    #expect(refusal("/dev/zero")?.code == "cannot-read-file")
    #expect(refusal(folder.write([], to: "empty"))?.code == "bad-clip")
  }

  @Test("Changed bytes give pictures or a refusal, and never a crash")
  func mutations() {
    var generator = SeededGenerator(seed: 1)
    let bytes = clip(levels: [20, 30])
    for round in 0..<200 {
      let path = folder.write(bytes.mutated(&generator), to: "\(round).y4m")
      if let failure = refusal(path) {
        #expect(failure.code == "bad-clip")
      }
    }
  }
}

@Suite("WebM clips") struct WebMTests {
  private let folder = TemporaryFolder()
  private static let settings = VideoSettings(width: 160, height: 96, framesPerSecond: 30)

  /// Pictures of the pattern, whose markers number them.
  private func pictures(_ count: Int) -> [Picture] {
    let pattern = PatternSource(settings: Self.settings, seed: 1)
    let pool = PicturePool()
    return (0..<count).map { number in
      let picture = pool.makePicture(width: 160, height: 96)
      pattern.draw(frame: number, captured: WallTime(milliseconds: 1), on: picture)
      return picture
    }
  }

  private func record(_ codec: VideoCodec, count: Int) throws -> [UInt8] {
    let path = folder.file("recorded.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: false)
    for picture in try encoded(codec, pictures(count)) {
      try recorder.write(picture, at: picture.captured - .zero)
    }
    try recorder.finish()
    return contents(of: path)
  }

  private func encoded(_ codec: VideoCodec, _ pictures: [Picture]) throws -> [EncodedPicture] {
    switch codec {
    case .vp9: return encodeVP9(pictures)
    case .vp8:
      let encoder = try VP8Encoder(
        width: 160, height: 96, framesPerSecond: 30, bitrate: .kilobits(600))
      return try pictures.enumerated().map { number, picture in
        let captured = Moment(nanoseconds: Int64(number) * 1_000_000_000 / 30)
        let encoded = try encoder.encode(
          VideoFrame(picture: picture, captured: captured), forceKeyframe: number == 0)
        return try #require(encoded)
      }
    }
  }

  @Test("A clip plays in order and in a loop", arguments: VideoCodec.allCases)
  func loop(codec: VideoCodec) async throws {
    let path = folder.write(try record(codec, count: 12), to: "clip.webm")
    let played = try await play(path, count: 25)
    #expect(played.settings == Self.settings)
    let numbers = played.pictures.compactMap { FrameMarker.read($0)?.number }
    #expect(numbers.count == 25)
    #expect(numbers.allSatisfy { $0 < 12 })
    // It goes back just when a round ends: twice in 25 pictures, more often if some were left out.
    let steps = zip(numbers, numbers.dropFirst()).filter { $1 < $0 }.count
    #expect(steps >= 2)
  }

  @Test("Every moment has a picture of its own, however often the clip went round")
  func rounds() throws {
    // Made by libavformat: it states 30 pictures a second, and its times are whole milliseconds.
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/stated-rate.webm").path()
    let clip = try openClip(
      path, settings: Self.settings, pool: PicturePool(),
      makeDecoder: { codec, pool in try VideoDecoder(codec: codec, pool: pool) })
    for slot in 0..<3000 {
      #expect(
        try clip.picture(slot: slot, captured: WallTime(milliseconds: 0)) != nil, "slot \(slot)")
    }
  }

  @Test("A clip that breaks off in the middle plays what was good")
  func cut() async throws {
    let bytes = try record(.vp8, count: 90)
    let path = folder.write(bytes.dropLast(bytes.count / 3), to: "cut.webm")
    let played = try await play(path, count: 5)
    #expect(played.failure == nil)
    #expect(FrameMarker.read(played.pictures[0]) != nil)
  }

  @Test("A file without a picture that can be decoded is refused")
  func noPictures() throws {
    let path = folder.file("sound.webm")
    let recorder = try WebMRecorder(path: path, video: false, sound: true)
    try recorder.write(
      EncodedSound(bytes: [1, 2, 3], sampleCount: 960, level: 0, captured: .zero), at: .zero)
    try recorder.finish()
    #expect(refusal(path)?.code == "bad-clip")
    let header = Array(contents(of: path).prefix(60))
    #expect(refusal(folder.write(header, to: "header.webm"))?.code == "bad-clip")
    let text = folder.write(Array("no clip at all, only words".utf8), to: "text.webm")
    #expect(refusal(text)?.code == "bad-clip")
  }

  @Test("Changed bytes give packets or an end, and never a crash or a hang")
  func mutations() throws {
    let bytes = try record(.vp8, count: 20)
    var generator = SeededGenerator(seed: 11)
    for round in 0..<300 {
      let path = folder.write(bytes.mutated(&generator), to: "\(round % 4).webm")
      let reader = try WebMReader(path: path)
      var packets = 0
      while reader.next() != nil { packets += 1 }
      #expect(packets <= bytes.count)
      #expect(reader.next() == nil)
      _ = refusal(path)
    }
  }

  @Test("A file cut anywhere can be read up to there")
  func cutAnywhere() throws {
    let bytes = try record(.vp8, count: 3)
    var last = 0
    // Every byte of the header, then every few.
    let lengths =
      Array(0..<min(400, bytes.count)) + Array(stride(from: 400, to: bytes.count, by: 61))
    for length in lengths + [bytes.count] {
      let reader = try WebMReader(path: folder.write(Array(bytes[..<length]), to: "cut.webm"))
      var packets = 0
      while reader.next() != nil { packets += 1 }
      #expect(packets >= last)
      last = packets
    }
    #expect(last == 3)
  }
}
