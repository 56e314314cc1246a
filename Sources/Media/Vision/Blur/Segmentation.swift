import CYUV
import Foundations
import Glibc

/// Tells a person from the background: MediaPipe's selfie segmentation.
///
/// Keeps the picture at the network's size too, for what comes after: the mask is refined against it.
final class Segmentation {
  private let network: Network
  let width: Int
  let height: Int
  /// The network's picture: brightness, then the two colours at full size, 0…255.
  let luma: Grid<UInt8>
  let blue: Grid<UInt8>
  let red: Grid<UInt8>
  private let halfBlue: Grid<UInt8>
  private let halfRed: Grid<UInt8>
  private let colours: Grid<UInt8>

  /// Wider than this by its height, a picture goes to the landscape network (16:9), else to the
  /// square one.
  private static let landscapeShape = 1.3

  static func model(for picture: Picture) -> VisionModel {
    Double(picture.width) > landscapeShape * Double(picture.height)
      ? .landscapeSegmentation : .squareSegmentation
  }

  init(_ network: Network) throws(ModelFailure) {
    let shape = network.inputShape(0)
    guard shape.count == 4, shape[3] == 3, shape[1].isMultiple(of: 2), shape[2].isMultiple(of: 2),
      network.outputShape(0) == [1, shape[1], shape[2], 1]
    else { throw .unsupported("a segmentation of another shape") }
    self.network = network
    (height, width) = (shape[1], shape[2])
    luma = Grid(width: width, height: height, filledWith: 0)
    blue = Grid(width: width, height: height, filledWith: 128)
    red = Grid(width: width, height: height, filledWith: 128)
    halfBlue = Grid(width: width / 2, height: height / 2, filledWith: 128)
    halfRed = Grid(width: width / 2, height: height / 2, filledWith: 128)
    colours = Grid(width: width * 3, height: height, filledWith: 0)
  }

  /// Makes pictures of one size as large as the network's.
  struct Scalers {
    fileprivate let luma: BoxScaler
    fileprivate let colour: BoxScaler
  }

  func scalers(from picture: (width: Int, height: Int)) -> Scalers {
    Scalers(
      luma: BoxScaler(from: picture, to: (width, height)),
      colour: BoxScaler(
        from: ((picture.width + 1) / 2, (picture.height + 1) / 2), to: (width / 2, height / 2)))
  }

  /// The likelihood of a person for each pixel of the network's picture, until the next run.
  func run(
    _ picture: PictureView, _ scalers: Scalers
  ) throws(ModelFailure) -> UnsafeBufferPointer<Float> {
    let (columns, rows) = (Int32(width), Int32(height))
    scalers.luma.scale(
      picture.luma.bytes, stride: picture.luma.stride, to: luma.values, stride: width)
    scalers.colour.scale(
      picture.blue.bytes, stride: picture.blue.stride, to: halfBlue.values, stride: width / 2)
    scalers.colour.scale(
      picture.red.bytes, stride: picture.red.stride, to: halfRed.values, stride: width / 2)
    // Exactly twice as large is done without asking for memory.
    ScalePlane(
      halfBlue.values, columns / 2, columns / 2, rows / 2, blue.values, columns, columns, rows,
      kFilterBilinear)
    ScalePlane(
      halfRed.values, columns / 2, columns / 2, rows / 2, red.values, columns, columns, rows,
      kFilterBilinear)
    I420ToRAW(
      luma.values, columns, halfBlue.values, columns / 2, halfRed.values, columns / 2,
      colours.values, columns * 3, columns, rows)
    let (input, bytes) = (network.input(0), colours.values)
    guard let floats = input.baseAddress else { throw .malformed("an empty input") }
    for index in 0..<colours.count { floats[index] = Float(bytes[index]) * (1 / 255) }
    try network.run()
    return network.output(0)
  }
}
