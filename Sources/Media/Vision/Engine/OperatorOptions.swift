/// One operator's options as they stand in the file, and what they make it do.
struct OperatorOptions {
  let number: Int
  /// Of a custom operator.
  let name: String
  let options: FlatTable?
  let custom: ArraySlice<UInt8>
  let inputs: [ModelTensor]
  let output: ModelTensor

  /// BuiltinOperator in the schema: turns 16-bit weights into 32 bits.
  static let dequantize = 6
  private static let isCustom = 32

  func operation() throws(ModelFailure) -> Operation {
    switch number {
    case 0: return .add(try activation(0))
    case 1: return try averagePool()
    case 2: return .concatenate(axis: try field(0))
    case 3: return try convolution()
    case 4: return try depthwise()
    case 14: return .logistic
    case 17: return .largest(try pool(), try activation(5))
    case 18: return .multiply(try activation(0))
    case 19: return .clamp(.positive)
    case 21: return .clamp(.zeroToSix)
    case 22: return .reshape
    case 23: return .resize(aligned: try field(2) != 0, halfPixel: try field(3) != 0)
    case 34: return try pad()
    case 40: return try mean()
    case 45: return try slice()
    case 54: return .slopedRectifier
    case 117: return .hardSwish
    case Self.isCustom: return try customOperation()
    case _: throw .unsupported("operator \(number)")
    }
  }

  private func field(_ index: Int) throws(ModelFailure) -> Int {
    try options?.int8(index) ?? 0
  }

  private func activation(_ index: Int) throws(ModelFailure) -> Activation {
    switch try field(index) {
    case 0: .none
    case 1: .positive
    case 3: .zeroToSix
    case let other: throw .unsupported("activation \(other)")
    }
  }

  private func side(_ value: Int) throws(ModelFailure) -> Int {
    guard (1...ModelBounds.windowLimit).contains(value) else {
      throw .malformed("a window's side of \(value)")
    }
    return value
  }

  private func keepsSize() throws(ModelFailure) -> Bool {
    switch try field(0) {
    case 0: true
    case 1: false
    case let other: throw .malformed("padding \(other)")
    }
  }

  /// - Parameter dilations: where they stand, width first.
  private func window(dilations: Int) throws(ModelFailure) -> Window {
    guard let options, inputs.count >= 2, inputs[1].shape.count == 4 else {
      throw .malformed("a convolution without kernel or options")
    }
    return Window(
      height: try side(inputs[1].shape[1]), width: try side(inputs[1].shape[2]),
      strideHeight: try side(options.int32(2)), strideWidth: try side(options.int32(1)),
      dilationHeight: try side(options.int32(dilations + 1, default: 1)),
      dilationWidth: try side(options.int32(dilations, default: 1)), keepsSize: try keepsSize())
  }

  private func convolution() throws(ModelFailure) -> Operation {
    .convolution(try window(dilations: 4), try activation(3))
  }

  private func depthwise() throws(ModelFailure) -> Operation {
    guard let channels = inputs.first?.shape.last, inputs.count >= 2,
      let produced = inputs[1].shape.last, produced.isMultiple(of: channels)
    else { throw .malformed("a depthwise kernel") }
    return .depthwise(
      try window(dilations: 5), multiplier: produced / channels, try activation(4))
  }

  private func pool() throws(ModelFailure) -> Window {
    guard let options else { throw .malformed("a pool without options") }
    return Window(
      height: try side(options.int32(4)), width: try side(options.int32(3)),
      strideHeight: try side(options.int32(2)), strideWidth: try side(options.int32(1)),
      keepsSize: try keepsSize())
  }

  private func averagePool() throws(ModelFailure) -> Operation {
    let window = try pool()
    guard let shape = inputs.first?.shape, shape.count == 4, !window.keepsSize,
      window.height == shape[1], window.width == shape[2], try field(5) == 0
    else { throw .unsupported("an average over less than the picture") }
    return .meanOverPicture
  }

  private func mean() throws(ModelFailure) -> Operation {
    guard inputs.count == 2, case .integers([1, 2]) = inputs[1].contents, try field(0) != 0 else {
      throw .unsupported("a mean over other axes than a picture's")
    }
    return .meanOverPicture
  }

  private func pad() throws(ModelFailure) -> Operation {
    guard inputs.count == 2, case .integers(let amounts) = inputs[1].contents,
      amounts.count == 2 * inputs[0].shape.count,
      amounts.allSatisfy({ (0...ModelBounds.windowLimit).contains($0) })
    else { throw .malformed("a padding") }
    let pairs = stride(from: 0, to: amounts.count, by: 2)
    return .pad(before: pairs.map { amounts[$0] }, after: pairs.map { amounts[$0 + 1] })
  }

  private func slice() throws(ModelFailure) -> Operation {
    for mask in 0..<5 where try field(mask) != 0 { throw .unsupported("a slice with masks") }
    guard inputs.count == 4, case .integers(let begin) = inputs[1].contents,
      case .integers(let end) = inputs[2].contents, case .integers(let steps) = inputs[3].contents,
      begin.count == inputs[0].shape.count, end.count == begin.count,
      steps.allSatisfy({ $0 == 1 }),
      zip(begin, end).map({ $1 &- $0 }) == output.shape
    else { throw .unsupported("a slice with steps") }
    return .slice(begin: begin)
  }

  private func customOperation() throws(ModelFailure) -> Operation {
    switch name {
    case "Convolution2DTransposeBias":
      // Padding, stride across and down, as three 32-bit numbers; the first two kinds of padding
      // come to the same where kernel and stride are equal.
      let buffer = FlatBuffer(bytes: Array(custom))
      guard try buffer.int32(at: 4) == 2, try buffer.int32(at: 8) == 2, inputs.count == 3,
        inputs[1].shape.count == 4, inputs[1].shape[1] == 2, inputs[1].shape[2] == 2
      else { throw .unsupported("a transposed convolution other than a doubling") }
      return .doubling
    case "Landmarks2TransformMatrix":
      let map = try FlexMap(custom)
      return .matrixFromLandmarks(
        LandmarkCrop(
          subset: try map.integers("subset_idxs", limit: ModelBounds.countLimit),
          left: try map.integer("left_rotation_idx"), right: try map.integer("right_rotation_idx"),
          targetRotation: try map.number("target_rotation_radians"),
          outputWidth: try side(map.integer("output_width")),
          outputHeight: try side(map.integer("output_height")),
          scaleX: try map.number("scale_x"), scaleY: try map.number("scale_y")))
    case "TransformTensorBilinear": return .cropPicture
    case "TransformLandmarks": return .moveLandmarks
    case _: throw .unsupported("the custom operator “\(name)”")
    }
  }
}
