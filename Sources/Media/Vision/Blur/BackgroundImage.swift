import CPNG
import CYUV
package import Foundations
import Glibc

/// A picture to stand behind somebody: a PNG file, cut to fill any camera's picture.
package final class BackgroundImage: Sendable {
  let picture: Picture

  /// Bytes of a file.
  private static let fileLimit = 64 << 20

  package init(path: String) throws(Failure) {
    guard let file = fopen(path, "rbe") else {
      throw Self.failure(path, String(cString: strerror(errno)).lowercased(), exit: .noInput)
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= Self.fileLimit else {
        throw Self.failure(path, "it is larger than 64 MB", exit: .badData)
      }
    }
    picture = try Self.decode(bytes, path: path)
  }

  private static func decode(_ bytes: [UInt8], path: String) throws(Failure) -> Picture {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, bytes, bytes.count) != 0 else {
      throw failure(path, "it is no PNG file", exit: .badData)
    }
    let sides = 2...Picture.sideLimit
    guard sides.contains(Int(image.width)), sides.contains(Int(image.height)) else {
      throw failure(
        path, "its sides must be 2 to \(Picture.sideLimit) pixels long", exit: .badData)
    }
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    let (width, height) = (Int(image.width), Int(image.height))
    var colours = [UInt8](repeating: 0, count: width * height * 3)
    var background = png_color(red: 128, green: 128, blue: 128)
    guard png_image_finish_read(&image, &background, &colours, 0, nil) != 0 else {
      throw failure(path, "it is damaged", exit: .badData)
    }
    let picture = PicturePool(limit: 0).makePicture(width: width, height: height)
    RAWToI420(
      colours, Int32(width * 3), picture.luma.bytes, Int32(picture.luma.stride),
      picture.blue.bytes, Int32(picture.blue.stride), picture.red.bytes,
      Int32(picture.red.stride), Int32(width), Int32(height))
    return picture
  }

  /// Scaled to fill a picture of this size; what is beyond its shape is cut off on both sides alike.
  func filling(width: Int, height: Int) -> Picture {
    let target = PicturePool(limit: 0).makePicture(width: width, height: height)
    picture.fill(target)
    return target
  }

  private static func failure(_ path: String, _ reason: String, exit: ExitStatus) -> Failure {
    Failure(
      "bad-background", exit: exit,
      "The background “\(DisplayText.line(path, limit: 200))” can't be used: \(reason). "
        + "Give a PNG file.")
  }
}
