package import Foundations
import Glibc

/// A picture to stand behind somebody: a PNG or JPEG file, cut to fill any camera's picture.
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
    do {
      picture = try ImageFile.decode(bytes)
    } catch {
      let reason =
        switch error {
        case .unknownKind: "it is no PNG or JPEG file"
        case .badSize: "its sides must be 2 to \(Picture.sideLimit) pixels long"
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
