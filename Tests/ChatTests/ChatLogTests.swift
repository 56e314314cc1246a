import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("Chat log")
struct ChatLogTests {
  @Test("A line is published and shown only once it is committed")
  func commitFirst() throws {
    var log = ChatLog(meeting: meeting, key: signingKey(1), stored: [])
    var outputs: [ChatLog.Output] = []
    log.handle(.compose(.text("one"), wall: wall(0)), at: .zero, into: &outputs)
    guard case .commit(let entries)? = outputs.first, outputs.count == 1 else {
      Issue.record("\(outputs)")
      return
    }
    #expect(log.heads.heads.isEmpty)
    outputs = []
    log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
    #expect(outputs.compactMap(\.published) == entries.map(\.signed))
    #expect(outputs.compactMap(\.shown) == entries)
    #expect(log.heads.heads.count == 1)
  }

  @Test("Lines typed while one is being committed follow it in the chain")
  func chain() {
    var log = ChatLog(meeting: meeting, key: signingKey(1), stored: [])
    var outputs: [ChatLog.Output] = []
    for text in ["one", "two", "three"] {
      log.handle(.compose(.text(text), wall: wall(0)), at: .zero, into: &outputs)
    }
    #expect(outputs.count == 1)
    var shown: [Entry] = []
    while let output = outputs.first {
      outputs.removeFirst()
      if case .commit(let entries) = output {
        log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
      } else if let entry = output.shown {
        shown.append(entry)
      }
    }
    #expect(shown.map(\.text) == ["one", "two", "three"])
    #expect(shown.map(\.sequence) == [1, 2, 3])
    #expect(shown[1].previous == shown[0].hash)
    #expect(shown[2].previous == shown[1].hash)
    #expect(log.ordered == shown)
  }

  @Test("A line that can't be kept is said all the same, and offered to the store again")
  func notCommitted() throws {
    var log = ChatLog(meeting: meeting, key: signingKey(1), stored: [])
    var outputs: [ChatLog.Output] = []
    log.handle(.compose(.text("one"), wall: wall(0)), at: .zero, into: &outputs)
    log.handle(.compose(.text("two"), wall: wall(0)), at: .zero, into: &outputs)
    let first = try #require(outputs.first?.committed)
    outputs = []
    log.handle(.notCommitted(first.map(\.id)), at: .zero, into: &outputs)
    #expect(outputs.compactMap(\.published) == first.map(\.signed))
    #expect(outputs.compactMap(\.shown) == first)
    // With what it comes after, all or none: the next run would take what comes before a hole for all.
    let both = try #require(outputs.last?.committed)
    #expect(both.map(\.sequence) == [1, 2])
    #expect(both[1].previous == first[0].hash)
    outputs = []
    log.handle(.notCommitted(both.map(\.id)), at: .zero, into: &outputs)
    #expect(outputs.compactMap(\.shown) == [both[1]])
    outputs = []
    log.wake(at: log.deadline!, into: &outputs)
    #expect(outputs.compactMap(\.committed) == [both])
  }

  @Test("What couldn't be kept of one's own log is kept with the next line, and that waits for it")
  func noHole() throws {
    var log = ChatLog(meeting: meeting, key: signingKey(1), stored: [])
    var stored: [Entry] = []
    func say(_ text: String, isKept: Bool) throws {
      var outputs: [ChatLog.Output] = []
      log.handle(.compose(.text(text), wall: wall(0)), at: .zero, into: &outputs)
      let entries = try #require(outputs.compactMap(\.committed).first)
      if isKept { stored += entries.filter { !stored.contains($0) } }
      let ids = entries.map(\.id)
      log.handle(isKept ? .committed(ids) : .notCommitted(ids), at: .zero, into: &outputs)
      #expect(stored.map(\.sequence) == Array((1...).prefix(stored.count)))
    }
    for (line, isKept) in zip(1..., [true, false, false, true, true, false, true]) {
      try say("\(line)", isKept: isKept)
    }
    #expect(stored == log.ordered)
    // While it is offered again by itself, the next line isn't handed over.
    try say("late", isKept: false)
    var outputs: [ChatLog.Output] = []
    log.wake(at: log.deadline!, into: &outputs)
    let again = try #require(outputs.compactMap(\.committed).first)
    outputs = []
    log.handle(.compose(.text("later"), wall: wall(0)), at: seconds(9), into: &outputs)
    #expect(outputs.compactMap(\.committed).isEmpty)
    log.handle(.notCommitted(again.map(\.id)), at: seconds(9), into: &outputs)
    #expect(outputs.compactMap(\.committed).map { $0.map(\.text) } == [["late", "later"]])
  }

  @Test("What others said is shown though it can't be kept, and offered to the store again")
  func fullDisk() {
    var alice = Member(1)
    let said = alice.say("hello")!
    var log = ChatLog(meeting: meeting, key: signingKey(2), stored: [])
    var outputs: [ChatLog.Output] = []
    log.handle(.received([said.signed], from: alice.id), at: .zero, into: &outputs)
    outputs = []
    log.handle(.notCommitted([said.id]), at: .zero, into: &outputs)
    #expect(outputs.compactMap(\.shown) == [said])
    outputs = []
    log.wake(at: log.deadline!, into: &outputs)
    guard case .commit(let again)? = outputs.first else {
      Issue.record("\(outputs)")
      return
    }
    #expect(again == [said])
    outputs = []
    log.handle(.committed([said.id]), at: .zero, into: &outputs)
    #expect(outputs.isEmpty)
  }

  @Test("Entries that overtook their predecessors wait for them, and each is shown once")
  func overtaking() {
    var alice = Member(1)
    let said = ["a", "b", "c", "d"].map { alice.say($0)! }
    var bob = Member(2)
    var shown: [Entry] = []
    for index in [3, 1, 3, 2, 0, 1, 0] {
      shown += bob.handle(.received([said[index].signed], from: alice.id)).compactMap(\.shown)
    }
    #expect(shown == said)
    #expect(bob.log.waitingCount == 0)
    #expect(bob.stored == said)
  }

  @Test("An entry names what its author had seen, and comes after it")
  func causality() {
    var alice = Member(1)
    var bob = Member(2)
    let question = alice.say("who?", at: 90)!
    bob.handle(.received([question.signed], from: alice.id))
    // Bob's clock is behind.
    let answer = bob.say("me", at: 0)!
    #expect(answer.heads == [question.hash])
    #expect(answer > question)
    alice.handle(.received([answer.signed], from: bob.id))
    #expect(alice.log.ordered.map(\.text) == ["who?", "me"])
    #expect(alice.say("ah", at: 91)?.heads == [answer.hash])
  }

  @Test("Two entries with one sequence number are both kept, and their author is marked once")
  func equivocation() throws {
    let key = signingKey(9)
    let first = forge(by: key, body: .text("yes"))
    let second = forge(by: key, body: .text("no"))
    let third = forge(by: key, body: .text("perhaps"))
    var bob = Member(2)
    let author = PeerID(publicKey: key.publicKey)
    let outputs = bob.handle(.received([first, second, third], from: author))
    #expect(outputs.compactMap(\.shown).map(\.text) == ["yes", "no", "perhaps"])
    #expect(
      outputs.compactMap(\.misbehaviour) == [.equivocation(entryHash(first), entryHash(second))])
    #expect(bob.log.isEquivocator(author))
    #expect(!bob.log.isEquivocator(bob.id))
  }

  @Test("More branches than are kept are refused, without end")
  func branches() {
    let key = signingKey(9)
    var bob = Member(2)
    for number in 0..<50 {
      let entry = forge(by: key, body: .text("\(number)"))
      bob.handle(.received([entry], from: PeerID(publicKey: key.publicKey)))
    }
    #expect(bob.log.entryCount == ChatBounds.tips)
    #expect(bob.log.statistics.shed == 50 - ChatBounds.tips)
  }

  @Test("An entry whose clock doesn't rise, or whose number jumps, isn't taken")
  func brokenChain() {
    let key = signingKey(9)
    let from = PeerID(publicKey: key.publicKey)
    let first = forge(by: key)
    let standing = forge(by: key, sequence: 2, previous: entryHash(first)) {
      $0.clockMilliseconds = UInt64(wall(1).milliseconds)
    }
    let jumping = forge(by: key, sequence: 3, previous: entryHash(first))
    let foreign = forge(by: signingKey(8), sequence: 2, previous: entryHash(first))
    var bob = Member(2)
    bob.handle(.received([first], from: from))
    for entry in [standing, jumping, foreign] {
      let outputs = bob.handle(.received([entry], from: from))
      #expect(outputs.compactMap(\.misbehaviour) == [.invalidEntries(1, .brokenChain)])
    }
    #expect(bob.log.entryCount == 1)
    #expect(bob.log.statistics.invalid == 3)
  }

  @Test("A body that somebody cut off on the way isn't taken for deleted")
  func cutBody() {
    var entry = forge(by: signingKey(9))
    let whole = entry
    entry.body = Data()
    var bob = Member(2)
    let outputs = bob.handle(.received([entry], from: meeting.asPeer))
    #expect(outputs.compactMap(\.misbehaviour) == [.invalidEntries(1, .missingBody)])
    #expect(bob.handle(.received([whole], from: meeting.asPeer)).compactMap(\.shown).count == 1)
  }

  @Test("Of a batch nothing is looked at after what nobody who checks its entries holds")
  func badBatch() {
    var alice = Member(1)
    var bob = Member(2)
    let said = (0..<3).map { bob.say("\($0)")!.signed }
    var forged = said[1]
    forged.signature = Data(repeating: 1, count: 64)
    let batch = WireChatBatch.with {
      $0.entries = [said[0]] + Array(repeating: forged, count: 1000) + said[1...]
    }
    let outputs = alice.handle(.batch(batch, from: bob.id))
    #expect(outputs.compactMap(\.misbehaviour) == [.invalidEntries(1, .wire(.badSignature))])
    #expect(alice.log.entryCount == 1)
  }

  @Test("Entries that wait are bounded for each author and in all")
  func waitingBounds() {
    var bob = Member(2)
    for author in 100..<112 as Range<UInt64> {
      let key = signingKey(author)
      bob.handle(.received([forge(by: key)], from: PeerID(publicKey: key.publicKey)))
      let entries = (2..<302 as Range<UInt64>).map { sequence in
        forge(by: key, sequence: sequence, previous: entryHash(.init()))
      }
      bob.handle(.received(entries, from: PeerID(publicKey: key.publicKey)))
      #expect(bob.log.waitingCount <= ChatBounds.waiting)
    }
    #expect(bob.log.waitingCount == ChatBounds.waiting)
    #expect(bob.log.entryCount == 12)
    #expect(bob.log.statistics.shed == 12 * 300 - ChatBounds.waiting)
  }

  @Test("What waits in vain goes after a minute, and then nobody is asked for it any more")
  func waitingInVain() {
    let key = signingKey(9)
    let from = PeerID(publicKey: key.publicKey)
    let first = forge(by: key)
    let made = forge(by: key, sequence: 2, previous: entryHash(.init()))
    var bob = Member(2)
    bob.handle(.linkUp(from))
    bob.handle(.received([first, made], from: from))
    bob.handle(.heads(bob.log.heads, from: from))
    #expect(bob.log.deadline! <= seconds(0.25))
    var told = 0
    while let deadline = bob.log.deadline, deadline < seconds(600) {
      #expect(deadline < seconds(45) || bob.log.waitingCount == 1)
      told += bob.wake(at: deadline).compactMap(\.heads).count
    }
    #expect(bob.log.waitingCount == 0)
    #expect(bob.log.deadline == nil)
    #expect((3..<10).contains(told))
  }

  @Test("A log restored from an older copy is taken up where the others have it")
  func restored() {
    var alice = Member(1)
    var bob = Member(2)
    let said = ["a", "b", "c"].map { alice.say($0)! }
    bob.handle(.received(said.map(\.signed), from: alice.id))
    var restored = Member(1, stored: [said[0]])
    restored.handle(.batch(.with { $0.entries = said.map(\.signed) }, from: bob.id))
    let next = restored.say("d")!
    #expect(next.sequence == 4)
    #expect(next.previous == said[2].hash)
    // And when it wrote before it heard of them, the longer branch goes on.
    var hasty = Member(1, stored: [said[0]])
    let early = hasty.say("hasty")!
    let outputs = hasty.handle(.batch(.with { $0.entries = said.map(\.signed) }, from: bob.id))
    #expect(outputs.compactMap(\.shown) == [said[1], said[2]])
    #expect(hasty.say("e")!.previous == said[2].hash)
    #expect(hasty.log.ordered.contains(early))
  }

  @Test("A log that was kept is there again, in order, and is not shown anew")
  func stored() {
    var alice = Member(1)
    for number in 0..<20 { alice.say("\(number)") }
    var chance = SeededGenerator(seed: 4)
    let again = Member(1, stored: alice.stored.shuffled(using: &chance))
    #expect(again.log.ordered == alice.log.ordered)
    #expect(again.log.heads == alice.log.heads)
    #expect(again.outputs.isEmpty)
  }

  @Test("A line that may not be said is given back with the reason")
  func refused() {
    var alice = Member(1)
    let long = String(repeating: "x", count: 9000)
    let target = EntryHash(Array(repeating: 5, count: 32))!
    let bodies: [(WireChatBody, ChatError)] = [
      (.text(long), .textTooLong(.message)), (.text(" "), .emptyText(.message)),
      (WireChatBody(), .missingBody),
      (.reaction(to: target, long), .textTooLong(.reaction)),
      (.poll(long, options: ["yes", "no"]), .textTooLong(.question)),
      (.poll("Tea?", options: ["yes", long]), .textTooLong(.answer)),
    ]
    for (body, reason) in bodies {
      let outputs = alice.handle(.compose(body, wall: wall(0)))
      guard case .refused(body, .invalid(reason))? = outputs.first, outputs.count == 1 else {
        Issue.record("\(outputs)")
        continue
      }
    }
    #expect(alice.say("fine")?.sequence == 1)
  }

  @Test("Random inputs never trap", arguments: 0..<10 as Range<UInt64>)
  func garbage(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var bob = Member(2)
    var alice = Member(1)
    for number in 0..<5 { alice.say("\(number)") }
    for step in 0..<200 {
      let peer = PeerID((0..<16).map { _ in UInt8.random(in: 0...1, using: &chance) })!
      let bytes = (0..<Int.random(in: 0..<80, using: &chance)).map { _ in
        UInt8.random(in: 0...255, using: &chance)
      }
      let input: ChatLog.Input =
        switch Int.random(in: 0..<7, using: &chance) {
        case 0: .received([.with { $0.entry = Data(bytes) }], from: peer)
        case 1: .batch((try? WireChatBatch(wire: bytes)) ?? .init(), from: peer)
        case 2: .heads((try? WireChatHeads(wire: bytes)) ?? .init(), from: peer)
        case 3: .heads(randomHeads(of: alice, &chance), from: peer)
        case 4: .linkUp(peer)
        case 5: .linkDown(peer)
        case _: .received([alice.stored.randomElement(using: &chance)!.signed], from: peer)
        }
      bob.handle(input, at: seconds(Double(step) / 10))
      var outputs: [ChatLog.Output] = []
      if let deadline = bob.log.deadline, deadline < seconds(Double(step) / 10) {
        bob.log.wake(at: seconds(Double(step) / 10), into: &outputs)
      }
    }
  }

  @Test("Whoever signed the last time there is with a copied key doesn't silence its owner")
  func lastTime() {
    for counter in [UInt32.max - 1, .max] {
      var alice = Member(1)
      alice.say("a", at: 0)
      let copy = forge(
        by: alice.key, sequence: 2, previous: alice.log.ordered[0].hash, body: .text("copy")
      ) {
        $0.clockMilliseconds = UInt64(HybridTime.latest)
        $0.clockCounter = counter
      }
      alice.handle(.received([copy], from: PeerID(publicKey: [9])))
      for number in 1...20 { alice.say("line \(number)", at: Int64(number)) }
      let said = alice.log.ordered.filter { $0.author == alice.id }
      #expect(said.count == 22)
      // What the copy signed is a branch, and all of one's own but perhaps the first another.
      #expect(alice.log.heads.heads.count == 2)
      #expect(alice.log.statistics.shed == 0)
    }
  }

  @Test("However many others there are, one's own log begins")
  func ownAmongMany() {
    var alice = Member(1)
    for number in 0..<UInt64(ChatBounds.authors) {
      alice.handle(.received([forge(by: signingKey(10_000 + number))], from: meeting.asPeer))
    }
    alice.say("here I am", at: 1)
    #expect(alice.log.ordered.contains { $0.author == alice.id })
  }

  /// True heads with untrue numbers, keys and hashes among them.
  private func randomHeads(of member: Member, _ chance: inout SeededGenerator) -> WireChatHeads {
    var heads = member.log.heads
    for _ in 0..<Int.random(in: 0..<4, using: &chance) {
      heads.heads.append(
        .with {
          $0.authorKey = Data(
            Bool.random(using: &chance) ? member.key.publicKey : signingKey(3).publicKey)
          $0.sequence = .random(in: 0...UInt64.max >> UInt64.random(in: 0...63, using: &chance))
          $0.hash = Data(
            Bool.random(using: &chance)
              ? member.stored.randomElement(using: &chance)!.hash.bytes
              : Array(repeating: 3, count: 32))
        })
    }
    return heads
  }
}

extension MeetingID {
  /// Some member's name.
  var asPeer: PeerID { PeerID(bytes)! }
}
