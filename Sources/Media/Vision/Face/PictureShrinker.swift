import Foundations

/// Makes pictures of one size smaller by averaging, so that every pixel counts; asks for memory only
/// when it is made.
///
/// Belongs to one thread or actor at a time; what it gives is good until the next one.
final class PictureShrinker {
  private let from: (width: Int, height: Int)
  private let small: Picture
  private let luma: BoxScaler
  private let colour: BoxScaler

  init(from: (width: Int, height: Int), to: (width: Int, height: Int)) {
    self.from = from
    small = PicturePool(limit: 0).makePicture(width: to.width, height: to.height)
    func half(_ size: (width: Int, height: Int)) -> (width: Int, height: Int) {
      ((size.width + 1) / 2, (size.height + 1) / 2)
    }
    luma = BoxScaler(from: from, to: to)
    colour = BoxScaler(from: half(from), to: half(to))
  }

  func fits(from: (width: Int, height: Int), to: (width: Int, height: Int)) -> Bool {
    self.from == from && (small.width, small.height) == to
  }

  func shrink(_ picture: Picture) -> Picture {
    scale(picture.luma, onto: small.luma, luma)
    scale(picture.blue, onto: small.blue, colour)
    scale(picture.red, onto: small.red, colour)
    return small
  }

  private func scale(_ plane: Picture.Plane, onto target: Picture.Plane, _ scaler: BoxScaler) {
    scaler.scale(plane.bytes, stride: plane.stride, to: target.bytes, stride: target.stride)
  }
}
