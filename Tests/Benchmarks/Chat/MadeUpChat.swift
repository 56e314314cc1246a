import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// A long conversation: thirty members, lines of 3 to 20 words, words as frequent as Zipf's law has
/// them. The same for the same seed.
struct MadeUpChat {
  let meeting: MeetingID
  let genesisKey: [UInt8]
  private let keys: [SigningKey]
  private var last: [(hash: EntryHash, sequence: UInt64)?]
  private var time: Int64 = 1_700_000_000_000
  private var chance: SeededGenerator

  static let vocabulary = 20_000

  init(seed: UInt64) {
    func key(_ number: UInt64) -> SigningKey {
      SigningKey(
        from: SecretSource { count in
          var chance = SeededGenerator(seed: seed &* 1000 &+ number)
          return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
        })
    }
    let genesis = key(999)
    genesisKey = genesis.publicKey
    meeting = MeetingID(publicKey: genesisKey)
    keys = (0..<30).map(key)
    last = Array(repeating: nil, count: keys.count)
    chance = SeededGenerator(seed: seed)
  }

  /// The word that is the `rank`th in frequency, from 0: two to six syllables.
  static func word(_ rank: Int) -> String {
    let syllables = ["ba", "ko", "mi", "ru", "te", "sa", "lo", "ni", "pu", "de"]
    var rest = rank
    var word = ""
    repeat {
      word += syllables[rest % 10]
      rest /= 10
    } while rest > 0
    return word + "n"
  }

  private mutating func line() -> String {
    let words = (0..<Int.random(in: 3...20, using: &chance)).map { _ in
      // Zipf's law with exponent 1: ranks spread evenly on a logarithmic scale.
      let rank = exp(Double.random(in: 0..<log(Double(Self.vocabulary)), using: &chance))
      return Self.word(Int(rank) - 1)
    }
    return words.joined(separator: " ")
  }

  /// The next entry, signed.
  mutating func next() throws -> Entry {
    let author = Int.random(in: keys.indices, using: &chance)
    time += Int64.random(in: 1...5000, using: &chance)
    let before = last[author]
    let body = WireChatBody.text(line()).wire
    let bytes = WireChatEntry.with {
      $0.format = 1
      $0.meeting = Data(meeting.bytes)
      $0.authorKey = Data(keys[author].publicKey)
      $0.sequence = (before?.sequence ?? 0) + 1
      $0.previous = Data(before?.hash.bytes ?? [])
      $0.heads = last.indices.filter { $0 != author }.compactMap { last[$0] }.prefix(1).map {
        Data($0.hash.bytes)
      }
      $0.clockMilliseconds = UInt64(time)
      $0.bodyHash = Data(digest(body))
    }.wire
    let entry = try Entry(
      kept: .with {
        $0.entry = Data(bytes)
        $0.signature = Data(keys[author].signature(of: bytes, for: .entry))
        $0.body = Data(body)
      }, meeting: meeting)
    last[author] = (entry.hash, entry.sequence)
    return entry
  }
}
