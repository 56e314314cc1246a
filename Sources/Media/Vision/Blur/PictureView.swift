import Foundations

/// A rectangle of a picture: even numbers of pixels, so that it has whole pixels of colour.
struct PictureWindow: Hashable {
  var x = 0
  var y = 0
  var width: Int
  var height: Int

  /// Two windows of one width may differ in height.
  var area: Int { width * height }
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
