import Capture
import Foundations
import MediaSupport
import Playback
import Testing

@Suite("Sound files and mixing") struct SoundOutputTests {
  private let folder = TemporaryFolder()

  @Test("What is written into a WAV file is heard again")
  func roundTrip() async throws {
    let path = folder.file("a.wav")
    let samples = (0..<960 * 3).map { Int16(truncatingIfNeeded: $0 * 11 - 15_000) }
    let writer = try WAVWriter(path: path)
    for start in stride(from: 0, to: samples.count, by: 960) {
      try writer.write(Array(samples[start..<start + 960]))
    }
    try writer.finish()
    let (blocks, continuation) = AsyncStream.makeStream(of: SoundBlock.self)
    let capture = try SoundCapture(
      spec: .file(path), seed: 0, deliver: { continuation.yield($0) }, failed: { _ in })
    capture.start()
    var heard: [Int16] = []
    for await block in blocks {
      heard += block.samples
      if heard.count >= samples.count { break }
    }
    capture.stop()
    #expect(heard == samples)
  }

  @Test("The header is right while the file grows, to the second")
  func growing() throws {
    let path = folder.file("a.wav")
    let writer = try WAVWriter(path: path)
    for second in 0..<3 {
      try writer.write([Int16](repeating: 5, count: 48_000))
      let bytes = contents(of: path)
      let stated = bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int($1) }
      #expect(stated == (second + 1) * 96_000 && bytes.count == 44 + stated)
    }
  }

  @Test("Voices add up, and the loudest stays at the loudest")
  func mixing() {
    let mixed = SoundMixer.mix([[1, 30_000, -30_000], [2, 30_000, -30_000, 7], []], samples: 5)
    #expect(mixed == [3, 32_767, -32_768, 7, 0])
    #expect(SoundMixer.mix([]) == [Int16](repeating: 0, count: 960))
  }

  @Test("What is no speaker is refused")
  func specs() throws {
    #expect(try SpeakerSpec("none") == .none)
    #expect(try SpeakerSpec("file:out.wav") == .file("out.wav"))
    for text in ["", "file:", "default", "tone"] {
      let failure = #expect(throws: Failure.self) { try SpeakerSpec(text) }
      #expect(failure?.code == "unknown-speaker" && failure?.exit == .usage)
    }
  }
}

@Suite("Contact sheets") struct ContactSheetTests {
  private let folder = TemporaryFolder()

  @Test("A sheet is a PNG of the right size, with gaps where there was no picture")
  func sheet() throws {
    let pool = PicturePool()
    let tiles = [(320, 180), (100, 400), (1, 1)].map { width, height in
      let picture = pool.makePicture(width: width, height: height)
      picture.luma.fill(x: 0, y: 0, width: width, height: height, with: 120)
      picture.blue.fill(x: 0, y: 0, width: width, height: height, with: 90)
      picture.red.fill(x: 0, y: 0, width: width, height: height, with: 160)
      return ContactSheet.Tile(picture: picture, caption: "\(width) × \(height) à la carte")
    }
    let path = folder.file("sheet.png")
    try ContactSheet.write(
      [
        .init(label: "Ada", tiles: tiles),
        .init(
          label: "Bob", tiles: [.init(picture: nil, caption: String(repeating: "x", count: 99))]),
        .init(label: "", tiles: []),
      ], title: "What everybody saw", to: path)
    let bytes = contents(of: path)
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    let width = bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
    let height = bytes[20..<24].reduce(0) { $0 << 8 | Int($1) }
    #expect(width == 12 + 3 * 396 && height == 52 + 3 * 284 + 12)
  }

  @Test("A sheet of nothing is still a PNG, and a bad path is refused")
  func edges() throws {
    try ContactSheet.write([], title: "", to: folder.file("empty.png"))
    #expect(contents(of: folder.file("empty.png")).count > 50)
    #expect(throws: Failure.self) {
      try ContactSheet.write([], title: "", to: folder.file("missing/sheet.png"))
    }
  }
}
