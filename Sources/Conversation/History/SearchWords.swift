import Foundation
import Foundations

/// What somebody typed to search for, as SQLite takes it. None of it is read as a query language:
/// quotes, operators and wildcards are text like any other.
struct SearchWords: Sendable {
  /// For the full-text index: every word, folded as that is, each perhaps only begun. `nil` when there is
  /// none.
  let pattern: String?
  /// For a look into each text, and so folded as the texts are: what the index can't find, because it
  /// doesn't cut that into words.
  let parts: [[UInt8]]

  var isEmpty: Bool { pattern == nil && parts.isEmpty }

  /// Longer searches are cut: nobody types so much, and each word costs a look into the index.
  private static let longest = 256

  init(_ text: String, folding: SearchFolding) {
    var words: [String] = []
    var parts: [[UInt8]] = []
    let visible = DisplayText.line(text, limit: Self.longest)
    for word in visible.split(separator: " ") {
      let folded = folding.folded(String(word))
      let text = String(decoding: folded, as: UTF8.self)
      let scalars = text.unicodeScalars
      if scalars.contains(where: Self.isIndexed), !scalars.contains(where: Self.isUnspaced) {
        words.append(Self.phrase(text))
      }
      if !scalars.allSatisfy(Self.isIndexed) { parts.append(folded) }
    }
    pattern = words.isEmpty ? nil : words.joined(separator: " AND ")
    self.parts = parts
  }

  /// What the index doesn't know in it separates words there, as it did in the text.
  private static func phrase(_ folded: String) -> String {
    "\"\(replace(folded.unicodeScalars) { $0 == "\"" ? [" "] : [$0] })\"*"
  }

  /// By scalars, as SQLite reads them: an accent on a quotation mark doesn't make it another sign.
  private static func replace(
    _ word: String.UnicodeScalarView, by replacement: (Unicode.Scalar) -> [Unicode.Scalar]
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

  /// Of a script that puts no spaces between words, so that the index takes whole sentences for one.
  static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // Thai, Lao, Tibetan, Burmese; Khmer; Kana and Han, and those after them but Hangul.
    case 0x0E00...0x109F, 0x1780...0x17FF, 0x2E80...0xABFF, 0xF900...0xFAFF, 0x20000...0x3FFFF:
      true
    case _: false
    }
  }
}
