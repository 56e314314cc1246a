import CXNNPACK
import Glibc

/// A model ready to run: XNNPACK's subgraphs, and the operators between them that it lacks.
///
/// One thread computes, the caller's; nothing is allocated after `init`. Belongs to one thread or
/// actor at a time.
package final class Network {
  private let graph: ModelGraph
  private let stages: [Stage]
  /// What goes from one stage to another, in or out, by tensor.
  private let values: [TensorMemory?]

  private enum Stage {
    case subgraph(Subgraph)
    case host([HostStep])
  }

  /// - Parameter bytes: a `.tflite` file.
  package init(_ bytes: [UInt8]) throws(ModelFailure) {
    // Counts its calls; the first one looks at the processor.
    let status = xnn_initialize(nil)
    guard status == xnn_status_success else {
      throw .engine("XNNPACK doesn't start on this processor", status: status.rawValue)
    }
    let graph = try ModelReader.read(bytes)
    let plan = StagePlan(graph)
    var values = [TensorMemory?](repeating: nil, count: graph.tensors.count)
    for index in graph.tensors.indices where plan.crosses[index] {
      values[index] = TensorMemory(count: graph.tensors[index].count)
    }
    var stages: [Stage] = []
    for (position, members) in plan.stages.enumerated() where !members.isEmpty {
      let operators = members.map { graph.operators[$0] }
      if position.isMultiple(of: 2) {
        stages.append(.subgraph(try Subgraph(operators, of: graph, values: values)))
      } else {
        var steps: [HostStep] = []
        for entry in operators { steps.append(try HostStep(entry, of: graph, values: values)) }
        stages.append(.host(steps))
      }
    }
    self.graph = graph
    self.stages = stages
    self.values = values
  }

  package var inputCount: Int { graph.inputs.count }
  package var outputCount: Int { graph.outputs.count }

  /// Where input `index` is to be written, and its shape.
  package func input(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    buffer(graph.inputs[index])
  }

  package func inputShape(_ index: Int) -> [Int] { graph.tensors[graph.inputs[index]].shape }

  /// Output `index` of the latest run.
  package func output(_ index: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(buffer(graph.outputs[index]))
  }

  package func outputShape(_ index: Int) -> [Int] { graph.tensors[graph.outputs[index]].shape }

  package func run() throws(ModelFailure) {
    for stage in stages {
      switch stage {
      case .subgraph(let subgraph): try subgraph.run()
      case .host(let steps): for step in steps { step.run() }
      }
    }
  }

  private func buffer(_ tensor: Int) -> UnsafeMutableBufferPointer<Float> {
    guard let memory = values[tensor] else {
      preconditionFailure("an input or output without memory")
    }
    return UnsafeMutableBufferPointer(start: memory.floats, count: graph.tensors[tensor].count)
  }
}

/// Memory for the numbers of one tensor, zero at first.
final class TensorMemory {
  let floats: UnsafeMutablePointer<Float>

  init(count: Int) {
    let byteCount = count * 4 + Int(XNN_EXTRA_BYTES)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    memset(memory, 0, byteCount)
    floats = memory.assumingMemoryBound(to: Float.self)
  }

  deinit {
    UnsafeMutableRawPointer(floats).deallocate()
  }
}

/// Which operators run together: XNNPACK's in even stages, our own in odd ones, as few as the flow of
/// data allows.
struct StagePlan {
  /// Indices of operators.
  private(set) var stages: [[Int]] = []
  /// Whether a tensor is an input, an output, or read in a later stage than it is made in.
  private(set) var crosses: [Bool]

  init(_ graph: ModelGraph) {
    var madeIn = [Int?](repeating: nil, count: graph.tensors.count)
    crosses = Array(repeating: false, count: graph.tensors.count)
    for index in graph.inputs + graph.outputs { crosses[index] = true }
    for (index, entry) in graph.operators.enumerated() {
      let parity = entry.operation.isHost ? 1 : 0
      var stage = parity
      for input in entry.inputs {
        guard let made = madeIn[input] else { continue }
        stage = max(stage, made % 2 == parity ? made : made + 1)
      }
      for input in entry.inputs {
        // A host operator finds all that it reads in memory.
        if madeIn[input] != stage || parity == 1 { crosses[input] = true }
      }
      if parity == 1 { crosses[entry.output] = true }
      madeIn[entry.output] = stage
      while stages.count <= stage { stages.append([]) }
      stages[stage].append(index)
    }
    for index in graph.tensors.indices where graph.tensors[index].weights != nil {
      crosses[index] = false
    }
  }
}
