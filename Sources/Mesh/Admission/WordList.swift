/// The 2,048 words that invite codes and security words are made of.
///
/// No two begin with the same four letters, so four letters are enough to say which one is meant.
package enum WordList {
  /// In alphabetical order; a word's place in it is its value, 11 bits.
  package static let words: [String] = text.split(whereSeparator: \.isWhitespace).map(String.init)

  /// How many letters settle a word.
  package static let decisivePrefix = 4
  package static let longestWord = 8

  /// The word that `text` spells out, or begins with at least ``decisivePrefix`` letters.
  package static func word(completing text: some StringProtocol) -> String? {
    guard (decisivePrefix...longestWord).contains(text.utf8.count) else { return nil }
    let typed = text.lowercased()
    let candidate = words[places(of: typed)].first
    return candidate?.hasPrefix(typed) == true ? candidate : nil
  }

  /// All words that begin with `prefix`, for completing with Tab.
  package static func words(beginningWith prefix: some StringProtocol) -> ArraySlice<String> {
    guard prefix.utf8.count <= longestWord else { return [] }
    return words[places(of: prefix.lowercased())]
  }

  /// The word that `text` was most likely meant to be: at most two slips of the finger away.
  package static func nearest(to text: some StringProtocol) -> String? {
    // Longer than any word by more than two letters is no slip; nor is its distance worth computing.
    guard (2...longestWord + 2).contains(text.utf8.count) else { return nil }
    let typed = Array(text.lowercased().utf8)
    let closest = words.map { (word: $0, slips: distance(typed, Array($0.utf8))) }
      .min { $0.slips < $1.slips }
    guard let closest, closest.slips <= 2, closest.slips < typed.count - 1 else { return nil }
    return closest.word
  }

  /// Where the words that begin with `prefix` stand.
  private static func places(of prefix: String) -> Range<Int> {
    let start = firstPlace { $0 >= prefix }
    return start..<firstPlace { $0 >= prefix && !$0.hasPrefix(prefix) }
  }

  /// The first place whose word fulfils `condition`, which holds for all words from some place on.
  private static func firstPlace(where condition: (String) -> Bool) -> Int {
    var range = 0..<words.count
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      range = condition(words[middle]) ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return range.lowerBound
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two words (the optimal
  /// string alignment distance).
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before = [Int](repeating: 0, count: right.count + 1)
    var above = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var line = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(
          line[column] + 1, above[column + 1] + 1, above[column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          best = min(best, before[column - 1] + 1)
        }
        line.append(best)
      }
      (before, above) = (above, line)
    }
    return above[right.count]
  }
}
