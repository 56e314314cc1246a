import Foundation
import Foundations
import Simulation
import SwiftProtobuf
import Testing
import Wire

@testable import Gossip

/// More members than have links to each other.
@Suite("A mesh of many members")
struct LargeMeetingTests {
  private static let crowd = (1...26).map { Identity(UInt8($0)) }
  private static let count = 24

  private func makeMeeting(seed: UInt64) -> MeetingWorld {
    let world = MeetingWorld(seed: seed)
    for identity in Self.crowd.prefix(Self.count) { _ = world.add(identity) }
    for host in 1..<Self.count {
      world.join(host, through: Int.random(in: 0..<host, using: &world.chance))
      world.run(for: .milliseconds(Int64.random(in: 0...200, using: &world.chance)))
    }
    world.run(for: .seconds(5))
    return world
  }

  @Test(
    "All know all, each has a few neighbours, and hears every broadcast once", arguments: seeds(3))
  func completes(seed: UInt64) {
    let world = makeMeeting(seed: seed)
    #expect(world.isComplete(0..<Self.count), "seed \(seed)")
    world.run(for: .seconds(10))
    for host in 0..<Self.count {
      #expect((3...10).contains(world.neighbours(of: host)), "seed \(seed), \(host)")
      world.input(host, .broadcast(entry("from \(host)")))
      world.run(for: .milliseconds(50))
    }
    world.run(for: .seconds(1))
    for host in 0..<Self.count {
      let expected = (0..<Self.count).filter { $0 != host }.map { ("from \($0)", 1) }
      #expect(world.hosts[host].delivered == Dictionary(uniqueKeysWithValues: expected))
      #expect(world.hosts[host].downs.isEmpty, "seed \(seed): \(world.hosts[host].downs)")
      #expect(world.hosts[host].complaints.isEmpty, "seed \(seed)")
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test(
    "When nothing happens a member of thirty sends less than a kilobyte a second, and suspects nobody",
    arguments: seeds(1))
  func idles(seed: UInt64) {
    let world = MeetingWorld(seed: seed)
    let count = 30
    for number in 1...count { _ = world.add(Identity(UInt8(number))) }
    for host in 1..<count {
      world.join(host, through: Int.random(in: 0..<host, using: &world.chance))
      world.run(for: .milliseconds(Int64.random(in: 0...200, using: &world.chance)))
    }
    world.run(for: .seconds(60))
    world.forgetSent()
    let seconds = 120
    world.run(for: .seconds(seconds))
    let bytes = world.sent.values.reduce(0) { $0 + $1.bytes }
    #expect(bytes < 1000 * count * seconds, "seed \(seed): \(world.sent)")
    #expect(world.sent["broadcast"] == nil, "seed \(seed)")
    // Each costs two TLS handshakes' worth of bytes more.
    #expect(world.dials + world.probes < seconds, "seed \(seed)")
  }

  @Test("A directed message reaches members that there is no link to", arguments: seeds(3))
  func routes(seed: UInt64) {
    let world = makeMeeting(seed: seed)
    for host in 1..<Self.count {
      let directed = WireDirected.sample(
        number: UInt64(host), by: world.hosts[0].identity, to: world.hosts[host].identity.id)
      world.input(0, .direct(directed))
      world.run(for: .milliseconds(50))
      #expect(world.hosts[host].directed == [directed.ciphertext: 1], "seed \(seed), \(host)")
    }
  }

  @Test(
    "A killed member is missed by all within three seconds, a hung one within four",
    arguments: seeds(4))
  func notices(seed: UInt64) {
    let world = makeMeeting(seed: seed)
    let victim = Int.random(in: 0..<Self.count, using: &world.chance)
    let others = (0..<Self.count).filter { $0 != victim }
    let began = world.now
    if seed % 2 == 0 { world.crash(victim) } else { world.hang(victim) }
    world.run(for: .seconds(seed % 2 == 0 ? 3 : 4))
    for host in others {
      #expect(
        world.hosts[host].downs.map(\.member) == [world.hosts[victim].identity.id],
        "seed \(seed), \(host): \(world.hosts[host].downs.map { ($0.at - began).inSeconds })")
    }
    if seed % 2 == 1 {
      world.resume(victim)
      world.run(for: .seconds(8))
      #expect(world.isComplete(0..<Self.count), "seed \(seed)")
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test(
    "Both halves of a cut meeting go on, and are one again soon after it heals", arguments: seeds(2)
  )
  func heals(seed: UInt64) {
    let world = makeMeeting(seed: seed)
    let half = Self.count / 2
    world.cut(0..<half, from: half..<Self.count)
    world.run(for: .seconds(12))
    #expect(
      world.isComplete(0..<half) && world.isComplete(half..<Self.count), "seed \(seed)")
    world.heal()
    let healed = world.now
    while !world.isComplete(0..<Self.count), world.now - healed < .seconds(15) {
      world.run(for: .milliseconds(100))
    }
    #expect(world.now - healed <= .seconds(6), "seed \(seed)")
    world.run(for: .seconds(3))
    world.input(0, .broadcast(entry("whole again")))
    world.run(for: .seconds(1))
    for host in 1..<Self.count { #expect(world.hosts[host].delivered == ["whole again": 1]) }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }

  @Test("Who is suspected again while its word is still going round is not lost for that")
  func refutesTwice() {
    let world = makeMeeting(seed: 5)
    let suspect = world.hosts[5].identity.id
    for accuser in [0, 1] {
      let statement = world.hosts[accuser].gossip.members[suspect]?.statement ?? 0
      world.input(
        accuser,
        .broadcast(
          .with {
            $0.suspicion.suspects = [
              .with {
                $0.member = Data(suspect.bytes)
                $0.statement = statement
              }
            ]
          }))
      world.run(for: .milliseconds(150))
      let renewed = world.hosts[accuser].gossip.members[suspect]?.statement ?? 0
      #expect(accuser == 1 || renewed > statement, "the first is refuted at once")
    }
    world.run(for: .seconds(10))
    #expect(world.hosts.allSatisfy { host in host.downs.allSatisfy { $0.member != suspect } })
    #expect(world.problems.isEmpty)
  }

  @Test(
    "Who accuses everybody over and over makes few of them say that they are here, and nobody is lost"
  )
  func accusesAll() {
    let world = makeMeeting(seed: 6)
    let others = (1..<Self.count).map { world.hosts[$0].identity.id }
    func statements() -> [UInt64] {
      others.map { world.hosts[0].gossip.members[$0]?.statement ?? 0 }
    }
    var (refutations, latest) = (0, statements())
    let seconds = 4
    for _ in 0..<4 * seconds {
      let suspects = zip(others, latest).map { id, statement in
        WireSuspect.with {
          $0.member = Data(id.bytes)
          $0.statement = statement
        }
      }
      world.input(0, .broadcast(.with { $0.suspicion.suspects = suspects }))
      world.run(for: .milliseconds(250))
      let now = statements()
      refutations += zip(now, latest).count { $0 != $1 }
      latest = now
    }
    let bounds = GossipBounds()
    let heeded =
      bounds.heedFactor
      * (bounds.accusationBurst + Double(seconds) * bounds.accusationsPerSecond)
    print("refuted \(refutations) of \(4 * seconds * others.count) accusations")
    #expect(refutations > 0 && Double(refutations) <= heeded)
    world.run(for: .seconds(3))
    #expect(world.hosts.allSatisfy { $0.downs.isEmpty })
    #expect(world.problems.isEmpty)
  }

  @Test(
    "Where ways through others have ended, members are asked themselves, and nobody is accused aloud",
    arguments: seeds(1))
  func asksItself(seed: UInt64) {
    var bounds = GossipBounds()
    // As in a meeting of hundreds: what is asked at random finds nobody.
    bounds.probeHops = 1
    let world = MeetingWorld(seed: seed, bounds: bounds)
    for identity in Self.crowd.prefix(Self.count) { _ = world.add(identity) }
    for host in 1..<Self.count { world.join(host, through: host - 1) }
    world.run(for: .seconds(20))
    world.forgetSent()
    world.run(for: .seconds(20))
    #expect(world.probes > 0, "seed \(seed)")
    #expect(world.sent["broadcast"] == nil, "seed \(seed): \(world.sent)")
    // Who doesn't answer is missed, though nobody has a link to it.
    let victim = Self.count - 1
    world.crash(victim)
    world.run(for: .seconds(3))
    for host in 0..<victim {
      #expect(world.hosts[host].downs.map(\.member) == [world.hosts[victim].identity.id])
    }
    #expect(world.falseLosses == 0 && world.problems.isEmpty, "seed \(seed)")
  }

  @Test("Who leaves is told apart from who is lost, over any number of links")
  func leaves() {
    let world = makeMeeting(seed: 1)
    world.leave(7)
    world.run(for: .seconds(1))
    for host in 0..<Self.count where host != 7 {
      #expect(world.hosts[host].downs.map(\.reason) == [.left])
    }
  }

  @Test(
    "Two that join at the same moment have their link within a quarter of a second",
    arguments: seeds(10))
  func joinTogether(seed: UInt64) {
    let world = MeetingWorld(seed: seed)
    for identity in Self.crowd.prefix(3) { _ = world.add(identity) }
    // What the inviter's desk does: it learns of the newcomer when that learns of it, and dials.
    for host in 1...2 {
      let record = world.hosts[host].identity.record
      world.input(0, .admitted(record, sponsor: record.id))
      world.join(host, through: 0)
    }
    world.run(for: .milliseconds(250))
    #expect(world.isComplete(0..<3), "seed \(seed)")
    #expect(world.openStreams(1, 2) == 1, "seed \(seed)")
    #expect(world.dials <= 6, "seed \(seed): \(world.dials)")
  }
}
