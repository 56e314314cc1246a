/// Text from others, made fit to be shown: what could move a terminal's cursor, reorder a line or hide
/// in it is taken out.
package enum DisplayText {
  /// `text` as one line of at most `limit` characters; `fallback` when nothing visible is left.
  package static func line(_ text: String, limit: Int, otherwise fallback: String = "") -> String {
    let kept = text.unicodeScalars.prefix(limit * 8).compactMap { scalar -> Character? in
      if scalar.properties.isWhitespace || blanks.contains(scalar) { return " " }
      return isHarmless(scalar) ? Character(scalar) : nil
    }
    // Joined as scalars, so that combining marks find their letters again.
    var view = String.UnicodeScalarView()
    for character in kept { view.append(contentsOf: character.unicodeScalars) }
    let words = String(view).split(separator: " ", omittingEmptySubsequences: true)
    let line = String(words.joined(separator: " ").prefix(limit))
    let isSeen = line.unicodeScalars.contains { !$0.properties.isDefaultIgnorableCodePoint }
    return isSeen ? line : fallback
  }

  /// Letters and symbols that show as nothing: Hangul fillers, the Braille pattern without dots.
  private static let blanks: Set<Unicode.Scalar> = [
    "\u{115F}", "\u{1160}", "\u{3164}", "\u{FFA0}", "\u{2800}",
  ]

  /// `text` with its line breaks, without anything else that steers a terminal. A tab, or whatever else
  /// moves on without being a plain space, is one: the words beside it stay apart.
  package static func lines(_ text: String) -> String {
    var view = String.UnicodeScalarView()
    var wasReturn = false
    for scalar in text.unicodeScalars {
      // Together they are one line break.
      if wasReturn, scalar != "\n" { view.append(" ") }
      wasReturn = scalar == "\r"
      if scalar == "\n" || isHarmless(scalar) {
        view.append(scalar)
      } else if scalar.properties.isWhitespace, !wasReturn {
        view.append(" ")
      }
    }
    if wasReturn { view.append(" ") }
    return String(view)
  }

  /// A number of bytes as people read it: "912 bytes", "1.8 MB", in decimal units as file managers have
  /// them.
  package static func size(_ bytes: Int) -> String {
    guard bytes >= 1000 else { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
    var value = Double(bytes) / 1000
    var units = ["kB", "MB", "GB", "TB"][...]
    // What would be rounded up to 1000 is one of the next unit.
    while value >= 999.95, units.count > 1 {
      value /= 1000
      units = units.dropFirst()
    }
    let tenths = Int((value * 10).rounded())
    let number = tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    return "\(number) \(units.first ?? "")"
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator, .unassigned: false
    // Direction overrides and isolates are format characters; the joiners that scripts need are too.
    case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
    case _: true
    }
  }
}
