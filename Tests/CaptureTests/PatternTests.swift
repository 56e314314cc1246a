import Capture
import Codecs
import Foundations
import MediaSupport
import Synchronization
import Testing

@Suite("The pattern") struct PatternTests {
  private let pool = PicturePool()

  private func draw(
    _ settings: VideoSettings, seed: UInt64, frame: Int, captured: WallTime? = nil
  ) -> Picture {
    let picture = pool.makePicture(width: settings.width, height: settings.height)
    PatternSource(settings: settings, seed: seed)
      .draw(frame: frame, captured: captured, on: picture)
    return picture
  }

  @Test("The same seed and frame give the same picture to the last bit")
  func determinism() {
    let settings = VideoSettings(width: 320, height: 180)
    let first = draw(settings, seed: 5, frame: 77).packedBytes
    #expect(draw(settings, seed: 5, frame: 77).packedBytes == first)
    #expect(draw(settings, seed: 6, frame: 77).packedBytes != first)
    #expect(draw(settings, seed: 5, frame: 78).packedBytes != first)
  }

  @Test(
    "It can be drawn at any size",
    arguments: [(16, 16), (17, 33), (160, 120), (640, 360), (333, 777), (1920, 1080)])
  func sizes(width: Int, height: Int) {
    let settings = VideoSettings(width: width, height: height)
    let source = PatternSource(settings: settings, seed: 1)
    let picture = pool.makePicture(width: width, height: height)
    for frame in [0, 1, 50, 100_000] {
      source.draw(frame: frame, captured: WallTime(milliseconds: 5), on: picture)
    }
    let bytes = picture.packedBytes
    #expect(bytes.min()! >= 10 && bytes.max()! <= 245)
  }

  @Test("The marker is still read after encoding and after scaling to a quarter")
  func marker() throws {
    let settings = VideoSettings()
    let encoder = try VP8Encoder(
      width: 1280, height: 720, framesPerSecond: 30, bitrate: .kilobits(1500))
    let decoder = try VideoDecoder(codec: .vp8, pool: pool)
    let source = PatternSource(settings: settings, seed: 2)
    let picture = pool.makePicture(width: 1280, height: 720)
    for frame in 0..<4 {
      let captured = WallTime(milliseconds: 1_790_000_000_123 + Int64(frame) * 33)
      source.draw(frame: frame, captured: captured, on: picture)
      let encoded = try encoder.encode(
        VideoFrame(picture: picture, captured: Moment(nanoseconds: Int64(frame) * 33_333_333)),
        forceKeyframe: false)
      let bytes = try #require(encoded).bytes
      let shown = try #require(try decoder.decode(bytes))
      let expected = FrameMarker(number: UInt32(frame), captured: captured)
      #expect(FrameMarker.read(shown) == expected)
      #expect(FrameMarker.read(halved(shown)) == expected)
    }
  }

  /// Half the width and height, each pixel the mean of four.
  private func halved(_ picture: Picture) -> Picture {
    let half = pool.makePicture(width: picture.width / 2, height: picture.height / 2)
    for y in 0..<half.height {
      for x in 0..<half.width {
        let source = picture.luma.bytes + 2 * y * picture.luma.stride + 2 * x
        let below = source + picture.luma.stride
        let sum = Int(source[0]) + Int(source[1]) + Int(below[0]) + Int(below[1])
        half.luma.bytes[y * half.luma.stride + x] = UInt8(sum / 4)
      }
    }
    return half
  }

  @Test("A camera that plays it numbers its pictures and keeps their time")
  func camera() async throws {
    let settings = VideoSettings(width: 160, height: 96, framesPerSecond: 60)
    let (frames, continuation) = AsyncStream.makeStream(of: VideoFrame.self)
    let capture = try VideoCapture(
      spec: .pattern(seed: nil), settings: settings, pool: pool, seed: 1,
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) },
      deliver: { continuation.yield($0) }, failed: { _ in continuation.finish() })
    #expect(capture.settings == settings)
    capture.start()
    var seen: [(number: UInt32, captured: Moment)] = []
    for await frame in frames {
      let marker = try #require(FrameMarker.read(frame.picture))
      seen.append((marker.number, frame.captured))
      if seen.count == 20 { break }
    }
    capture.stop()
    for (earlier, later) in zip(seen, seen.dropFirst()) {
      #expect(later.number > earlier.number)
      #expect(later.captured > earlier.captured)
    }
    // Slots are 1/60 s apart, whatever was left out on a busy machine.
    let slots = Int(seen[19].number - seen[0].number)
    let elapsed = (seen[19].captured - seen[0].captured).inSeconds
    #expect(abs(elapsed - Double(slots) / 60) < 1)
    // Started again it goes on counting.
    continuation.yield(
      VideoFrame(picture: pool.makePicture(width: 16, height: 16), captured: .zero))
    capture.start()
    var afterwards: [UInt32] = []
    for await frame in frames where frame.picture.width == 16 || !afterwards.isEmpty {
      afterwards.append(FrameMarker.read(frame.picture)?.number ?? 0)
      if afterwards.count == 3 { break }
    }
    capture.stop()
    #expect(afterwards[1] > seen[19].number && afterwards[2] > afterwards[1])
  }

  @Test("A camera may be stopped from its own pictures, and started again")
  func stopFromWithin() async throws {
    let settings = VideoSettings(width: 160, height: 96, framesPerSecond: 60)
    let (frames, continuation) = AsyncStream.makeStream(of: UInt32.self)
    let holder = Mutex<VideoCapture?>(nil)
    let capture = try VideoCapture(
      spec: .pattern(seed: nil), settings: settings, pool: pool, seed: 1,
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) },
      deliver: { frame in
        holder.withLock { $0 }?.stop()
        continuation.yield(FrameMarker.read(frame.picture)?.number ?? .max)
      }, failed: { _ in })
    holder.withLock { $0 = capture }
    var numbers: [UInt32] = []
    var arriving = frames.makeAsyncIterator()
    for _ in 0..<3 {
      capture.start()
      numbers.append(try #require(await arriving.next()))
    }
    capture.stop()
    holder.withLock { $0 = nil }
    #expect(numbers[0] < numbers[1] && numbers[1] < numbers[2])
  }

  @Test("What is no camera, microphone or setting is refused with a code")
  func specs() throws {
    #expect(try CameraSpec("none") == .none)
    #expect(try CameraSpec("pattern") == .pattern(seed: nil))
    #expect(try CameraSpec("pattern:42") == .pattern(seed: 42))
    #expect(try CameraSpec("file:/a b.y4m") == .file("/a b.y4m"))
    #expect(try MicrophoneSpec("tone") == .tone)
    #expect(try MicrophoneSpec("file:x.wav") == .file("x.wav"))
    for text in ["", "file:", "/dev/video0", "Pattern", "\u{1B}[2J"] {
      let failure = #expect(throws: Failure.self) { try CameraSpec(text) }
      #expect(failure?.code == "unknown-camera" && failure?.exit == .usage)
      #expect(failure?.message.contains("\u{1B}") == false)
    }
    #expect(throws: Failure.self) { try MicrophoneSpec("default") }
    for settings in [
      VideoSettings(width: 0, height: 100), VideoSettings(width: 10_000, height: 100),
      VideoSettings(framesPerSecond: 0),
    ] {
      #expect(throws: Failure.self) {
        try VideoCapture(
          spec: .pattern(seed: nil), settings: settings, pool: pool, seed: 0,
          makeDecoder: { try VideoDecoder(codec: $0, pool: $1) }, deliver: { _ in },
          failed: { _ in })
      }
    }
  }
}

@Suite("Frame markers") struct FrameMarkerTests {
  @Test("What is drawn is read again", arguments: [128, 320, 640, 1280, 4096])
  func roundTrip(width: Int) {
    let picture = PicturePool().makePicture(width: width, height: max(48, width / 4))
    picture.luma.fill(x: 0, y: 0, width: width, height: picture.height, with: 90)
    for number in [0, 1, 0x8000_0001, UInt32.max] {
      let captured = WallTime(milliseconds: Int64(number) * 60_000)
      FrameMarker.draw(number: number, captured: captured, on: picture)
      #expect(FrameMarker.read(picture) == FrameMarker(number: number, captured: captured))
    }
  }

  @Test("Nothing is read where nothing is drawn, or where it doesn't fit")
  func absence() {
    let pool = PicturePool()
    for level in [0, 16, 128, 255] as [UInt8] {
      let picture = pool.makePicture(width: 640, height: 360)
      picture.luma.fill(x: 0, y: 0, width: 640, height: 360, with: level)
      #expect(FrameMarker.read(picture) == nil)
    }
    let small = pool.makePicture(width: 100, height: 30)
    small.luma.fill(x: 0, y: 0, width: 100, height: 30, with: 0)
    FrameMarker.draw(number: 1, captured: WallTime(milliseconds: 1), on: small)
    #expect(FrameMarker.read(small) == nil)
    #expect(small.luma.bytes[0] == 0)
  }
}
