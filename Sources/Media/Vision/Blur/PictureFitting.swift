import CYUV
package import Foundations

/// Brings pictures to one size: of several cameras, all have to look the same to one encoder.
///
/// Belongs to one thread or actor at a time.
package struct PictureFitting {
  private let width: Int
  private let height: Int
  private var ring = PictureRing()

  package init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
  }

  /// The picture itself where it fits already; `nil` while all others given out are in use. What is
  /// beyond the size's shape is cut off on both sides alike.
  package mutating func fit(_ picture: Picture) -> Picture? {
    if picture.width == width, picture.height == height { return picture }
    guard let target = ring.next(width: width, height: height) else { return nil }
    picture.fill(target)
    return target
  }
}

extension Picture {
  /// Draws this picture over all of `target`, as large as it must be and cut where it is too long.
  func fill(_ target: Picture) {
    let scale = min(
      Double(width) / Double(target.width), Double(height) / Double(target.height))
    func even(_ side: Double, of whole: Int) -> Int { max(min(Int(side) / 2 * 2, whole), 1) }
    let columns = even(Double(target.width) * scale, of: width)
    let rows = even(Double(target.height) * scale, of: height)
    let (left, top) = ((width - columns) / 4 * 2, (height - rows) / 4 * 2)
    I420Scale(
      luma.bytes + top * luma.stride + left, Int32(luma.stride),
      blue.bytes + top / 2 * blue.stride + left / 2, Int32(blue.stride),
      red.bytes + top / 2 * red.stride + left / 2, Int32(red.stride), Int32(columns),
      Int32(rows), target.luma.bytes, Int32(target.luma.stride), target.blue.bytes,
      Int32(target.blue.stride), target.red.bytes, Int32(target.red.stride),
      Int32(target.width), Int32(target.height), kFilterBox)
  }
}
