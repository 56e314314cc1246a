import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("Who may speak")
struct StandingTests {
  private let eve = signingKey(9)
  private var from: PeerID { PeerID(publicKey: eve.publicKey) }

  /// Grants of one byte each: what they are to say.
  private func chain(_ word: UInt8) -> WireGrantChain { .with { $0.genesisKey = .init([word]) } }

  private func log(stored: [Entry] = []) -> ChatLog {
    ChatLog(meeting: meeting, key: signingKey(1), stored: stored) { key, chain in
      switch chain.genesisKey.first {
      case 1: Standing(sponsor: PeerID(publicKey: key))
      case 2: Standing(isModerator: true, sponsor: PeerID(publicKey: key))
      case 3: Standing(sponsor: PeerID(publicKey: signingKey(9).publicKey))
      default: nil
      }
    }
  }

  private func lines(_ bodies: [WireChatBody]) -> [WireSignedEntry] {
    var previous: EntryHash?
    return bodies.enumerated().map { place, body in
      let entry = forge(by: eve, sequence: UInt64(place + 1), previous: previous, body: body)
      previous = entryHash(entry)
      return entry
    }
  }

  private func moderation() -> WireChatBody {
    .moderation(Moderation(action: .locked, member: nil, reason: ""))
  }

  @Test("A log that doesn't begin with its author's grants isn't taken, in whatever order it comes")
  func strangers() {
    for bodies in [
      [.text("a"), .text("b")], [.joined(name: "Eve"), .text("b")],
      [.joined(name: "Eve", chain: chain(0)), .text("b")],
    ] as [[WireChatBody]] {
      for order in [lines(bodies), lines(bodies).reversed()] {
        var log = log()
        var outputs: [ChatLog.Output] = []
        for entry in order {
          log.handle(.received([entry], from: from), at: .zero, into: &outputs)
        }
        #expect(log.entryCount == 0)
        #expect(outputs.compactMap(\.committed).isEmpty)
        // Nor does what came first wait for what was refused.
        #expect(order[0] == lines(bodies)[0] || log.waitingCount == 0)
      }
    }
  }

  @Test("Who isn't a member can't keep members' entries from waiting")
  func waitingRoom() {
    var log = log()
    var outputs: [ChatLog.Output] = []
    for number in 0..<8 as Range<UInt64> {
      let key = signingKey(7000 + number)
      let entries = (0..<40 as Range<UInt8>).map { made in
        forge(by: key, sequence: 2, previous: EntryHash(digest([made, UInt8(number)])))
      }
      log.handle(.received(entries, from: from), at: .zero, into: &outputs)
    }
    #expect(log.waitingCount == ChatBounds.waiting / 16)
    // A member's second line overtakes the first, once the beginning of its log is here.
    let said = lines([.joined(name: "Eve", chain: chain(1)), .text("a"), .text("b")])
    log.handle(.received([said[0]], from: from), at: seconds(1), into: &outputs)
    log.handle(.received([said[2]], from: from), at: seconds(1), into: &outputs)
    log.handle(.received([said[1]], from: from), at: seconds(1), into: &outputs)
    #expect(log.entryCount == 3)
    // And before that too, after a while.
    while let deadline = log.deadline, deadline < seconds(600) {
      log.wake(at: deadline, into: &outputs)
    }
    #expect(log.waitingCount == 0 && log.deadline == nil)
    let other = signingKey(10)
    let first = forge(by: other, body: .joined(name: "Carol", chain: chain(1)))
    let second = forge(by: other, sequence: 2, previous: entryHash(first))
    for entry in [second, first] {
      log.handle(.received([entry], from: from), at: seconds(600), into: &outputs)
    }
    #expect(log.entryCount == 5)
  }

  @Test("Moderation counts once its author shows that it is a moderator, wherever in its log")
  func promoted() {
    let said = lines([
      .joined(name: "Eve", chain: chain(1)), moderation(), .joined(name: "Eve", chain: chain(2)),
      moderation(),
    ])
    var log = log()
    var outputs: [ChatLog.Output] = []
    log.handle(.received(Array(said[...1]), from: from), at: .zero, into: &outputs)
    #expect(log.ordered.count == 2 && log.counted.count == 1)
    log.handle(.received(Array(said[2...]), from: from), at: .zero, into: &outputs)
    #expect(log.counted.count == 4)
    // From what was kept it comes to the same.
    #expect(self.log(stored: log.ordered.reversed()).counted == log.counted)
  }

  @Test("Nobody deletes what shows that it is a member")
  func deletion() {
    let first = lines([.joined(name: "Eve", chain: chain(1))])[0]
    let said = lines([.joined(name: "Eve", chain: chain(1)), .delete([entryHash(first)])])
    var log = log()
    var outputs: [ChatLog.Output] = []
    log.handle(.received(said, from: from), at: .zero, into: &outputs)
    #expect(log.entry(entryHash(first))?.body == .joined(name: "Eve", chain: chain(1)))
    // Whoever cuts it off all the same finds nobody to take it.
    var cut = first
    cut.body = .init()
    cut.deletion = said[1]
    var other = self.log()
    other.handle(.received([cut, said[1]], from: from), at: .zero, into: &outputs)
    #expect(other.entryCount == 0)
  }

  @Test(
    "Whoever answers for made-up members takes half of the room for logs at most, for good or not")
  func room() {
    var log = log()
    var outputs: [ChatLog.Output] = []
    func begin(_ number: UInt64, chain word: UInt8) -> Bool {
      let key = signingKey(number)
      let first = forge(by: key, body: .joined(name: "M", chain: chain(word)))
      let count = log.entryCount
      log.handle(
        .received([first], from: PeerID(publicKey: key.publicKey)), at: .zero, into: &outputs)
      return log.entryCount > count
    }
    let madeUp = (0..<ChatBounds.authors / 2 + 100).count { begin(10_000 + UInt64($0), chain: 3) }
    #expect(madeUp == ChatBounds.authors / 2)
    // Others have room, those that answer for themselves above all.
    #expect((0..<50).allSatisfy { begin(20_000 + UInt64($0), chain: 1) })
    // A member to whom that is told sends none of what has no room here, and isn't asked for it.
    #expect(!begin(30_000, chain: 3))
    #expect(outputs.compactMap(\.misbehaviour).isEmpty)
  }

  @Test("Branches without the grants take no place of the one that has them")
  func rootsWithout() throws {
    let joined = forge(by: eve, body: .joined(name: "Eve", chain: chain(1)))
    var log = log()
    var outputs: [ChatLog.Output] = []
    log.handle(.received([joined], from: from), at: .zero, into: &outputs)
    let roots = (0..<400).map { forge(by: eve, body: .text("\($0)")) }
    #expect(roots.count { entryHash($0) < entryHash(joined) } >= 8)
    log.handle(.received(roots, from: from), at: .zero, into: &outputs)
    #expect(log.ordered.map(\.hash) == [entryHash(joined)])
    // Nor if the log has shown the same grants further on, where they say nothing.
    let later = forge(
      by: eve, sequence: 2, previous: entryHash(joined),
      body: .joined(name: "Eve", chain: chain(0)))
    let madeUp = forge(by: eve, body: .joined(name: "Eve", chain: chain(0)))
    log.handle(.received([later, madeUp], from: from), at: .zero, into: &outputs)
    #expect(log.ordered.map(\.hash) == [entryHash(joined), entryHash(later)])
    // Another with the grants is a branch like any other.
    let again = forge(by: eve, body: .joined(name: "Eva", chain: chain(1)))
    log.handle(.received([again], from: from), at: .zero, into: &outputs)
    #expect(log.entryCount == 3)
  }
}
