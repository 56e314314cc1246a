/// What shape each operator's output has, computed from its inputs and held against what the file
/// says. XNNPACK reads and writes as many numbers as the shapes say, so that a wrong one would be a
/// buffer overflow.
enum ShapeRules {
  static func check(
    _ operation: Operation, inputs: [ModelTensor], output: [Int]
  ) throws(ModelFailure) {
    let fits =
      isRearrangement(operation)
      ? rearranges(operation, inputs, into: output) : shape(operation, inputs) == output
    guard fits else {
      throw .malformed("\(operation) makes no \(output) of \(inputs.map(\.shape))")
    }
  }

  /// `nil` when the inputs don't fit each other.
  private static func shape(_ operation: Operation, _ inputs: [ModelTensor]) -> [Int]? {
    let shapes = inputs.map(\.shape)
    guard let first = shapes.first else { return nil }
    switch operation {
    case .convolution(let window, _):
      guard let kernel = kernel(inputs), first.count == 4, kernel[3] == first[3],
        bias(inputs, count: kernel[0]), let size = moved(window, over: first)
      else { return nil }
      return [first[0], size.height, size.width, kernel[0]]
    case .depthwise(let window, let multiplier, _):
      guard let kernel = kernel(inputs), first.count == 4, kernel[0] == 1,
        kernel[3] == first[3] * multiplier, bias(inputs, count: kernel[3]),
        let size = moved(window, over: first)
      else { return nil }
      return [first[0], size.height, size.width, kernel[3]]
    case .doubling:
      guard let kernel = kernel(inputs), first.count == 4, kernel[3] == first[3],
        bias(inputs, count: kernel[0]), inputs.count == 3
      else { return nil }
      return [first[0], first[1] * 2, first[2] * 2, kernel[0]]
    case .add, .multiply: return shapes.count == 2 ? broadcast(first, shapes[1]) : nil
    case .clamp, .hardSwish, .logistic: return shapes.count == 1 ? first : nil
    case .slopedRectifier:
      guard inputs.count == 2, let slopes = inputs[1].weights, slopes.count == first.last else {
        return nil
      }
      return first
    case .meanOverPicture: return first.count == 4 ? [first[0], 1, 1, first[3]] : nil
    case .largest(let window, _):
      guard first.count == 4, let size = moved(window, over: first),
        window.height * window.width > 1
      else { return nil }
      return [first[0], size.height, size.width, first[3]]
    case .resize, .pad, .reshape, .concatenate, .slice, .matrixFromLandmarks, .cropPicture,
      .moveLandmarks:
      return nil
    }
  }

  /// Those whose output's shape is their option, or that keep numbers as they are.
  private static func isRearrangement(_ operation: Operation) -> Bool {
    switch operation {
    case .resize, .pad, .reshape, .concatenate, .slice, .matrixFromLandmarks, .cropPicture,
      .moveLandmarks:
      true
    case .convolution, .depthwise, .doubling, .add, .multiply, .clamp, .hardSwish, .logistic,
      .slopedRectifier, .meanOverPicture, .largest:
      false
    }
  }

  private static func rearranges(
    _ operation: Operation, _ inputs: [ModelTensor], into output: [Int]
  ) -> Bool {
    guard let first = inputs.first else { return false }
    let shape = first.shape
    switch operation {
    case .resize:
      return shape.count == 4 && output.count == 4 && shape[0] == output[0]
        && shape[3] == output[3]
    case .pad(let before, let after):
      return output == zip(shape, zip(before, after)).map { $0 + $1.0 + $1.1 }
    case .reshape: return first.count == output.reduce(1, *)
    case .concatenate(let axis):
      guard shape.indices.contains(axis), inputs.allSatisfy({ $0.shape.count == shape.count })
      else { return false }
      var expected = shape
      expected[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
      return output == expected
        && inputs.allSatisfy { input in
          shape.indices.allSatisfy { $0 == axis || input.shape[$0] == shape[$0] }
        }
    case .slice(let begin):
      return output.count == shape.count
        && shape.indices.allSatisfy { begin[$0] >= 0 && begin[$0] <= shape[$0] - output[$0] }
    case .matrixFromLandmarks(let crop):
      guard shape.count == 3, shape[0] == 1, shape[2] == 3, !crop.subset.isEmpty else {
        return false
      }
      return output == [1, 4, 4]
        && (crop.subset + [crop.left, crop.right]).allSatisfy { (0..<shape[1]).contains($0) }
    case .cropPicture:
      return inputs.count == 2 && shape.count == 4 && shape[0] == 1 && inputs[1].shape == [1, 4, 4]
        && output.count == 4 && output[0] == 1 && output[3] == shape[3]
    case .moveLandmarks:
      return inputs.count == 2 && shape.count == 3 && shape[0] == 1 && (2...3).contains(shape[2])
        && inputs[1].shape == [1, 4, 4] && output == shape
    case .convolution, .depthwise, .doubling, .add, .multiply, .clamp, .hardSwish, .logistic,
      .slopedRectifier, .meanOverPicture, .largest:
      return false
    }
  }

  private static func kernel(_ inputs: [ModelTensor]) -> [Int]? {
    guard (2...3).contains(inputs.count), inputs[1].weights != nil, inputs[1].shape.count == 4
    else { return nil }
    return inputs[1].shape
  }

  private static func bias(_ inputs: [ModelTensor], count: Int) -> Bool {
    guard inputs.count == 3 else { return true }
    return inputs[2].weights?.count == count && inputs[2].shape == [count]
  }

  private static func moved(_ window: Window, over shape: [Int]) -> (height: Int, width: Int)? {
    func steps(_ side: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int? {
      if window.keepsSize { return (side + stride - 1) / stride }
      let reach = (kernel - 1) * dilation + 1
      return reach <= side ? (side - reach) / stride + 1 : nil
    }
    guard
      let height = steps(
        shape[1], window.height, window.strideHeight, window.dilationHeight),
      let width = steps(shape[2], window.width, window.strideWidth, window.dilationWidth)
    else { return nil }
    return (height, width)
  }

  /// As in NumPy: aligned at the innermost, a side of one fits any other.
  private static func broadcast(_ left: [Int], _ right: [Int]) -> [Int]? {
    let rank = max(left.count, right.count)
    let (wideLeft, wideRight) = (
      Array(repeating: 1, count: rank - left.count) + left,
      Array(repeating: 1, count: rank - right.count) + right
    )
    var result: [Int] = []
    for (one, other) in zip(wideLeft, wideRight) {
      guard one == other || one == 1 || other == 1 else { return nil }
      result.append(max(one, other))
    }
    return result
  }
}
