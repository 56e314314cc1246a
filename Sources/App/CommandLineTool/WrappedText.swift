import Foundations

/// Lines of others for a terminal, broken here and not by the terminal: whatever follows a break is set
/// in, or blanks would make the rest of a line stand where another's line begins.
enum WrappedText {
  static let indent = "    "
  /// Narrower ones hold no text beside the indent; they break it as they like.
  private static let narrowest = 20

  /// - Parameter columns: of the terminal; `nil` where nothing breaks lines.
  static func wrap(_ text: String, columns: Int?) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let columns, columns >= narrowest else {
      return lines.joined(separator: "\n" + indent)
    }
    return lines.enumerated().flatMap { index, line in
      rows(of: line, first: columns - (index == 0 ? 0 : indent.count), columns: columns)
    }
    .joined(separator: "\n" + indent)
  }

  /// Broken at blanks where there are some, and elsewhere where not.
  private static func rows(of line: Substring, first: Int, columns: Int) -> [String] {
    var rows: [String] = []
    var rest = line
    var room = first
    while let end = end(of: rest, room: room) {
      let row = rest[..<end]
      let blank = row.lastIndex(of: " ").flatMap {
        row.distance(from: row.startIndex, to: $0) > row.count / 2 ? $0 : nil
      }
      rows.append(String(rest[..<(blank ?? end)]))
      rest = rest[(blank ?? end)...].drop { $0 == " " }
      room = columns - indent.count
    }
    return rows + [String(rest)]
  }

  /// Where a row ends; `nil` when all of it fits.
  private static func end(of text: Substring, room: Int) -> Substring.Index? {
    var used = 0
    for index in text.indices {
      used += Terminal.width(of: text[index...index])
      // A terminal may go on to the next row once the last column is filled.
      if used >= room { return index == text.startIndex ? text.index(after: index) : index }
    }
    return nil
  }
}
