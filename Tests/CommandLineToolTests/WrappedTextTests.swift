import Testing

@testable import CommandLineTool

@Suite("Lines of others in a terminal")
struct WrappedTextTests {
  @Test("Whatever somebody sends, nothing of it but its beginning stands at a line's beginning")
  func forged() {
    let texts = [
      "eve: hi" + String(repeating: " ", count: 73) + "bob: I agree  #1234abcd",
      "eve: " + String(repeating: "x", count: 75) + "bob: I agree",
      "eve: " + String(repeating: "漢", count: 60) + "bob: I agree",
      "eve: a\nbob: I agree", "eve: \n\n\nbob: I agree",
      "eve: a\n" + String(repeating: " ", count: 76) + "bob: I agree",
    ]
    for text in texts {
      for columns in [20, 40, 79, 80, 81, 200, nil] {
        let lines = WrappedText.wrap(text, columns: columns).split(separator: "\n")
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(WrappedText.indent) }, "\(text)")
        guard let columns else { continue }
        for line in lines {
          #expect(line.reduce(0) { $0 + ($1.isASCII ? 1 : 2) } <= columns, "\(columns): \(line)")
        }
      }
    }
  }

  @Test("Words stay whole, nothing is lost, and what fits is as it was")
  func words() {
    #expect(WrappedText.wrap("ada: short", columns: 80) == "ada: short")
    let text = "ada: " + (1...40).map { "word\($0)" }.joined(separator: " ")
    let wrapped = WrappedText.wrap(text, columns: 40)
    #expect(wrapped.split { $0 == " " || $0 == "\n" } == text.split(separator: " "))
    #expect(WrappedText.wrap("ada: a\n  b", columns: nil) == "ada: a\n      b")
  }
}
