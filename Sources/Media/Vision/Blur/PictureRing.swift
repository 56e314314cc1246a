import Foundations

/// Pictures that are used again once nobody else holds them, so that the steady state allocates
/// nothing: a pool keeps memory, this keeps the objects too.
struct PictureRing {
  private let pool = PicturePool(limit: 1)
  private var pictures: [Picture] = []

  /// One being made, one with the encoder, one waiting, one shown. Whoever asks for more gets none:
  /// the frame is left out.
  private static let limit = 6

  /// A picture with undefined contents; `nil` while all are in use.
  mutating func next(width: Int, height: Int) -> Picture? {
    if let first = pictures.first, first.width != width || first.height != height {
      pictures.removeAll()
    }
    for index in pictures.indices where isKnownUniquelyReferenced(&pictures[index]) {
      return pictures[index]
    }
    guard pictures.count < Self.limit else { return nil }
    let picture = pool.makePicture(width: width, height: height)
    pictures.append(picture)
    return picture
  }
}
