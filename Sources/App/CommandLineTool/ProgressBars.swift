import Foundation
import Foundations
import Meeting

/// How far files are, drawn over in place at the bottom of a terminal, until something else is written
/// or typed below.
struct ProgressBars {
  /// Whose lines are the last on the screen, from the highest.
  private var rows: [EntryID] = []

  /// More of them would soon be off the screen.
  private static let most = 8
  /// Columns of the widest line without the file's name.
  private static let fixed = 62
  private static let shortestName = 8

  /// - Returns: what is to be written, its line break included.
  mutating func draw(_ line: String, of file: EntryID) -> String {
    guard let row = rows.firstIndex(of: file) else {
      rows.append(file)
      if rows.count > Self.most { rows.removeFirst() }
      return line + "\n"
    }
    // DECSC and DECRC (ECMA-48, VT100): what somebody is typing below stays as it is.
    return "\u{1B}7\u{1B}[\(rows.count - row)A\r\u{1B}[K\(line)\u{1B}8"
  }

  /// Something else stands below from now on.
  mutating func interrupt() { rows = [] }

  /// The name as far as it fits beside a bar on a terminal of so many columns; `nil` where a bar would
  /// fill more than a line. Letters beyond ASCII may be two columns wide.
  static func name(_ name: String, columns: Int) -> String? {
    let room = (columns - fixed) / (name.utf8.count == name.count ? 1 : 2)
    guard room >= shortestName else { return nil }
    return name.count <= room ? name : name.prefix(room - 1) + "…"
  }

  /// - Returns: `nil` where standard output is no terminal.
  static var columns: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
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
      let members = holders.count == 1 ? "1 member" : "\(holders.count) members"
      return line + "\(bar) \(Int(share * 100)) % from \(members)"
    case .complete: return line + "is here: \(path ?? "")"
    case .cancelled: return line + "cancelled"
    case .failed: return line + "failed"
    }
  }
}
