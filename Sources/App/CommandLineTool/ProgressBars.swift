import Foundation
import Foundations
import Meeting

/// How far files are, a bar each in the last rows of a terminal. All else scrolls above them, whatever is
/// written or typed there: the terminal's scrolling region (DECSTBM of ECMA-48 terminals and the VT100)
/// ends where they begin.
struct ProgressBars {
  private var bars: [(file: EntryID, line: String)] = []
  /// Rows at the bottom that were kept free, of a terminal with so many.
  private var kept: (rows: Int, of: Int) = (0, 0)

  /// More of them would leave little room for the conversation.
  private static let most = 4
  /// Rows of the smallest terminal that has room for bars.
  static let fewestRows = 10
  /// Columns of the widest line without the file's name.
  private static let fixed = 62
  private static let shortestName = 8

  /// - Parameter rows: of the terminal.
  /// - Returns: what is to be written.
  mutating func show(_ line: String, of file: EntryID, rows: Int) -> String {
    if let place = bars.firstIndex(where: { $0.file == file }) {
      bars[place].line = line
    } else {
      bars.append((file, line))
    }
    return draw(rows: rows)
  }

  /// The file has no bar any more; nothing is to be written where it had none.
  mutating func remove(_ file: EntryID, rows: Int) -> String {
    guard bars.contains(where: { $0.file == file }) else { return "" }
    bars.removeAll { $0.file == file }
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

  /// The name as far as it fits beside a bar on a terminal of so many columns; `nil` where a bar would
  /// fill more than a line. Letters beyond ASCII may be two columns wide.
  static func name(_ name: String, columns: Int) -> String? {
    let room = (columns - fixed) / (name.utf8.count == name.count ? 1 : 2)
    guard room >= shortestName else { return nil }
    return name.count <= room ? name : name.prefix(room - 1) + "…"
  }

  /// Whether bars can be drawn on a terminal of so many rows; some can't move.
  static func fits(rows: Int, terminal: String?) -> Bool {
    rows >= fewestRows && !["", "dumb"].contains(terminal ?? "")
  }
}

extension FileReport {
  /// For somebody who reads along.
  /// - Parameter name: the file's, perhaps shortened.
  func sentence(name: String) -> String {
    let line = "⇩ \(name)  #\(file.description.prefix(8))  "
    switch state {
    case .offered: return line + "offered, \(DisplayText.size(total))"
    case .fetching:
      let share = total > 0 ? Double(bytes) / Double(total) : 1
      let filled = Int((share * 20).rounded(.down))
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
      let source =
        switch holders.count {
        case 0: "waits for the rest"
        case 1: "from 1 member"
        case _: "from \(holders.count) members"
        }
      return line + "\(bar) \(Int(share * 100)) % \(source)"
    case .complete: return line + "is here: \(DisplayText.line(path ?? "", limit: 4096))"
    case .cancelled:
      guard let path else { return line + "cancelled" }
      return line
        + "isn't passed on any more; it stays at \(DisplayText.line(path, limit: 4096))"
    case .failed: return line + "failed"
    }
  }
}
