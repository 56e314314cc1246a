import Foundations
import Glibc

/// Paints what the pattern is made of: a room, and the parts of a person. The seed picks colours and
/// clutter. Units are those of ``Canvas``.
struct Scene {
  private var generator: SeededGenerator
  private let skin: Paint
  private let hair: Paint
  private let shirt: Paint
  private let wall: Paint
  private let wearsGlasses: Bool

  static let torsoSize = (width: 660.0, height: 330.0)
  static let headSize = (width: 300.0, height: 380.0)
  static let handSize = (width: 150.0, height: 440.0)

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func share() -> Double { Double.random(in: 0...1, using: &generator) }
    let tone = share()
    skin = Paint(240 - 120 * tone, 196 - 116 * tone, 168 - 108 * tone)
    hair = [Paint(44, 32, 26), Paint(92, 58, 34), Paint(170, 128, 74), Paint(120, 116, 112)]
      .randomElement(using: &generator)!
    shirt = Paint(hue: share(), saturation: 0.55, value: 0.62)
    wall = Paint(hue: share(), saturation: 0.22, value: 0.72)
    wearsGlasses = Bool.random(using: &generator)
    self.generator = generator
  }

  private let ink = Paint(24, 20, 20)

  // MARK: - The room

  /// The room behind the person, `width` × 720 units.
  mutating func room(width: Double) -> Canvas {
    let room = Canvas(width: width, height: 720, ground: wall, isOpaque: true)
    room.gradient(0, 0, width, 720) { [wall] in wall.mixed(with: Paint(40, 40, 48), $0 * 0.45) }
    wallpaper(room, width: width)
    window(room, x: width * 0.04, y: 150)
    shelves(room, x: width - 330, y: 70)
    frame(room, x: width * 0.33, y: 40)
    plant(room, x: width * 0.16, y: 640)
    room.roughen(grain: 0.5, strength: 22, generator: &generator)
    room.roughen(grain: 4, strength: 20, generator: &generator)
    room.roughen(grain: 50, strength: 26, generator: &generator)
    return room
  }

  private func wallpaper(_ room: Canvas, width: Double) {
    let motif = wall.mixed(with: Paint(255, 250, 235), 0.35)
    for (row, y) in stride(from: 14.0, to: 720, by: 36).enumerated() {
      for x in stride(from: row.isMultiple(of: 2) ? 10.0 : 28.0, to: width, by: 36) {
        room.ellipse(x, y, 4, 8, motif)
        room.ellipse(x, y, 8, 3, motif)
      }
    }
  }

  private mutating func window(_ room: Canvas, x: Double, y: Double) {
    let (width, height) = (270.0, 330.0)
    let sash = Paint(226, 222, 214)
    room.rectangle(x - 14, y - 14, width + 28, height + 28, sash)
    room.gradient(x, y, width, height) { Paint(120 + 90 * $0, 165 + 55 * $0, 225) }
    for _ in 0..<170 {
      let green = Paint(
        Double.random(in: 30...90, using: &generator),
        Double.random(in: 80...150, using: &generator), 50)
      let across = Double.random(in: 8...(width - 8), using: &generator)
      let down = Double.random(in: 0.45...0.97, using: &generator) * height
      room.ellipse(
        x + across, y + down, Double.random(in: 5...14, using: &generator),
        Double.random(in: 4...9, using: &generator), green)
    }
    room.rectangle(x + width / 2 - 6, y, 12, height, sash)
    room.rectangle(x, y + height / 2 - 6, width, 12, sash)
    room.rectangle(x - 30, y + height + 14, width + 60, 16, sash.mixed(with: ink, 0.15))
  }

  private mutating func shelves(_ room: Canvas, x: Double, y: Double) {
    let wood = Paint(110, 74, 46)
    room.rectangle(x - 12, y - 12, 324, 662, wood)
    for shelf in 0..<4 {
      let top = y + Double(shelf) * 160
      room.rectangle(x, top, 300, 146, wood.mixed(with: ink, 0.6))
      var left = x + 4
      while left < x + 280 {
        let width = Double.random(in: 12...30, using: &generator)
        let height = Double.random(in: 90...138, using: &generator)
        let cover = Paint(
          hue: Double.random(in: 0...1, using: &generator),
          saturation: Double.random(in: 0.2...0.7, using: &generator),
          value: Double.random(in: 0.3...0.8, using: &generator))
        let label = cover.mixed(with: Paint(250, 240, 210), 0.6)
        room.rectangle(left, top + 146 - height, min(width, x + 296 - left), height, cover)
        for line in 0..<Int.random(in: 1...4, using: &generator) {
          let y = top + 146 - height + 12 + Double(line) * 9
          room.rectangle(left + 3, y, min(width - 6, 22), 3, label)
        }
        left += width + 1
      }
    }
  }

  private mutating func frame(_ room: Canvas, x: Double, y: Double) {
    room.rectangle(x, y, 190, 130, Paint(60, 44, 30))
    room.gradient(x + 10, y + 10, 170, 110) { Paint(230 - 80 * $0, 170 - 40 * $0, 120 + 60 * $0) }
    for hill in 0..<4 {
      let green = Paint(70 + Double(hill) * 12, 96 - Double(hill) * 10, 84)
      let peak = x + 25 + Double(hill) * 40
      room.trapezium(
        top: (peak, peak + 4, y + 50 + Double(hill % 2) * 14),
        bottom: (max(peak - 40, x + 10), min(peak + 44, x + 180), y + 120), green)
    }
  }

  private mutating func plant(_ room: Canvas, x: Double, y: Double) {
    for leaf in 0..<60 {
      let spread = Double(leaf) / 59 * 2 - 1
      let green = Paint(
        40, Double.random(in: 90...150, using: &generator), 60)
      room.ellipse(
        x + spread * 90 + Double.random(in: -8...8, using: &generator),
        y - 30 - (1 - spread * spread) * Double.random(in: 20...150, using: &generator),
        Double.random(in: 7...13, using: &generator),
        Double.random(in: 16...30, using: &generator), green)
    }
    room.trapezium(
      top: (x - 50, x + 50, y - 20), bottom: (x - 36, x + 36, y + 80), Paint(166, 92, 62))
  }

  // MARK: - The person

  mutating func torso() -> Canvas {
    let (width, height) = Self.torsoSize
    let torso = Canvas(width: width, height: height, ground: shirt, isOpaque: false)
    // The cloth is painted everywhere first and cut out by the shapes after it.
    let dark = shirt.mixed(with: ink, 0.35)
    let light = shirt.mixed(with: Paint(255, 255, 255), 0.4)
    let cloth = Canvas(width: width, height: height, ground: shirt, isOpaque: true)
    for x in stride(from: 6.0, to: width, by: 34) { cloth.rectangle(x, 0, 9, height, dark) }
    for y in stride(from: 4.0, to: height, by: 34) { cloth.rectangle(0, y, width, 4, light) }
    for index in 0..<3 {
      torso.plane(index).update(from: cloth.plane(index), count: torso.width * torso.height)
    }
    let middle = width / 2
    torso.ellipse(middle, 215, 300, 150, nil)
    torso.rectangle(middle - 300, 215, 600, 200, nil)
    let shade = skin.mixed(with: ink, 0.25)
    torso.rectangle(middle - 52, 0, 104, 90, shade)
    torso.ellipse(middle, 88, 52, 34, shade)
    torso.trapezium(top: (middle - 60, middle - 44, 60), bottom: (middle - 14, middle, 150), light)
    torso.trapezium(top: (middle + 44, middle + 60, 60), bottom: (middle, middle + 14, 150), light)
    for button in 0..<4 {
      torso.ellipse(middle, 176 + Double(button) * 44, 6, 6, Paint(240, 236, 224))
    }
    torso.roughen(grain: 1, strength: 30, generator: &generator)
    torso.roughen(grain: 26, strength: 40, generator: &generator)
    return torso
  }

  enum Face: CaseIterable {
    case listening
    case speaking
    case blinking
  }

  mutating func head(_ face: Face) -> Canvas {
    let head = Canvas(
      width: Self.headSize.width, height: Self.headSize.height, ground: hair, isOpaque: false)
    let shade = skin.mixed(with: ink, 0.18)
    head.ellipse(150, 172, 116, 142, hair)
    head.ellipse(54, 212, 18, 30, shade)
    head.ellipse(246, 212, 18, 30, shade)
    head.ellipse(150, 210, 94, 124, shade)
    head.ellipse(146, 206, 86, 118, skin)
    head.ellipse(140, 96, 92, 46, hair)
    for strand in 0..<9 {
      head.ellipse(
        72 + Double(strand) * 19, 118 + Double(strand % 3) * 6, 9, 22,
        hair.mixed(with: Paint(255, 240, 220), Double(strand % 3) * 0.08))
    }
    for (side, x) in [(-1.0, 110.0), (1.0, 190.0)] {
      head.ellipse(x, 172, 25, 6, hair.mixed(with: ink, 0.3))
      if face == .blinking {
        head.ellipse(x, 200, 19, 4, shade.mixed(with: ink, 0.5))
      } else {
        head.ellipse(x, 199, 19, 11, Paint(240, 238, 232))
        head.ellipse(x, 199, 9, 9, Paint(70, 96, 120))
        head.ellipse(x, 199, 4.5, 4.5, ink)
        head.ellipse(x - 3, 196, 2, 2, Paint(255, 255, 255))
      }
      head.ellipse(x + side * 14, 246, 20, 14, skin.mixed(with: Paint(220, 90, 80), 0.22))
    }
    if wearsGlasses { glasses(head) }
    head.ellipse(153, 232, 13, 26, shade)
    head.ellipse(148, 228, 11, 24, skin)
    head.ellipse(150, 312, 40, 8, shade)
    if face == .speaking {
      head.ellipse(150, 284, 32, 19, Paint(168, 74, 74))
      head.ellipse(150, 284, 26, 13, Paint(60, 20, 24))
      head.rectangle(132, 274, 36, 6, Paint(244, 240, 232))
    } else {
      head.ellipse(150, 282, 34, 8, Paint(168, 74, 74))
      head.ellipse(150, 281, 34, 2, Paint(96, 40, 44))
    }
    // The same roughness on every face, so that only eyes and mouth change between them.
    var grain = SeededGenerator(seed: 7)
    head.roughen(grain: 1.5, strength: 22, generator: &grain)
    head.roughen(grain: 20, strength: 24, generator: &grain)
    return head
  }

  private func glasses(_ head: Canvas) {
    for x in [110.0, 190.0] {
      for step in 0..<48 {
        let angle = Double(step) / 48 * 2 * .pi
        head.ellipse(x + 31 * cos(angle), 200 + 25 * sin(angle), 3, 3, ink)
      }
    }
    head.rectangle(140, 194, 20, 5, ink)
    head.rectangle(58, 194, 22, 5, ink)
    head.rectangle(220, 194, 22, 5, ink)
  }

  mutating func hand() -> Canvas {
    let hand = Canvas(
      width: Self.handSize.width, height: Self.handSize.height, ground: skin, isOpaque: false)
    let shade = skin.mixed(with: ink, 0.2)
    for (x, top, length) in [(34.0, 34.0, 80.0), (54, 16, 95), (75, 20, 92), (95, 40, 75)] {
      hand.ellipse(x, top + length / 2, 11, length / 2 + 6, skin)
      hand.ellipse(x + 7, top + length / 2 + 4, 2, length / 2 - 6, shade)
    }
    hand.ellipse(64, 128, 42, 44, skin)
    hand.ellipse(22, 128, 12, 32, skin)
    hand.trapezium(top: (40, 90, 150), bottom: (36, 94, 200), skin)
    let sleeve = shirt.mixed(with: ink, 0.2)
    hand.trapezium(top: (24, 106, 190), bottom: (4, 146, 440), sleeve)
    hand.rectangle(22, 190, 86, 14, sleeve.mixed(with: ink, 0.3))
    for fold in 0..<4 {
      let y = 232 + Double(fold) * 52
      hand.ellipse(60 + Double(fold % 2) * 24, y, 26, 5, sleeve.mixed(with: ink, 0.25))
    }
    hand.roughen(grain: 1.5, strength: 22, generator: &generator)
    return hand
  }
}
