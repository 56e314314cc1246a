import Foundation

/// How much room a terminal has, and how text is made to fit.
enum Terminal {
  /// What a terminal that doesn't say how wide it is counts as.
  private static let usualColumns = 80

  /// Asked for each time: a window is drawn larger and smaller.
  /// - Returns: `nil` where `descriptor` is no terminal; no rows where it doesn't say.
  static func size(of descriptor: Int32) -> (rows: Int, columns: Int)? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return (0, usualColumns)
    }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  /// Letters beyond ASCII may be two columns wide.
  static func width(of text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of letter: Character) -> Int { letter.isASCII ? 1 : 2 }

  /// `text` within so many columns, without its middle where it is too long: what tells one name from
  /// another stands at the end as often as at the beginning.
  static func shortened(_ text: String, columns: Int) -> String {
    guard width(of: text) > columns else { return text }
    var room = columns - width(of: "…")
    guard room >= 0 else { return "" }
    var (first, last) = (text.startIndex, text.endIndex)
    var takesFirst = true
    while first < last {
      let before = text.index(before: last)
      let letter = takesFirst ? text[first] : text[before]
      room -= width(of: letter)
      if room < 0 { break }
      if takesFirst { first = text.index(after: first) } else { last = before }
      takesFirst.toggle()
    }
    return text[..<first] + "…" + text[last...]
  }
}
