import Foundations
import Testing

@testable import Vision

/// Cameras' pictures with several faces in them.
@Suite("Of several faces the nearest, and all cameras the same", .needsModels)
struct NearerFaceTests {
  /// Follows faces in scenes of 640×360.
  private struct Following {
    let face: Picture
    let detector: FaceDetector
    let mesh: FaceMesh
    var trackers = [FaceTracker(), FaceTracker(), FaceTracker()]
    var agreement = FaceAgreement()
    var landmarks = FaceLandmarks()

    init() throws {
      face = try Fixture.cameras(limit: 1)[1][0].picture
      detector = try FaceDetector(store: Environment.store)
      mesh = try FaceMesh(store: Environment.store)
    }

    func scene(_ places: [(x: Int, y: Int, width: Int)]) -> Picture {
      let scene = Picture.plain(640, 360, luma: 110)
      for place in places { scene.draw(face, x: place.x, y: place.y, width: place.width) }
      return scene
    }

    /// The place across of the nose's tip; `nil` when nobody is followed.
    mutating func follow(_ picture: Picture, camera: Int = 0) throws -> Int? {
      try trackers[camera].follow(
        picture, detector: detector, mesh: mesh, camera: camera, agreement: &agreement,
        into: &landmarks)
      return trackers[camera].isTracking ? Int(landmarks.points[1].x) : nil
    }

    /// Which of two people each of three cameras follows, the right one or not; `nil` for nobody.
    mutating func follow(_ pictures: [Picture]) throws -> [Bool?] {
      var isRight: [Bool?] = []
      for (camera, picture) in pictures.enumerated() {
        isRight.append(try follow(picture, camera: camera).map { $0 > 400 })
      }
      return isRight
    }
  }

  @Test("The nearer one is followed, on whichever side, and again soon after coming back")
  func twoPeople() throws {
    for isRight in [false, true] {
      var following = try Following()
      let (near, far) = isRight ? (300, 10) : (10, 420)
      let both = following.scene([(near, 60, 330), (far, 100, 200)])
      let alone = following.scene([(far, 100, 200)])
      let nearRange = near...near + 330
      for _ in 0..<6 { #expect(nearRange.contains(try #require(try following.follow(both)))) }
      for _ in 0..<4 { _ = try following.follow(alone) }
      #expect(!nearRange.contains(try #require(try following.follow(alone))))
      var moves = 0
      // Both are too small for a look at the whole picture: eight looks are enough for its parts.
      for _ in 0..<24 {
        _ = try following.follow(both)
        if following.trackers[0].hasMoved { moves += 1 }
      }
      #expect(moves == 1)
      #expect(nearRange.contains(try #require(try following.follow(both))))
    }
  }

  @Test("Of two who sit side by side it stays with one, though the other is a little nearer")
  func sideBySide() throws {
    var following = try Following()
    for (first, second) in [(280, 310), (310, 280)] {
      for _ in 0..<4 { _ = try following.follow(following.scene([(0, 80, first)])) }
      let both = following.scene([(0, 80, first), (320, 80, second)])
      for _ in 0..<12 { #expect(try #require(try following.follow(both)) < 320) }
    }
  }

  @Test("Of two about as near, all cameras follow one, whichever is nearer to each")
  func agreement() throws {
    var following = try Following()
    let face = following.face
    func scene(_ left: Int?, _ right: Int?) -> Picture {
      let scene = Picture.plain(1040, 360, luma: 110)
      if let left { scene.draw(face, x: 0, y: 0, width: left) }
      if let right { scene.draw(face, x: 400, y: 0, width: right) }
      return scene
    }
    // Each camera has begun with somebody else.
    let begun = [scene(640, nil), scene(nil, 580), scene(nil, 580)]
    for _ in 0..<4 { _ = try following.follow(begun) }
    #expect(try following.follow(begun) == [false, true, true])
    let both = [(640, 560), (600, 580), (600, 580)].map { scene($0.0, $0.1) }
    for _ in 0..<4 { _ = try following.follow(both) }
    for _ in 0..<9 { #expect(try following.follow(both) == [true, true, true]) }
    // Who is gone for a moment is gone back to.
    let left = scene(600, nil)
    for _ in 0..<3 { _ = try following.follow([left, left, left]) }
    for _ in 0..<6 { #expect(try following.follow([left, left, left]) == [false, false, false]) }
    for _ in 0..<4 { _ = try following.follow(both) }
    for _ in 0..<6 { #expect(try following.follow(both) == [true, true, true]) }
  }

  @Test("In a large picture, somebody a few metres away is moved to as well, in a while")
  func smallWindows() throws {
    var following = try Following()
    let face = following.face
    func scene(_ places: [(x: Int, y: Int, width: Int)]) -> Picture {
      let scene = Picture.plain(1280, 720, luma: 110)
      for place in places {
        scene.draw(face, x: place.x, y: place.y, width: place.width)
      }
      return scene
    }
    let far = scene([(40, 40, 330)])
    for _ in 0..<12 { _ = try following.follow(far) }
    #expect(try #require(try following.follow(far)) < 400)
    let both = scene([(40, 40, 330), (600, 300, 600)])
    var count = 0
    while try following.follow(both) ?? 0 < 700, count < 24 { count += 1 }
    #expect(count < 24)
  }

  @Test("A portrait on the wall is left for the speaker who comes back")
  func portrait() throws {
    let clips = try Fixture.cameras()
    let eye = try GodsEye(cameras: 1, store: Environment.store)
    let portrait = clips[1][0].picture
    var seen: [Float] = []
    var usual: [Float] = []
    let alone = try GodsEye(cameras: 1, store: Environment.store)
    for (index, frame) in clips[1].prefix(60).enumerated() {
      let wall = Picture.plain(frame.picture.width, frame.picture.height, luma: 110)
      let isAway = (10..<30).contains(index)
      if !isAway { wall.draw(frame.picture, x: 0, y: 0, width: wall.width) }
      let bare = Picture.plain(wall.width, wall.height, luma: 110)
      bare.draw(wall, x: 0, y: 0, width: wall.width)
      wall.draw(portrait, x: wall.width * 2 / 3, y: 0, width: wall.width / 3)
      let estimate = try eye.look(at: wall, camera: 0)
      let expected = try alone.look(at: bare, camera: 0)
      guard index >= 36 else { continue }
      seen.append(try #require(estimate).yaw)
      usual.append(try #require(expected).yaw)
    }
    // The speaker's look, with or without a portrait beside it.
    for (gaze, expected) in zip(seen, usual) { #expect(abs(gaze - expected) < 3) }
  }
}
