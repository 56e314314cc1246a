/// A number and a time drawn into a picture's corner as black and white squares, so that a program
/// can tell from what arrives which picture it is and how long it took.
///
/// Sixteen columns and six rows of squares, row by row, most significant bit first, white is 1:
///
///     | number, 32 bits | milliseconds since 1970, 48 bits | CRC-16 of the ten bytes before |
///
/// A square's side is an eightieth of the picture's width, and at least 8 pixels: big enough to
/// outlive encoding at 1.5 Mbit/s and scaling from 1280×720 down to 640×360.
package struct FrameMarker: Hashable, Sendable {
  package let number: UInt32
  package let captured: WallTime

  package static let columns = 16
  package static let rows = 6
  /// Pixels, for pictures narrower than 640.
  private static let smallestSide = 8
  private static let (black, white): (UInt8, UInt8) = (28, 224)

  package init(number: UInt32, captured: WallTime) {
    self.number = number
    self.captured = captured
  }

  /// The side of a square in a picture of this width.
  package static func side(inWidth width: Int) -> Int {
    max(width / 80, smallestSide)
  }

  /// Draws into the upper left corner; pictures smaller than the marker stay as they are.
  package static func draw(number: UInt32, captured: WallTime, on picture: Picture) {
    let side = side(inWidth: picture.width)
    guard picture.width >= columns * side, picture.height >= rows * side else { return }
    let bits = FrameMarker(number: number, captured: captured).bits
    for (index, bit) in bits.enumerated() {
      let (x, y) = (index % columns * side, index / columns * side)
      picture.luma.fill(x: x, y: y, width: side, height: side, with: bit ? white : black)
    }
    let (width, height) = (columns * side / 2, rows * side / 2)
    picture.blue.fill(x: 0, y: 0, width: width, height: height, with: 128)
    picture.red.fill(x: 0, y: 0, width: width, height: height, with: 128)
  }

  /// What is drawn in `picture`; `nil` when there is nothing, or too little left of it.
  package static func read(_ picture: Picture) -> FrameMarker? {
    let scaled = Double(picture.width) / 80
    return read(picture, side: scaled)
      ?? (scaled < Double(smallestSide) ? read(picture, side: Double(smallestSide)) : nil)
  }

  private static func read(_ picture: Picture, side: Double) -> FrameMarker? {
    guard side >= 2, Double(columns) * side <= Double(picture.width),
      Double(rows) * side <= Double(picture.height)
    else { return nil }
    let levels = (0..<columns * rows).map { index in
      level(of: picture.luma, column: index % columns, row: index / columns, side: side)
    }
    let threshold = (Int(black) + Int(white)) / 2
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: levels.count, by: 8) {
      bytes.append(levels[start..<start + 8].reduce(0) { $0 << 1 | ($1 > threshold ? 1 : 0) })
    }
    let checksum = UInt16(bytes[10]) << 8 | UInt16(bytes[11])
    guard checksum == crc(bytes[..<10]) else { return nil }
    return FrameMarker(
      number: bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) },
      captured: WallTime(milliseconds: bytes[4..<10].reduce(0) { $0 << 8 | Int64($1) }))
  }

  /// The mean of a square's middle half each way, where its neighbours don't bleed in.
  private static func level(
    of plane: Picture.Plane, column: Int, row: Int, side: Double
  ) -> Int {
    let (left, top) = (Double(column) * side, Double(row) * side)
    let columns = Int(left + side * 0.25)...Int(left + side * 0.75)
    let rows = Int(top + side * 0.25)...Int(top + side * 0.75)
    var sum = 0
    for y in rows {
      for x in columns { sum += Int(plane.bytes[y * plane.stride + x]) }
    }
    return sum / (columns.count * rows.count)
  }

  private var bits: [Bool] {
    let time = UInt64(bitPattern: captured.milliseconds)
    var bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * $0)) }
    bytes += (0..<6).map { UInt8(truncatingIfNeeded: time >> UInt64(40 - 8 * $0)) }
    let checksum = Self.crc(bytes[...])
    bytes += [UInt8(checksum >> 8), UInt8(checksum & 0xFF)]
    return bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 == 1 } }
  }

  /// CRC-16/CCITT-FALSE: polynomial 0x1021, initially all ones, so that an all-black corner is none.
  private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt16 {
    bytes.reduce(0xFFFF) { sum, byte in
      (0..<8).reduce(sum ^ UInt16(byte) << 8) { sum, _ in
        sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021
      }
    }
  }
}

extension Picture.Plane {
  /// Fills a rectangle, as far as it lies in the plane.
  package func fill(x: Int, y: Int, width: Int, height: Int, with value: UInt8) {
    let (left, right) = (max(x, 0), min(x + width, self.width))
    let (top, bottom) = (max(y, 0), min(y + height, self.height))
    guard left < right, top < bottom else { return }
    for row in top..<bottom {
      (bytes + row * stride + left).update(repeating: value, count: right - left)
    }
  }
}
