import Foundations
import MediaSupport
import Testing

@testable import Vision

@Suite("Hostile model files")
struct HostileModelTests {
  @Test("Garbage is no model")
  func garbage() {
    var generator = SeededGenerator(seed: 1)
    for length in [0, 1, 4, 7, 8, 12, 64, 1000, 100_000] {
      var bytes: [UInt8] = (0..<length).map { _ in .random(in: 0...255, using: &generator) }
      #expect(throws: ModelFailure.self) { try Network(bytes) }
      guard length >= 8 else { continue }
      bytes.replaceSubrange(4..<8, with: "TFL3".utf8)
      #expect(throws: ModelFailure.self) { try Network(bytes) }
      bytes.replaceSubrange(0..<4, with: [8, 0, 0, 0])
      #expect(throws: ModelFailure.self) { try Network(bytes) }
    }
  }

  @Test("A file beyond the limit isn't even looked at")
  func oversized() {
    let bytes = [UInt8](repeating: 0, count: ModelBounds.fileLimit + 1)
    #expect(throws: ModelFailure.oversized(bytes: bytes.count)) { try Network(bytes) }
  }

  @Test(
    "A model cut short anywhere gives an error", .needsModels, arguments: VisionModel.allCases)
  func truncated(model: VisionModel) throws {
    let bytes = try Environment.store.bytes(of: model)
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<150 {
      let length = Int.random(in: 0..<bytes.count, using: &generator)
      #expect(throws: ModelFailure.self) { try ModelReader.read(Array(bytes[..<length])) }
    }
    #expect(throws: ModelFailure.self) { try Network(Array(bytes.dropLast(bytes.count / 3))) }
  }

  @Test(
    "An altered model gives an error or runs, and never more than its shapes say",
    .needsModels, arguments: [VisionModel.faceDetector, .landscapeSegmentation])
  func altered(model: VisionModel) throws {
    let bytes = try Environment.store.bytes(of: model)
    var generator = SeededGenerator(seed: 3)
    var refused = 0
    for round in 0..<120 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        // Where the structure is: tables and options lie at both ends, weights between.
        let place =
          Bool.random(using: &generator)
          ? Int.random(in: 0..<20_000, using: &generator)
          : bytes.count - 1 - Int.random(in: 0..<40_000, using: &generator)
        changed[place] = .random(in: 0...255, using: &generator)
      }
      do throws(ModelFailure) {
        if round.isMultiple(of: 8) {
          try Network(changed).run()
        } else {
          _ = try ModelReader.read(changed)
        }
      } catch {
        refused += 1
      }
    }
    #expect(refused > 10)
  }

  @Test("Options that point out of their buffer are refused")
  func options() {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<3000 {
      let count = Int.random(in: 0..<48, using: &generator)
      var bytes: [UInt8] = (0..<count).map { _ in .random(in: 0...255, using: &generator) }
      // As if it were a map.
      if count > 2 { (bytes[count - 1], bytes[count - 2]) = (1, 9 << 2 | UInt8(count % 4)) }
      guard let map = try? FlexMap(bytes[...]) else { continue }
      _ = try? map.number("scale_x")
      _ = try? map.integers("subset_idxs", limit: 100)
    }
  }
}
