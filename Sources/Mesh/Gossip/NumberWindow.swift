/// Which of an author's numbers were seen: the largest, and one bit for each of the 1,023 below it
/// (as RFC 4303 §3.4.3 keeps out replays). 128 bytes and a little an author, however many envelopes it sends.
struct NumberWindow: Sendable {
  enum Standing {
    case new
    case seen
    /// Below the window: perhaps seen, perhaps not.
    case tooOld
  }

  private static let wordCount = 16
  static let width = UInt64(wordCount * 64)

  private var largest: UInt64?
  /// Bit n mod 1,024 stands for number n.
  private var words = [UInt64](repeating: 0, count: wordCount)

  /// Bytes on the heap.
  var byteCount: Int { words.count * 8 }

  func standing(of number: UInt64) -> Standing {
    guard let largest, number <= largest else { return .new }
    guard largest - number < Self.width else { return .tooOld }
    return words[Self.word(number)] & Self.bit(number) == 0 ? .new : .seen
  }

  mutating func insert(_ number: UInt64) {
    guard let largest else {
      self.largest = number
      words[Self.word(number)] |= Self.bit(number)
      return
    }
    if number > largest {
      if number - largest >= Self.width {
        words = [UInt64](repeating: 0, count: Self.wordCount)
      } else {
        var skipped = largest + 1
        while skipped < number {
          words[Self.word(skipped)] &= ~Self.bit(skipped)
          skipped += 1
        }
      }
      self.largest = number
    } else if largest - number >= Self.width {
      return
    }
    words[Self.word(number)] |= Self.bit(number)
  }

  private static func word(_ number: UInt64) -> Int { Int(number % width / 64) }

  private static func bit(_ number: UInt64) -> UInt64 { 1 << (number % 64) }
}
