import Foundations
import Meeting
import Testing
import Wire

@testable import CommandLineTool

@Suite("Progress of files in a terminal")
struct ProgressBarsTests {
  private static func entry(_ number: UInt8) -> EntryID {
    EntryID([UInt8](repeating: number, count: 16))!
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

  @Test("A name is cut so that a bar stays within one line")
  func names() throws {
    let long = String(repeating: "x", count: 300)
    for columns in 70...200 {
      let name = try #require(ProgressBars.name(long, columns: columns))
      let report = FileReport(
        file: Self.entry(1), name: long, state: .fetching, bytes: 10, total: 10,
        holders: (0..<16).map { _ in PeerID(publicKey: [UInt8](repeating: 1, count: 32)) },
        path: nil)
      #expect(report.sentence(name: name).count <= columns)
    }
    #expect(ProgressBars.name(long, columns: 60) == nil)
    #expect(ProgressBars.name("plan.pdf", columns: 80) == "plan.pdf")
  }
}
