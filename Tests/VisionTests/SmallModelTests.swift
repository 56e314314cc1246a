import Foundation
import Foundations
import MediaSupport
import Testing

@testable import Vision

@Suite("Small models of our own")
struct SmallModelTests {
  @Test("A convolution computes what its kernel and bias say")
  func convolution() throws {
    let network = try Network(SmallModel.convolution)
    let values: [Float] = [1, 2, 0, 0, -1, 4, 10, 20]
    for (index, value) in values.enumerated() { network.input(0)[index] = value }
    try network.run()
    #expect(network.outputShape(0) == [1, 2, 2, 1])
    #expect(Array(network.output(0)) == [1.5, 0.5, -6.5, 10.5])
  }

  @Test("Each runs, whatever is put into it", arguments: SmallModel.all.map(\.name))
  func runs(name: String) throws {
    let bytes = try #require(SmallModel.all.first { $0.name == name }).bytes
    let network = try Network(bytes)
    for value in [0, 1, -1e30, .infinity, .nan] as [Float] {
      for index in 0..<network.inputCount { network.input(index).update(repeating: value) }
      try network.run()
    }
  }

  @Test("The eyes' and lips' crop is cut where the landmarks are")
  func landmarks() throws {
    let network = try Network(try #require(SmallModel.all.first { $0.name == "landmarks" }).bytes)
    // Level, so that the matrix only scales: a box of 1×1, twice as large, in 3×3 pixels.
    let points: [Float] = [1, 1, 0, 2, 1, 0, 1, 2, 0, 2, 2, 9]
    for (index, value) in points.enumerated() { network.input(1)[index] = value }
    network.input(0).update(repeating: 7)
    try network.run()
    #expect(network.output(0).allSatisfy { abs($0 - 7) < 1e-5 })
    // The box begins half its own size before the points' bounds.
    let moved = Array(network.output(1))
    #expect(abs(moved[0] - (0.5 + 2 / 3)) < 1e-5 && abs(moved[11] - 9 * 2 / 3) < 1e-5)
  }

  @Test("Cut short anywhere, or with any byte altered, each gives an error or runs")
  func damaged() {
    var generator = SeededGenerator(seed: 6)
    for (_, bytes) in SmallModel.all {
      for length in 0..<bytes.count {
        if let network = try? Network(Array(bytes[..<length])) { try? network.run() }
      }
      for place in bytes.indices {
        var changed = bytes
        changed[place] = .random(in: 0...255, using: &generator)
        if let network = try? Network(changed) { try? network.run() }
      }
    }
  }

  /// VIRTUE_WRITE_SEEDS=1 writes them.
  @Test("The fuzzer begins with them")
  func seeds() throws {
    let folder = Environment.root.appendingPathComponent("Tests/FuzzingTests/Corpus/model")
    for (name, bytes) in SmallModel.all {
      let file = folder.appendingPathComponent("\(name).tflite")
      if ProcessInfo.processInfo.environment["VIRTUE_WRITE_SEEDS"] != nil {
        try Data(bytes).write(to: file)
      }
      #expect(try Data(contentsOf: file) == Data(bytes))
    }
  }
}
