import Foundations

/// A rectangle of a picture: even numbers of pixels, so that it has whole pixels of colour.
struct PictureWindow: Hashable {
  var x = 0
  var y = 0
  var width: Int
  var height: Int

  /// Two windows of one width may differ in height.
  var area: Int { width * height }
  var right: Int { x + width }
  var bottom: Int { y + height }

  func overlaps(_ other: PictureWindow) -> Bool {
    x < other.right && other.x < right && y < other.bottom && other.y < bottom
  }

  func contains(_ other: PictureWindow) -> Bool {
    x <= other.x && y <= other.y && right >= other.right && bottom >= other.bottom
  }

  func contains(_ region: Region) -> Bool {
    let (column, row) = (Int(region.centreX), Int(region.centreY))
    return column >= x && column < right && row >= y && row < bottom
  }

  /// The area of what is in both.
  func common(with other: PictureWindow) -> Int {
    max(min(right, other.right) - max(x, other.x), 0)
      * max(min(bottom, other.bottom) - max(y, other.y), 0)
  }

  func union(_ other: PictureWindow?) -> PictureWindow {
    guard let other else { return self }
    let (left, top) = (min(x, other.x), min(y, other.y))
    return PictureWindow(
      x: left, y: top, width: max(right, other.right) - left,
      height: max(bottom, other.bottom) - top)
  }
}

/// The planes of a window of a picture. Good as long as the picture is.
struct PictureView {
  struct Plane {
    let bytes: UnsafePointer<UInt8>
    let stride: Int
  }

  let luma: Plane
  let blue: Plane
  let red: Plane
  let width: Int
  let height: Int

  init(_ picture: Picture, _ window: PictureWindow) {
    func plane(_ plane: Picture.Plane, _ x: Int, _ y: Int) -> Plane {
      Plane(bytes: UnsafePointer(plane.bytes + y * plane.stride + x), stride: plane.stride)
    }
    luma = plane(picture.luma, window.x, window.y)
    blue = plane(picture.blue, window.x / 2, window.y / 2)
    red = plane(picture.red, window.x / 2, window.y / 2)
    (width, height) = (window.width, window.height)
  }
}

/// A window of a grid.
struct GridView<Element: BitwiseCopyable> {
  let width: Int
  private let values: UnsafeMutablePointer<Element>
  private let stride: Int

  init(_ grid: Grid<Element>, _ window: PictureWindow) {
    width = window.width
    values = grid.row(window.y) + window.x
    stride = grid.width
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Element> { values + index * stride }
}
