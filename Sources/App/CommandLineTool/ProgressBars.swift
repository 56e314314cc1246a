import Foundation
import Foundations
import Meeting

/// How far files are, a bar each in the last rows of a terminal. All else scrolls above them, whatever is
/// written or typed there: the terminal's scrolling region (DECSTBM of ECMA-48 terminals and the VT100)
/// ends where they begin.
struct ProgressBars {
  /// What a bar is about: a file that is fetched, or one of one's own that is read.
  enum Subject: Hashable {
    case fetching(EntryID)
    case reading(Int)
  }

  private var bars: [(subject: Subject, line: String)] = []
  /// Rows at the bottom that were kept free, of a terminal with so many.
  private var kept: (rows: Int, of: Int) = (0, 0)

  /// More of them would leave little room for the conversation.
  private static let most = 4
  /// Rows of the smallest terminal that has room for bars.
  static let fewestRows = 10

  /// - Parameter rows: of the terminal.
  /// - Returns: what is to be written.
  mutating func show(_ line: String, of subject: Subject, rows: Int) -> String {
    if let place = bars.firstIndex(where: { $0.subject == subject }) {
      bars[place].line = line
    } else {
      bars.append((subject, line))
    }
    return draw(rows: rows)
  }

  /// It has no bar any more; nothing is to be written where there was none.
  mutating func remove(_ subject: Subject, rows: Int) -> String {
    guard bars.contains(where: { $0.subject == subject }) else { return "" }
    bars.removeAll { $0.subject == subject }
    return draw(rows: rows)
  }

  /// Gives the whole terminal back.
  mutating func end() -> String {
    bars = []
    return kept.rows > 0 ? draw(rows: kept.of) : ""
  }

  private mutating func draw(rows: Int) -> String {
    let shown = bars.prefix(Self.most)
    // Somebody has drawn the window larger or smaller: what stood at the bottom is anywhere now.
    let wasDrawn = kept.rows > 0
    let former = kept.of == rows ? kept.rows : 0
    kept = (shown.count, rows)
    var text = ""
    if former == 0, wasDrawn {
      // Below the place of typing there are but the remains of former bars.
      text += "\u{1B}7\u{1B}[r\u{1B}8\u{1B}[J"
    }
    if shown.count > former {
      // IND moves down and, at the end, scrolls; then as far up again: what stands in the rows that are
      // to be free moves out of them, and who types goes on in the same column.
      let more = shown.count - former
      text += String(repeating: "\u{1B}D", count: more) + "\u{1B}[\(more)A"
    }
    // DECSC and DECRC keep the place around DECSTBM, which moves it.
    text += "\u{1B}7"
    if shown.count != former {
      text += shown.isEmpty ? "\u{1B}[r" : "\u{1B}[1;\(rows - shown.count)r"
      text += "\u{1B}[\(rows - max(shown.count, former) + 1);1H\u{1B}[J"
    }
    for (place, bar) in shown.enumerated() {
      text += "\u{1B}[\(rows - shown.count + place + 1);1H\u{1B}[2K\(bar.line)"
    }
    return text + "\u{1B}8"
  }

  /// Whether bars can be drawn on a terminal of so many rows; some can't move.
  static func fits(rows: Int, terminal: String?) -> Bool {
    rows >= fewestRows && !["", "dumb"].contains(terminal ?? "")
  }
}

extension FileReport {
  /// Of a file that is being fetched.
  var progress: ProgressText {
    let source =
      switch holders.count {
      case 0: "waits for the rest"
      case 1: "from 1 member"
      case _: "from \(holders.count) members"
      }
    return ProgressText(
      mark: "⇩", name: name, number: number, bytes: bytes, total: total, remark: source)
  }

  private var number: String { "#\(file.description.prefix(8))" }

  /// For somebody who reads along.
  var sentence: String {
    let line = "⇩ \(name)  \(number)  "
    switch state {
    case .offered: return line + "offered, \(DisplayText.size(total))"
    case .fetching: return progress.sentence
    case .complete:
      let place = DisplayText.line(path ?? "", limit: 4096)
      return line
        + (hasOtherName
          ? "has the same contents as \(place), which is here" : "is here: \(place)")
    case .cancelled:
      guard let path else { return line + "cancelled" }
      return line
        + "isn't passed on any more; it stays at \(DisplayText.line(path, limit: 4096))"
    case .failed: return line + "failed"
    }
  }
}

extension FileReading {
  var progress: ProgressText {
    ProgressText(mark: "⇧", name: name, bytes: bytes, total: total, remark: "reading")
  }
}
