import Foundation
import Foundations
import Meeting
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

  @Test("Each command of a meeting stands in the help, the man pages and the README")
  func lines() throws {
    func words(_ text: String) -> String {
      text.filter { $0 != "`" }.split { $0.isWhitespace }.joined(separator: " ")
    }
    let readme = words(try Repository().text(of: "README.md"))
    let pages = try ["host", "join"].map { try Repository().text(of: "man/virtue-\($0).1") }
    // The pages have their section from commands whose help ends with it.
    let help = words(LineDiscussion.text)
    for command in LineHelp.commands {
      #expect(readme.contains(command.usage))
      for page in pages { #expect(page.contains("\n.B \(command.usage)\n\(command.meaning).\n")) }
      #expect(help.contains("\(command.usage): \(command.meaning)."))
    }
  }
}
