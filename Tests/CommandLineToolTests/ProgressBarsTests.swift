import Foundations
import Meeting
import Testing
import Wire

@testable import CommandLineTool

@Suite("Progress of files in a terminal")
struct ProgressBarsTests {
  private static func entry(_ number: UInt8) -> ProgressBars.Subject {
    .fetching(EntryID([UInt8](repeating: number, count: 16))!)
  }

  @Test("Bars stand in the last rows, and give them back one by one")
  func rows() {
    var bars = ProgressBars()
    // Room is made for the first: a row down, up again, the region ends above it.
    #expect(
      bars.show("a 0 %", of: Self.entry(1), rows: 24)
        == "\u{1B}D\u{1B}[1A\u{1B}7\u{1B}[1;23r\u{1B}[24;1H\u{1B}[J"
        + "\u{1B}[24;1H\u{1B}[2Ka 0 %\u{1B}8")
    #expect(
      bars.show("a 9 %", of: Self.entry(1), rows: 24)
        == "\u{1B}7\u{1B}[24;1H\u{1B}[2Ka 9 %\u{1B}8")
    #expect(
      bars.show("b 0 %", of: Self.entry(2), rows: 24)
        == "\u{1B}D\u{1B}[1A\u{1B}7\u{1B}[1;22r\u{1B}[23;1H\u{1B}[J"
        + "\u{1B}[23;1H\u{1B}[2Ka 9 %\u{1B}[24;1H\u{1B}[2Kb 0 %\u{1B}8")
    #expect(
      bars.remove(Self.entry(1), rows: 24)
        == "\u{1B}7\u{1B}[1;23r\u{1B}[23;1H\u{1B}[J\u{1B}[24;1H\u{1B}[2Kb 0 %\u{1B}8")
    #expect(bars.remove(Self.entry(1), rows: 24) == "")
    #expect(bars.end() == "\u{1B}7\u{1B}[r\u{1B}[24;1H\u{1B}[J\u{1B}8")
    #expect(bars.end() == "")
  }

  @Test("A fifth file waits for room, and another size of the terminal begins anew")
  func most() {
    var bars = ProgressBars()
    for number in 1...4 { _ = bars.show("f", of: Self.entry(UInt8(number)), rows: 30) }
    #expect(!bars.show("waits", of: Self.entry(5), rows: 30).contains("waits"))
    #expect(bars.remove(Self.entry(2), rows: 30).contains("waits"))
    #expect(bars.show("f", of: Self.entry(1), rows: 40).contains("\u{1B}[1;36r"))
    #expect(!ProgressBars.fits(rows: 9, terminal: "xterm"))
    #expect(!ProgressBars.fits(rows: 50, terminal: "dumb"))
  }

  private static func texts(_ name: String) -> [ProgressText] {
    let holders = (0..<16).map { _ in PeerID(publicKey: [UInt8](repeating: 1, count: 32)) }
    let report = FileReport(
      file: EntryID([UInt8](repeating: 1, count: 16))!, name: name, state: .fetching, bytes: 10,
      total: 10, holders: holders, path: nil)
    return [
      report.progress,
      FileReading(number: 1, name: name, state: .reading, bytes: 10, total: 10).progress,
    ]
  }

  @Test(
    "A file that lies under another's name is said to have the same contents",
    arguments: [
      ("q.txt", "/dl/p.txt", true), ("p.txt", "/dl/p.txt", false),
      ("p.txt", "/dl/p (2).txt", false), (".p:x", "/own/.p:x", false),
    ])
  func otherName(name: String, path: String, isOther: Bool) {
    let report = FileReport(
      file: EntryID([UInt8](repeating: 1, count: 16))!, name: name, state: .complete, bytes: 10,
      total: 10, holders: [], path: path)
    let expected =
      isOther ? "has the same contents as \(path), which is here" : "is here: \(path)"
    #expect(report.sentence.hasSuffix("  " + expected), "\(report.sentence)")
  }

  @Test("A bar and a part of the name fit into one line of any terminal from 20 columns on")
  func fits() throws {
    let names = [String(repeating: "x", count: 300), String(repeating: "é", count: 300), "a.pdf"]
    for text in names.flatMap(Self.texts) {
      for columns in 20...200 {
        let line = try #require(text.line(columns: columns), "\(columns)")
        // The mark and what was left out may be two columns wide.
        let shown = line.replacing("█", with: "#").replacing("░", with: "#")
        #expect(Terminal.width(of: shown) <= columns, "\(columns): \(line)")
        #expect(line.contains("█") && line.contains("100 %"))
      }
    }
    for text in Self.texts(names[0]) { #expect(text.line(columns: 19) == nil) }
  }

  @Test("A wide terminal shows all of it, a narrower one leaves out what is least missed")
  func layouts() {
    let text = Self.texts("plan.pdf")[0]
    let bar = String(repeating: "█", count: 20)
    #expect(text.line(columns: 80) == "⇩ plan.pdf  #01010101  \(bar) 100 % from 16 members")
    #expect(text.line(columns: 60) == "⇩ plan.pdf  #01010101  \(bar) 100 %")
    #expect(text.line(columns: 40) == "⇩ plan.pdf  #01010101  ██████████ 100 %")
    #expect(text.line(columns: 30) == "⇩ plan.pdf  ██████████ 100 %")
    #expect(text.line(columns: 24) == "⇩ plan.pdf  ████ 100 %")
    #expect(text.sentence == "⇩ plan.pdf  #01010101  \(bar) 100 % from 16 members")
  }

  @Test("Where no bar can be drawn, its beginning and each quarter are told of, once")
  func steps() {
    var steps = ProgressSteps()
    let told = (0...1000).filter { steps.isNews($0, of: 1000, on: Self.entry(1)) }
    #expect(told == [0, 250, 500, 750, 1000])
    let other = steps.isNews(10, of: 1000, on: Self.entry(2))
    steps.end(Self.entry(1))
    let again = steps.isNews(300, of: 1000, on: Self.entry(1))
    #expect(other && again)
    let empty = (0..<3).map { _ in steps.isNews(0, of: 0, on: Self.entry(3)) }
    #expect(empty == [true, false, false])
  }
}
