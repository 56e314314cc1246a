import Testing

@testable import Meeting

@Suite("Commands about files")
struct FileCommandTests {
  @Test(
    "A path with blanks stands in quotes of either kind, or alone; the rest is a note",
    arguments: [
      ("plan.pdf", "plan.pdf", ""), ("plan.pdf for  Monday", "plan.pdf", "for  Monday"),
      ("\"the plan.pdf\" for Monday", "the plan.pdf", "for Monday"),
      ("'the plan.pdf' for Monday", "the plan.pdf", "for Monday"),
      ("\"it's a plan\"", "it's a plan", ""), ("the real plan", "the real plan", ""),
      ("'no end", "'no", "end"), ("\"", "\"", ""), ("''", "", ""),
      ("\u{2028}", "\u{2028}", ""), ("\u{B}", "\u{B}", ""), ("", "", ""),
    ])
  func splits(rest: String, path: String, note: String) {
    let split = FileCommand.split(rest) { $0 == "the real plan" }
    #expect(split.path == path && split.note == note)
  }

  @Test(
    "What isn't one of them, or lacks its file, is no command",
    arguments: ["", "send", "accept ", "sent x", "send \u{2028}", "send \u{B} \u{85}"])
  func none(line: String) {
    #expect(FileCommand(parsing: line) == nil)
  }
}
