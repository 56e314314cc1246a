import Foundations

/// What somebody typed to search for, as SQLite takes it. None of it is read as a query language:
/// quotes, operators and wildcards are text like any other.
struct SearchWords: Sendable {
  /// For the full-text index: every word, each perhaps only begun. `nil` when there is none.
  let pattern: String?
  /// For LIKE: what the index can't find, because it doesn't cut that into words.
  let parts: [String]

  var isEmpty: Bool { pattern == nil && parts.isEmpty }

  /// Longer searches are cut: nobody types so much, and each word costs a look into the index.
  private static let longest = 256

  init(_ text: String) {
    var words: [String] = []
    var parts: [String] = []
    let visible = DisplayText.line(text, limit: Self.longest)
    for word in visible.split(separator: " ") {
      let scalars = word.unicodeScalars
      if scalars.contains(where: Self.isIndexed), !scalars.contains(where: Self.isUnspaced) {
        // What the index doesn't know in it separates words there, as it did in the text.
        words.append("\"\(Self.replace(scalars) { $0 == "\"" ? [" "] : [$0] })\"*")
      }
      if !scalars.allSatisfy({ Self.isIndexed($0) || Self.isMark($0) }) {
        let escaped = Self.replace(scalars) {
          "%_\\".unicodeScalars.contains($0) ? ["\\", $0] : [$0]
        }
        parts.append("%\(escaped)%")
      }
    }
    pattern = words.isEmpty ? nil : words.joined(separator: " ")
    self.parts = parts
  }

  /// By scalars, as SQLite reads them: an accent on a quotation mark doesn't make it another sign.
  private static func replace(
    _ word: Substring.UnicodeScalarView, by replacement: (Unicode.Scalar) -> [Unicode.Scalar]
  ) -> String {
    var view = String.UnicodeScalarView()
    for scalar in word { view.append(contentsOf: replacement(scalar)) }
    return String(view)
  }

  /// What the index's tokenizer, unicode61, makes words of.
  private static func isIndexed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber:
      !isUnspaced(scalar)
    case _: false
    }
  }

  /// An accent apart from its letter. The index leaves accents out.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .nonspacingMark && !isUnspaced(scalar)
  }

  /// Of a script that puts no spaces between words, so that the index takes whole sentences for one.
  private static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // Thai, Lao, Tibetan, Burmese; Khmer; Kana and Han, and those after them but Hangul.
    case 0x0E00...0x109F, 0x1780...0x17FF, 0x2E80...0xABFF, 0xF900...0xFAFF, 0x20000...0x3FFFF:
      true
    case _: false
    }
  }
}
