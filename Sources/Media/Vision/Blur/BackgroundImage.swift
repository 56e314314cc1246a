package import Foundations
import Glibc

/// A picture to stand behind somebody: a PNG or JPEG file, cut to fill any camera's picture.
package final class BackgroundImage: Sendable {
  let picture: Picture

  /// Bytes of a file.
  private static let fileLimit = 64 << 20

  package init(path: String) throws(Failure) {
    let bytes: [UInt8]
    do {
      bytes = try PlainFile.read(path, limit: Self.fileLimit)
    } catch {
      let isTooLarge = error == .tooLarge
      throw Self.failure(
        path, isTooLarge ? "it is larger than 64 MB" : error.reason,
        exit: isTooLarge ? .badData : .noInput)
    }
    do {
      picture = try ImageFile.decode(bytes)
    } catch {
      let reason =
        switch error {
        case .unknownKind: "it is no PNG or JPEG file"
        case .badSize:
          "its sides must be 2 to \(Picture.sideLimit) pixels long, those of a JPEG file at most "
            + "four times as long"
        case .damaged: "it is damaged"
        case .printing: "its colours are made for printing (CMYK); save it with RGB colours"
        }
      throw Self.failure(path, reason, exit: .badData)
    }
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
        + "Give a PNG or JPEG file.")
  }
}
