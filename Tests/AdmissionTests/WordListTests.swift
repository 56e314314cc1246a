import Foundations
import Testing

@testable import Admission

@Suite("Word list")
struct WordListTests {
  @Test(
    "It has 2,048 different words of 4 to 8 plain letters, in order, told apart by the first four")
  func shape() {
    let words = WordList.words
    #expect(words.count == 2048)
    #expect(words == words.sorted())
    #expect(Set(words).count == words.count)
    #expect(Set(words.map { $0.prefix(4) }).count == words.count)
    for word in words {
      #expect((4...8).contains(word.count), "\(word)")
      #expect(word.utf8.allSatisfy { (97...122).contains($0) }, "\(word)")
    }
  }

  @Test("No word is one that is said while a code is read aloud")
  func readingAloud() {
    let said = ["dash", "hyphen", "minus", "space", "code", "word", "letter", "number", "seven"]
    #expect(Set(said).isDisjoint(with: WordList.words))
  }

  @Test("Four letters or more complete a word, in any case; fewer and others don't")
  func completing() {
    for word in WordList.words {
      for length in 4...word.count {
        #expect(WordList.word(completing: word.prefix(length)) == word)
      }
      #expect(WordList.word(completing: word.uppercased()) == word)
      #expect(WordList.word(completing: word.prefix(3)) == nil)
    }
    #expect(WordList.word(completing: "lagoons") == nil)
    #expect(WordList.word(completing: "zzzz") == nil)
    #expect(WordList.word(completing: "aaaa") == nil)
    #expect(WordList.word(completing: "") == nil)
  }

  @Test("Tab finds all words that begin with what is typed")
  func tab() {
    #expect(WordList.words(beginningWith: "").count == 2048)
    for prefix in ["la", "LAG", "x", "zoo", "finch", "finchy"] {
      let expected = WordList.words.filter { $0.hasPrefix(prefix.lowercased()) }
      #expect(Array(WordList.words(beginningWith: prefix)) == expected)
    }
  }

  @Test("A slip of the finger still finds the word that was meant")
  func nearest() {
    #expect(WordList.nearest(to: "lagon") == "lagoon")
    #expect(WordList.nearest(to: "lgaoon") == "lagoon")
    #expect(WordList.nearest(to: "coppre") == "copper")
    #expect(WordList.nearest(to: "phinch") == "finch")
    #expect(WordList.nearest(to: "qqqqqqqq") == nil)
    #expect(WordList.nearest(to: "a") == nil)
    #expect(WordList.nearest(to: String(repeating: "a", count: 1_000_000)) == nil)
  }
}
