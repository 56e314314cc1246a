import Glibc

/// An operator that XNNPACK doesn't have, with the memory that it reads and writes.
///
/// The three that the attention mesh brings along are MediaPipe's (util/tflite/operations): each
/// region of the face is cut out of a feature picture along its landmarks, looked at more closely,
/// and its finer landmarks are put back.
struct HostStep {
  private let operation: Operation
  private let inputs: [Operand]
  private let output: Operand
  // Keeps the weights among the inputs alive.
  private let tensors: [ModelTensor]

  private struct Operand {
    let floats: UnsafeMutablePointer<Float>
    let shape: [Int]
    let count: Int
  }

  init(
    _ entry: ModelOperator, of graph: ModelGraph, values: [TensorMemory?]
  ) throws(ModelFailure) {
    func operand(_ index: Int) throws(ModelFailure) -> Operand {
      let tensor = graph.tensors[index]
      guard let floats = tensor.weights?.floats ?? values[index]?.floats else {
        throw .malformed("tensor \(index) has no numbers")
      }
      return Operand(floats: floats, shape: tensor.shape, count: tensor.count)
    }
    operation = entry.operation
    var inputs: [Operand] = []
    for index in entry.inputs { inputs.append(try operand(index)) }
    self.inputs = inputs
    output = try operand(entry.output)
    tensors = entry.inputs.map { graph.tensors[$0] }
  }

  func run() {
    switch operation {
    case .concatenate(let axis): concatenate(axis)
    case .slice(let begin): slice(begin)
    case .matrixFromLandmarks(let crop): makeMatrix(crop)
    case .cropPicture: cropPicture()
    case .moveLandmarks: moveLandmarks()
    case .convolution, .depthwise, .doubling, .add, .multiply, .clamp, .hardSwish, .logistic,
      .slopedRectifier, .meanOverPicture, .largest, .resize, .pad, .reshape:
      preconditionFailure("an operator of XNNPACK's in a stage of our own")
    }
  }

  private func concatenate(_ axis: Int) {
    let rounds = output.shape[..<axis].reduce(1, *)
    var target = output.floats
    for round in 0..<rounds {
      for input in inputs {
        let run = input.count / rounds
        memcpy(target, input.floats + round * run, run * 4)
        target += run
      }
    }
  }

  /// Copies innermost runs; the position of each is counted up like the digits of a number.
  private func slice(_ begin: [Int]) {
    let (from, to) = (inputs[0].shape, output.shape)
    guard let run = to.last else { return }
    for row in 0..<output.count / run {
      var rest = row
      var offset = begin[to.count - 1]
      var step = from[to.count - 1]
      for axis in stride(from: to.count - 2, through: 0, by: -1) {
        offset += (begin[axis] + rest % to[axis]) * step
        rest /= to[axis]
        step *= from[axis]
      }
      memcpy(output.floats + row * run, inputs[0].floats + offset, run * 4)
    }
  }

  /// The matrix that takes a point of the crop to where it is in the landmarks' picture: the subset's
  /// bounds along the line from `left` to `right`, scaled about their centre.
  private func makeMatrix(_ crop: LandmarkCrop) {
    let points = inputs[0].floats
    func x(_ index: Int) -> Float { points[3 * index] }
    func y(_ index: Int) -> Float { points[3 * index + 1] }
    var angle =
      crop.targetRotation
      - atan2f(-(y(crop.right) - y(crop.left)), x(crop.right) - x(crop.left))
    angle -= 2 * .pi * floorf((angle + .pi) / (2 * .pi))
    let (cosine, sine) = (cosf(angle), sinf(angle))
    // Bounds in the turned frame; where its origin lies doesn't matter to them.
    var (left, right) = (Float.infinity, -Float.infinity)
    var (top, bottom) = (Float.infinity, -Float.infinity)
    for index in crop.subset {
      let across = cosine * x(index) + sine * y(index)
      let down = cosine * y(index) - sine * x(index)
      (left, right) = (min(left, across), max(right, across))
      (top, bottom) = (min(top, down), max(bottom, down))
    }
    let (middle, centre) = ((left + right) / 2, (top + bottom) / 2)
    let centreX = cosine * middle - sine * centre
    let centreY = sine * middle + cosine * centre
    let width = (right - left) * crop.scaleX
    let height = (bottom - top) * crop.scaleY
    let perColumn = width / Float(crop.outputWidth)
    let perRow = height / Float(crop.outputHeight)
    let matrix = output.floats
    for index in 0..<16 { matrix[index] = 0 }
    matrix[0] = cosine * perColumn
    matrix[1] = -sine * perRow
    matrix[3] = centreX - (cosine * width - sine * height) / 2
    matrix[4] = sine * perColumn
    matrix[5] = cosine * perRow
    matrix[7] = centreY - (sine * width + cosine * height) / 2
    matrix[10] = perColumn
    matrix[15] = 1
  }

  /// Bilinear between pixel centres; black outside.
  private func cropPicture() {
    let (source, matrix) = (inputs[0], inputs[1].floats)
    let (height, width, channels) = (source.shape[1], source.shape[2], source.shape[3])
    let (rows, columns) = (output.shape[1], output.shape[2])
    for row in 0..<rows {
      for column in 0..<columns {
        let (across, down) = (Float(column) + 0.5, Float(row) + 0.5)
        let x = matrix[0] * across + matrix[1] * down + matrix[3] - 0.5
        let y = matrix[4] * across + matrix[5] * down + matrix[7] - 0.5
        let target = output.floats + (row * columns + column) * channels
        for channel in 0..<channels { target[channel] = 0 }
        // Not within a pixel of the picture, or not a number.
        guard x > -1, y > -1, x < Float(width), y < Float(height) else { continue }
        let (floorX, floorY) = (x.rounded(.down), y.rounded(.down))
        for (dy, weightY) in [(0, 1 - (y - floorY)), (1, y - floorY)] as [(Int, Float)] {
          for (dx, weightX) in [(0, 1 - (x - floorX)), (1, x - floorX)] as [(Int, Float)] {
            let (sourceX, sourceY) = (Int(floorX) + dx, Int(floorY) + dy)
            guard sourceX >= 0, sourceY >= 0, sourceX < width, sourceY < height else { continue }
            let pixel = source.floats + (sourceY * width + sourceX) * channels
            let weight = weightX * weightY
            for channel in 0..<channels { target[channel] += weight * pixel[channel] }
          }
        }
      }
    }
  }

  private func moveLandmarks() {
    let matrix = inputs[1].floats
    let size = output.shape[2]
    for index in 0..<output.shape[1] {
      let (point, moved) = (inputs[0].floats + index * size, output.floats + index * size)
      let (x, y) = (point[0], point[1])
      moved[0] = matrix[0] * x + matrix[1] * y + matrix[3]
      moved[1] = matrix[4] * x + matrix[5] * y + matrix[7]
      if size == 3 { moved[2] = point[2] * matrix[10] }
    }
  }
}
