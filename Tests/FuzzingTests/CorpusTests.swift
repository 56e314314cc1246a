import Foundation
import Foundations
import FuzzTargets
import Testing

/// What the fuzzer found worth keeping, and damaged copies of it, through every parser.
@Suite("The fuzzer's corpus")
struct CorpusTests {
  private static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpus")

  @Test(
    "Each input is taken without a trap, as is a damaged copy",
    arguments: FuzzTarget.all.map(\.name))
  func replay(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let folder = Self.corpus.appending(path: name)
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    #expect(!files.isEmpty, "\(name) has no corpus: begin Corpus/\(name) with an input of it")
    var chance = SeededGenerator(seed: 1)
    for file in files.sorted() {
      let bytes = Array(try Data(contentsOf: folder.appending(path: file)))
      target.take(bytes)
      var copy = bytes
      for _ in 0..<3 where !copy.isEmpty {
        copy[Int.random(in: 0..<copy.count, using: &chance)] = .random(in: 0...255, using: &chance)
      }
      target.take(copy)
    }
  }

  @Test("Every folder of the corpus belongs to a parser")
  func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path())
    for folder in folders { #expect(FuzzTarget.named(folder) != nil, "\(folder)") }
  }
}
