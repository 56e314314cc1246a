import Chat
import Foundations
import Testing
import Wire

@Suite("A removed member's log")
struct LogEndTests {
  private let eve = signingKey(9)
  private var from: PeerID { PeerID(publicKey: eve.publicKey) }

  /// Four lines of the one who is removed.
  private func lines(_ bodies: [WireChatBody]? = nil) -> [WireSignedEntry] {
    var previous: EntryHash?
    return (bodies ?? ["a", "b", "c", "d"].map { .text($0) }).enumerated().map { place, body in
      let entry = forge(by: eve, sequence: UInt64(place + 1), previous: previous, body: body)
      previous = entryHash(entry)
      return entry
    }
  }

  private func ended(_ ends: Set<LogEnd>) -> ChatLog.Input { .ended([eve.publicKey: ends]) }

  @Test("What it signs past its end is kept and passed on, and neither shown nor counted")
  func pastEnd() {
    let said = lines()
    var bob = Member(1)
    var carol = Member(2)
    // One had them all before it hears of the removal, one hears of that first.
    #expect(bob.handle(.received(said, from: from)).compactMap(\.shown).count == 4)
    bob.handle(ended([.after(entryHash(said[1]))]))
    carol.handle(ended([.after(entryHash(said[1]))]))
    var shown: [Entry] = []
    for entry in said { shown += carol.handle(.received([entry], from: from)).compactMap(\.shown) }
    #expect(shown.map(\.text) == ["a", "b"])
    for member in [bob, carol] {
      #expect(member.log.counted.map(\.text) == ["a", "b"])
      #expect(member.log.ordered.map(\.text) == ["a", "b", "c", "d"])
      #expect(member.discounted == [entryHash(said[2]), entryHash(said[3])])
    }
    #expect(bob.log.heads == carol.log.heads)
    #expect(HistoryHash.of(bob.log.counted) == HistoryHash.of(carol.log.counted))
    // What others say goes on.
    #expect(carol.say("so")?.text == "so")
  }

  @Test("While its end isn't here nothing of it is shown, and then all that counts, in order")
  func endComes() {
    let said = lines()
    var bob = Member(1)
    bob.handle(ended([.after(entryHash(said[2]))]))
    #expect(bob.handle(.received(Array(said[...1]), from: from)).compactMap(\.shown).isEmpty)
    #expect(bob.log.counted.isEmpty)
    let shown = bob.handle(.received([said[2]], from: from)).compactMap(\.shown)
    #expect(shown.map(\.text) == ["a", "b", "c"])
    #expect(bob.discounted.isEmpty)
    #expect(bob.handle(.received([said[3]], from: from)).compactMap(\.shown).isEmpty)
    #expect(bob.discounted == [entryHash(said[3])])
  }

  @Test("Of several ends the first counts, an end on no branch of its log leaves nothing")
  func severalEnds() {
    let said = lines()
    let branch = forge(
      by: eve, sequence: 2, previous: entryHash(said[0]), body: .text("otherwise"))
    let cases: [(Set<LogEnd>, [String])] = [
      ([.after(entryHash(said[2])), .after(entryHash(said[0]))], ["a"]),
      ([.after(entryHash(said[3])), .beforeAll], []),
      ([.beforeAll], []),
      ([.after(entryHash(said[3])), .after(entryHash(branch))], ["a"]),
      ([.after(entryHash(branch))], ["a", "otherwise"]),
      ([.after(EntryHash([UInt8](repeating: 3, count: 32))!)], []),
    ]
    for (ends, counting) in cases {
      var bob = Member(1)
      bob.handle(.received(said, from: from))
      bob.handle(.received([branch], from: from))
      bob.handle(ended(ends))
      #expect(bob.log.counted.map(\.text).sorted { $0! < $1! } == counting)
    }
  }

  @Test("A removal that turns out void gives everything back, each line shown once")
  func givenBack() {
    let said = lines()
    var bob = Member(1)
    bob.handle(.received(Array(said[...1]), from: from))
    bob.handle(ended([.beforeAll]))
    bob.handle(.received(Array(said[2...]), from: from))
    let shown = bob.handle(.ended([:])).compactMap(\.shown)
    #expect(shown.map(\.text) == ["c", "d"], "the others were shown before")
    #expect(bob.log.counted == bob.log.ordered)
    #expect(bob.discounted.isEmpty)
  }

  @Test("Past its end it edits and reacts to nothing; what it deletes of its own is gone")
  func effects() {
    let first = lines([.text("a")])[0]
    let said = lines([
      .text("a"), .text("b"), .edit(of: entryHash(first), "changed"),
      .reaction(to: entryHash(first), "👍", isWithdrawn: false), .delete([entryHash(first)]),
    ])
    var bob = Member(1)
    bob.handle(ended([.after(entryHash(said[1]))]))
    bob.handle(.received(Array(said[...3]), from: from))
    let line = Transcript(bob.log.counted)[entryHash(first)]
    #expect(line?.text == "a")
    #expect(line?.reactions.isEmpty == true)
    bob.handle(.received([said[4]], from: from))
    #expect(bob.log.entry(entryHash(first))?.body == .deleted)
    // Nobody can name what isn't there.
    let name = entryHash(said[2]).id.description
    #expect(throws: ChatCommand.Problem.self) {
      try bob.log.body(of: ChatCommand(parsing: "reply \(name) what?")!)
    }
  }

  @Test("Started again from what was kept, it counts the same and says what to mark")
  func startedAgain() {
    let said = lines()
    var bob = Member(1)
    bob.handle(ended([.after(entryHash(said[1]))]))
    bob.handle(.received(said, from: from))
    var again = Member(1, stored: bob.stored)
    let outputs = again.handle(ended([.after(entryHash(said[1]))]))
    #expect(outputs.isEmpty)
    #expect(again.discounted == bob.discounted)
    #expect(again.log.counted == bob.log.counted)
  }
}
