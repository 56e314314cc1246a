package import Foundations

/// What is read out to let somebody in: `7-lagoon-copper-finch`.
///
/// The nameplate is public and finds the inviter; the three words are the secret, 33 bits.
package struct InviteCode: Hashable, Sendable, CustomStringConvertible {
  package static let nameplates = 1...999
  package static let wordCount = 3
  /// The longest text that is looked at: far more than any code with spaces.
  package static let longestText = 200

  package let nameplate: Int
  /// Words of ``WordList``, lower case.
  package let words: [String]

  /// `nil` unless the nameplate is in ``nameplates`` and there are three words, all of the list.
  package init?(nameplate: Int, words: [String]) {
    guard Self.nameplates.contains(nameplate), words.count == Self.wordCount,
      words.allSatisfy({ WordList.word(completing: $0) == $0 })
    else { return nil }
    self.nameplate = nameplate
    self.words = words
  }

  /// A code with fresh words.
  package static func make(nameplate: Int, secrets: SecretSource) -> InviteCode {
    precondition(nameplates.contains(nameplate))
    let limit = UInt32(WordList.words.count)
    let words = (0..<wordCount).map { _ in
      WordList.words[Int(secrets.number(below: limit))]
    }
    return InviteCode(nameplate: nameplate, words: words)!
  }

  /// The code that `text` means: any case, spaces, commas, underscores or dots for hyphens, and words
  /// cut short after four letters.
  /// - Throws: `bad-code`, naming the word that isn't known and the one that was probably meant.
  package init(parsing text: String) throws(Failure) {
    do {
      try self.init(reading: text)
    } catch {
      throw error.failure
    }
  }

  init(reading text: String) throws(AdmissionFailure) {
    guard text.utf8.count <= Self.longestText else {
      throw .badCode(reason: "it is too long")
    }
    let parts = text.split { !$0.isLetter && !$0.isNumber }
    guard let first = parts.first else { throw .badCode(reason: "it is empty") }
    guard first.utf8.allSatisfy({ (48...57).contains($0) }), first.utf8.count <= 6,
      let nameplate = Int(first), Self.nameplates.contains(nameplate)
    else {
      throw .badCode(reason: "it has to begin with a number from 1 to 999")
    }
    guard parts.count == Self.wordCount + 1 else {
      let found = parts.count - 1
      throw .badCode(reason: "it needs three words after the number, and has \(found)")
    }
    var words: [String] = []
    for part in parts.dropFirst() {
      guard let word = WordList.word(completing: part) else {
        throw .badCode(reason: Self.complaint(about: part))
      }
      words.append(word)
    }
    self.nameplate = nameplate
    self.words = words
  }

  private static func complaint(about part: Substring) -> String {
    let shown = DisplayText.line(String(part), limit: 20, otherwise: "?")
    let unknown = "\"\(shown)\" is not one of its words"
    let completions = WordList.words(beginningWith: part)
    if (1...3).contains(completions.count) {
      let list = completions.map { "\"\($0)\"" }.joined(separator: " or ")
      return "\(unknown) (did you mean \(list)?)"
    }
    if let meant = WordList.nearest(to: part) { return "\(unknown) (did you mean \"\(meant)\"?)" }
    return unknown
  }

  /// The three words as they stand in a code: "lagoon-copper-finch".
  package var secret: String { words.joined(separator: "-") }

  /// What both sides of the PAKE start from (its PRS).
  package var passwordBytes: [UInt8] { Array(secret.utf8) }

  package var description: String { "\(nameplate)-\(secret)" }
}
