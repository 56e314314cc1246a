import Testing

@testable import Files

@Suite("File names from others")
struct FileNameTests {
  @Test(
    "A name becomes one that is safe to make a file of",
    arguments: [
      ("plan.pdf", "plan.pdf"), ("../../etc/passwd", "_.._etc_passwd"), (".bashrc", "bashrc"),
      ("", "file"), ("...", "file"), ("a\u{202E}fdp.exe", "afdp.exe"), ("a\nb\u{1B}[2J", "ab[2J"),
      ("CON", "_CON"), ("con.txt", "_con.txt"), ("-rf", "rf"), ("a/b", "a_b"), ("x. ", "x"),
      (".\u{301}hidden", "hidden"), ("-\u{301}rf", "rf"), ("\u{301}.a", "a"),
    ])
  func sanitised(name: String, expected: String) {
    #expect(FileName.sanitised(name) == expected)
  }

  @Test("A long name is cut by bytes and keeps its suffix")
  func long() {
    let name = FileName.sanitised(String(repeating: "ä", count: 400) + ".pdf")
    #expect(name.utf8.count <= 200)
    #expect(name.hasSuffix("ä.pdf"))
  }

  @Test("The second of a name gets a number before its suffix")
  func numbered() {
    #expect(FileName.numbered("a.tar.gz", 2) == "a.tar (2).gz")
    #expect(FileName.numbered("a", 3) == "a (3)")
  }
}
