import Foundation
import Foundations
import Simulation
import SwiftProtobuf
import Testing
import Wire

@testable import Gossip

/// One member, and others around it that answer what it dials, or don't. Link 1 leads to an attacker, who
/// says at each question that whomever it made up is there.
private struct Neighbourhood {
  var bench: Bench
  let attacker = Identity.crowd[1]
  /// Who answers at their addresses.
  var reachable: Set<PeerID> = []
  private var madeUp: [PeerID: (identity: Identity, number: UInt64)] = [:]
  private(set) var dials: [(peer: PeerID, at: Moment)] = []
  private(set) var probes = 0
  private var ends: [(moment: Moment, peer: PeerID)] = []
  private var nextLink: LinkID = 1000

  /// How long an address is tried that doesn't answer.
  var patience = Duration.milliseconds(1500)

  init(neighbours: Range<Int>, bounds: GossipBounds = GossipBounds()) {
    bench = Bench(neighbours: neighbours, bounds: bounds)
    // What one said at an earlier link.
    for number in neighbours { receive(membership(of: Identity.crowd[number], 1), from: number) }
  }

  private func membership(of identity: Identity, _ number: UInt64) -> WireLinkFrame {
    broadcast(.with { $0.membership = identity.membership }, number: number, by: identity)
  }

  mutating func receive(_ frame: WireLinkFrame, from number: Int) {
    bench.receive(frame, from: number)
    react()
  }

  /// Somebody whom the attacker has made up is told of, anew where it was before.
  mutating func makeUp(_ identity: Identity) {
    let number = (madeUp[identity.id]?.number ?? 0) + 1
    madeUp[identity.id] = (identity, number)
    receive(membership(of: identity, number), from: 1)
  }

  mutating func admit(_ identity: Identity) {
    bench.admit(identity)
    react()
  }

  mutating func breakLink(_ number: Int) {
    bench.input(.linkDown(LinkID(number), orderly: false))
    react()
  }

  mutating func run(
    for duration: Duration, every period: Duration = .seconds(3600),
    _ act: (inout Neighbourhood) -> Void = { _ in }
  ) {
    let end = bench.now + duration
    var next = bench.now + period
    while true {
      let moment = min(next, ends.map(\.moment).min() ?? end, bench.gossip.deadline ?? end, end)
      bench.run(for: max(moment - bench.now, .zero))
      react()
      for (_, peer) in ends.filter({ $0.moment <= bench.now }) {
        bench.input(.dialFailed(peer))
        react()
      }
      ends.removeAll { $0.moment <= bench.now }
      if next <= bench.now {
        act(&self)
        next = next + period
      }
      if bench.now >= end { return }
    }
  }

  private mutating func react() {
    for output in bench.take() {
      switch output {
      case .dial(let peer, _):
        dials.append((peer, bench.now))
        if reachable.contains(peer) {
          bench.input(.linkUp(nextLink, peer, isInitiator: true))
          nextLink += 1
        } else {
          ends.append((bench.now + patience, peer))
        }
        react()
      case .probe(let peer, _):
        probes += 1
        bench.input(.probed(peer, isThere: reachable.contains(peer)))
        react()
      case .introduction(_, let record):
        let isMadeUp = madeUp[record.id] != nil
        bench.input(.admitted(record, sponsor: isMadeUp ? attacker.id : record.id))
        react()
      case .send(1, let frame): answer(frame)
      case _: break
      }
    }
  }

  private mutating func answer(_ frame: WireLinkFrame) {
    switch frame.kind {
    case .probe(let probe):
      guard let id = PeerID(probe.member), madeUp[id] != nil else { return }
      receive(
        .with {
          $0.probeReply.member = probe.member
          $0.probeReply.number = probe.number
          $0.probeReply.heard = true
        }, from: 1)
    case .broadcast(let broadcast):
      guard let payload = try? WirePayload(wire: Array(broadcast.payload)) else { return }
      for suspect in payload.suspicion.suspects {
        if let one = PeerID(suspect.member).flatMap({ madeUp[$0] }) { makeUp(one.identity) }
      }
    case _: break
    }
  }
}

@Suite("Dials to those who can't be reached")
struct DialTests {
  /// Whom no test links.
  private static let crowd = (100..<500).map { Identity($0) }

  @Test(
    "One that nobody reaches is dialled ever more seldom, whoever says that it is there",
    arguments: [true, false])
  func backsOff(isVouchedFor: Bool) {
    var around = Neighbourhood(neighbours: 1..<4)
    let one = Self.crowd[0]
    if isVouchedFor { around.makeUp(one) } else { around.admit(one) }
    around.run(for: .seconds(600))
    let moments = around.dials.map(\.at.nanoseconds)
    let waits = zip(moments, moments.dropFirst()).map { Double($1 - $0) / 1e9 }
    print("dialled \(moments.count) times in ten minutes, after \(waits.prefix(6)) s")
    #expect((600 / 18...600 / 8).contains(moments.count))
    #expect(waits.allSatisfy { $0 < 18 } && waits[4...].allSatisfy { $0 > 8 })
  }

  @Test("A new record, and a link, put the next dial back to the start")
  func beginsAnew() {
    var around = Neighbourhood(neighbours: 1..<4)
    around.makeUp(Self.crowd[0])
    around.run(for: .seconds(60))
    let before = around.dials.count
    around.makeUp(Identity(100, run: 1))
    around.run(for: .seconds(4))
    #expect(around.dials.count - before == 2)
    around.run(for: .seconds(60))
    around.bench.input(.linkUp(77, Self.crowd[0].id, isInitiator: false))
    around.run(for: .seconds(2))
    let linked = around.dials.count
    around.breakLink(77)
    around.run(for: .seconds(5))
    #expect(around.dials.count - linked >= 2)
  }

  @Test(
    "Four hundred whom one member made up draw a dial a second, and others' members are linked all the same"
  )
  func budgets() {
    var around = Neighbourhood(neighbours: 1..<4)
    // As where somebody is, who refuses.
    around.patience = .milliseconds(2)
    for one in Self.crowd { around.makeUp(one) }
    around.run(for: .seconds(120))
    print("dialled \(around.dials.count) times in two minutes, probed \(around.probes) times")
    #expect(around.dials.count <= 16 + 120)
    let honest = (600..<608).map { Identity($0) }
    around.reachable = Set(honest.map(\.id))
    for one in honest { around.admit(one) }
    around.run(for: .seconds(60))
    let linked = honest.count { around.bench.gossip.hasLink(to: $0.id) }
    print("linked to \(linked) of others' members within a minute")
    #expect(linked >= 3)
  }

  @Test("New records without end draw a dial a second")
  func renews() {
    var around = Neighbourhood(neighbours: 1..<4)
    around.patience = .milliseconds(2)
    var run: UInt8 = 0
    around.run(for: .seconds(60), every: .milliseconds(250)) {
      run += 1
      $0.makeUp(Identity(100, run: run))
    }
    print("dialled \(around.dials.count) times in a minute, for \(run) records")
    #expect(around.dials.count <= 16 + 60)
  }

  @Test("Who waits for its sponsor's turn is dialled at its turn, and not missed meanwhile")
  func waits() {
    var bounds = GossipBounds()
    bounds.dialBurst = 2
    var around = Neighbourhood(neighbours: 1..<4, bounds: bounds)
    for one in Self.crowd.prefix(3) { around.makeUp(one) }
    let honest = Identity(600)
    around.reachable = [honest.id]
    around.admit(honest)
    around.run(for: .milliseconds(1))
    // The attacker was here before: so are those whom it tells of, and they are dialled at once.
    #expect(around.dials.map(\.peer) == Self.crowd.prefix(2).map(\.id) + [honest.id])
    around.run(for: .milliseconds(900))
    let standing = around.bench.gossip.members[Self.crowd[2].id]?.standing
    #expect(standing == .introduced, "\(standing as Any)")
    around.run(for: .milliseconds(1200))
    #expect(around.dials.last?.peer == Self.crowd[2].id)
  }

  @Test("Naming a lost member over and over has it dialled four times in 20 seconds")
  func hints() {
    var around = Neighbourhood(neighbours: 1..<4)
    let lost = Identity.crowd[3]
    let known = broadcast(entry("a"), number: 5, by: lost)
    around.receive(known, from: 3)
    around.breakLink(3)
    around.run(for: .seconds(60), every: .milliseconds(100)) { $0.receive(known, from: 1) }
    let first = around.dials.count
    around.run(for: .seconds(540), every: .milliseconds(100)) { $0.receive(known, from: 1) }
    let rest = around.dials.count - first
    print("dialled \(first) times in the first minute, \(Double(rest) / 9) times in each other")
    #expect(first <= 15 && rest <= 9 * 15)
    // And once it was given up, no more than once.
    around.run(for: .seconds(60))
    let given = around.dials.count
    around.run(for: .seconds(300), every: .milliseconds(100)) { $0.receive(known, from: 1) }
    #expect((0...1).contains(around.dials.count - given))
  }

  @Test(
    "Parts that were cut off for a minute are one again within seconds", arguments: seeds(1) + [17])
  func heals(seed: UInt64) {
    let world = MeetingWorld(seed: seed)
    for number in 1...10 { _ = world.add(Identity(number)) }
    for host in 1..<10 { world.join(host, through: host - 1) }
    world.run(for: .seconds(5))
    world.cut(0..<5, from: 5..<10)
    world.run(for: .seconds(60))
    #expect(world.isComplete(0..<5) && world.isComplete(5..<10), "seed \(seed)")
    world.forgetSent()
    world.run(for: .seconds(10))
    let dials = world.dials
    world.heal()
    let healed = world.now
    while !world.isComplete(0..<10), world.now - healed < .seconds(20) {
      world.run(for: .milliseconds(50))
    }
    print("seed \(seed): healed after \((world.now - healed).inSeconds) s, \(dials) dials in 10 s")
    #expect(world.now - healed < .seconds(5), "seed \(seed)")
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
  }
}
