import Testing

@testable import CommandLineTool

@Suite("Progress in one row of a terminal")
struct ProgressLineTests {
  private func line(_ title: String, _ name: String?, _ columns: Int?) -> String {
    ProgressLine.text(
      title, about: name, share: ": 45 %", numbers: " (900 of 2000 ms)", columns: columns)
  }

  @Test("Whatever the terminal's width, a row is never filled", arguments: 1...120)
  func rows(columns: Int) {
    for name in [nil, "cam.webm", "a-long-name-of-a-clip-from-somewhere-cam0.webm", "漢字漢字漢字.webm"] {
      for title in ["Blurring", "Look at camera 12", "Fetching the vision models"] {
        let text = line(title, name, columns)
        #expect(text.reduce(0) { $0 + ($1.isASCII ? 1 : 2) } < columns, "\(text)")
        if columns > 12 { #expect(text.hasSuffix(" %") || text.hasSuffix(" ms)"), "\(text)") }
      }
    }
  }

  @Test("What there is no room for goes: the name's middle, the numbers, the name, the title's")
  func order() {
    let name = "a-long-name-of-camera0.webm"
    let title = "Look at camera 0"
    let whole = "Look at camera 0 (a-long-name-of-camera0.webm): 45 % (900 of 2000 ms)"
    #expect(line(title, name, nil) == whole)
    #expect(line(title, name, 80) == whole)
    #expect(line(title, name, 60) == "Look at camera 0 (a-long-n…a0.webm): 45 % (900 of 2000 ms)")
    #expect(line(title, name, 40) == "Look at camera 0 (a-long…0.webm): 45 %")
    #expect(line(title, name, 25) == "Look at camera 0: 45 %")
    #expect(line(title, name, 20) == "Look a…era 0: 45 %")
    #expect(line("Blurring", nil, 40) == "Blurring: 45 % (900 of 2000 ms)")
    #expect(line("Blurring", nil, 30) == "Blurring: 45 %")
  }

  @Test("Two cameras in one long folder are told apart")
  func names() {
    let folder = "file:/" + String(repeating: "folder/", count: 30)
    #expect(Calibration.name(of: folder + "cam0.webm") == "cam0.webm")
    #expect(Calibration.name(of: "cam1.y4m") == "cam1.y4m")
    let long = String(repeating: "x", count: 200)
    let names = (0..<2).map { Calibration.name(of: folder + long + "-\($0).webm") }
    #expect(names[0] != names[1] && names[0].hasSuffix("-0.webm") && names[0].count <= 60)
    #expect(Calibration.name(of: "file:\u{1B}[31mred.webm") == "[31mred.webm")
  }
}
