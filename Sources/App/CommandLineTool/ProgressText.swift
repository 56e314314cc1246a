import Foundations
import Meeting

/// How far something is, as one line: as much of it as there is room for.
struct ProgressText {
  /// One letter, perhaps two columns wide.
  let mark: String
  let name: String
  /// What a command calls it by.
  var number: String?
  let bytes: Int
  let total: Int
  let remark: String

  private struct Layout {
    let bar: Int
    let hasNumber: Bool
    let hasRemark: Bool
    let shortestName: Int
  }

  /// What goes first is what is least missed.
  private static let layouts = [
    Layout(bar: 20, hasNumber: true, hasRemark: true, shortestName: 8),
    Layout(bar: 20, hasNumber: true, hasRemark: false, shortestName: 8),
    Layout(bar: 10, hasNumber: true, hasRemark: false, shortestName: 8),
    Layout(bar: 10, hasNumber: false, hasRemark: false, shortestName: 8),
    Layout(bar: 4, hasNumber: false, hasRemark: false, shortestName: 5),
  ]
  /// "100 %".
  private static let percentWidth = 5
  /// The longest of them: a line isn't laid out anew with each report.
  private static let remarkWidth = 18

  /// The whole of it, however long.
  var sentence: String {
    [mark + " " + name, number.map { " " + $0 }, " " + figures(bar: 20), remark]
      .compactMap { $0 }.joined(separator: " ")
  }

  /// - Returns: `nil` where not even the shortest form fits, below 20 columns.
  func line(columns: Int) -> String? {
    for layout in Self.layouts {
      let number = layout.hasNumber ? number : nil
      var fixed = "⇩ ".count + 1 + "  ".count + layout.bar + 1 + Self.percentWidth
      if let number { fixed += number.count + "  ".count }
      if layout.hasRemark { fixed += 1 + Self.remarkWidth }
      guard columns - fixed >= min(layout.shortestName, Terminal.width(of: name)) else { continue }
      let short = ProgressText(
        mark: mark, name: Terminal.shortened(name, columns: columns - fixed), number: number,
        bytes: bytes, total: total, remark: "")
      let line = [
        short.mark + " " + short.name, short.number.map { " " + $0 },
        " " + figures(bar: layout.bar), layout.hasRemark ? remark : nil,
      ]
      return line.compactMap { $0 }.joined(separator: " ")
    }
    return nil
  }

  private func figures(bar width: Int) -> String {
    let share = total > 0 ? Double(bytes) / Double(total) : 1
    let filled = Int((share * Double(width)).rounded(.down))
    let bar =
      String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    return "\(bar) \(Int(share * 100)) %"
  }
}

/// Which reports are worth a line of their own where no bar can be drawn: the first, and one each quarter.
struct ProgressSteps {
  private var quarters: [ProgressBars.Subject: Int] = [:]

  /// - Returns: whether it is to be told of.
  mutating func isNews(_ bytes: Int, of total: Int, on subject: ProgressBars.Subject) -> Bool {
    let quarter = total > 0 ? bytes * 4 / total : 4
    if let told = quarters[subject], told >= quarter { return false }
    quarters[subject] = quarter
    return true
  }

  /// Nothing more is to come of it.
  mutating func end(_ subject: ProgressBars.Subject) { quarters[subject] = nil }
}
