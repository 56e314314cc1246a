import CPNG
import CYUV
package import Foundations

/// A PNG that shows many pictures side by side, with captions: what each member of a meeting saw.
package enum ContactSheet {
  package struct Row {
    package let label: String
    package let tiles: [Tile]

    package init(label: String, tiles: [Tile]) {
      self.label = label
      self.tiles = tiles
    }
  }

  package struct Tile {
    /// `nil` shows as an empty tile.
    package let picture: Picture?
    package let caption: String

    package init(picture: Picture?, caption: String) {
      self.picture = picture
      self.caption = caption
    }
  }

  /// Pixels.
  private static let tile = (width: 384, height: 216)
  private static let gap = 12
  private static let captionHeight = 30
  private static let titleHeight = 52
  private static let labelHeight = 38
  /// More are left out.
  private static let rowLimit = 32
  private static let columnLimit = 16

  package static func write(_ rows: [Row], title: String, to path: String) throws(Failure) {
    let rows = rows.prefix(rowLimit)
    let columns = min(max(rows.map(\.tiles.count).max() ?? 0, 1), columnLimit)
    let rowHeight = labelHeight + tile.height + captionHeight
    var sheet = Sheet(
      width: gap + columns * (tile.width + gap), height: titleHeight + rows.count * rowHeight + gap)
    sheet.text(title, x: gap, y: 16, scale: 3, colour: (240, 240, 240))
    for (index, row) in rows.enumerated() {
      let top = titleHeight + index * rowHeight
      sheet.text(row.label, x: gap, y: top + 12, scale: 2, colour: (140, 200, 255))
      for (column, shown) in row.tiles.prefix(columnLimit).enumerated() {
        let left = gap + column * (tile.width + gap)
        draw(shown, on: &sheet, x: left, y: top + labelHeight)
      }
    }
    try OutputFile(path: path).append(try sheet.png())
  }

  private static func draw(_ shown: Tile, on sheet: inout Sheet, x: Int, y: Int) {
    sheet.rectangle(x: x, y: y, width: tile.width, height: tile.height, colour: (18, 18, 20))
    if let picture = shown.picture {
      sheet.picture(picture, x: x, y: y, width: tile.width, height: tile.height)
    } else {
      let words = "no picture"
      sheet.text(
        words, x: x + (tile.width - BitmapFont.width(of: words, scale: 2)) / 2,
        y: y + tile.height / 2 - 7, scale: 2, colour: (120, 120, 124))
    }
    let room = tile.width / (2 * (BitmapFont.columns + 1))
    sheet.text(
      String(shown.caption.prefix(room)), x: x, y: y + tile.height + 8, scale: 2,
      colour: (200, 200, 204))
  }
}

/// Red, green and blue, a byte each.
private struct Sheet {
  private let width: Int
  private let height: Int
  private var pixels: [UInt8]

  typealias Colour = (red: UInt8, green: UInt8, blue: UInt8)

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    pixels = [UInt8](repeating: 0, count: width * height * 3)
    rectangle(x: 0, y: 0, width: width, height: height, colour: (36, 37, 41))
  }

  mutating func rectangle(x: Int, y: Int, width: Int, height: Int, colour: Colour) {
    for row in max(y, 0)..<max(min(y + height, self.height), max(y, 0)) {
      for column in max(x, 0)..<max(min(x + width, self.width), max(x, 0)) {
        let start = (row * self.width + column) * 3
        (pixels[start], pixels[start + 1], pixels[start + 2]) = colour
      }
    }
  }

  mutating func text(_ text: String, x: Int, y: Int, scale: Int, colour: Colour) {
    BitmapFont.draw(text, x: x, y: y, scale: scale) { x, y, width, height in
      rectangle(x: x, y: y, width: width, height: height, colour: colour)
    }
  }

  /// Scales `picture` into the given place, with its shape kept.
  mutating func picture(_ picture: Picture, x: Int, y: Int, width: Int, height: Int) {
    let scale = min(
      Double(width) / Double(picture.width), Double(height) / Double(picture.height))
    let fitted = (
      width: min(max(Int(Double(picture.width) * scale), 1), width),
      height: min(max(Int(Double(picture.height) * scale), 1), height)
    )
    let scaled = PicturePool(limit: 0).makePicture(width: fitted.width, height: fitted.height)
    I420Scale(
      picture.luma.bytes, Int32(picture.luma.stride), picture.blue.bytes,
      Int32(picture.blue.stride), picture.red.bytes, Int32(picture.red.stride),
      Int32(picture.width), Int32(picture.height), scaled.luma.bytes, Int32(scaled.luma.stride),
      scaled.blue.bytes, Int32(scaled.blue.stride), scaled.red.bytes, Int32(scaled.red.stride),
      Int32(fitted.width), Int32(fitted.height), kFilterBox)
    let left = x + (width - fitted.width) / 2
    let top = y + (height - fitted.height) / 2
    let start = (top * self.width + left) * 3
    let stride = self.width * 3
    pixels.withUnsafeMutableBufferPointer { pixels in
      _ = I420ToRAW(
        scaled.luma.bytes, Int32(scaled.luma.stride), scaled.blue.bytes,
        Int32(scaled.blue.stride), scaled.red.bytes, Int32(scaled.red.stride),
        pixels.baseAddress! + start, Int32(stride), Int32(fitted.width), Int32(fitted.height))
    }
  }

  func png() throws(Failure) -> [UInt8] {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(width)
    image.height = UInt32(height)
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    // What it takes uncompressed, and room for the file's own structure.
    var count = pixels.count + height * 8 + 65_536
    var bytes = [UInt8](repeating: 0, count: count)
    guard png_image_write_to_memory(&image, &bytes, &count, 0, pixels, 0, nil) != 0 else {
      throw Failure("no-contact-sheet", exit: .software, "The contact sheet could not be made.")
    }
    return Array(bytes[..<count])
  }
}
