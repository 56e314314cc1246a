import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("Entry")
struct EntryTests {
  let key = signingKey(1)

  @Test("An entry that its author signed is taken as it was said")
  func taken() throws {
    let entry = try Entry(verifying: forge(by: key), meeting: meeting)
    #expect(entry.body == .text("hello"))
    #expect(entry.author == PeerID(publicKey: key.publicKey))
    #expect(entry.sequence == 1)
    #expect(entry.previous == nil)
    #expect(entry.clock.milliseconds == wall(1).milliseconds)
    #expect(entry.id.bytes == Array(entry.hash.bytes.prefix(16)))
  }

  @Test("Changing any byte of entry, signature or body makes it void")
  func altered() {
    let signed = forge(by: key)
    for place in 0..<signed.entry.count {
      var other = signed
      other.entry[place] ^= 1
      #expect(throws: ChatError.self) { try Entry(verifying: other, meeting: meeting) }
    }
    for place in 0..<signed.signature.count {
      var other = signed
      other.signature[place] ^= 1
      #expect(throws: ChatError.self) { try Entry(verifying: other, meeting: meeting) }
    }
    for place in 0..<signed.body.count {
      var other = signed
      other.body[place] ^= 1
      #expect(throws: ChatError.self) { try Entry(verifying: other, meeting: meeting) }
    }
  }

  @Test("Fields out of their bounds are refused though they are signed", arguments: 0..<11)
  func bounds(number: Int) {
    let changes: [(inout WireChatEntry) -> Void] = [
      { $0.format = 2 },
      { $0.meeting = Data(repeating: 8, count: 16) },
      { $0.authorKey = Data(repeating: 8, count: 31) },
      { $0.sequence = 0 },
      { $0.sequence = .max },
      { $0.sequence = 2 },
      { $0.previous = Data(repeating: 1, count: 32) },
      { $0.heads = Array(repeating: Data(repeating: 1, count: 32), count: 9) },
      { $0.heads = [Data(repeating: 1, count: 31)] },
      { $0.clockMilliseconds = .max },
      { $0.bodyHash = Data() },
    ]
    let signed = forge(by: key, change: changes[number])
    #expect(throws: ChatError.self) { try Entry(verifying: signed, meeting: meeting) }
  }

  @Test("A text is refused when it is too long, empty, or of nothing but control characters")
  func texts() throws {
    let longest = String(repeating: "é", count: WireBounds.chatText / 2)
    _ = try Entry(verifying: forge(by: key, body: .text(longest)), meeting: meeting)
    #expect(throws: ChatError.textTooLong(.message)) {
      try Entry(verifying: forge(by: key, body: .text(longest + "!")), meeting: meeting)
    }
    for text in ["", " \n\t", "\u{1B}\u{7}\u{9F}\u{0}", "\u{A0}"] {
      #expect(throws: ChatError.emptyText(.message)) {
        try Entry(verifying: forge(by: key, body: .text(text)), meeting: meeting)
      }
    }
  }

  @Test("A body of a later version's kind is kept, though not understood")
  func laterKind() throws {
    // Field 99, a string.
    let later: [UInt8] = [0x9A, 0x06, 0x02, 0x68, 0x69]
    var signed = forge(by: key) { $0.bodyHash = Data(digest(later)) }
    signed.body = Data(later)
    #expect(try Entry(verifying: signed, meeting: meeting).body == .unknown)
  }

  @Test("What is shown of a text can't steer a terminal")
  func display() throws {
    let text = "\u{1B}[2Jone\u{202E}two\nthree\u{2066}"
    let entry = try Entry(verifying: forge(by: key, body: .text(text)), meeting: meeting)
    #expect(entry.body == .text(text))
    #expect(entry.body.displayText == "[2Jonetwo\nthree")
  }

  @Test("Random bytes never make an entry, and never a trap", arguments: 0..<8 as Range<UInt64>)
  func garbage(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let good = forge(by: key)
    for _ in 0..<300 {
      var signed = good
      switch Int.random(in: 0..<4, using: &chance) {
      case 0:
        signed.entry = randomData(upTo: 1100, &chance)
      case 1:
        for _ in 0..<3 where !signed.entry.isEmpty {
          let place = Int.random(in: 0..<signed.entry.count, using: &chance)
          signed.entry[place] = .random(in: 0...255, using: &chance)
        }
        // Signed all the same: the parser stands alone.
        signed.signature = Data(key.signature(of: Array(signed.entry), for: .entry))
      case 2:
        signed.entry = signed.entry.prefix(Int.random(in: 0..<signed.entry.count, using: &chance))
        signed.signature = Data(key.signature(of: Array(signed.entry), for: .entry))
      case _:
        signed.body = randomData(upTo: 9000, &chance)
        let hash = Data(digest(Array(signed.body)))
        let body = signed.body
        signed = forge(by: key) { $0.bodyHash = hash }
        signed.body = body
      }
      _ = try? Entry(verifying: signed, meeting: meeting)
      _ = try? WireSignedEntry(wire: Array(randomData(upTo: 200, &chance)))
    }
  }

  private func randomData(upTo limit: Int, _ chance: inout SeededGenerator) -> Data {
    let count = Int.random(in: 0...limit, using: &chance)
    return Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) })
  }
}

@Suite("Hybrid time")
struct HybridTimeTests {
  @Test("It is the wall clock's as long as nobody said anything later")
  func wallTime() {
    let stamp = HybridTime.stamp(wall: wall(5), after: nil, seen: nil)
    #expect(stamp == HybridTime(milliseconds: wall(5).milliseconds))
  }

  @Test("It is later than what was seen, and than one's own last entry")
  func later() {
    let seen = HybridTime(milliseconds: wall(9).milliseconds, counter: 3)
    let stamp = HybridTime.stamp(wall: wall(5), after: nil, seen: seen)
    #expect(stamp == HybridTime(milliseconds: wall(9).milliseconds, counter: 4))
    #expect(HybridTime.stamp(wall: wall(5), after: stamp, seen: seen).counter == 5)
    let full = HybridTime(milliseconds: 10, counter: .max)
    let next = HybridTime.stamp(wall: WallTime(milliseconds: 0), after: full, seen: nil)
    #expect(next == HybridTime(milliseconds: 11))
  }

  @Test("Clocks that are off are told of in the largest unit of which it is two, rounded")
  func difference() {
    func off(_ seconds: Int64) -> String? {
      HybridTime(milliseconds: wall(0).milliseconds + seconds * 1000).difference(from: wall(0))
    }
    for seconds: Int64 in [0, 60, -299, 300] { #expect(off(seconds) == nil) }
    #expect(off(301) == "5 minutes ahead of")
    #expect(off(-3600) == "60 minutes behind")
    #expect(off(7199) == "120 minutes ahead of")
    #expect(off(7200) == "2 hours ahead of")
    #expect(off(2 * 3600 + 53 * 60) == "3 hours ahead of")
    #expect(off(-86_400) == "24 hours behind")
    #expect(off(-86_400 * 400) == "400 days behind")
    #expect(off(86_400 * 365 * 2) == "2 years ahead of")
    #expect(HybridTime(milliseconds: HybridTime.latest).difference(from: wall(0)) != nil)
    #expect(HybridTime(milliseconds: 0).difference(from: wall(0)) == "54 years behind")
  }

  @Test("A clock a year ahead pulls it by a minute at most, and isn't shown")
  func ahead() {
    let year = HybridTime(milliseconds: wall(31_536_000_000).milliseconds)
    let stamp = HybridTime.stamp(wall: wall(0), after: nil, seen: year)
    #expect(stamp.milliseconds == wall(60_000).milliseconds)
    #expect(year.shown(received: wall(0)) == wall(60_000))
    #expect(stamp.shown(received: wall(60_000)).milliseconds == stamp.milliseconds)
  }

  @Test("Clocks before 1970 and beyond the last year don't trap")
  func extremes() {
    for milliseconds in [Int64.min, -1, .max] {
      let time = WallTime(milliseconds: milliseconds)
      let own = HybridTime(milliseconds: HybridTime.latest, counter: .max)
      #expect(HybridTime.stamp(wall: time, after: own, seen: own) > own)
      _ = HybridTime.stamp(wall: time, after: nil, seen: nil).shown(received: time)
    }
  }
}
