import CXNNPACK
import Glibc

/// A neural network as its file describes it, checked: what a tensor's shape is, which operator makes
/// it of which others.
struct ModelGraph {
  var tensors: [ModelTensor]
  /// In an order in which each finds its inputs made.
  var operators: [ModelOperator]
  var inputs: [Int]
  var outputs: [Int]
}

struct ModelTensor {
  /// Outermost first; a picture is [1, height, width, channels].
  let shape: [Int]
  var contents: Contents

  enum Contents {
    /// An input, or what an operator makes.
    case computed
    case weights(Weights)
    /// Axes, paddings and the like.
    case integers([Int])
  }

  var count: Int { shape.reduce(1, *) }

  var weights: Weights? {
    if case .weights(let weights) = contents { weights } else { nil }
  }
}

struct ModelOperator {
  let operation: Operation
  /// Indices of tensors; what is constant and small is in `operation` instead.
  let inputs: [Int]
  let output: Int
}

/// What an operator does, with its options.
enum Operation {
  case convolution(Window, Activation)
  case depthwise(Window, multiplier: Int, Activation)
  /// A picture twice as wide and high, by a kernel of 2×2.
  case doubling
  case add(Activation)
  case multiply(Activation)
  case clamp(Activation)
  case hardSwish
  case logistic
  case slopedRectifier
  case meanOverPicture
  case largest(Window, Activation)
  case resize(aligned: Bool, halfPixel: Bool)
  case pad(before: [Int], after: [Int])
  case reshape
  case concatenate(axis: Int)
  case slice(begin: [Int])
  case matrixFromLandmarks(LandmarkCrop)
  case cropPicture
  case moveLandmarks

  /// XNNPACK does the rest; these are done here, between its subgraphs.
  var isHost: Bool {
    switch self {
    case .concatenate, .slice, .matrixFromLandmarks, .cropPicture, .moveLandmarks: true
    case .convolution, .depthwise, .doubling, .add, .multiply, .clamp, .hardSwish, .logistic,
      .slopedRectifier, .meanOverPicture, .largest, .resize, .pad, .reshape:
      false
    }
  }
}

/// A kernel moving over a picture.
struct Window {
  var height = 1
  var width = 1
  var strideHeight = 1
  var strideWidth = 1
  var dilationHeight = 1
  var dilationWidth = 1
  /// Padded so that a stride of one keeps the size; otherwise not padded.
  var keepsSize = false
}

/// The range that results are held in.
enum Activation {
  case none
  case positive
  case zeroToSix

  var range: (Float, Float) {
    switch self {
    case .none: (-.infinity, .infinity)
    case .positive: (0, .infinity)
    case .zeroToSix: (0, 6)
    }
  }
}

/// Which part of a picture some landmarks mark: MediaPipe's `Landmarks2TransformMatrix`.
struct LandmarkCrop {
  /// The landmarks whose bounds are taken.
  let subset: [Int]
  /// The line between these two becomes level.
  let left: Int
  let right: Int
  let targetRotation: Float
  let outputWidth: Int
  let outputHeight: Int
  let scaleX: Float
  let scaleY: Float
}

/// Numbers that a model brings along, as 32-bit floats.
final class Weights: @unchecked Sendable {
  // Safety: written while it is made, only read afterwards.
  let floats: UnsafeMutablePointer<Float>
  let count: Int

  /// Uninitialised but for the slack behind, which XNNPACK may read.
  init(count: Int) {
    self.count = count
    let byteCount = count * 4 + Int(XNN_EXTRA_BYTES)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    memset(memory + count * 4, 0, Int(XNN_EXTRA_BYTES))
    floats = memory.assumingMemoryBound(to: Float.self)
  }

  deinit {
    UnsafeMutableRawPointer(floats).deallocate()
  }
}
