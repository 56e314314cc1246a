import Foundations
import MediaSupport
import Testing

@testable import Vision

@Suite("What is behind a person", .needsModels)
struct EffectTests {
  /// A drawn head before stripes, which blur can't leave as they are.
  private static func picture(_ pool: PicturePool, width: Int, height: Int, seed: UInt64) -> Picture
  {
    let drawing = Drawing.face(width: width, height: height, seed: seed)
    let picture = pool.makePicture(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        let at = (row * width + column) * 3
        let stripe = column / 4 % 2 == 0 ? 40 : 0
        let grey = (Int(drawing.bytes[at]) + Int(drawing.bytes[at + 1])) / 2
        let value = 16 + grey * 2 / 5 + stripe
        picture.luma.bytes[row * picture.luma.stride + column] = UInt8(min(value, 235))
      }
    }
    for plane in [picture.blue, picture.red] {
      plane.bytes.update(repeating: 128, count: plane.stride * plane.height)
    }
    return picture
  }

  @Test(
    "Of any camera's size the result has the same, and the stripes behind are gone",
    arguments: [(320, 180), (176, 144), (180, 320), (642, 358), (161, 121), (90, 160), (64, 36)])
  func sizes(width: Int, height: Int) throws {
    let effect = try BackgroundEffect(.blurred(strength: 3), store: Environment.store)
    let pool = PicturePool()
    for seed in 1...2 as ClosedRange<UInt64> {
      let picture = Self.picture(pool, width: width, height: height, seed: seed)
      let result = try #require(try effect.apply(to: picture))
      #expect(result.width == width && result.height == height)
      #expect(Self.roughness(result, row: 2) < Self.roughness(picture, row: 2) / 4)
    }
  }

  /// Mean change from one pixel to the next.
  private static func roughness(_ picture: Picture, row: Int) -> Double {
    let line = picture.luma.bytes + row * picture.luma.stride
    let sum = (1..<picture.width).reduce(0) { $0 + abs(Int(line[$1]) - Int(line[$1 - 1])) }
    return Double(sum) / Double(picture.width)
  }

  @Test("Without models there is no effect, only the hint how to get them")
  func missing() {
    let folder = TemporaryFolder()
    let failure = #expect(throws: Failure.self) {
      try BackgroundEffect(
        .blurred(strength: 1), store: ModelStore(dataDirectory: folder.path))
    }
    #expect(failure?.code == "models-missing")
  }

  @Test("A model that is gone in the middle is an error with each picture, never the camera's own")
  func lostModel() throws {
    let folder = TemporaryFolder()
    let store = ModelStore(dataDirectory: folder.path, folder: "")
    for model in [VisionModel.faceDetector, .landscapeSegmentation, .squareSegmentation] {
      _ = folder.write(try Environment.store.bytes(of: model), to: model.fileName)
    }
    let effect = try BackgroundEffect(.blurred(strength: 1), store: store)
    let pool = PicturePool()
    let wide = Self.picture(pool, width: 160, height: 90, seed: 1)
    #expect(try effect.apply(to: wide) != nil)
    // The camera is turned: another model is needed, and it has been damaged meanwhile.
    _ = folder.write([1, 2, 3], to: VisionModel.squareSegmentation.fileName)
    let tall = Self.picture(pool, width: 90, height: 160, seed: 1)
    for _ in 0..<3 { #expect(throws: Failure.self) { try effect.apply(to: tall) } }
    #expect(try effect.apply(to: wide) != nil)
  }

  @Test("While all pictures given out are in use there is none, never the camera's own")
  func exhausted() throws {
    let effect = try BackgroundEffect(.blurred(strength: 1), store: Environment.store)
    let picture = Self.picture(PicturePool(), width: 160, height: 90, seed: 1)
    var kept: [Picture] = []
    while let result = try effect.apply(to: picture) {
      #expect(result !== picture)
      kept.append(result)
      try #require(kept.count < 20)
    }
    kept.removeFirst()
    #expect(try effect.apply(to: picture) != nil)
  }

  @Test("A background that is no picture is refused")
  func badImage() {
    let folder = TemporaryFolder()
    var generator = SeededGenerator(seed: 9)
    for count in [0, 8, 100, 5000] {
      let bytes: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A].prefix(count)
        + (0..<max(count - 8, 0)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let path = folder.write(bytes, to: "a.png")
      #expect(throws: Failure.self) { try BackgroundImage(path: path) }
    }
    #expect(throws: Failure.self) { try BackgroundImage(path: folder.file("none.png")) }
  }
}

@Suite("A mask in time")
struct MaskSmoothingTests {
  private let window = PictureWindow(width: 320, height: 180)

  @Test("Where nothing moves it hardly trembles, and where something does it follows at once")
  func followsMotion() {
    let smoothing = MaskSmoothing(width: 64, height: 36)
    let luma = Grid<UInt8>(width: 64, height: 36, filledWith: 100)
    var generator = SeededGenerator(seed: 1)
    var raw = [Float](repeating: 0.5, count: 64 * 36)
    var (changes, rawChanges) = (Float(0), Float(0))
    for _ in 0..<60 {
      let before = raw
      raw = raw.map { _ in 0.5 + .random(in: -0.1...0.1, using: &generator) }
      let old = Array(UnsafeBufferPointer(start: smoothing.mask.values, count: raw.count))
      raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) }
      for index in raw.indices {
        changes += abs(smoothing.mask.values[index] - old[index])
        rawChanges += abs(raw[index] - before[index])
      }
    }
    #expect(changes < rawChanges / 2)
    // The person has gone: neither mask nor picture is what it was.
    for index in 0..<luma.count { luma.values[index] = 160 }
    raw = raw.map { _ in 0 }
    raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) }
    #expect((0..<luma.count).allSatisfy { smoothing.mask.values[$0] < 0.01 })
  }

  @Test("What was unsure while somebody passed leaves no ghost when nothing moves there any more")
  func passing() {
    let smoothing = MaskSmoothing(width: 64, height: 36)
    let luma = Grid<UInt8>(width: 64, height: 36, filledWith: 100)
    func take(_ value: Float) -> Float {
      let raw = [Float](repeating: value, count: luma.count)
      raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) }
      return smoothing.mask.values[18 * 64 + 32]
    }
    for _ in 0..<30 { _ = take(1) }
    // The room is uncovered, and the network can't tell yet; then it can.
    for index in 0..<luma.count { luma.values[index] = 160 }
    #expect(take(0.55) < 0.56)
    _ = take(0.05)
    #expect(take(0.05) < 0.1)
  }

  @Test("Where half of the picture moves the mask shows no step between it and the other half")
  func seams() {
    let smoothing = MaskSmoothing(width: 64, height: 36)
    let luma = Grid<UInt8>(width: 64, height: 36, filledWith: 100)
    var raw = [Float](repeating: 0.2, count: luma.count)
    for _ in 0..<20 { raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) } }
    for row in 0..<36 { for column in 0..<32 { luma.row(row)[column] = 160 } }
    raw = raw.map { _ in 0.5 }
    raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) }
    let line = (0..<64).map { smoothing.mask.row(18)[$0] }
    #expect(line[0] > 0.49 && line[63] < 0.3)
    for (left, right) in zip(line, line.dropFirst()) { #expect(abs(left - right) < 0.12) }
  }

  @Test("In another window what is known stays, and what isn't appears only if it lasts")
  func moves() {
    let smoothing = MaskSmoothing(width: 64, height: 36)
    let luma = Grid<UInt8>(width: 64, height: 36, filledWith: 100)
    func take(_ window: PictureWindow, _ mask: (_ column: Int) -> Float) -> [Float] {
      let raw = (0..<luma.count).map { mask($0 % 64) }
      raw.withUnsafeBufferPointer { smoothing.take($0, luma: luma, of: window) }
      return (0..<64).map { smoothing.mask.row(18)[$0] }
    }
    let first = PictureWindow(x: 160, y: 90, width: 320, height: 180)
    for _ in 0..<10 { _ = take(first) { $0 < 32 ? 1 : 0 } }
    // Twice as large: the person's columns are 16 to 31 there. The wall beside is taken for one once.
    let wider = PictureWindow(width: 640, height: 360)
    smoothing.move(from: first)
    let moved = take(wider) { (16..<32).contains($0) || $0 > 50 ? 1 : 0 }
    #expect(moved[20] > 0.95 && moved[40] < 0.05)
    #expect(moved[60] < 0.3 && take(wider) { (16..<32).contains($0) ? 1 : 0 }[60] < 0.3)
    // Who stays there is there soon.
    var last: [Float] = []
    for _ in 0..<5 { last = take(wider) { (16..<32).contains($0) || $0 > 50 ? 1 : 0 } }
    #expect(last[60] > 0.8)
  }
}
