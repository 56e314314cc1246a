import Foundation
import GRDB
import Glibc
import Synchronization

/// Text as it is compared in a search, in the full-text index and beside it: whatever its case, accents,
/// vowel points, composition and form of quotation marks, so that "Über", typed with one character or with
/// two for its first letter, is "uber", "Straße" is "STRASSE", and "it’s" is "it's".
///
/// SQLite's LIKE folds ASCII alone. The index's own tokenizer folds more, but letter by letter, takes
/// Hebrew and Arabic points for spaces, and doesn't know the signs that stand between words.
final class SearchFolding: Sendable {
  /// What each scalar of the Basic Multilingual Plane becomes, by its upper eight bits; made as it is
  /// met, since asking Unicode's tables anew takes longer than reading a whole message.
  private let blocks = Mutex<[[[UInt8]]?]>(Array(repeating: nil, count: 256))

  /// UTF-8 of the folded text.
  func folded(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    // Most text is ASCII as far as it goes, and needs no table.
    let rest = text.utf8.firstIndex { $0 >= 0x80 } ?? text.endIndex
    for byte in text.utf8[..<rest] { result.append(Self.lowercased(byte)) }
    guard rest < text.endIndex else { return result }
    blocks.withLock { blocks in
      for scalar in text.unicodeScalars[rest...] {
        guard scalar.value >= 0x80 else {
          result.append(Self.lowercased(UInt8(scalar.value)))
          continue
        }
        guard scalar.value < 0x10000 else {
          result += Self.folded(scalar)
          continue
        }
        let number = Int(scalar.value >> 8)
        let block = blocks[number] ?? Self.block(number)
        if blocks[number] == nil { blocks[number] = block }
        result += block[Int(scalar.value & 0xFF)]
      }
    }
    return result
  }

  /// The text as it is indexed; `nil` where that is the text itself, of which the index folds ASCII.
  func indexed(_ text: String) -> String? {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return nil }
    let folded = folded(text)
    let isSame = folded.elementsEqual(text.utf8.lazy.map(Self.lowercased))
    return isSame ? nil : String(decoding: folded, as: UTF8.self)
  }

  /// SQL's `fold(text)`, see ``indexed(_:)``.
  var indexing: DatabaseFunction {
    DatabaseFunction("fold", argumentCount: 1, pure: true) { values in
      String.fromDatabaseValue(values[0]).flatMap(self.indexed)
    }
  }

  /// SQL's `includes(text, part)`, where the part is folded already. Without a text it is false.
  var function: DatabaseFunction {
    DatabaseFunction("includes", argumentCount: 2, pure: true) { values in
      guard let text = String.fromDatabaseValue(values[0]),
        let part = Data.fromDatabaseValue(values[1])
      else { return false }
      let folded = self.folded(text)
      return folded.withUnsafeBytes { text in
        part.withUnsafeBytes { Self.contains($0, in: text) }
      }
    }
  }

  private static func contains(
    _ part: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer
  ) -> Bool {
    guard let first = part.first, let wanted = part.baseAddress else { return true }
    guard var place = text.baseAddress else { return false }
    let end = place + text.count
    // Of most texts nothing begins like it.
    while end - place >= part.count,
      let found = memchr(place, Int32(first), end - place - part.count + 1)
    {
      if memcmp(found, wanted, part.count) == 0 { return true }
      place = UnsafeRawPointer(found) + 1
    }
    return false
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }

  private static func block(_ number: Int) -> [[UInt8]] {
    (0..<256).map { low in
      // Halves of surrogate pairs are no scalars, and never asked for.
      Unicode.Scalar(UInt32(number << 8 | low)).map(folded) ?? []
    }
  }

  /// Taken apart (canonically), without marks, then lower, upper and lower case: so "ß" and its capital
  /// are "ss" and "ﬁ" is "fi", as by the full mappings (F) of Unicode's CaseFolding.txt, and both forms of
  /// the small sigma are one.
  private static func folded(_ scalar: Unicode.Scalar) -> [UInt8] {
    // Keyboards have the straight ones, phones make curly ones of them.
    switch scalar.value {
    case 0x2018...0x201B: return [UInt8(ascii: "'")]
    case 0x201C...0x201F, 0xAB, 0xBB: return [UInt8(ascii: "\"")]
    case _: break
    }
    // Half and full width are a matter of how Chinese, Japanese and Korean are typed.
    let isWidth = (0xFF00...0xFFEF).contains(scalar.value)
    let one = String(scalar)
    let parts =
      (isWidth
      ? one.decomposedStringWithCompatibilityMapping : one.decomposedStringWithCanonicalMapping)
      .unicodeScalars
    let text = parts.filter { !isMark($0) }.map(\.properties.lowercaseMapping).joined()
    let upper = text.unicodeScalars.map(\.properties.uppercaseMapping).joined()
    return upper.unicodeScalars.flatMap { Array($0.properties.lowercaseMapping.utf8) }
  }

  /// What many leave out and others write: accents, Hebrew and Arabic points, and the tatweel, which only
  /// draws an Arabic word out.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar != "\u{640}" else { return true }
    return scalar.properties.generalCategory == .nonspacingMark
      && !SearchWords.isUnspaced(scalar) && !isVowel(scalar)
  }

  /// Of a script in which a mark is a vowel that nobody leaves out.
  private static func isVowel(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // Thaana; Devanagari to Sinhala; Tagalog and its kin; Limbu to Tai Tham; Balinese to Lepcha; Brahmi
    // and its kin.
    case 0x0780...0x07BF, 0x0900...0x0DFF, 0x1700...0x177F, 0x1900...0x1AAF, 0x1B00...0x1C4F,
      0x11000...0x11FFF:
      true
    case _: false
    }
  }
}
