import Foundation
import Foundations
import MediaSupport
import Testing
import Vision

@Suite("The engine beside the reference runtimes", .needsModels, .needsReference, .serialized)
struct ReferenceTests {
  /// Drawn heads, and noise for what no picture brings about.
  private static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6, 7]

  @Test(
    "Probabilities and masks differ by at most 1e-4",
    arguments: [
      VisionModel.faceDetector, .landscapeSegmentation, .squareSegmentation,
    ])
  func probabilities(model: VisionModel) async throws {
    let range: (Float, Float) = model == .faceDetector ? (-1, 1) : (0, 1)
    let comparisons = try await Self.compare(model, range: range)
    for outputs in comparisons {
      #expect(outputs.count == (model == .faceDetector ? 2 : 1))
      for output in outputs {
        // The detector gives logits and pixels: its scores are compared as probabilities.
        let isScore = model == .faceDetector && output.ours.count == 896
        let difference =
          isScore
          ? output.difference { 1 / (1 + exp(-$0)) } : output.difference { $0 }
        let limit: Float = model == .faceDetector && !isScore ? 0.01 : 1e-4
        #expect(difference <= limit)
        print("reference, \(model.rawValue): \(output.ours.count) values, most \(difference)")
      }
    }
  }

  @Test("Landmarks and irises differ by at most 0.01 pixel")
  func landmarks() async throws {
    for outputs in try await Self.compare(.attentionMesh, range: (0, 1)) {
      #expect(outputs.map(\.ours.count) == [1404, 160, 142, 142, 10, 10, 1])
      for output in outputs.dropLast() { #expect(output.difference { $0 } <= 0.01) }
      // The flag is a logit.
      #expect(outputs[6].difference { 1 / (1 + exp(-$0)) } <= 1e-4)
      print("reference, mesh: \(outputs.map { output in output.difference { $0 } })")
    }
  }

  struct Comparison {
    let ours: [Float]
    let theirs: [Float]

    func difference(of value: (Float) -> Float) -> Float {
      zip(ours, theirs).map { abs(value($0) - value($1)) }.max() ?? .infinity
    }
  }

  /// One list of outputs an input.
  private static func compare(
    _ model: VisionModel, range: (Float, Float)
  ) async throws -> [[Comparison]] {
    let network = try Environment.store.network(model)
    let shape = network.inputShape(0)
    let (height, width) = (shape[1], shape[2])
    let folder = TemporaryFolder()
    var ours: [[[Float]]] = []
    for (index, seed) in seeds.enumerated() {
      let drawing =
        seed == seeds.last
        ? Drawing.noise(width: width, height: height, seed: seed)
        : Drawing.face(width: width, height: height, seed: seed)
      _ = folder.write(drawing.bytes, to: "\(index).rgb")
      let input = network.input(0)
      for place in drawing.bytes.indices {
        input[place] = Float(drawing.bytes[place]) * ((range.1 - range.0) / 255) + range.0
      }
      try network.run()
      ours.append((0..<network.outputCount).map { Array(network.output($0)) })
    }
    try await run(
      Environment.python,
      [
        Environment.reference, Environment.store.path(of: model), "\(width)", "\(height)",
        "\(range.0)", "\(range.1)", folder.path, "\(seeds.count)",
      ])
    return ours.enumerated().map { index, outputs in
      outputs.enumerated().map { place, values in
        let bytes = contents(of: folder.file("\(index).\(place).f32"))
        let theirs = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        return Comparison(ours: values, theirs: theirs.count == values.count ? theirs : [])
      }
    }
  }

  private static func run(_ program: String, _ arguments: [String]) async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    try #require(status == 0, "the reference runtime ended with status \(status)")
  }
}
