import Foundations
import Testing
import Vision

@Suite("A blink that the mesh takes for a look elsewhere")
struct UnseenBlinkTests {
  /// Somebody before three cameras 20° apart, fifteen pictures a second.
  private struct Scene {
    var selector = CameraSelector()
    var now = Moment.zero
    var choices: [(camera: Int, at: Moment)] = []

    mutating func look(_ yaw: Float, head: Float, pictures: Int, closed: Bool = false) {
      for _ in 0..<pictures {
        var outputs: [CameraSelector.Output] = []
        for (camera, place) in [Float(-20), 0, 20].enumerated() {
          let head = SIMD2(head - place, -5)
          let sight: CameraSelector.Sight =
            closed
            ? .closedEyes(head: head)
            : .face(yaw: yaw - place, pitch: 0, confidence: 1, head: head)
          selector.handle(.saw(camera: camera, sight), at: now, into: &outputs)
        }
        selector.handle(.decide, at: now, into: &outputs)
        for output in outputs { choices.append((output.camera, now)) }
        now = now + .nanoseconds(1_000_000_000 / 15)
      }
    }
  }

  @Test("Looks that leave without the head for as long as a blink change nothing", arguments: 1...4)
  func blink(pictures: Int) {
    var scene = Scene()
    for _ in 0..<10 {
      scene.look(0, head: 0, pictures: 40)
      scene.look(20, head: 0.5, pictures: pictures)
    }
    #expect(scene.choices.map(\.camera) == [1])
  }

  @Test("A look that stays away is followed, if the head moves or not")
  func eyesOnly() {
    var scene = Scene()
    scene.look(0, head: 0, pictures: 40)
    let moved = scene.now
    scene.look(20, head: 0, pictures: 15)
    #expect(scene.choices.map(\.camera) == [1, 2])
    #expect(scene.choices[1].at - moved <= .milliseconds(350))
  }

  @Test("A look that the head goes with is followed at once, and one of eyes seen to blink")
  func followed() {
    for isSeen in [false, true] {
      var scene = Scene()
      scene.look(0, head: 0, pictures: 40)
      if isSeen { scene.look(0, head: 0, pictures: 2, closed: true) }
      scene.look(0, head: 0, pictures: 10)
      let moved = scene.now
      scene.look(20, head: isSeen ? 0 : 4, pictures: 15)
      #expect(scene.choices.map(\.camera) == [1, 2])
      #expect(scene.choices[1].at - moved <= .milliseconds(240))
    }
  }

  @Test("A head that turns the other way makes it no look")
  func otherWay() {
    var scene = Scene()
    scene.look(0, head: 0, pictures: 40)
    scene.look(20, head: -4, pictures: 4)
    scene.look(0, head: -4, pictures: 40)
    #expect(scene.choices.map(\.camera) == [1])
  }
}
