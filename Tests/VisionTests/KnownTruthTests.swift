import Foundations
import Testing

@testable import Vision

@Suite("Clips whose truth is known", .needsModels)
struct KnownTruthTests {
  @Test(
    "Every look at another camera is followed within 350 ms, and nothing else changes the choice")
  func speaker() throws {
    let (clips, truth) = (try Fixture.cameras(), try Fixture.truth())
    let eye = try GodsEye(cameras: clips.count, store: Environment.store)
    var selector = CameraSelector()
    var switches: [(camera: Int, time: Double)] = []
    var (right, counted) = (0, 0)
    for index in clips[0].indices {
      let now = Moment.zero + clips[0][index].time
      var outputs: [CameraSelector.Output] = []
      for (camera, clip) in clips.enumerated() {
        let estimate = try eye.look(at: clip[index].picture, camera: camera)
        selector.handle(
          .saw(camera: camera, estimate?.sight ?? .nobody), at: now, into: &outputs)
      }
      selector.handle(.decide, at: now, into: &outputs)
      let time = clips[0][index].time.inSeconds
      for output in outputs { switches.append((output.camera, time)) }
      let look = truth.look(at: time)
      guard look.since >= 0.5 else { continue }
      counted += 1
      if selector.selected == look.camera { right += 1 }
    }
    #expect(counted > 140)
    #expect(right == counted)
    #expect(switches.map(\.camera) == truth.looks.map(\.camera))
    for (made, look) in zip(switches, truth.looks).dropFirst() {
      #expect((0...0.35).contains(made.time - look.time), "\(made) \(look)")
    }
  }

  @Test("The mask is the person's; behind it the wall is blurred, within it nothing changes")
  func person() throws {
    let (pictures, masks) = try Fixture.person()
    let effect = try BackgroundEffect(.blurred(strength: 3), store: Environment.store)
    var overlaps: [Double] = []
    for (frame, known) in zip(pictures, masks) {
      let result = try #require(try effect.apply(to: frame.picture))
      let mask = Picture.plain(result.width, result.height, luma: 16)
      effect.drawMask(onto: mask)
      overlaps.append(Self.overlap(mask, known.picture))
      let before = Self.detail(frame.picture, of: known.picture)
      let after = Self.detail(result, of: known.picture)
      #expect(after.behind < before.behind / 4)
      #expect(after.person > before.person * 0.9)
    }
    #expect(overlaps.count == 36)
    #expect(overlaps.reduce(0, +) / Double(overlaps.count) >= 0.94)
    #expect(overlaps.min() ?? 0 >= 0.9)
  }

  private static func overlap(_ one: Picture, _ other: Picture) -> Double {
    var (both, either) = (0, 0)
    for row in 0..<one.height {
      for column in 0..<one.width {
        let a = one.luma.bytes[row * one.luma.stride + column] > 125
        let b = other.luma.bytes[row * other.luma.stride + column] > 125
        if a && b { both += 1 }
        if a || b { either += 1 }
      }
    }
    return Double(both) / Double(max(either, 1))
  }

  /// Mean change between neighbouring pixels, well inside the person and well outside.
  private static func detail(
    _ picture: Picture, of mask: Picture
  ) -> (person: Double, behind: Double) {
    var (sums, counts) = ([0, 0], [0, 0])
    // Pixels from the edge, where both are mixed.
    let reach = 12
    for row in stride(from: 0, to: picture.height, by: 2) {
      let (line, known) = (
        picture.luma.bytes + row * picture.luma.stride, mask.luma.bytes + row * mask.luma.stride
      )
      for column in reach..<picture.width - reach {
        let sides = [known[column - reach] > 125, known[column + reach] > 125]
        guard sides[0] == sides[1], sides[0] == (known[column] > 125) else { continue }
        let kind = sides[0] ? 0 : 1
        sums[kind] += abs(Int(line[column + 1]) - Int(line[column]))
        counts[kind] += 1
      }
    }
    return (
      Double(sums[0]) / Double(max(counts[0], 1)), Double(sums[1]) / Double(max(counts[1], 1))
    )
  }

  @Test(
    "In a picture as wide as a window of it, and higher, the mask is the person's too",
    arguments: [500, 600, 700, 800, 900, 1000])
  func higherPicture(width: Int) throws {
    let (pictures, masks) = try Fixture.person()
    let (scene, known) = (
      Picture.plain(1024, 768, luma: 110), Picture.plain(1024, 768, luma: 16)
    )
    let place = (x: (1024 - width) / 4 * 2, y: (768 - width * 9 / 16) / 2 * 2)
    scene.draw(pictures[0].picture, x: place.x, y: place.y, width: width)
    known.draw(masks[0].picture, x: place.x, y: place.y, width: width)
    let effect = try BackgroundEffect(.blurred(strength: 3), store: Environment.store)
    let mask = Picture.plain(1024, 768, luma: 16)
    for _ in 0..<10 {
      _ = try #require(try effect.apply(to: scene))
      effect.drawMask(onto: mask)
    }
    #expect(Self.overlap(mask, known) > 0.85)
  }

  @Test("With nobody in sight, nor before nor after, all of the picture is background")
  func emptyRoom() throws {
    let (pictures, _) = try Fixture.person()
    let someone = pictures[0].picture
    let empty = Picture.plain(someone.width, someone.height, luma: 110)
    // Less than a head of what was a person.
    empty.draw(someone, x: 40, y: 40, width: 16)
    let effect = try BackgroundEffect(.blurred(strength: 3), store: Environment.store)
    for (picture, hasSomeone) in [(empty, false), (someone, true), (empty, false)] {
      let mask = Picture.plain(someone.width, someone.height, luma: 235)
      for _ in 0..<12 {
        _ = try #require(try effect.apply(to: picture))
        effect.drawMask(onto: mask)
      }
      let seen = (0..<mask.height).contains { row in
        (0..<mask.width).contains { mask.luma.bytes[row * mask.luma.stride + $0] != 16 }
      }
      #expect(seen == hasSomeone)
    }
  }

  @Test("A far face is found within four pictures and followed with less confidence")
  func farFace() throws {
    // Before the evening sky, where there is no other face.
    let face = try Fixture.cameras(limit: 1)[0][0].picture
    let eye = try GodsEye(cameras: 1, store: Environment.store)
    let near = try #require(try eye.look(at: face, camera: 0))
    let scene = Picture.plain(1280, 720, luma: 110)
    // A head of 50 pixels: somebody two metres from an ordinary camera.
    scene.draw(face, x: 700, y: 300, width: 230)
    let farEye = try GodsEye(cameras: 1, store: Environment.store)
    var first: Int?
    var latest: GazeEstimate?
    for index in 0..<8 {
      latest = try farEye.look(at: scene, camera: 0)
      if latest != nil, first == nil { first = index }
    }
    #expect(first ?? 9 < 4)
    let far = try #require(latest)
    #expect(far.confidence < near.confidence)
    #expect(abs(far.yaw - near.yaw) < 12)
  }

  @Test("A dim picture shows the same look", arguments: [0.5, 0.3] as [Float])
  func dim(factor: Float) throws {
    let clips = try Fixture.cameras(limit: 20)
    let eyes = try (0..<2).map { _ in try GodsEye(cameras: 1, store: Environment.store) }
    for frame in clips[1] {
      let light = try #require(try eyes[0].look(at: frame.picture, camera: 0))
      let dim = try #require(try eyes[1].look(at: frame.picture.dimmed(factor), camera: 0))
      #expect(abs(dim.yaw - light.yaw) < 6 && abs(dim.pitch - light.pitch) < 6)
    }
  }

  @Test("A picture without anybody shows nobody")
  func nobody() throws {
    let eye = try GodsEye(cameras: 1, store: Environment.store)
    for luma in [16, 110, 235] as [UInt8] {
      for _ in 0..<3 {
        #expect(try eye.look(at: .plain(640, 360, luma: luma), camera: 0) == nil)
      }
    }
  }
}
