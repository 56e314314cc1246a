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

  private func face(_ x: Float, _ y: Float, _ side: Float) -> FaceSearch.Sighting {
    FaceSearch.Sighting(region: Region(centreX: x, centreY: y, width: side, height: side))
  }

  /// Whether the window is another one for the next picture.
  private func moves(
    _ framing: inout Framing, _ islands: [PictureWindow], _ faces: [FaceSearch.Sighting] = [],
    isCovered: Bool = true
  ) -> Bool {
    let before = framing.window
    let isAnybody = framing.follow(islands, faces: faces, areFresh: true) { _ in isCovered }
    #expect(isAnybody || islands.isEmpty || !faces.isEmpty)
    return framing.window != before
  }

  @Test("It narrows to somebody far away, to whole pixels of the picture for each of its own")
  func narrows() {
    var framing = framing()
    let far = people(600, 460, 200, 260)
    let early = (0..<2).filter { _ in moves(&framing, [far]) }
    #expect(early.isEmpty && framing.window == framing.whole)
    let narrowed = moves(&framing, [far])
    #expect(narrowed)
    let window = framing.window
    #expect(window.width == 3 * 256 && window.height == 3 * 144)
    #expect(window.contains(far))
    #expect(window.bottom == picture.height)
    let later = (0..<50).filter { _ in moves(&framing, [far]) }
    #expect(later.isEmpty)
  }

  @Test("It goes along with a walker, and stays as large")
  func goesAlong() {
    var framing = framing()
    for _ in 0..<3 { _ = moves(&framing, [people(100, 520, 120, 200)]) }
    let size = framing.window.area
    #expect(size < framing.whole.area)
    for x in stride(from: 100, to: 1100, by: 16) {
      let walker = people(x, 520, 120, 200)
      _ = moves(&framing, [walker])
      #expect(framing.window.area == size && framing.window.contains(walker))
    }
  }

  @Test(
    "It widens where somebody is cut off, the more slowly narrows again, and is whole for nobody")
  func widens() {
    var framing = framing()
    for _ in 0..<3 { _ = moves(&framing, [people(600, 460, 200, 260)]) }
    let narrow = framing.window
    // They stand up: the head is cut off, and nobody knows yet how far it reaches.
    for _ in 0..<3 {
      _ = moves(&framing, [people(600, framing.window.y, 200, picture.height - framing.window.y)])
    }
    #expect(framing.window.height > narrow.height)
    let seated = people(600, 460, 200, 260)
    let patience = (1...300).first { _ in moves(&framing, [seated]) }
    #expect(patience ?? 0 > 3)
    for _ in 0..<3 { _ = moves(&framing, []) }
    #expect(framing.window == framing.whole)
  }

  @Test("With a face to begin with, it is round its body at once")
  func begins() {
    var framing = framing()
    let seen = face(640, 540, 70)
    framing.begin(with: [seen])
    #expect(framing.window.area < framing.whole.area / 2)
    #expect(framing.window.contains(people(580, 480, 120, 240)))
  }

  @Test("Where there is a face and the network sees nobody, it has a closer look")
  func seeks() {
    var framing = framing()
    let found = moves(&framing, [], [face(640, 540, 70)], isCovered: false)
    #expect(found)
    #expect(framing.window.contains(people(600, 500, 80, 80)))
    // A mask without its head is looked at closer too, though not at once.
    framing.reset()
    let body = people(500, 560, 300, 160)
    let early = moves(&framing, [body], [face(640, 500, 90)], isCovered: false)
    #expect(!early)
    let later = (0..<5).filter { _ in
      moves(&framing, [body], [face(640, 500, 90)], isCovered: false)
    }
    #expect(later.count == 1)
  }

  @Test("As long as there is a face, what looks like somebody elsewhere moves nothing")
  func ignoresWalls() {
    var framing = framing()
    let (speaker, seen) = (people(560, 420, 200, 300), face(660, 500, 90))
    let photograph = people(20, 40, 300, 200)
    for _ in 0..<20 { _ = moves(&framing, [photograph, speaker], [seen]) }
    let window = framing.window
    #expect(window.area < framing.whole.area && !window.overlaps(photograph))
    let anybody = framing.follow([photograph], faces: [seen], areFresh: true) { _ in false }
    #expect(!anybody)
  }

  @Test("Who turns away stays in sight, though a portrait on the wall doesn't")
  func staysTurnedAway() {
    var framing = framing()
    let speaker = people(560, 420, 200, 300)
    for _ in 0..<20 { _ = moves(&framing, [speaker], [face(660, 500, 90)]) }
    for shift in 0..<30 {
      let walker = people(560 + 4 * shift, 420, 200, 300)
      let isAnybody = framing.follow([walker], faces: [face(100, 100, 80)], areFresh: true) { _ in
        false
      }
      #expect(isAnybody && framing.window.contains(walker))
    }
  }

  @Test("Faces are looked for now and then, and the more where somebody may be overlooked")
  func looks() {
    var framing = framing()
    func windows(_ pictures: Int) -> [Int] {
      (0..<pictures).map { _ in framing.takesLook() }.filter { $0 > 0 }
    }
    #expect(windows(1).count == 1)
    _ = moves(&framing, [framing.whole])
    let usual = windows(80)
    #expect(usual.count == 10)
    for _ in 0..<20 { _ = moves(&framing, [people(600, 460, 200, 260)]) }
    let narrow = windows(80)
    #expect(narrow.count == 10 && narrow[0] > usual[0])
    _ = moves(&framing, [])
    let empty = windows(10)
    #expect(empty.count == 10 && empty[0] >= narrow[0])
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
        let faces = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
          face(
            .random(in: -50...Float(size.0) + 50, using: &generator),
            .random(in: -50...Float(size.1) + 50, using: &generator),
            .random(in: 5...500, using: &generator))
        }
        let isCovered = Bool.random(using: &generator)
        if Int.random(in: 0..<50, using: &generator) == 0 { framing.begin(with: faces) }
        for _ in 0..<Int.random(in: 1...20, using: &generator) {
          _ = framing.follow([seen], faces: faces, areFresh: isCovered) { _ in isCovered }
        }
        let window = framing.window
        #expect(window.x >= 0 && window.y >= 0 && window.x % 2 == 0 && window.y % 2 == 0)
        #expect(framing.whole.contains(window))
      }
    }
  }

  @Test("People are the connected parts of a mask, and specks are nobody")
  func islands() {
    let islands = MaskIslands(width: 256, height: 144)
    var mask = [Float](repeating: 0.2, count: 256 * 144)
    func find() -> [PictureWindow] {
      islands.find(mask, in: framing().whole)
      return islands.boxes
    }
    #expect(find().isEmpty)
    for place in [0, 255, 90 * 256 + 7, 143 * 256] { mask[place] = 1 }
    #expect(find().isEmpty)
    for row in 100..<120 { for column in 40..<60 { mask[row * 256 + column] = 0.9 } }
    for row in 20..<40 { for column in 200..<216 { mask[row * 256 + column] = 0.6 } }
    #expect(find() == [people(1000, 100, 80, 100), people(200, 500, 100, 100)])
    // A bridge makes them one.
    for column in 40..<216 { for row in 36..<44 { mask[row * 256 + column] = 0.9 } }
    for row in 36..<120 { for column in 40..<48 { mask[row * 256 + column] = 0.9 } }
    #expect(find() == [people(200, 100, 880, 500)])
  }
}
