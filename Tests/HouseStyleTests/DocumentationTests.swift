import Foundation
import Testing

@testable import CommandLineTool

@Suite("Man pages and completions")
struct DocumentationTests {
  @Test("What is kept in the repository is what the commands say")
  func inStep() throws {
    let repository = Repository()
    let files = try DocumentationCommand.files()
    for (path, text) in files {
      let kept = try? repository.text(of: path)
      #expect(
        kept == text,
        "\(path) is out of step: run `swift run virtue documentation .` and commit what it writes")
    }
    let kept =
      repository.files(under: "man", suffix: "").map { $0 }
      + repository.files(under: "completions", suffix: "")
    #expect(Set(kept) == Set(files.keys))
  }
}
