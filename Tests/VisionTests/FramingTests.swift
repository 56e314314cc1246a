import Foundations
import Testing

@testable import Vision

@Suite("The part of the picture that the network is shown")
struct FramingTests {
  private let network = (width: 256, height: 144)
  private let picture = (width: 1280, height: 720)

  private func framing() -> Framing { Framing(picture: picture, network: network) }

  private func people(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> PictureWindow {
    PictureWindow(x: x, y: y, width: width, height: height)
  }

  @Test("It narrows to somebody far away, to whole pixels of the picture for each of its own")
  func narrows() {
    var framing = framing()
    let far = people(600, 460, 200, 260)
    for _ in 0..<2 {
      let moves = framing.follow(far)
      #expect(!moves && framing.window == framing.whole)
    }
    let moves = framing.follow(far)
    #expect(moves)
    let window = framing.window
    #expect(window.width == 3 * 256 && window.height == 3 * 144)
    #expect(window.x <= far.x && window.x + window.width >= far.x + far.width)
    #expect(window.y + window.height == picture.height)
    let later = (0..<50).filter { _ in framing.follow(far) }
    #expect(later.isEmpty)
  }

  @Test("It widens at once where somebody reaches its edge, and when nobody is there")
  func widens() {
    var framing = framing()
    for _ in 0..<3 { _ = framing.follow(people(600, 460, 200, 260)) }
    let narrow = framing.window
    // They stand up: the head is cut off, and nobody knows yet how far it reaches.
    let widens = framing.follow(people(600, narrow.y, 200, picture.height - narrow.y))
    #expect(widens)
    #expect(framing.window.height > narrow.height)
    for _ in 0..<3 { _ = framing.follow(nil) }
    #expect(framing.window == framing.whole)
  }

  @Test("An overview now and then shows who comes in beyond it")
  func overview() {
    var framing = framing()
    let early = (0..<100).filter { _ in framing.takesOverview() }
    #expect(early.isEmpty)
    let far = people(600, 460, 200, 260)
    for _ in 0..<3 { _ = framing.follow(far) }
    let due = (0..<80).filter { _ in framing.takesOverview() }.count
    #expect(due == 10)
    framing.widen(for: far)
    #expect(framing.window != framing.whole)
    framing.widen(for: people(20, 300, 780, 420))
    #expect(framing.window == framing.whole)
  }

  @Test("Whatever a mask shows, the window lies in the picture, at even places")
  func anywhere() {
    var generator = SeededGenerator(seed: 5)
    for size in [(1280, 720), (640, 360), (641, 363), (320, 240), (64, 36), (720, 1280)] {
      var framing = Framing(picture: size, network: network)
      for _ in 0..<2000 {
        let width = Int.random(in: 1...size.0, using: &generator)
        let height = Int.random(in: 1...size.1, using: &generator)
        let seen = people(
          .random(in: 0...size.0 - width, using: &generator),
          .random(in: 0...size.1 - height, using: &generator), width, height)
        for _ in 0..<Int.random(in: 1...20, using: &generator) { _ = framing.follow(seen) }
        if framing.takesOverview() { framing.widen(for: seen) }
        let window = framing.window
        #expect(window.x >= 0 && window.y >= 0 && window.x % 2 == 0 && window.y % 2 == 0)
        #expect(window.x + window.width <= size.0 && window.y + window.height <= size.1)
      }
    }
  }

  @Test("People are where the mask is more than half sure, and a few pixels are nobody")
  func rectangle() {
    var mask = [Float](repeating: 0.2, count: 256 * 144)
    let whole = framing().whole
    func found() -> PictureWindow? {
      Framing.people(mask, width: 256, height: 144, in: whole)
    }
    #expect(found() == nil)
    mask[0] = 1
    #expect(found() == nil)
    mask[0] = 0
    for row in 100..<120 { for column in 40..<60 { mask[row * 256 + column] = 0.9 } }
    #expect(found() == people(200, 500, 100, 100))
  }
}
