import CXNNPACK

/// Operators that XNNPACK runs in one go.
final class Subgraph {
  private let runtime: xnn_runtime_t
  // XNNPACK refers to these for as long as the runtime lives.
  private let graph: ModelGraph
  private let values: [TensorMemory?]

  init(
    _ operators: [ModelOperator], of graph: ModelGraph, values: [TensorMemory?]
  ) throws(ModelFailure) {
    var made: xnn_subgraph_t?
    try Self.check(
      xnn_create_subgraph(UInt32(graph.tensors.count), 0, &made), "a graph can't be made")
    guard let subgraph = made else { throw .engine("a graph can't be made", status: 0) }
    defer { xnn_delete_subgraph(subgraph) }
    var builder = SubgraphBuilder(subgraph: subgraph, graph: graph, values: values)
    for entry in operators { try builder.add(entry) }
    var runtime: xnn_runtime_t?
    // No thread pool: the caller's thread computes.
    try Self.check(
      xnn_create_runtime_v2(subgraph, nil, 0, &runtime), "the graph can't be prepared")
    guard let runtime else { throw .engine("the graph can't be prepared", status: 0) }
    self.runtime = runtime
    self.graph = graph
    self.values = values
    let external = builder.external
    try Self.check(
      xnn_setup_runtime(runtime, external.count, external), "the graph can't be connected")
  }

  deinit {
    xnn_delete_runtime(runtime)
  }

  func run() throws(ModelFailure) {
    try Self.check(xnn_invoke_runtime(runtime), "the graph can't be run")
  }

  static func check(_ status: xnn_status, _ what: String) throws(ModelFailure) {
    guard status == xnn_status_success else { throw .engine(what, status: status.rawValue) }
  }
}

/// Declares operators and the values between them to XNNPACK. A value's identifier there is its
/// tensor's index here.
struct SubgraphBuilder {
  let subgraph: xnn_subgraph_t
  let graph: ModelGraph
  let values: [TensorMemory?]
  private(set) var external: [xnn_external_value] = []
  private var isDeclared: [Bool]

  init(subgraph: xnn_subgraph_t, graph: ModelGraph, values: [TensorMemory?]) {
    self.subgraph = subgraph
    self.graph = graph
    self.values = values
    isDeclared = Array(repeating: false, count: graph.tensors.count)
  }

  mutating func add(_ entry: ModelOperator) throws(ModelFailure) {
    for (position, input) in entry.inputs.enumerated() {
      var shape = graph.tensors[input].shape
      // [1, 1, C] in the file.
      if case .slopedRectifier = entry.operation, position == 1 {
        shape = [graph.tensors[input].count]
      }
      try declare(input, shape: shape, isMadeHere: false)
    }
    try declare(entry.output, shape: graph.tensors[entry.output].shape, isMadeHere: true)
    try Subgraph.check(define(entry), "\(entry.operation) is refused")
  }

  private mutating func declare(
    _ tensor: Int, shape: [Int], isMadeHere: Bool
  ) throws(ModelFailure) {
    guard !isDeclared[tensor] else { return }
    isDeclared[tensor] = true
    let weights = graph.tensors[tensor].weights
    var flags: UInt32 = 0
    if weights == nil, let memory = values[tensor] {
      flags =
        isMadeHere
        ? UInt32(XNN_VALUE_FLAG_EXTERNAL_OUTPUT) : UInt32(XNN_VALUE_FLAG_EXTERNAL_INPUT)
      external.append(xnn_external_value(id: UInt32(tensor), data: memory.floats))
    }
    var identifier: UInt32 = 0
    try Subgraph.check(
      xnn_define_tensor_value(
        subgraph, xnn_datatype_fp32, shape.count, shape, weights?.floats, UInt32(tensor), flags,
        &identifier),
      "a tensor of \(shape) is refused")
  }

  private func define(_ entry: ModelOperator) -> xnn_status {
    let inputs = entry.inputs.map { UInt32($0) }
    let output = UInt32(entry.output)
    let shape = graph.tensors[entry.output].shape
    switch entry.operation {
    case .convolution(let window, let activation):
      return convolution(window, activation, inputs, output)
    case .depthwise(let window, let multiplier, let activation):
      return depthwise(window, multiplier, activation, inputs, output)
    case .doubling:
      let kernel = graph.tensors[entry.inputs[1]].shape
      return xnn_define_deconvolution_2d(
        subgraph, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, kernel[3], kernel[0], -.infinity,
        .infinity, inputs[0], inputs[1], inputs[2], output, 0)
    case .add(let activation):
      let (low, high) = activation.range
      return xnn_define_add2(subgraph, low, high, inputs[0], inputs[1], output, 0)
    case .multiply(let activation):
      let (low, high) = activation.range
      return xnn_define_multiply2(subgraph, low, high, inputs[0], inputs[1], output, 0)
    case .clamp(let activation):
      let (low, high) = activation.range
      return xnn_define_clamp(subgraph, low, high, inputs[0], output, 0)
    case .hardSwish: return xnn_define_hardswish(subgraph, inputs[0], output, 0)
    case .logistic: return xnn_define_sigmoid(subgraph, inputs[0], output, 0)
    case .slopedRectifier:
      return xnn_define_prelu(subgraph, inputs[0], inputs[1], output, 0)
    case .meanOverPicture:
      return xnn_define_global_average_pooling_2d(
        subgraph, -.infinity, .infinity, inputs[0], output, 0)
    case .largest(let window, let activation):
      let (low, high) = activation.range
      return xnn_define_max_pooling_2d(
        subgraph, 0, 0, 0, 0, UInt32(window.height), UInt32(window.width),
        UInt32(window.strideHeight), UInt32(window.strideWidth), 1, 1, low, high, inputs[0], output,
        padding(window))
    case .resize(let aligned, let halfPixel):
      let flags =
        aligned
        ? UInt32(XNN_FLAG_ALIGN_CORNERS)
        : halfPixel ? 0 : UInt32(XNN_FLAG_TENSORFLOW_LEGACY_MODE)
      return xnn_define_static_resize_bilinear_2d(
        subgraph, shape[1], shape[2], inputs[0], output, flags)
    case .pad(let before, let after):
      return xnn_define_static_constant_pad(subgraph, before, after, 0, inputs[0], output, 0)
    case .reshape:
      return xnn_define_static_reshape(subgraph, shape.count, shape, inputs[0], output, 0)
    case .concatenate, .slice, .matrixFromLandmarks, .cropPicture, .moveLandmarks:
      preconditionFailure("an operator of our own in XNNPACK's stage")
    }
  }

  private func convolution(
    _ window: Window, _ activation: Activation, _ inputs: [UInt32], _ output: UInt32
  ) -> xnn_status {
    let kernel = graph.tensors[Int(inputs[1])].shape
    let (low, high) = activation.range
    return xnn_define_convolution_2d(
      subgraph, 0, 0, 0, 0, UInt32(window.height), UInt32(window.width),
      UInt32(window.strideHeight), UInt32(window.strideWidth), UInt32(window.dilationHeight),
      UInt32(window.dilationWidth), 1, kernel[3], kernel[0], low, high, inputs[0], inputs[1],
      inputs.count > 2 ? inputs[2] : virtue_xnn_no_value, output, padding(window))
  }

  private func depthwise(
    _ window: Window, _ multiplier: Int, _ activation: Activation, _ inputs: [UInt32],
    _ output: UInt32
  ) -> xnn_status {
    let (low, high) = activation.range
    return xnn_define_depthwise_convolution_2d(
      subgraph, 0, 0, 0, 0, UInt32(window.height), UInt32(window.width),
      UInt32(window.strideHeight), UInt32(window.strideWidth), UInt32(window.dilationHeight),
      UInt32(window.dilationWidth), UInt32(multiplier),
      graph.tensors[Int(inputs[0])].shape[3], low, high, inputs[0], inputs[1],
      inputs.count > 2 ? inputs[2] : virtue_xnn_no_value, output, padding(window))
  }

  private func padding(_ window: Window) -> UInt32 {
    window.keepsSize ? UInt32(XNN_FLAG_TENSORFLOW_SAME_PADDING) : 0
  }
}
