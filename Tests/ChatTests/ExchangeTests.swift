import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("Exchange of logs")
struct ExchangeTests {
  @Test(
    "Members that talk over lossy links end with one history", arguments: 0..<16 as Range<UInt64>)
  func convergence(seed: UInt64) {
    var world = World(members: 5, seed: seed)
    world.loss = 0.3
    world.duplication = 0.2
    world.chat(lines: 60, over: .seconds(30))
    world.run(until: seconds(30))
    world.loss = 0.02
    world.run(until: seconds(150))
    world.expectOneHistory(of: 60)
  }

  @Test("A healed partition becomes one history", arguments: 0..<8 as Range<UInt64>)
  func partition(seed: UInt64) {
    var world = World(members: 6, seed: seed)
    world.run(until: seconds(1))
    world.split(at: 3)
    world.chat(lines: 80, over: .seconds(20))
    world.run(until: seconds(30))
    #expect(Set(world.hashes).count > 1)
    world.heal()
    world.run(until: seconds(32))
    world.expectOneHistory(of: 80)
  }

  @Test(
    "Members that crash at any moment lose nothing that they published",
    arguments: 0..<10 as Range<UInt64>)
  func crashes(seed: UInt64) {
    var world = World(members: 5, seed: seed)
    world.loss = 0.1
    world.chat(lines: 60, over: .seconds(30))
    for crash in 1...8 {
      world.run(until: seconds(Double(crash) * 3.7))
      world.crash(Int(seed) + crash)
    }
    world.run(until: seconds(40))
    world.loss = 0
    world.run(until: seconds(120))
    world.expectOneHistory()
    #expect(world.published.isSubset(of: Set(world.members[0].log.ordered.map(\.hash))))
  }

  @Test("Along a line of members every entry reaches the far end")
  func line() {
    var world = World(members: 8, seed: 1, linked: { abs($0 - $1) == 1 })
    world.broadcasts = false
    world.chat(lines: 20, over: .seconds(2))
    world.run(until: seconds(45))
    world.expectOneHistory(of: 20)
  }

  @Test("A newcomer gets a long history in bounded batches, most of it once")
  func newcomer() {
    var world = World(members: 6, seed: 2, linked: { max($0, $1) < 5 })
    world.chat(lines: 1200, over: .seconds(10))
    world.run(until: seconds(30))
    world.batchedEntries = 0
    for other in 0..<5 { world.link(5, other) }
    world.run(until: seconds(40))
    world.expectOneHistory(of: 1200)
    #expect(world.largestBatch < 256 << 10)
    #expect(world.batchedEntries < 2 * 1200)
  }

  @Test("Members that have the same fall silent")
  func silence() {
    var world = World(members: 5, seed: 3)
    world.chat(lines: 10, over: .seconds(1))
    world.run(until: seconds(30))
    world.sentHeads = 0
    world.run(until: seconds(600))
    #expect(world.sentHeads == 0)
    #expect(world.members.allSatisfy { $0.log.deadline == nil })
  }

  @Test(
    "Both branches of an author that equivocates reach everybody",
    arguments: 0..<10 as Range<UInt64>)
  func branches(seed: UInt64) {
    var world = World(members: 4, seed: seed)
    world.broadcasts = false
    world.run(until: seconds(1))
    let key = signingKey(99)
    let first = forge(by: key, body: .text("first"))
    var branches: [[WireSignedEntry]] = []
    for (name, length) in [("long", 5), ("short", 2)] {
      var branch = [first]
      for sequence in 2..<UInt64(length + 2) {
        let previous = entryHash(branch.last!)
        branch.append(
          forge(by: key, sequence: sequence, previous: previous, body: .text(name)))
      }
      branches.append(branch)
    }
    world.give(branches[0], to: 0)
    world.give(branches[1], to: 2)
    world.run(until: seconds(60))
    world.expectOneHistory(of: 8)
    #expect(world.members.allSatisfy { $0.log.isEquivocator(PeerID(publicKey: key.publicKey)) })
  }

  @Test("What a member says before one hears that it is linked is not lost")
  func early() {
    var alice = Member(1)
    var bob = Member(2)
    alice.say("hello")
    let own = bob.say("hi")!
    let greeting = alice.handle(.linkUp(bob.id)).compactMap(\.heads)[0]
    #expect(bob.handle(.heads(greeting, from: alice.id)).isEmpty)
    // Many others call, too.
    for number in 0..<20 as Range<UInt8> {
      bob.handle(.heads(greeting, from: PeerID(Array(repeating: number, count: 16))!))
    }
    let outputs = bob.handle(.linkUp(alice.id))
    #expect(outputs.compactMap(\.heads).count == 1)
    #expect(outputs.compactMap(\.batch).flatMap(\.entries) == [own.signed])
  }

  @Test("When the first word on a link is lost, it is said again within a second or so")
  func lostGreeting() {
    var alice = Member(1)
    var bob = Member(2)
    let said = alice.say("hello")!
    _ = bob.say("hi")
    // Bob's link is up and told of before Alice's words to him could arrive.
    _ = alice.handle(.linkUp(bob.id))
    let answer = bob.handle(.linkUp(alice.id)).compactMap(\.heads)[0]
    let batch = alice.handle(.heads(answer, from: bob.id)).compactMap(\.batch)
    #expect(batch.flatMap(\.entries) == [said.signed])
    #expect(alice.log.deadline! <= seconds(1))
    #expect(alice.wake(at: seconds(1)).compactMap(\.heads).count == 1)
  }

  /// A member that says that it has these, `count` times within 0.2 s, and draws that many batches.
  private func drawn(
    from member: inout Member, by claims: [Entry], count: Int, from start: Moment
  ) -> [WireChatBatch] {
    (0..<count).flatMap { number in
      let tip = claims[number % claims.count]
      let heads = WireChatHeads.with {
        $0.heads = [
          .with {
            $0.authorKey = Data(tip.authorKey)
            $0.sequence = tip.sequence
            $0.hash = Data(tip.hash.bytes)
          }
        ]
      }
      let moment = start + .milliseconds(200 * number / count)
      return member.handle(.heads(heads, from: meeting.asPeer), at: moment).compactMap(\.batch)
    }
  }

  @Test("However often and whatever a member says that it has, nothing is sent twice at once")
  func repeatedTellings() {
    var alice = Member(1)
    for number in 0..<600 { alice.say("\(number)" + String(repeating: "y", count: 400)) }
    let said = alice.log.ordered
    alice.handle(.linkUp(meeting.asPeer), at: seconds(1))
    // Two ends in turn, and every end that there is.
    for (place, claims) in [Array(said[..<2]), said].enumerated() {
      let start = seconds(Double(10 + 10 * place))
      let drawn = drawn(from: &alice, by: claims, count: 600, from: start)
      #expect(drawn.count <= claims.count / 2)
      let entries = drawn.flatMap(\.entries).map(entryHash)
      #expect(entries.count == Set(entries).count)
      // What was lost on the way goes again in a moment.
      let again = self.drawn(from: &alice, by: claims, count: 1, from: start + .seconds(2))
      #expect(again.first?.entries == drawn.first?.entries)
    }
  }

  @Test("A newcomer gets a batch for each telling, as fast as it takes them, up to a bound")
  func pace() {
    var alice = Member(1)
    var bob = Member(2)
    // Of a later kind, 8,000 bytes long, since a text is shorter: 23 fill a batch.
    let long = [0x9A, 0x06, 0xC0, 0x3E] + [UInt8](repeating: 0, count: 8000)
    var previous: EntryHash?
    for number in 1...800 as ClosedRange<UInt64> {
      var entry = forge(by: signingKey(9), sequence: number, previous: previous) {
        $0.bodyHash = Data(digest(long))
      }
      entry.body = Data(long)
      previous = entryHash(entry)
      alice.handle(.received([entry], from: meeting.asPeer))
    }
    alice.handle(.linkUp(bob.id), at: seconds(1))
    bob.handle(.linkUp(alice.id), at: seconds(1))
    bob.handle(.heads(alice.log.heads, from: alice.id), at: seconds(1))
    var batches = 0
    var words = [bob.log.heads]
    while let heads = words.popLast() {
      for batch in alice.handle(.heads(heads, from: bob.id), at: seconds(2)).compactMap(\.batch) {
        batches += 1
        words = bob.handle(.batch(batch, from: alice.id), at: seconds(2)).compactMap(\.heads)
      }
    }
    #expect(batches == ChatBounds.batchesAtOnce)
  }

  @Test("A member that never answers costs little")
  func silent() {
    var member = Member(1)
    member.say("hello")
    member.handle(.linkUp(meeting.asPeer), at: .zero)
    var told = 0
    var outputs: [ChatLog.Output] = []
    while let deadline = member.log.deadline, deadline < seconds(600) {
      outputs = []
      member.log.wake(at: deadline, into: &outputs)
      told += outputs.compactMap(\.heads).count
    }
    #expect((10..<25).contains(told))
  }

  /// Two that hold an entry of each of ten authors.
  private func pair() -> (Member, Member) {
    var entries: [WireSignedEntry] = []
    for author in 10..<20 as Range<UInt64> { entries.append(forge(by: signingKey(author))) }
    var pair = (Member(1), Member(2))
    pair.0.handle(.batch(.with { $0.entries = entries }, from: pair.1.id))
    pair.1.handle(.batch(.with { $0.entries = entries }, from: pair.0.id))
    return pair
  }

  @Test("Two that hold the same of many authors tell each other a hash and no more")
  func summary() {
    var (alice, bob) = pair()
    let words = alice.handle(.linkUp(bob.id)).compactMap(\.heads)
    #expect(words.count == 1 && words[0].wire.count == 34)
    _ = bob.handle(.linkUp(alice.id))
    #expect(bob.handle(.heads(words[0], from: alice.id)).isEmpty)
    #expect(alice.handle(.heads(words[0], from: bob.id)).isEmpty)
    while let deadline = alice.log.deadline, deadline < seconds(60) {
      #expect(alice.wake(at: deadline).isEmpty)
    }
  }

  @Test("Where the hashes differ the ends are told, at most once a second, and entries follow")
  func differingSummary() {
    var (alice, bob) = pair()
    let news = alice.say("news")!
    let word = alice.handle(.linkUp(bob.id)).compactMap(\.heads)[0]
    let own = bob.handle(.linkUp(alice.id)).compactMap(\.heads)[0]
    let answer = bob.handle(.heads(word, from: alice.id)).compactMap(\.heads)
    #expect(answer.map(\.heads.count) == [10])
    // A hash is no means to have a member say much, over and over.
    for _ in 0..<100 {
      let wrong = WireChatHeads.with { $0.summary = Data((0..<32).map { _ in 3 }) }
      #expect(bob.handle(.heads(wrong, from: alice.id)).isEmpty)
    }
    #expect(alice.handle(.heads(own, from: bob.id)).compactMap(\.heads).map(\.heads.count) == [11])
    let batch = alice.handle(.heads(answer[0], from: bob.id)).compactMap(\.batch)
    #expect(batch.flatMap(\.entries) == [news.signed])
  }

  @Test(
    "Whoever gives a line now and then, and never all that it claims to have, doesn't keep others from giving"
  )
  func dripping() {
    let eve = signingKey(9)
    var bob = Member(2)
    var alice = Member(1)
    let said = (0..<6).map { alice.say("\($0)")! }
    var drops: [WireSignedEntry] = []
    for number in 1...40 as ClosedRange<UInt64> {
      drops.append(forge(by: eve, sequence: number, previous: drops.last.map(entryHash)))
    }
    let claim = WireChatHeads.with {
      $0.heads = [
        .with {
          $0.authorKey = Data(eve.publicKey)
          $0.sequence = 90
          $0.hash = Data(repeating: 9, count: 32)
        }
      ]
    }
    let from = PeerID(publicKey: eve.publicKey)
    bob.handle(.linkUp(from))
    bob.handle(.heads(claim, from: from))
    bob.handle(.linkUp(alice.id))
    bob.handle(.heads(alice.log.heads, from: alice.id))
    alice.handle(.linkUp(bob.id))
    alice.handle(.heads(bob.log.heads, from: bob.id))
    var next = seconds(0.7)
    while let drop = drops.first, bob.log.entry(said[5].hash) == nil {
      let deadline = bob.log.deadline ?? .zero + .seconds(900)
      let now = min(next, deadline)
      var outputs: [ChatLog.Output]
      if next <= deadline {
        drops.removeFirst()
        next = next + .seconds(2)
        outputs = bob.handle(
          .batch(.with { $0.entries = [drop] }, from: from), at: now)
      } else {
        outputs = bob.wake(at: now)
      }
      for case .sendHeads(let heads, let peer) in outputs where peer == alice.id {
        for batch in alice.handle(.heads(heads, from: bob.id), at: now).compactMap(\.batch) {
          bob.handle(.batch(batch, from: alice.id), at: now)
        }
      }
    }
    #expect(bob.log.entry(said[5].hash) != nil)
    #expect(drops.count > 25)
  }
}
