import Capture
import Foundations
import Glibc
import MediaSupport
import Testing

/// The blocks that a microphone gives, until there are `count` of them or it failed.
private func listen(
  _ spec: MicrophoneSpec, count: Int, seed: UInt64 = 0
) async throws -> [SoundBlock] {
  let (blocks, continuation) = AsyncStream.makeStream(of: SoundBlock.self)
  let capture = try SoundCapture(
    spec: spec, seed: seed, deliver: { continuation.yield($0) },
    failed: { _ in continuation.finish() })
  capture.start()
  defer { capture.stop() }
  var heard: [SoundBlock] = []
  for await block in blocks {
    heard.append(block)
    if heard.count == count { break }
  }
  return heard
}

/// Builds WAV files, good and bad.
private struct WAV {
  var tag = 1
  var bits = 16
  var channels = 1
  var rate = 48_000
  var statedSize: Int?

  static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  func file(_ sound: [UInt8]) -> [UInt8] {
    let frame = channels * bits / 8
    let format =
      Self.number(tag, 2) + Self.number(channels, 2) + Self.number(rate, 4)
      + Self.number(rate * frame, 4) + Self.number(frame, 2) + Self.number(bits, 2)
    let size = statedSize ?? sound.count
    return Array("RIFF".utf8) + Self.number(36 + sound.count, 4) + Array("WAVE".utf8)
      // A chunk of odd length that nobody knows, with its padding byte.
      + Array("junk".utf8) + Self.number(3, 4) + [0, 0, 0, 0]
      + Array("fmt ".utf8) + Self.number(16, 4) + format
      + Array("data".utf8) + Self.number(size, 4) + sound
  }

  /// A sine of half the full scale on every channel.
  func sine(hertz: Double, seconds: Double) -> [UInt8] {
    (0..<Int(seconds * Double(rate))).flatMap { index -> [UInt8] in
      let value = 0.5 * sin(2 * .pi * hertz * Double(index) / Double(rate))
      let bytes =
        switch (tag, bits) {
        case (3, 32): Self.number(Int(Float(value).bitPattern), 4)
        case (3, 64): Self.number(Int(bitPattern: UInt(value.bitPattern)), 8)
        case (_, 8): [UInt8(128 + value * 127)]
        case (_, let bits): Self.number(Int(value * Double(1 << (bits - 1))), bits / 8)
        }
      return (0..<channels).flatMap { _ in bytes }
    }
  }
}

@Suite("Microphones") struct MicrophoneTests {
  private let folder = TemporaryFolder()

  @Test("The tone comes every 20 ms by its own count, without a seam")
  func tone() async throws {
    let blocks = try await listen(.tone, count: 15, seed: 7)
    for (earlier, later) in zip(blocks, blocks.dropFirst()) {
      #expect(later.captured - earlier.captured == SoundBlock.duration)
    }
    let samples = blocks.flatMap(\.samples)
    #expect(samples.count == 15 * 960)
    #expect(abs(pitch(samples) - ToneSource.frequency(seed: 7)) < 1)
    // A sine of this pitch and loudness never steps further than that.
    let limit = 0.2 * 32767 * 2 * Double.pi * 831 / 48_000
    #expect(zip(samples, samples.dropFirst()).allSatisfy { abs(Double($1) - Double($0)) < limit })
  }

  @Test(
    "A sine in a WAV file keeps its pitch and loudness, whatever the format",
    arguments: [
      (1, 16, 1, 48_000), (1, 16, 2, 44_100), (1, 8, 1, 8_000), (1, 24, 2, 96_000),
      (1, 32, 1, 22_050), (3, 32, 2, 48_000), (3, 64, 1, 44_101),
    ])
  func formats(tag: Int, bits: Int, channels: Int, rate: Int) async throws {
    let wav = WAV(tag: tag, bits: bits, channels: channels, rate: rate)
    let path = folder.write(wav.file(wav.sine(hertz: 600, seconds: 0.5)), to: "a.wav")
    let samples = try await listen(.file(path), count: 20).flatMap(\.samples)
    let middle = Array(samples[960..<19_200])
    #expect(abs(pitch(middle) - 600) < 1.5)
    let loudest = middle.map { abs(Int($0)) }.max()!
    #expect((15_900...16_800).contains(loudest))
  }

  @Test("Sound above what a lower rate can hold is gone, not folded down")
  func aliasing() async throws {
    let wav = WAV(rate: 96_000)
    let path = folder.write(wav.file(wav.sine(hertz: 30_000, seconds: 0.3)), to: "a.wav")
    let samples = try await listen(.file(path), count: 10).flatMap(\.samples)
    #expect(samples[2000..<9000].allSatisfy { abs(Int($0)) < 60 })
  }

  @Test("A short file is repeated")
  func loop() async throws {
    let sound = (0..<1000).flatMap { WAV.number($0, 2) }
    let path = folder.write(WAV().file(sound), to: "a.wav")
    let samples = try await listen(.file(path), count: 4).flatMap(\.samples)
    #expect(samples[0..<1000].elementsEqual((0..<1000).map { Int16($0) }))
    #expect(samples[1000..<2000].elementsEqual((0..<1000).map { Int16($0) }))
  }

  @Test("A header that promises more than there is, or nothing yet, is read to the end")
  func wrongSizes() async throws {
    let sound = (0..<960).flatMap { WAV.number($0, 2) }
    for size in [0, 0xFFFF_FFFF, 1_000_000] {
      let path = folder.write(WAV(statedSize: size).file(sound), to: "a.wav")
      let samples = try await listen(.file(path), count: 2).flatMap(\.samples)
      #expect(samples[959] == 959 && samples[960] == 0)
    }
  }

  @Test("What is no sound is refused")
  func refusals() {
    let good = WAV().file([1, 2, 3, 4])
    let bad: [(String, [UInt8])] = [
      ("empty", []), ("words", Array("certainly no sound file".utf8)),
      ("compressed", WAV(tag: 85).file([1, 2, 3, 4])), ("channels", WAV(channels: 0).file([1])),
      ("rate", WAV(rate: 1).file([1, 2])), ("nothing", WAV().file([])),
      ("cut", Array(good.prefix(40))), ("picture", Array("YUV4MPEG2 W1 H1\n".utf8)),
    ]
    for (name, bytes) in bad {
      let path = folder.write(bytes, to: name)
      let failure = #expect(throws: Failure.self) {
        try SoundCapture(spec: .file(path), seed: 0, deliver: { _ in }, failed: { _ in })
      }
      #expect(failure?.code == "bad-sound")
    }
    #expect(throws: Failure.self) {
      try SoundCapture(
        spec: .file(folder.file("missing")), seed: 0, deliver: { _ in }, failed: { _ in })
    }
  }

  @Test("Changed bytes give sound or a refusal, and never a crash")
  func mutations() async throws {
    let wav = WAV(channels: 2, rate: 44_100)
    let bytes = wav.file(wav.sine(hertz: 300, seconds: 0.05))
    var generator = SeededGenerator(seed: 2)
    for round in 0..<60 {
      let path = folder.write(bytes.mutated(&generator), to: "\(round % 4).wav")
      do {
        let blocks = try await listen(.file(path), count: 1)
        #expect(blocks.allSatisfy { $0.samples.count == 960 })
      } catch let failure as Failure {
        #expect(failure.code == "bad-sound")
      }
    }
  }
}
