import Foundation
import Testing

@testable import History

@Suite("Folding for a search")
struct SearchFoldingTests {
  private let folding = SearchFolding()

  @Test("A letter and whatever it is in another case or taken apart are folded alike, once for all")
  func closed() {
    for value in 0x80...UInt32(0x1FFFF) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let (text, properties) = (String(scalar), scalar.properties)
      let folded = folding.folded(text)
      let apart = text.decomposedStringWithCanonicalMapping
      var others = [apart, text.precomposedStringWithCanonicalMapping]
      // The iota that is written below a vowel is left out like an accent, and is a letter in capitals.
      if !apart.unicodeScalars.contains("\u{345}") {
        others += [
          properties.lowercaseMapping, properties.uppercaseMapping, properties.titlecaseMapping,
        ]
      }
      for other in others where folding.folded(other) != folded {
        Issue.record("\(text) and \(other), U+\(String(value, radix: 16))")
      }
      if folding.folded(String(decoding: folded, as: UTF8.self)) != folded {
        Issue.record("\(text), folded twice, U+\(String(value, radix: 16))")
      }
    }
  }

  @Test("What is folded as the index itself does is kept once")
  func indexed() {
    for text in ["Plain TEXT", "明天 OK", "שלום", "мир", ""] { #expect(folding.indexed(text) == nil) }
    #expect(folding.indexed("Straße Nº") == "strasse nº")
    #expect(folding.indexed("МИР") == "мир")
    #expect(folding.indexed("ＦＵＬＬ　ｶﾞ") == "full　ガ")
    #expect(folding.indexed("\u{640}\u{64B}")?.isEmpty == true)
  }
}
