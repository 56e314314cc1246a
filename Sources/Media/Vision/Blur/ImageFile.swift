import CPNG
import CTurboJPEG
import CYUV
package import Foundations

/// Reads a picture out of the bytes of a PNG or JPEG file.
package enum ImageFile {
  package enum Problem: Error, Hashable, Sendable {
    case unknownKind
    case badSize
    case damaged
    /// Four inks instead of three lights: what they look like depends on a profile for paper.
    case printing
  }

  private static let sides = 2...Picture.sideLimit

  /// - Returns: the picture, upright: what a photograph's header says of the camera's turn is obeyed.
  package static func decode(_ bytes: [UInt8]) throws(Problem) -> Picture {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try decodePNG(bytes) }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      return upright(try decodeJPEG(bytes), PhotoOrientation.read(bytes))
    }
    throw .unknownKind
  }

  private static func decodePNG(_ bytes: [UInt8]) throws(Problem) -> Picture {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, bytes, bytes.count) != 0 else {
      throw .damaged
    }
    guard sides.contains(Int(image.width)), sides.contains(Int(image.height)) else {
      throw .badSize
    }
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    let (width, height) = (Int(image.width), Int(image.height))
    var colours = [UInt8](repeating: 0, count: width * height * 3)
    var background = png_color(red: 128, green: 128, blue: 128)
    guard png_image_finish_read(&image, &background, &colours, 0, nil) != 0 else {
      throw .damaged
    }
    return picture(colours, width: width, height: height)
  }

  private static func decodeJPEG(_ bytes: [UInt8]) throws(Problem) -> Picture {
    guard let decoder = tjInitDecompress() else { throw .damaged }
    defer { tjDestroy(decoder) }
    var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard
      tjDecompressHeader3(
        decoder, bytes, UInt(bytes.count), &width, &height, &subsampling, &colours) == 0
    else { throw .damaged }
    // Of what is no whole header the library says nothing, and no size.
    guard width > 0, height > 0 else { throw .damaged }
    let longest = Int(max(width, height))
    // Photographs are larger than any picture here; the library scales them by whole shares as it decodes.
    let shares: [Int32] = [1, 2, 4]
    guard let share = shares.first(where: { longest <= Int($0) * sides.upperBound }) else {
      throw .badSize
    }
    (width, height) = ((width + share - 1) / share, (height + share - 1) / share)
    guard sides.contains(Int(width)), sides.contains(Int(height)) else { throw .badSize }
    guard colours != TJCS_CMYK.rawValue, colours != TJCS_YCCK.rawValue else { throw .printing }
    var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * 3)
    // A progressive file may come with so many scans that it takes hours; half a file gives a warning.
    let flags = TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING
    guard
      tjDecompress2(
        decoder, bytes, UInt(bytes.count), &pixels, width, 0, height, Int32(TJPF_RGB.rawValue),
        flags) == 0
    else { throw .damaged }
    return picture(pixels, width: Int(width), height: Int(height))
  }

  /// - Parameter colours: red, green and blue of each pixel in turn, full range.
  private static func picture(_ colours: [UInt8], width: Int, height: Int) -> Picture {
    let picture = PicturePool(limit: 0).makePicture(width: width, height: height)
    RAWToI420(
      colours, Int32(width * 3), picture.luma.bytes, Int32(picture.luma.stride),
      picture.blue.bytes, Int32(picture.blue.stride), picture.red.bytes,
      Int32(picture.red.stride), Int32(width), Int32(height))
    return picture
  }

  /// Mirrors and turns clockwise, in this order, as Exif's orientation wants.
  private static func upright(_ picture: Picture, _ orientation: Int) -> Picture {
    let (isMirrored, turn) =
      switch orientation {
      case 2: (true, kRotate0)
      case 3: (false, kRotate180)
      case 4: (true, kRotate180)
      case 5: (true, kRotate270)
      case 6: (false, kRotate90)
      case 7: (true, kRotate90)
      case 8: (false, kRotate270)
      default: (false, kRotate0)
      }
    var result = picture
    let pool = PicturePool(limit: 0)
    if isMirrored {
      let target = pool.makePicture(width: result.width, height: result.height)
      I420Mirror(
        result.luma.bytes, Int32(result.luma.stride), result.blue.bytes,
        Int32(result.blue.stride), result.red.bytes, Int32(result.red.stride),
        target.luma.bytes, Int32(target.luma.stride), target.blue.bytes,
        Int32(target.blue.stride), target.red.bytes, Int32(target.red.stride),
        Int32(result.width), Int32(result.height))
      result = target
    }
    guard turn != kRotate0 else { return result }
    let isSideways = turn != kRotate180
    let target = pool.makePicture(
      width: isSideways ? result.height : result.width,
      height: isSideways ? result.width : result.height)
    I420Rotate(
      result.luma.bytes, Int32(result.luma.stride), result.blue.bytes, Int32(result.blue.stride),
      result.red.bytes, Int32(result.red.stride), target.luma.bytes, Int32(target.luma.stride),
      target.blue.bytes, Int32(target.blue.stride), target.red.bytes, Int32(target.red.stride),
      Int32(result.width), Int32(result.height), turn)
    return target
  }
}
