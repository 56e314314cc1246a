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

  @Test("Bars are drawn over in place, each its own, until something stands below them")
  func inPlace() {
    var bars = ProgressBars()
    #expect(bars.draw("a 0 %", of: Self.entry(1)) == "a 0 %\n")
    #expect(bars.draw("b 0 %", of: Self.entry(2)) == "b 0 %\n")
    #expect(bars.draw("a 9 %", of: Self.entry(1)) == "\u{1B}7\u{1B}[2A\r\u{1B}[Ka 9 %\u{1B}8")
    #expect(bars.draw("b 9 %", of: Self.entry(2)) == "\u{1B}7\u{1B}[1A\r\u{1B}[Kb 9 %\u{1B}8")
    bars.interrupt()
    #expect(bars.draw("a 10 %", of: Self.entry(1)) == "a 10 %\n")
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
