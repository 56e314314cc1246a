import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

/// Mallory is a member of both sides of a partition and shows each other branches of its log.
@Suite("Exchange beside an author that contradicts itself")
struct BranchExchangeTests {
  private let mallory = signingKey(666)
  private var author: PeerID { PeerID(publicKey: mallory.publicKey) }

  /// A branch from its root on, or after `root`.
  private func branch(
    _ name: String, length: Int, after root: WireSignedEntry? = nil, from first: UInt64 = 1,
    by author: SigningKey? = nil
  ) -> [WireSignedEntry] {
    var previous = root.map(entryHash)
    return (first..<first + UInt64(length)).map { number in
      let body = WireChatBody.text("\(name) \(number)" + String(repeating: "x", count: 150))
      // Long before what the others say.
      let entry = forge(
        by: author ?? mallory, sequence: number, previous: previous, body: body
      ) {
        $0.clockMilliseconds = number
      }
      previous = entryHash(entry)
      return entry
    }
  }

  /// Two sides, one member each, that were shown these branches while they were apart and talked.
  private func healed(_ sides: [[[WireSignedEntry]]]) -> World {
    var world = World(members: 2, seed: 5)
    world.run(until: seconds(1))
    world.split(at: 1)
    for (member, branches) in sides.enumerated() {
      for branch in branches {
        for start in stride(from: 0, to: branch.count, by: 200) {
          world.give(Array(branch[start..<min(start + 200, branch.count)]), to: member)
        }
      }
    }
    world.chat(lines: 40, over: .seconds(10))
    world.run(until: seconds(20))
    world.heal()
    world.sentHeads = 0
    world.batchedEntries = 0
    return world
  }

  private func honest(_ world: World, _ member: Int) -> [Entry] {
    world.members[member].log.ordered.filter { $0.author != author }
  }

  /// Nothing is said any more, and it was said soon that nothing is to be.
  private func expectSilence(_ world: inout World, _ comment: Comment) {
    world.run(until: world.now + .seconds(60))
    #expect(world.sentHeads < 30, comment)
    let (heads, entries) = (world.sentHeads, world.batchedEntries)
    world.run(until: world.now + .seconds(600))
    #expect(world.sentHeads == heads && world.batchedEntries == entries, comment)
    #expect(world.members.allSatisfy { $0.log.deadline == nil }, comment)
  }

  @Test(
    "A healed partition becomes one history of what the others said, and falls silent",
    arguments: [(8, 8), (5, 8), (1, 8)])
  func heals(left: Int, right: Int) {
    // One of each is longer than a batch.
    let sides = zip(["x", "y"], [left, right]).map { name, count in
      [branch("\(name)0", length: 600)] + (1..<count).map { branch("\(name)\($0)", length: 1) }
    }
    var world = healed(sides)
    world.run(until: seconds(22))
    let lines = honest(world, 0)
    #expect(lines == honest(world, 1))
    #expect(lines.count == 40)
    expectSilence(&world, "\(left) and \(right)")
    // And of what the author said too: the same branches are kept by both.
    world.expectOneHistory()
    for member in world.members {
      let kept = member.log.heads.heads.filter { Array($0.authorKey) == mallory.publicKey }
      #expect(kept.count == ChatBounds.tips)
    }
    // What has room is sent once, and what hasn't only as long as the other may not have said so.
    #expect(world.batchedEntries <= 40 + 2 * 608)
  }

  @Test("A branch that goes on, on one side, goes on at the other, though neither takes another")
  func goesOn() {
    let root = branch("root", length: 1)
    let shared = branch("shared", length: 1, after: root[0], from: 2)
    let more = branch("more", length: 30, after: shared[0], from: 3)
    let sides = ["x", "y"].map { name in
      [root + shared] + (1..<8).map { branch("\(name)\($0)", length: 3) }
    }
    var world = healed([[sides[0][0] + more] + sides[0][1...], sides[1]])
    world.run(until: seconds(22))
    for member in world.members { #expect(member.log.entry(entryHash(more[29])) != nil) }
    #expect(honest(world, 0) == honest(world, 1))
    expectSilence(&world, "goes on")
  }

  @Test(
    "Where two copies of one log part is found, however much they have in common and say since",
    arguments: [(100, 1, 1), (600, 1, 1), (600, 1, 3), (2000, 700, 2), (3000, 800, 800)])
  func parts(common: Int, left: Int, right: Int) {
    var world = World(members: 2, seed: 5)
    world.run(until: seconds(1))
    let trunk = branch("trunk", length: common)
    let sides = zip(["x", "y"], [left, right]).map { name, length in
      trunk + branch(name, length: length, after: trunk.last, from: UInt64(common) + 1)
    }
    world.split(at: 1)
    for (member, entries) in sides.enumerated() {
      for start in stride(from: 0, to: entries.count, by: 200) {
        world.give(Array(entries[start..<min(start + 200, entries.count)]), to: member)
      }
    }
    world.run(until: seconds(20))
    world.heal()
    (world.sentHeads, world.batchedEntries) = (0, 0)
    world.run(until: seconds(30))
    print("\(common): \(world.sentHeads) tellings, \(world.batchedEntries) entries")
    world.expectOneHistory()
    #expect(world.members[0].log.entryCount == common + left + right)
    #expect(world.batchedEntries <= left + right + 2 * 16)
    expectSilence(&world, "\(common)")
  }

  @Test("Whoever makes up authors whose logs part after much that is the same keeps nothing back")
  func starves() {
    var world = World(members: 2, seed: 5)
    world.run(until: seconds(1))
    let keys = (0..<12).map { signingKey(7000 + UInt64($0)) }
    let trunks = keys.map { branch("trunk", length: 250, by: $0) }
    world.split(at: 1)
    for (key, trunk) in zip(keys, trunks) {
      for (member, name) in ["x", "y"].enumerated() {
        world.give(
          trunk + branch(name, length: 1, after: trunk.last!, from: 251, by: key), to: member)
      }
    }
    world.chat(lines: 20, over: .seconds(10))
    world.run(until: seconds(60))
    world.heal()
    world.run(until: seconds(70))
    world.expectOneHistory()
    #expect(world.members[0].log.entryCount == 12 * 252 + 20)
  }

  /// By the order in which they have a place: a fork at the beginning of a log counts by its hash.
  private func ranked(_ count: Int, length: Int) -> [[WireSignedEntry]] {
    (0..<count).map { branch("\($0)", length: length) }
      .sorted { entryHash($0[0]) < entryHash($1[0]) }
  }

  @Test("What is refused for good doesn't wait")
  func refused() {
    let branches = ranked(9, length: 10)
    let another = branches[8]
    var member = Member(1)
    for branch in branches[..<8] { member.handle(.received(branch, from: author)) }
    member.handle(.received(another, from: author))
    member.handle(.received(another.reversed(), from: author))
    #expect(member.log.entryCount == 80)
    #expect(member.log.waitingCount == 0)
    // Nor does what came before it was refused.
    var other = Member(2)
    other.handle(.received(Array(another[1...]), from: author))
    #expect(other.log.waitingCount > 0)
    for branch in branches[..<8] { other.handle(.received(branch, from: author)) }
    #expect(other.log.waitingCount == 0)
    #expect(other.log.ordered == member.log.ordered)
  }

  @Test(
    "In whatever order branches come, the same are kept, and the others aren't on the disk either")
  func anyOrder() {
    // Eight forks from the beginning on, and some from further up.
    var branches = ranked(12, length: 6)
    for (place, root) in branches.enumerated() {
      branches.append(
        branch("fork \(place)", length: 3, after: root[place % 6], from: UInt64(place % 6) + 2))
    }
    var chance = SeededGenerator(seed: 4)
    var first: [Entry]?
    for _ in 0..<20 {
      var bob = Member(2)
      // What is refused because it comes before its place is there comes again with the exchange.
      for _ in 0..<3 {
        for branch in branches.shuffled(using: &chance) {
          bob.handle(.received(branch, from: author))
        }
      }
      let ordered = bob.log.ordered
      #expect(ordered == first ?? ordered)
      first = ordered
      #expect(Set(bob.stored) == Set(ordered))
      #expect(bob.log.heads.heads.count == ChatBounds.tips)
      // It is what a run that knows of nothing but the disk begins with.
      let again = Member(2, stored: bob.stored)
      #expect(again.log.ordered == ordered)
      #expect(again.log.heads == bob.log.heads)
    }
  }

  @Test("A run that ended before it could let go of what has no place does so when it goes on")
  func restart() {
    let branches = ranked(9, length: 2)
    let kept = branches.joined().map { try! Entry(kept: $0, meeting: meeting) }
    var bob = Member(2, stored: kept)
    #expect(bob.log.entryCount == 16)
    bob.handle(.linkUp(author))
    #expect(Set(bob.stored) == Set(kept.dropLast(2)))
  }

  @Test(
    "An author that shows everybody other branches, whoever crashes meanwhile, ends as one history",
    arguments: FaultTests.seeds)
  func everywhere(seed: UInt64) {
    var world = World(members: 8, seed: seed)
    world.crashAtWrite = 0.02
    world.loss = 0.1
    world.act(30, over: .seconds(20))
    world.fault(6, over: .seconds(20))
    var known: [[WireSignedEntry]] = [branch("trunk", length: 5)]
    for number in 0..<40 {
      let trunk = known.randomElement(using: &world.chance)!
      let place = Int.random(in: 0..<trunk.count, using: &world.chance)
      var new = branch(
        "\(number)", length: 3, after: trunk[place], from: sequence(trunk[place]) + 1)
      if number % 3 == 0 { new.append(delete(trunk[0], after: new[2])) }
      let path = path(to: trunk[place], in: known)
      known.append(new)
      // Some are shown gaps: of what something in the log deletes, or nothing.
      let shown = (path + new).map { entry in
        switch Int.random(in: 0..<6, using: &world.chance) {
        case 0: cut(entry, by: delete(entry, after: new[2]))
        case 1: cut(entry, by: delete(entry, after: path[0]))
        case _: entry
        }
      }
      let member = Int.random(in: world.members.indices, using: &world.chance)
      let moment = world.moment(within: .seconds(20))
      world.give(shown, to: member, after: moment)
    }
    world.runThroughFaults()
    #expect(world.members[0].log.heads.heads.contains { Array($0.authorKey) == mallory.publicKey })
  }

  private func delete(_ entry: WireSignedEntry, after last: WireSignedEntry) -> WireSignedEntry {
    let number = sequence(last) + 1
    return forge(
      by: mallory, sequence: number, previous: entryHash(last), body: .delete([entryHash(entry)])
    ) {
      $0.clockMilliseconds = number
    }
  }

  private func sequence(_ entry: WireSignedEntry) -> UInt64 {
    try! Entry(kept: entry, meeting: meeting).sequence
  }

  /// From the beginning of the log to this entry.
  private func path(
    to entry: WireSignedEntry, in branches: [[WireSignedEntry]]
  ) -> [WireSignedEntry] {
    let all = Dictionary(
      uniqueKeysWithValues: branches.joined().map { (entryHash($0), $0) })
    var path = [entry]
    while let previous = try! Entry(kept: path[0], meeting: meeting).previous {
      path.insert(all[previous]!, at: 0)
    }
    return path
  }

  @Test("However many authors contradict themselves, the ends of all are told in one message")
  func allEnds() {
    var (alice, bob) = (Member(1), Member(2))
    for number in 0..<1300 {
      let key = signingKey(9000 + UInt64(number))
      alice.handle(
        .received((0..<8).map { branch("\($0)", length: 1, by: key)[0] }, from: author))
    }
    let heads = alice.log.heads
    #expect((9000...ChatBounds.heads).contains(heads.heads.count) && heads.heads.count < 1300 * 8)
    let longest = heads.wire.count * ChatBounds.heads / heads.heads.count
    #expect(longest < WireBounds.payload - (64 << 10))
    let line = alice.say("from alice")!
    alice.handle(.linkUp(bob.id))
    bob.handle(.linkUp(alice.id))
    let batches = alice.handle(.heads(bob.log.heads, from: bob.id)).compactMap(\.batch)
    #expect(batches.contains { $0.entries.contains(line.signed) })
    let outputs = bob.handle(.heads(alice.log.heads, from: alice.id))
    #expect(outputs.allSatisfy { $0.misbehaviour == nil })
  }

  @Test("Whoever signs much doesn't keep the others from arriving")
  func fair() {
    var alice = Member(1)
    let bob = Member(2)
    let said = alice.say("hello")!
    let flood = branch("flood", length: 600)
    alice.handle(.batch(.with { $0.entries = flood }, from: author))
    alice.handle(.linkUp(bob.id))
    let batches = alice.handle(.heads(bob.log.heads, from: bob.id)).compactMap(\.batch)
    let first = batches.first?.entries ?? []
    #expect((60..<600).contains(first.count))
    #expect(first.contains(said.signed))
  }

  @Test("Who claims to have what it never gives is asked ever more seldom")
  func claims() {
    var alice = Member(1)
    alice.handle(.linkUp(author))
    let made = branch("made up", length: 2)
    let heads = WireChatHeads.with {
      $0.heads = [
        .with {
          $0.authorKey = Data(mallory.publicKey)
          $0.sequence = 2
          $0.hash = Data(entryHash(made[1]).bytes)
        }
      ]
    }
    var told = 0
    var moment = seconds(1)
    // It says so whenever it is asked.
    alice.handle(.heads(heads, from: author), at: moment)
    while let deadline = alice.log.deadline, deadline < seconds(600) {
      moment = max(moment, deadline)
      var words = alice.wake(at: moment).compactMap(\.heads).count
      while words > 0 {
        told += words
        words = alice.handle(.heads(heads, from: author), at: moment).compactMap(\.heads).count
      }
    }
    #expect((5..<60).contains(told))
  }
}
