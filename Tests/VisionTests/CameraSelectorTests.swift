import Foundations
import Testing
import Vision

@Suite("Which camera is looked at")
struct CameraSelectorTests {
  /// A speaker between cameras, as the machine hears of it.
  private struct Scene {
    var selector = CameraSelector()
    /// Directions of the cameras: degrees to the right, up.
    var cameras: [(yaw: Float, pitch: Float)]
    var now = Moment.zero
    var selections: [(camera: Int, reason: CameraSelector.Reason, at: Moment)] = []
    var interval = Duration.nanoseconds(1_000_000_000 / 15)

    init(_ cameras: [(Float, Float)]) {
      self.cameras = cameras.map { (yaw: $0.0, pitch: $0.1) }
    }

    /// One picture of each camera while the look goes to this direction.
    mutating func look(
      _ yaw: Float, _ pitch: Float = 0, confidence: Float = 1, closed: Bool = false,
      unseenBy unseen: Set<Int> = []
    ) {
      var outputs: [CameraSelector.Output] = []
      for (index, camera) in cameras.enumerated() {
        let sight: CameraSelector.Sight =
          unseen.contains(index)
          ? .nobody
          : closed
            ? .closedEyes()
            : .face(yaw: yaw - camera.yaw, pitch: pitch - camera.pitch, confidence: confidence)
        selector.handle(.saw(camera: index, sight), at: now, into: &outputs)
      }
      selector.handle(.decide, at: now, into: &outputs)
      note(outputs)
      now = now + interval
    }

    mutating func look(_ yaw: Float, _ pitch: Float = 0, pictures: Int, confidence: Float = 1) {
      for _ in 0..<pictures { look(yaw, pitch, confidence: confidence) }
    }

    mutating func lose(_ camera: Int) {
      var outputs: [CameraSelector.Output] = []
      selector.handle(.lost(camera: camera), at: now, into: &outputs)
      note(outputs)
    }

    private mutating func note(_ outputs: [CameraSelector.Output]) {
      for output in outputs { selections.append((output.camera, output.reason, now)) }
    }
  }

  private static let three: [(Float, Float)] = [(-20, 0), (0, 0), (20, 0)]

  @Test("Nobody in sight chooses nothing; the first face chooses the camera looked at")
  func firstFace() {
    var scene = Scene(Self.three)
    scene.look(20, unseenBy: [0, 1, 2])
    #expect(scene.selector.selected == nil)
    scene.look(19)
    #expect(scene.selector.selected == 2)
    #expect(scene.selections.map(\.reason) == [.firstFace])
  }

  @Test("The first face waits for the other cameras, but not for one that gives no picture")
  func firstLook() {
    for isDumb in [false, true] {
      var selector = CameraSelector()
      var outputs: [CameraSelector.Output] = []
      for camera in 0..<3 { selector.handle(.appeared(camera: camera), at: .zero, into: &outputs) }
      func see(_ camera: Int, _ yaw: Float, _ milliseconds: Int) {
        let now = Moment.zero + .milliseconds(milliseconds)
        selector.handle(
          .saw(camera: camera, .face(yaw: yaw, pitch: 0, confidence: 1)), at: now, into: &outputs)
        selector.handle(.decide, at: now, into: &outputs)
      }
      see(0, 30, 100)
      see(1, 0, 110)
      #expect(outputs.isEmpty)
      if !isDumb { see(2, -30, 140) }
      for time in stride(from: 170, through: 420, by: 50) { see(1, 0, time) }
      #expect(outputs == [CameraSelector.Output(camera: 1, reason: .firstFace)])
    }
  }

  @Test(
    "A look that moves to another camera is followed within a quarter of a second",
    arguments: [10, 15, 20, 35] as [Float], [15, 30])
  func follows(spacing: Float, rate: Int) {
    var scene = Scene([(-spacing, 0), (0, 0), (spacing, 0)])
    scene.interval = .nanoseconds(1_000_000_000 / Int64(rate))
    scene.look(0, pictures: rate)
    let moved = scene.now
    scene.look(spacing, pictures: rate)
    #expect(scene.selections.map(\.camera) == [1, 2])
    #expect(scene.selections[1].at - moved <= .milliseconds(240))
    #expect(scene.selections[1].at - moved >= .milliseconds(100))
  }

  @Test("A glance shorter than the dwell changes nothing", arguments: 1...2)
  func glance(pictures: Int) {
    var scene = Scene(Self.three)
    for _ in 0..<20 {
      scene.look(0, pictures: 10)
      scene.look(20, pictures: pictures)
    }
    #expect(scene.selections.map(\.camera) == [1])
  }

  @Test("A look half-way between two cameras, trembling, never flutters")
  func halfWay() {
    var scene = Scene(Self.three)
    var generator = SeededGenerator(seed: 5)
    scene.look(0, pictures: 15)
    for _ in 0..<900 {
      scene.look(10 + .random(in: -1.5...1.5, using: &generator))
    }
    #expect(scene.selections.count <= 2)
  }

  @Test("A look that passes over the middle camera doesn't stop there")
  func sweep() {
    var scene = Scene(Self.three)
    scene.look(-20, pictures: 15)
    for yaw in [-12, -2, 6, 15] as [Float] { scene.look(yaw) }
    scene.look(20, pictures: 15)
    #expect(scene.selections.map(\.camera) == [0, 2])
  }

  @Test("Closed eyes neither change the choice nor undo what speaks for a change")
  func blink() {
    var scene = Scene(Self.three)
    scene.look(0, pictures: 15)
    for _ in 0..<30 { scene.look(40, closed: true) }
    #expect(scene.selector.selected == 1)
    scene.look(0, pictures: 5)
    let moved = scene.now
    scene.look(20)
    scene.look(20, closed: true)
    scene.look(20)
    scene.look(20)
    #expect(scene.selector.selected == 2)
    #expect(scene.selections[1].at - moved <= .milliseconds(240))
  }

  @Test("When nobody is in sight any more the choice stays")
  func nobody() {
    var scene = Scene(Self.three)
    scene.look(20, pictures: 5)
    for _ in 0..<100 { scene.look(0, unseenBy: [0, 1, 2]) }
    #expect(scene.selector.selected == 2)
  }

  @Test("A face that only another camera sees any more wins that camera the choice")
  func faceLost() {
    var scene = Scene(Self.three)
    scene.look(0, pictures: 10)
    for _ in 0..<10 { scene.look(35, unseenBy: [0, 1]) }
    #expect(scene.selections.map(\.camera) == [1, 2])
    #expect(scene.selections.last?.reason == .faceLost)
  }

  @Test("A camera that is unplugged is left at once for the one looked at most nearly")
  func unplugged() {
    var scene = Scene(Self.three)
    scene.look(-15, pictures: 10)
    scene.lose(0)
    #expect(scene.selector.selected == 1)
    #expect(scene.selections.last?.reason == .cameraLost)
    scene.lose(1)
    scene.lose(2)
    #expect(scene.selector.selected == nil)
  }

  @Test("Little confidence needs longer, and still follows")
  func doubt() {
    func delay(confidence: Float) -> Duration? {
      var scene = Scene(Self.three)
      scene.look(0, pictures: 15, confidence: confidence)
      let moved = scene.now
      scene.look(20, pictures: 15, confidence: confidence)
      return scene.selections.last.map { $0.at - moved }
    }
    let (sure, unsure) = (delay(confidence: 1), delay(confidence: 0.3))
    #expect(sure != nil && unsure != nil)
    #expect(unsure! >= sure!)
    #expect(unsure! <= .milliseconds(400))
  }

  @Test("A pitch that is measured too high for all cameras hides no difference between them")
  func commonPitch() {
    var scene = Scene([(-6, 0), (6, 0)])
    scene.look(-6, 9, pictures: 20)
    scene.look(6, 9, pictures: 10)
    scene.look(-6, 9, pictures: 10)
    #expect(scene.selections.map(\.camera) == [0, 1, 0])
  }

  @Test("What a person's eyes add is learned from looks at several cameras")
  func bias() {
    // The look is measured six degrees too far up: nearer to the upper camera's direction.
    let cameras: [(Float, Float)] = [(0, 0), (0, 10), (0, -10)]
    var scene = Scene(cameras)
    let error: Float = 6
    for _ in 0..<6 {
      for camera in cameras { scene.look(camera.0, camera.1 + error, pictures: 30) }
    }
    for (index, camera) in cameras.enumerated() {
      scene.look(camera.0, camera.1 + error, pictures: 15)
      #expect(scene.selector.selected == index)
    }
  }

  @Test(
    "Cameras in a row far above or below the look are told apart by what lies along the row",
    arguments: [-14, 14] as [Float], [-4, 0, 4] as [Float])
  func farFromTheRow(pitch: Float, yawError: Float) {
    var selector = CameraSelector()
    var outputs: [CameraSelector.Output] = []
    var now = Moment.zero
    var (right, counted) = (0, 0)
    for target in [0, 20, -20, 0, -20, 20, 0] as [Float] {
      for picture in 0..<30 {
        for (camera, place) in ([-20, 0, 20] as [Float]).enumerated() {
          let yaw = target - place
          // Irises turned away from a camera are seen less high or low than they are.
          let seen = pitch * (1 - abs(yaw) / 60)
          selector.handle(
            .saw(
              camera: camera,
              .face(
                yaw: yaw + yawError, pitch: seen, confidence: 1,
                head: SIMD2(0.6 * target - place, 0))),
            at: now, into: &outputs)
        }
        selector.handle(.decide, at: now, into: &outputs)
        now = now + .nanoseconds(1_000_000_000 / 15)
        guard picture >= 8 else { continue }
        counted += 1
        if selector.selected == Int(target / 20) + 1 { right += 1 }
      }
    }
    #expect(right == counted)
    #expect(outputs.count == 7)
  }

  @Test("Eyes that stay closed for longer than a blink leave the choice to the head")
  func head() {
    var selector = CameraSelector()
    var outputs: [CameraSelector.Output] = []
    var now = Moment.zero
    func see(_ target: Float, open: Bool, pictures: Int) -> [Int?] {
      (0..<pictures).map { _ in
        for (camera, place) in ([-20, 0, 20] as [Float]).enumerated() {
          let head = SIMD2(0.7 * target - place, 0)
          selector.handle(
            .saw(
              camera: camera,
              open
                ? .face(yaw: target - place, pitch: 0, confidence: 1, head: head)
                : .closedEyes(head: head)),
            at: now, into: &outputs)
        }
        selector.handle(.decide, at: now, into: &outputs)
        now = now + .nanoseconds(1_000_000_000 / 15)
        return selector.selected
      }
    }
    #expect(see(0, open: true, pictures: 15).last == 1)
    // 333 ms: a blink.
    #expect(see(20, open: false, pictures: 5).allSatisfy { $0 == 1 })
    #expect(see(20, open: false, pictures: 10).last == 2)
    #expect(see(-20, open: false, pictures: 10).last == 0)
  }

  @Test("Lids that hide the irises leave the choice to the head")
  func hiddenIrises() {
    for visibility in [0, 1] as [Float] {
      var selector = CameraSelector()
      var outputs: [CameraSelector.Output] = []
      for picture in 0..<30 {
        let now = Moment.zero + .nanoseconds(Int64(picture) * 1_000_000_000 / 15)
        // The head points 16 degrees to the right; what is seen of the irises says straight on.
        for (camera, place) in ([-20, 0, 20] as [Float]).enumerated() {
          selector.handle(
            .saw(
              camera: camera,
              .face(
                yaw: -place, pitch: 0, confidence: 1, head: SIMD2(16 - place, 0),
                visibility: visibility)),
            at: now, into: &outputs)
        }
        selector.handle(.decide, at: now, into: &outputs)
      }
      #expect(selector.selected == (visibility == 0 ? 2 : 1))
    }
  }

  @Test("A lead smaller than the margin is followed once it has lasted")
  func smallLead() {
    var scene = Scene(Self.three)
    scene.look(0, pictures: 15)
    // Nearer to the right camera by twice one degree.
    scene.look(11, pictures: 15)
    #expect(scene.selections.map(\.camera) == [1])
    scene.look(11, pictures: 30)
    #expect(scene.selections.map(\.camera) == [1, 2])
    scene.look(11, pictures: 150)
    #expect(scene.selections.count == 2)
  }

  @Test("A lead that noise lets fall short of the margin every other picture is followed")
  func tremblingLead() {
    var scene = Scene(Self.three)
    scene.look(0, pictures: 15)
    // Nearer to the right camera by a third more than the margin, and by a third less.
    for _ in 0..<7 {
      scene.look(12.3)
      scene.look(11.2)
    }
    #expect(scene.selections.map(\.camera) == [1, 2])
  }

  @Test("A blink between two pictures makes no small lead a lasting one")
  func leadAcrossBlink() {
    var scene = Scene(Self.three)
    scene.look(0, pictures: 15)
    scene.look(11, pictures: 10)
    for _ in 0..<8 { scene.look(11, closed: true) }
    scene.look(11, pictures: 3)
    #expect(scene.selections.map(\.camera) == [1])
  }

  @Test("A minute at one camera, measured wrongly there, outweighs no visits to the others")
  func longRest() {
    var scene = Scene(Self.three)
    // The eyes of a head turned aside are measured five degrees wrong.
    scene.look(-15, pictures: 15 * 60)
    for yaw: Float in [0, 20, 0] { scene.look(yaw, pictures: 20) }
    #expect(scene.selector.selected == 1)
    // Nearer to the middle camera by five degrees.
    scene.look(-7.5, pictures: 30)
    #expect(scene.selector.selected == 1)
  }

  @Test(
    "A small face counts as a face as soon as it is seen to turn with the head",
    arguments: [true, false])
  func smallFace(turns: Bool) {
    var selector = CameraSelector()
    var now = Moment.zero
    /// Pictures until the camera with the small face is chosen, of as many as are shown at most.
    func see(_ yaw: Float, pictures: Int) -> Int? {
      for picture in 1...pictures {
        var outputs: [CameraSelector.Output] = []
        for (camera, confidence): (Float, Float) in [(0, 1), (20, 0.25)] {
          let head = confidence == 1 || turns ? 0.7 * yaw - camera : -6
          selector.handle(
            .saw(
              camera: camera == 0 ? 0 : 1,
              .face(
                yaw: yaw - camera, pitch: 0, confidence: confidence, head: SIMD2(head, 0))),
            at: now, into: &outputs)
        }
        selector.handle(.decide, at: now, into: &outputs)
        now = now + .nanoseconds(1_000_000_000 / 15)
        if selector.selected == 1 { return picture }
      }
      return nil
    }
    for yaw: Float in [0, -10, 0, -10, 0, -10, 0] { #expect(see(yaw, pictures: 15) == nil) }
    // Nearer to the camera with the small face by eight degrees.
    #expect((see(14, pictures: 6) != nil) == turns)
    #expect(turns || see(14, pictures: 30) != nil)
  }
}
