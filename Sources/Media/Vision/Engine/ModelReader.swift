/// Reads a `.tflite` file (tensorflow/lite/schema/schema.fbs, version 3) into a graph.
///
/// The file is taken for hostile: every offset, count and shape is checked before anything is done
/// with it, and shapes are computed again from the operators (``ShapeRules``), because XNNPACK writes
/// where a shape says.
struct ModelReader {
  private let root: FlatTable
  private var tensors: [ModelTensor] = []
  /// Which tensors have been made by what came before.
  private var isMade: [Bool] = []

  /// TensorType in the schema.
  private enum ElementType {
    static let float32 = 0
    static let float16 = 1
    static let int32 = 2
  }

  static func read(_ bytes: [UInt8]) throws(ModelFailure) -> ModelGraph {
    guard bytes.count <= ModelBounds.fileLimit else { throw .oversized(bytes: bytes.count) }
    // The identifier of the schema stands behind the root's offset.
    guard bytes.count >= 8, bytes[4..<8].elementsEqual("TFL3".utf8) else {
      throw .malformed("no TensorFlow Lite model")
    }
    var reader = try ModelReader(FlatBuffer(bytes: bytes).root())
    return try reader.graph()
  }

  private init(_ root: FlatTable) { self.root = root }

  private mutating func graph() throws(ModelFailure) -> ModelGraph {
    let parts = try root.tables(2)
    guard parts.count == 1, let part = parts.first else {
      throw .unsupported("\(parts.count) graphs in a file")
    }
    try readTensors(of: part)
    let inputs = try part.integers(1, limit: ModelBounds.operandLimit)
    let outputs = try part.integers(2, limit: ModelBounds.operandLimit)
    guard !inputs.isEmpty, !outputs.isEmpty else { throw .malformed("no inputs or no outputs") }
    for index in inputs {
      guard tensors.indices.contains(index), !isMade[index] else {
        throw .malformed("input \(index)")
      }
      isMade[index] = true
    }
    let operators = try readOperators(of: part)
    for index in outputs {
      guard tensors.indices.contains(index), isMade[index], case .computed = tensors[index].contents
      else { throw .malformed("output \(index) is never made") }
    }
    // XNNPACK takes what nobody reads apart, and not always well.
    var isRead = Array(repeating: false, count: tensors.count)
    for index in outputs + operators.flatMap(\.inputs) { isRead[index] = true }
    for entry in operators where !isRead[entry.output] {
      throw .unsupported("an operator whose output \(entry.output) nobody reads")
    }
    return ModelGraph(tensors: tensors, operators: operators, inputs: inputs, outputs: outputs)
  }

  // MARK: - Tensors

  private mutating func readTensors(of part: FlatTable) throws(ModelFailure) {
    let buffers = try root.tables(4)
    var total = 0
    for table in try part.tables(0) {
      let shape = try table.integers(0, limit: ModelBounds.rankLimit)
      var count = 1
      for side in shape {
        guard side > 0, side <= ModelBounds.elementLimit else { throw .malformed("shape \(shape)") }
        count *= side
        guard count <= ModelBounds.elementLimit else { throw .malformed("shape \(shape)") }
      }
      total += count
      guard total <= ModelBounds.totalElementLimit else { throw .malformed("too many numbers") }
      guard try table.table(6) == nil else { throw .unsupported("sparse weights") }
      let place = try table.int32(2)
      guard buffers.indices.contains(place) else { throw .malformed("buffer \(place)") }
      let contents = try contents(
        buffers[place].bytes(0), type: table.int8(1), count: count)
      tensors.append(ModelTensor(shape: shape, contents: contents))
      if case .computed = contents { isMade.append(false) } else { isMade.append(true) }
    }
  }

  private func contents(
    _ bytes: ArraySlice<UInt8>, type: Int, count: Int
  ) throws(ModelFailure) -> ModelTensor.Contents {
    guard !bytes.isEmpty else { return .computed }
    let width = type == ElementType.float16 ? 2 : 4
    guard bytes.count == count * width else {
      throw .malformed("\(bytes.count) bytes for \(count) numbers")
    }
    switch type {
    case ElementType.float32:
      let weights = Weights(count: count)
      bytes.withUnsafeBytes { source in
        for index in 0..<count {
          weights.floats[index] = source.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
        }
      }
      return .weights(weights)
    case ElementType.float16:
      let weights = Weights(count: count)
      bytes.withUnsafeBytes { source in
        for index in 0..<count {
          let bits = source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
          weights.floats[index] = Float(Float16(bitPattern: bits))
        }
      }
      return .weights(weights)
    case ElementType.int32:
      guard count <= 64 else { throw .unsupported("\(count) constant integers") }
      return .integers(
        bytes.withUnsafeBytes { source in
          (0..<count).map {
            Int(source.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
          }
        })
    case _: throw .unsupported("numbers of type \(type)")
    }
  }

  // MARK: - Operators

  private mutating func readOperators(of part: FlatTable) throws(ModelFailure) -> [ModelOperator] {
    let codes = try root.tables(1)
    var operators: [ModelOperator] = []
    for table in try part.tables(3) {
      let place = try table.int32(0)
      guard codes.indices.contains(place) else { throw .malformed("operator code \(place)") }
      let code = codes[place]
      // Codes above 126 stand in the newer of two fields.
      let number = max(try code.int8(0), try code.int32(3))
      let inputs = try table.integers(1, limit: ModelBounds.operandLimit)
      let outputs = try table.integers(2, limit: ModelBounds.operandLimit)
      guard outputs.count == 1, let output = outputs.first, tensors.indices.contains(output),
        !isMade[output], !inputs.isEmpty
      else { throw .malformed("outputs \(outputs) of an operator") }
      for input in inputs {
        guard tensors.indices.contains(input), isMade[input] else {
          throw .malformed("input \(input) of an operator")
        }
      }
      isMade[output] = true
      if number == OperatorOptions.dequantize {
        // Weights are kept in 16 bits and have been expanded already.
        guard let weights = tensors[inputs[0]].weights,
          tensors[output].shape == tensors[inputs[0]].shape
        else { throw .unsupported("numbers in 16 bits that aren't constant") }
        tensors[output].contents = .weights(weights)
        continue
      }
      let options = OperatorOptions(
        number: number, name: try code.string(1), options: try table.table(4),
        custom: try table.bytes(5), inputs: inputs.map { tensors[$0] }, output: tensors[output])
      let operation = try options.operation()
      let operands = operation.operands(of: inputs)
      guard operation.computes(with: operands.map { tensors[$0] }) else {
        throw .unsupported("\(operation) of constants")
      }
      try ShapeRules.check(
        operation, inputs: operands.map { tensors[$0] }, output: tensors[output].shape)
      operators.append(ModelOperator(operation: operation, inputs: operands, output: output))
    }
    return operators
  }
}

extension Operation {
  /// Whether there is something to compute: XNNPACK relies on each input that isn't a weight having
  /// been made by somebody.
  fileprivate func computes(with operands: [ModelTensor]) -> Bool {
    func isComputed(_ tensor: ModelTensor) -> Bool {
      if case .computed = tensor.contents { true } else { false }
    }
    return switch self {
    case .convolution, .depthwise, .doubling, .slopedRectifier:
      operands.first.map(isComputed) ?? false
    case .add, .multiply, .concatenate: operands.contains(where: isComputed)
    case .clamp, .hardSwish, .logistic, .meanOverPicture, .largest, .resize, .pad, .reshape, .slice,
      .matrixFromLandmarks, .cropPicture, .moveLandmarks:
      operands.allSatisfy(isComputed)
    }
  }

  /// The inputs that carry numbers to compute with, without those that carry options.
  fileprivate func operands(of inputs: [Int]) -> [Int] {
    switch self {
    case .meanOverPicture, .resize, .pad, .reshape, .slice: Array(inputs.prefix(1))
    case .convolution, .depthwise, .doubling, .add, .multiply, .clamp, .hardSwish, .logistic,
      .slopedRectifier, .largest, .concatenate, .matrixFromLandmarks, .cropPicture, .moveLandmarks:
      inputs
    }
  }
}
