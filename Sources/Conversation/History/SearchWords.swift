import Foundation
import Foundations

/// What somebody typed to search for, as SQLite takes it. Words in quotation marks are to stand together;
/// nothing else is read as a query language: operators and wildcards are text like any other.
struct SearchWords: Sendable {
  /// For the full-text index: every word, folded as that is, each perhaps only begun, unless a quotation
  /// mark ends it. `nil` when there is none.
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
    let folded = String(decoding: folding.folded(visible), as: UTF8.self).unicodeScalars
    for (scalars, isQuoted) in Self.pieces(of: folded) {
      let isUnspaced = scalars.contains(where: Self.isUnspaced)
      if !isUnspaced, scalars.contains(where: Self.isIndexed) {
        words.append(Self.phrase(scalars) + (isQuoted ? "" : "*"))
      }
      // Side by side is for the index, wherever that knows words: a line break may stand between them.
      for part in isUnspaced ? [scalars] : scalars.split(separator: " ")
      where !part.allSatisfy(Self.isIndexed) {
        parts.append(Array(String(part).utf8))
      }
    }
    pattern = words.isEmpty ? nil : words.joined(separator: " AND ")
    self.parts = parts
  }

  /// Words, and what stands in quotation marks. A mark that none closes is none.
  ///
  /// By scalars, as SQLite reads them: an accent on a quotation mark doesn't make it another sign.
  private static func pieces(
    of text: String.UnicodeScalarView
  ) -> [(scalars: Substring.UnicodeScalarView, isQuoted: Bool)] {
    var pieces: [(scalars: Substring.UnicodeScalarView, isQuoted: Bool)] = []
    var rest = text[...].drop { $0 == " " }
    while let first = rest.first {
      let inner = rest.dropFirst()
      let close = first == "\"" ? closingQuote(in: inner) : nil
      if let close {
        pieces.append((inner[..<close], true))
        rest = inner[close...].dropFirst()
      } else {
        let end = rest.firstIndex(of: " ") ?? rest.endIndex
        let word = rest[..<end].drop { $0 == "\"" }
        pieces.append((word.isEmpty ? rest[..<end] : word, false))
        rest = rest[end...]
      }
      rest = rest.drop { $0 == " " }
    }
    return pieces
  }

  /// The next that ends a word, if there is one before it.
  private static func closingQuote(
    in text: Substring.UnicodeScalarView
  ) -> Substring.UnicodeScalarView.Index? {
    text.indices.first { place in
      let next = text.index(after: place)
      return text[place] == "\"" && (next == text.endIndex || text[next] == " ")
        && text[..<place].contains { $0 != " " }
    }
  }

  /// What the index doesn't know in it separates words there, as it did in the text.
  private static func phrase(_ folded: Substring.UnicodeScalarView) -> String {
    var view = String.UnicodeScalarView()
    for scalar in folded { view.append(scalar == "\"" ? " " : scalar) }
    return "\"\(view)\""
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
