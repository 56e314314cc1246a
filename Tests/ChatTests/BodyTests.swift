import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("What an entry says")
struct BodyTests {
  let key = signingKey(1)
  static let target = EntryHash(Array(repeating: 5, count: 32))!

  @Test("Each kind is taken as it was said")
  func kinds() throws {
    let peer = PeerID(Array(repeating: 4, count: 16))!
    let bodies: [(WireChatBody, Entry.Body)] = [
      (.reply(to: Self.target, "yes"), .reply(to: Self.target, "yes")),
      (.edit(of: Self.target, "no"), .edit(of: Self.target, "no")),
      (.delete([Self.target]), .delete([Self.target])),
      (.reaction(to: Self.target, "👍"), .reaction(to: Self.target, "👍", isWithdrawn: false)),
      (
        .poll("Tea?", options: ["Yes", "No"]),
        .poll(Poll(question: "Tea?", options: ["Yes", "No"], allowsSeveral: false))
      ),
      (.vote(in: Self.target, [0, 3]), .vote(in: Self.target, [0, 3])),
      (.vote(in: Self.target, []), .vote(in: Self.target, [])),
      (.hand(isRaised: true), .hand(isRaised: true)),
      (
        .moderation(Moderation(action: .removed, member: peer, reason: "noise")),
        .moderation(Moderation(action: .removed, member: peer, reason: "noise"))
      ),
      (.joined(name: "Al"), .joined(name: "Al", chain: WireGrantChain())),
      (.left(name: "Al"), .left(name: "Al")),
    ]
    for (wire, body) in bodies {
      let entry = try Entry(verifying: forge(by: key, body: wire), meeting: meeting)
      #expect(entry.body == body)
      #expect(entry.body.kind != "unknown")
    }
  }

  @Test("What is out of bounds is refused though it is signed", arguments: 0..<17)
  func bounds(number: Int) {
    func long(_ count: Int) -> String { String(repeating: "x", count: count) }
    let bodies: [WireChatBody] = [
      .with { $0.reply = .with { $0.text = "to nothing" } },
      .reply(to: Self.target, " "),
      .reply(to: Self.target, long(WireBounds.chatText + 1)),
      .edit(of: Self.target, ""),
      .with { $0.edit = .with { $0.target = Data(repeating: 1, count: 33) } },
      .delete([]),
      .delete(Array(repeating: Self.target, count: ChatBounds.deletedAtOnce + 1)),
      .with { $0.delete = .with { $0.targets = [Data(repeating: 1, count: 31)] } },
      .reaction(to: Self.target, long(ChatBounds.emoji + 1)),
      .reaction(to: Self.target, "\u{1B}"),
      .poll("Tea?", options: ["Yes"]),
      .poll("Tea?", options: Array(repeating: "x", count: ChatBounds.options + 1)),
      .poll(long(ChatBounds.question + 1), options: ["Yes", "No"]),
      .poll("Tea?", options: ["Yes", long(ChatBounds.option + 1)]),
      .vote(in: Self.target, [2, 1]),
      .vote(in: Self.target, Array(0...ChatBounds.options)),
      .moderation(
        Moderation(action: .locked, member: nil, reason: long(ChatBounds.reason + 1))),
    ]
    #expect(throws: ChatError.self) {
      try Entry(verifying: forge(by: key, body: bodies[number]), meeting: meeting)
    }
  }

  @Test("The largest that may be said fits into a body")
  func largest() throws {
    let bodies: [WireChatBody] = [
      .delete(Array(repeating: Self.target, count: ChatBounds.deletedAtOnce)),
      .reply(to: Self.target, String(repeating: "x", count: WireBounds.chatText)),
      .poll(
        String(repeating: "x", count: ChatBounds.question),
        options: Array(
          repeating: String(repeating: "y", count: ChatBounds.option), count: ChatBounds.options)),
    ]
    for body in bodies {
      _ = try Entry(verifying: forge(by: key, body: body), meeting: meeting)
    }
  }

  @Test("Nothing that is shown of any kind can steer a terminal")
  func display() throws {
    let evil = "a\u{1B}[2J\u{202E}b\u{7}"
    let bodies: [WireChatBody] = [
      .reply(to: Self.target, evil), .edit(of: Self.target, evil),
      .reaction(to: Self.target, evil), .poll(evil, options: [evil, evil]), .joined(name: evil),
      .left(name: evil), .moderation(Moderation(action: .muted, member: nil, reason: evil)),
    ]
    for wire in bodies {
      let body = try Entry(verifying: forge(by: key, body: wire), meeting: meeting).body
      #expect(body.displayText == "a[2Jb")
      if case .poll(let poll) = body { #expect(poll.displayOptions == ["a[2Jb", "a[2Jb"]) }
      if case .moderation(let what) = body {
        #expect(what.sentence(about: "Bob") == "muted Bob: a[2Jb")
      }
    }
  }

  @Test("Random bodies never trap, whatever kind they claim", arguments: 0..<8 as Range<UInt64>)
  func garbage(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let kinds: [WireChatBody] = [
      .reply(to: Self.target, "x"), .delete([Self.target]), .poll("q", options: ["a", "b"]),
      .vote(in: Self.target, [1]), .moderation(Moderation(action: .muted, member: nil, reason: "")),
    ]
    for _ in 0..<300 {
      var bytes = kinds.randomElement(using: &chance)!.wire
      for _ in 0..<Int.random(in: 1...4, using: &chance) {
        bytes[Int.random(in: 0..<bytes.count, using: &chance)] = .random(
          in: 0...255, using: &chance)
      }
      var signed = forge(by: key) { $0.bodyHash = Data(digest(bytes)) }
      signed.body = Data(bytes)
      if let entry = try? Entry(verifying: signed, meeting: meeting) { _ = entry.body.displayText }
    }
  }
}

@Suite("Deleting")
struct DeletionTests {
  @Test("A deleted text is gone from the log, which holds all the same")
  func dropped() throws {
    var alice = Member(1)
    let said = alice.say("a secret")!
    let after = alice.say("later")!
    alice.handle(.compose(.delete([said.hash]), wall: wall(5)))
    let gap = try #require(alice.log.entry(said.hash))
    #expect(gap.body == .deleted)
    #expect(gap.signed.body.isEmpty)
    #expect(gap.signed.entry == said.signed.entry)
    #expect(Data(alice.log.ordered.flatMap(\.signed.wire)).range(of: Data("secret".utf8)) == nil)
    #expect(alice.log.ordered.count == 3)
    #expect(alice.log.entry(after.hash)?.text == "later")
  }

  @Test("A newcomer takes the gap on its author's word, and nobody else's")
  func gap() throws {
    var alice = Member(1)
    let said = alice.say("a secret")!
    alice.handle(.compose(.delete([said.hash]), wall: wall(5)))
    let gap = try #require(alice.log.entry(said.hash)).signed
    var bob = Member(2)
    let outputs = bob.handle(.received([gap], from: alice.id))
    #expect(outputs.compactMap(\.misbehaviour).isEmpty)
    #expect(bob.log.entry(said.hash)?.body == .deleted)

    let other = signingKey(3)
    let foreign = forge(by: other, body: .delete([said.hash]))
    let otherTarget = forge(by: signingKey(1), body: .delete([entryHash(foreign)]))
    var forged = gap.deletion
    forged.signature[0] ^= 1
    var nested = gap.deletion
    nested.deletion = gap.deletion
    nested.body = Data()
    for deletion in [foreign, otherTarget, forged, nested, .init()] {
      var cut = gap
      cut.deletion = deletion
      #expect(throws: ChatError.self) { try Entry(verifying: cut, meeting: meeting) }
    }
    var both = said.signed
    both.deletion = gap.deletion
    #expect(throws: ChatError.self) { try Entry(verifying: both, meeting: meeting) }
  }

  /// What an author signed, who shows some one thing and others another.
  private struct TwoFaced {
    let key = signingKey(9)
    var from: PeerID { PeerID(publicKey: key.publicKey) }
    let text: WireSignedEntry
    let more: WireSignedEntry

    init() {
      text = forge(by: key, body: .text("I agree to pay"))
      more = forge(by: key, sequence: 2, previous: entryHash(text))
    }

    func delete(
      _ target: WireSignedEntry, after last: EntryHash, sequence: UInt64
    ) -> WireSignedEntry {
      forge(
        by: key, sequence: sequence, previous: last, body: .delete([entryHash(target)]))
    }
  }

  /// Three in a row, the first and the last of whom were shown these before they met.
  private func met(_ shown: [WireSignedEntry], _ others: [WireSignedEntry]) -> World {
    var world = World(members: 3, seed: 3) { _, _ in false }
    world.give(shown, to: 0)
    world.give(others, to: 2)
    world.run(until: seconds(1))
    world.link(0, 1)
    world.run(until: seconds(2))
    world.link(1, 2)
    world.run(until: seconds(10))
    return world
  }

  private func expectSilence(_ world: World) {
    var world = world
    let heads = world.sentHeads
    world.run(until: seconds(600))
    #expect(world.sentHeads < heads + 20)
    #expect(world.members.allSatisfy { $0.log.deadline == nil })
  }

  @Test(
    "A text of which some were shown a gap, whose delete is in no log, is everybody's text",
    arguments: [true, false], [true, false])
  func onlyInGap(isMadeUp: Bool, isTextFirst: Bool) {
    let mallory = TwoFaced()
    // What it comes after may be there, or never anywhere.
    let delete = mallory.delete(
      mallory.text, after: isMadeUp ? entryHash(.init()) : entryHash(mallory.more), sequence: 3)
    let shown = [mallory.text, mallory.more]
    let others = [cut(mallory.text, by: delete), mallory.more]
    let world = isTextFirst ? met(shown, others) : met(others, shown)
    world.expectOneHistory(of: 2)
    for member in world.members {
      #expect(member.log.entry(entryHash(mallory.text))?.text == "I agree to pay")
      #expect(member.stored.first { $0.sequence == 1 }?.text == "I agree to pay")
      #expect(member.shown.count == 2)
    }
    expectSilence(world)
  }

  @Test("A delete of which some were shown a gap deletes all the same", arguments: [true, false])
  func gapOfDelete(isTextFirst: Bool) {
    let mallory = TwoFaced()
    let delete = mallory.delete(mallory.text, after: entryHash(mallory.more), sequence: 3)
    let cover = mallory.delete(delete, after: entryHash(delete), sequence: 4)
    let shown = [mallory.text, mallory.more, cut(delete, by: cover), cover]
    let others = [cut(mallory.text, by: delete), mallory.more, delete, cover]
    let world = isTextFirst ? met(shown, others) : met(others, shown)
    world.expectOneHistory(of: 4)
    for member in world.members {
      #expect(member.log.entry(entryHash(mallory.text))?.body == .deleted)
      #expect(member.log.entry(entryHash(delete))?.body == .delete([entryHash(mallory.text)]))
    }
    expectSilence(world)
  }

  @Test("A gap that nobody has the text of is asked for a few times, and then no more")
  func nobodyHasIt() {
    let mallory = TwoFaced()
    let delete = mallory.delete(mallory.text, after: entryHash(.init()), sequence: 3)
    let gap = cut(mallory.text, by: delete)
    let world = met([gap, mallory.more], [gap, mallory.more])
    world.expectOneHistory(of: 2)
    expectSilence(world)
  }

  @Test("A delete on a branch that has no place in the log any more has deleted nothing")
  func evictedDelete() {
    let mallory = TwoFaced()
    let forks = (0..<9).map { number in
      forge(
        by: mallory.key, sequence: 2, previous: entryHash(mallory.text), body: .text("\(number)"))
    }
    .sorted { entryHash($0) < entryHash($1) }
    let delete = mallory.delete(mallory.text, after: entryHash(forks[8]), sequence: 3)
    let world = met([mallory.text, forks[8], delete], [mallory.text] + forks[..<8])
    world.expectOneHistory(of: 9)
    for member in world.members {
      #expect(member.log.entry(entryHash(mallory.text))?.text == "I agree to pay")
    }
    expectSilence(world)
  }

  @Test(
    "A delete beside which nobody was shown a text takes nothing back, whoever passes the text on")
  func passedOn() {
    var alice = Member(1)
    var bob = Member(2)
    let said = alice.say("a secret")!
    alice.handle(.compose(.delete([said.hash]), wall: wall(5)))
    bob.handle(.received(alice.log.ordered.map(\.signed), from: alice.id))
    let outputs = bob.handle(.received([said.signed], from: meeting.asPeer))
    #expect(outputs.isEmpty)
    #expect(bob.log.entry(said.hash)?.body == .deleted)
    #expect(bob.stored.allSatisfy { $0.text == nil })
  }

  @Test("What deletes stays, or those who still have the text would never hear of it")
  func deletingDeletion() {
    var alice = Member(1)
    var bob = Member(2)
    let said = alice.say("secret")!
    alice.handle(.compose(.delete([said.hash]), wall: wall(5)))
    let deletion = alice.stored.last!
    alice.handle(.compose(.delete([deletion.hash]), wall: wall(6)))
    #expect(alice.log.entry(deletion.hash)?.body == .delete([said.hash]))
    bob.handle(.received([said.signed], from: alice.id))
    bob.handle(.received(alice.log.ordered.map(\.signed), from: alice.id))
    #expect(bob.log.entry(said.hash)?.body == .deleted)
  }

  @Test("Nobody deletes what somebody else said")
  func foreign() {
    var alice = Member(1)
    var bob = Member(2)
    let said = alice.say("mine")!
    bob.handle(.received([said.signed], from: alice.id))
    bob.handle(.compose(.delete([said.hash]), wall: wall(5)))
    #expect(bob.log.entry(said.hash)?.text == "mine")
  }

  @Test("What comes after the entry that deletes it, by another branch, is dropped too")
  func early() {
    let key = signingKey(9)
    let said = forge(by: key, body: .text("secret"))
    let deletion = forge(by: key, body: .delete([entryHash(said)])) { $0.clockCounter = 7 }
    var bob = Member(2)
    bob.handle(.received([deletion], from: PeerID(publicKey: key.publicKey)))
    bob.handle(.received([said], from: PeerID(publicKey: key.publicKey)))
    #expect(bob.log.entry(entryHash(said))?.body == .deleted)
  }

  @Test("A log read back from the disk has the same gaps")
  func stored() throws {
    var alice = Member(1)
    let said = alice.say("a secret")!
    alice.handle(.compose(.delete([said.hash]), wall: wall(5)))
    let gap = try #require(alice.log.entry(said.hash))
    // Whether the store has dropped the text yet or not.
    for first in [said, gap] {
      let again = Member(1, stored: [first, alice.stored[1]])
      #expect(again.log.entry(said.hash)?.body == .deleted)
      #expect(again.log.heads == alice.log.heads)
    }
  }
}

@Suite("One's own log that others know further")
struct OwnLogTests {
  private func restored() -> (alice: Member, bob: Member, said: [Entry]) {
    var alice = Member(1)
    var bob = Member(2)
    let said = ["a", "b", "c"].map { alice.say($0)! }
    bob.handle(.received(said.map(\.signed), from: alice.id))
    return (Member(1, stored: [said[0]], mayBeKnownFurther: true), bob, said)
  }

  @Test("The first line waits until what others have of it is here")
  func waits() {
    var (alice, bob, said) = restored()
    #expect(alice.say("d") == nil)
    alice.handle(.linkUp(bob.id))
    alice.handle(.heads(bob.log.heads, from: bob.id))
    #expect(alice.log.entryCount == 1)
    let outputs = alice.handle(.batch(.with { $0.entries = said.map(\.signed) }, from: bob.id))
    let next = outputs.compactMap(\.shown).last
    #expect(next?.text == "d")
    #expect(next?.previous == said[2].hash)
    #expect(!alice.log.isEquivocator(alice.id))
  }

  @Test("A member that has nothing more of it lets the line go at once")
  func nothingMore() {
    var alice = Member(1, stored: [], mayBeKnownFurther: true)
    let bob = Member(2)
    #expect(alice.say("first") == nil)
    alice.handle(.linkUp(bob.id))
    let outputs = alice.handle(.heads(bob.log.heads, from: bob.id))
    #expect(outputs.compactMap(\.shown).map(\.text) == ["first"])
    #expect(alice.say("second")?.sequence == 2)
  }

  @Test("Whoever is alone, or is told of entries that never come, waits a moment only")
  func bounded() throws {
    for hasLiar in [false, true] {
      var alice = Member(1, stored: [], mayBeKnownFurther: true)
      #expect(alice.say("first") == nil)
      if hasLiar {
        alice.handle(.linkUp(meeting.asPeer))
        let heads = WireChatHeads.with {
          $0.heads = [
            .with {
              $0.authorKey = Data(alice.key.publicKey)
              $0.sequence = 99
              $0.hash = Data(repeating: 1, count: 32)
            }
          ]
        }
        for second in 0..<3 {
          alice.handle(.heads(heads, from: meeting.asPeer), at: seconds(Double(second)))
        }
      }
      alice.wake(at: seconds(2.9))
      #expect(alice.log.entryCount == 0)
      let outputs = alice.wake(at: seconds(3))
      #expect(outputs.compactMap(\.shown).map(\.text) == ["first"])
    }
  }
}
