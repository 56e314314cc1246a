package import Foundations
import CYUV
import Glibc

/// A picture of its own making: a person in a textured room who sways, nods, speaks, blinks and
/// sometimes waves, with a ``FrameMarker`` and a counter in the upper left corner.
///
/// The same settings, seed, frame number and time give the same picture to the last bit, so what
/// arrives elsewhere can be compared with it.
package final class PatternSource: @unchecked Sendable {
  // Safety: the memory behind `room` is written in `init` only.
  package let settings: VideoSettings
  private let room: Picture
  private let torso: Sprite
  private let listening: Sprite
  private let speaking: Sprite
  private let blinking: Sprite
  private let hand: Sprite
  /// Pixels per unit of the scene.
  private let scale: Double

  package init(settings: VideoSettings, seed: UInt64) {
    self.settings = settings
    let scale = Double(settings.height) / 720
    self.scale = scale
    var scene = Scene(seed: seed)
    room = Self.flattened(
      scene.room(width: Double(settings.width) / scale), width: settings.width,
      height: settings.height)
    torso = Sprite(scene.torso(), scale: scale)
    listening = Sprite(scene.head(.listening), scale: scale)
    speaking = Sprite(scene.head(.speaking), scale: scale)
    blinking = Sprite(scene.head(.blinking), scale: scale)
    hand = Sprite(scene.hand(), scale: scale)
  }

  private static func flattened(_ canvas: Canvas, width: Int, height: Int) -> Picture {
    let picture = PicturePool(limit: 0).makePicture(width: width, height: height)
    for (index, plane) in [picture.luma, picture.blue, picture.red].enumerated() {
      ScalePlane(
        canvas.plane(index), Int32(canvas.width), Int32(canvas.width), Int32(canvas.height),
        plane.bytes, Int32(plane.stride), Int32(plane.width), Int32(plane.height), kFilterBox)
    }
    return picture
  }

  /// Draws frame `number` over all of `picture`, which has the settings' size.
  /// - Parameter captured: the time that the marker tells; without it there is no marker.
  package func draw(frame number: Int, captured: WallTime?, on picture: Picture) {
    precondition(picture.width == settings.width && picture.height == settings.height)
    for (source, target) in [
      (room.luma, picture.luma), (room.blue, picture.blue), (room.red, picture.red),
    ] {
      CopyPlane(
        source.bytes, Int32(source.stride), target.bytes, Int32(target.stride),
        Int32(source.width), Int32(source.height))
    }
    person(at: Double(number) / Double(settings.framesPerSecond), on: picture)
    guard let captured else { return }
    FrameMarker.draw(number: UInt32(truncatingIfNeeded: number), captured: captured, on: picture)
    counter(number, captured, on: picture)
  }

  private func person(at time: Double, on picture: Picture) {
    func wave(_ hertz: Double, _ phase: Double = 0) -> Double {
      sin(2 * .pi * (hertz * time + phase))
    }
    let sway = 36 * wave(0.19) + 12 * wave(0.43, 0.2)
    let middle = Double(settings.width) / scale / 2
    let breath = 2 * wave(0.25)
    let torsoTop = 400 + breath
    draw(
      torso, on: picture, x: middle - Scene.torsoSize.width / 2, y: torsoTop, lean: sway)
    let isBlinking = (time / 3.7).truncatingRemainder(dividingBy: 1) > 0.96
    let isSpeaking = wave(2.7) * wave(0.4, 0.1) > 0.2
    draw(
      isBlinking ? blinking : isSpeaking ? speaking : listening, on: picture,
      x: middle - Scene.headSize.width / 2 + sway * 0.9 - 5 * wave(0.23, 0.3),
      y: torsoTop - 290 + 7 * wave(0.31), lean: sway * 0.3 + 10 * wave(0.23, 0.3))
    let raised = max(0, wave(0.11))
    guard raised > 0 else { return }
    draw(
      hand, on: picture, x: middle + 190 + 40 * wave(1.1) * raised,
      y: 720 - raised * 330, lean: 24 * wave(1.1, 0.1) * raised)
  }

  /// The same, in units.
  private func draw(_ sprite: Sprite, on picture: Picture, x: Double, y: Double, lean: Double) {
    sprite.draw(
      on: picture, x: x * scale, y: Int((y * scale).rounded()), lean: lean * scale)
  }

  /// The frame's number, and the time of day in UTC, beside the marker.
  private func counter(_ number: Int, _ captured: WallTime, on picture: Picture) {
    func padded(_ value: Int64, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let ofDay = captured.milliseconds % 86_400_000
    let clock = [ofDay / 3_600_000, ofDay / 60_000 % 60, ofDay / 1000 % 60]
    let lines = [
      padded(Int64(number), 6),
      clock.map { padded($0, 2) }.joined(separator: ":") + "." + padded(ofDay % 1000, 3),
    ]
    let side = FrameMarker.side(inWidth: picture.width)
    let square = max(side / 4, 1)
    let left = FrameMarker.columns * side
    let lineHeight = (BitmapFont.rows + 3) * square
    let width = BitmapFont.width(of: lines[1], scale: square) + 4 * square
    guard left + width <= picture.width else { return }
    let height = lines.count * lineHeight + square
    picture.luma.fill(x: left, y: 0, width: width, height: height, with: 28)
    picture.blue.fill(x: left / 2, y: 0, width: width / 2, height: height / 2, with: 128)
    picture.red.fill(x: left / 2, y: 0, width: width / 2, height: height / 2, with: 128)
    for (index, line) in lines.enumerated() {
      BitmapFont.draw(
        line, x: left + 2 * square, y: 2 * square + index * lineHeight, scale: square
      ) { x, y, width, height in
        picture.luma.fill(x: x, y: y, width: width, height: height, with: 224)
      }
    }
  }
}
