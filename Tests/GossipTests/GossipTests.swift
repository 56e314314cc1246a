import Foundation
import Foundations
import Gossip
import Simulation
import SwiftProtobuf
import Testing
import Wire

@Suite("A mesh of members")
struct GossipTests {
  /// A meeting of `count`, who join in random order through random members at random moments.
  private func makeMeeting(of count: Int, seed: UInt64) -> MeetingWorld {
    let world = MeetingWorld(seed: seed)
    for identity in Identity.crowd.shuffled(using: &world.chance).prefix(count) {
      _ = world.add(identity)
    }
    for host in 1..<count {
      let contact = Int.random(in: 0..<host, using: &world.chance)
      world.join(host, through: contact)
      world.run(for: .milliseconds(Int64.random(in: 0...200, using: &world.chance)))
    }
    return world
  }

  @Test(
    "Everybody sees everybody, over one link each up to nine, and hears each broadcast once",
    arguments: seeds(100))
  func completes(seed: UInt64) {
    let count = 2 + Int(seed % 11)
    let world = makeMeeting(of: count, seed: seed)
    world.run(for: .seconds(4))
    #expect(world.isComplete(0..<count), "seed \(seed)")
    for one in 0..<count {
      for other in 0..<one {
        let streams = world.openStreams(one, other)
        // From ten on, members have some neighbours instead.
        #expect(count < 10 ? streams == 1 : streams <= 1, "seed \(seed): \(one) and \(other)")
      }
    }
    for host in 0..<count { world.input(host, .broadcast(entry("from \(host)"))) }
    world.run(for: .seconds(1))
    for host in 0..<count {
      let expected = (0..<count).filter { $0 != host }.map { ("from \($0)", 1) }
      #expect(world.hosts[host].delivered == Dictionary(uniqueKeysWithValues: expected))
      #expect(world.hosts[host].downs.isEmpty)
      #expect(world.hosts[host].complaints.isEmpty)
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test("A newcomer sees all within a tenth of a second")
  func joinsFast() {
    let world = makeMeeting(of: 8, seed: 5)
    world.run(for: .seconds(3))
    let newcomer = world.add(
      Identity.crowd.first { one in
        !world.hosts.contains { $0.identity.id == one.id }
      }!)
    world.join(newcomer, through: 3)
    world.run(for: .milliseconds(100))
    #expect(world.isComplete(0...newcomer))
  }

  @Test("The same seed gives the same run")
  func repeats() {
    let traces = (0..<2).map { _ in
      let world = makeMeeting(of: 9, seed: 77)
      world.crash(4)
      world.run(for: .seconds(5))
      return world.trace
    }
    #expect(traces[0] == traces[1])
  }

  @Test(
    "A crash is noticed within a second, a hang or a pulled cable within three",
    arguments: seeds(30))
  func notices(seed: UInt64) {
    let count = 2 + Int(seed % 8)
    let world = makeMeeting(of: count, seed: seed)
    world.run(for: .seconds(3) + .milliseconds(Int64(seed) * 37))
    #expect(world.isComplete(0..<count))
    let victim = Int.random(in: 0..<count, using: &world.chance)
    let others = (0..<count).filter { $0 != victim }
    let began = world.now
    switch seed % 3 {
    case 0: world.crash(victim)
    case 1: world.hang(victim)
    case _: world.cut([victim], from: others)
    }
    world.run(for: .seconds(seed % 3 == 0 ? 1 : 3))
    for host in others {
      #expect(
        world.hosts[host].downs.map(\.member) == [world.hosts[victim].identity.id],
        "seed \(seed), \(host): \(world.hosts[host].downs.map { ($0.at - began).inSeconds })")
      #expect(world.hosts[host].downs.allSatisfy { $0.reason == .lost })
    }
    #expect(world.isComplete(others), "seed \(seed)")
    if seed % 3 == 1 { world.resume(victim) }
    if seed % 3 == 2 { world.heal() }
    world.run(for: .seconds(6))
    if seed % 3 != 0 { #expect(world.isComplete(0..<count), "seed \(seed)") }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test(
    "Both halves of a cut mesh go on, and are one again soon after it heals", arguments: seeds(20))
  func heals(seed: UInt64) {
    let count = 4 + Int(seed % 7)
    let world = makeMeeting(of: count, seed: seed)
    world.run(for: .seconds(3))
    let left = 0..<count / 2
    let right = count / 2..<count
    world.cut(left, from: right)
    world.run(for: .seconds(8))
    #expect(world.isComplete(left) && world.isComplete(right), "seed \(seed)")
    world.heal()
    let healed = world.now
    while !world.isComplete(0..<count), world.now - healed < .seconds(9) {
      world.run(for: .milliseconds(100))
    }
    #expect(world.now - healed <= .seconds(2), "seed \(seed)")
    world.run(for: .seconds(3))
    world.input(0, .broadcast(entry("whole again")))
    world.run(for: .seconds(1))
    for host in 1..<count {
      #expect(world.hosts[host].delivered == ["whole again": 1])
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test(
    "Two members that can't reach each other stay present through the others", arguments: seeds(10))
  func relays(seed: UInt64) throws {
    let count = 4
    let world = makeMeeting(of: count, seed: seed)
    world.run(for: .seconds(3))
    world.cut([0], from: [1])
    world.run(for: .seconds(8))
    #expect(world.isComplete(0..<count), "seed \(seed)")
    #expect(world.hosts[0].downs.isEmpty && world.hosts[1].downs.isEmpty)
    world.input(0, .broadcast(entry("round about")))
    let directed = WireDirected.sample(
      number: 9, by: world.hosts[0].identity, to: world.hosts[1].identity.id)
    world.input(0, .direct(directed))
    world.run(for: .milliseconds(100))
    #expect(world.hosts[1].delivered == ["round about": 1])
    #expect(world.hosts[1].directed == [directed.ciphertext: 1])
    // And once the one between them is gone for the others too, so it is for them.
    world.crash(1)
    world.run(for: .seconds(3))
    #expect(world.isComplete([0, 2, 3]), "seed \(seed)")
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test("Who leaves is told apart from who is lost, and comes back as who it was")
  func leavesAndReturns() {
    let world = makeMeeting(of: 5, seed: 3)
    world.run(for: .seconds(3))
    let leaver = world.hosts[2].identity
    world.leave(2)
    world.run(for: .seconds(1))
    #expect(world.isComplete([0, 1, 3, 4]))
    for host in [0, 1, 3, 4] {
      #expect(world.hosts[host].downs.map(\.reason) == [.left])
      #expect(world.hosts[host].downs.map(\.member) == [leaver.id])
    }
    world.run(for: .seconds(30))
    let number = leaver.key.secret[0]
    world.restart(2, as: Identity(number, run: 1))
    world.join(2, through: 4)
    world.run(for: .seconds(2))
    #expect(world.isComplete(0..<5))
    #expect(world.problems.isEmpty)
  }

  @Test("Who crashes and is back at once is seen to have gone and come")
  func restarts() {
    let world = makeMeeting(of: 5, seed: 4)
    world.run(for: .seconds(3))
    let number = world.hosts[1].identity.key.secret[0]
    // The cable is out while it restarts, so that nobody hears of the crash.
    world.cut([1], from: [0, 2, 3, 4])
    world.crash(1)
    world.run(for: .milliseconds(300))
    world.restart(1, as: Identity(number, run: 1))
    world.heal()
    world.join(1, through: 0)
    world.run(for: .seconds(3))
    #expect(world.isComplete(0..<5))
    for host in [0, 2, 3, 4] { #expect(world.hosts[host].downs.map(\.reason) == [.lost]) }
    #expect(world.problems.isEmpty)
  }

  @Test("A host that was asleep suspects nobody for what it didn't hear")
  func sleeps() {
    let world = makeMeeting(of: 2, seed: 6)
    world.run(for: .seconds(3))
    // Both sleep, as if the whole machine did.
    world.hang(0)
    world.hang(1)
    world.run(for: .seconds(60))
    world.resume(0)
    world.resume(1)
    world.run(for: .seconds(5))
    #expect(world.hosts[0].downs.isEmpty && world.hosts[1].downs.isEmpty)
    #expect(world.isComplete(0..<2))
  }

  @Test("Whatever happens, the mesh is whole once it is left in peace", arguments: seeds(30))
  func survives(seed: UInt64) {
    let count = 7
    let world = makeMeeting(of: count, seed: seed)
    var isGone = [Bool](repeating: false, count: count)
    for _ in 0..<12 {
      let host = Int.random(in: 0..<count, using: &world.chance)
      switch Int.random(in: 0..<5, using: &world.chance) {
      case 0 where isGone.count(where: { $0 }) < 3 && !isGone[host]:
        isGone[host] = true
        world.crash(host)
      case 1 where !isGone[host]:
        world.hang(host)
        let nap = Int64.random(in: 100...6000, using: &world.chance)
        world.after(.milliseconds(nap)) { $0.resume(host) }
      case 2:
        let other = Int.random(in: 0..<count, using: &world.chance)
        if other != host { world.cut([host], from: [other]) }
      case 3: world.heal()
      case _: if !isGone[host] { world.input(host, .broadcast(entry("\(seed) \(host)"))) }
      }
      world.run(for: .milliseconds(Int64.random(in: 10...2000, using: &world.chance)))
    }
    world.heal()
    world.run(for: .seconds(12))
    let here = (0..<count).filter { !isGone[$0] }
    #expect(world.isComplete(here), "seed \(seed)")
    for host in here {
      #expect(world.hosts[host].delivered.values.allSatisfy { $0 <= 12 })
      #expect(world.hosts[host].complaints.isEmpty, "seed \(seed)")
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }
}

extension WireDirected {
  /// As a directed message looks to those who can't open it.
  static func sample(number: UInt64, by author: Identity, to recipient: PeerID) -> WireDirected {
    var directed = WireDirected.with {
      $0.authorKey = Data(author.key.publicKey)
      $0.number = number
      $0.recipient = Data(recipient.bytes)
      $0.encapsulatedKey = Data(digest([1]))
      $0.ciphertext = Data(digest([UInt8(truncatingIfNeeded: number)]))
    }
    let big = stride(from: 56, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: number >> UInt64($0))
    }
    let signed: [UInt8] =
      recipient.bytes + author.key.publicKey + big + Array(directed.encapsulatedKey)
      + Array(directed.ciphertext)
    directed.signature = Data(author.key.signature(of: signed, for: .directed(meeting)))
    return directed
  }
}
