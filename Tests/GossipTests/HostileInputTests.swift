import Foundation
import Foundations
import Gossip
import Simulation
import SwiftProtobuf
import Testing
import Wire

extension [Gossip.Output] {
  fileprivate var deliveries: Int {
    count { if case .deliver = $0 { true } else { false } }
  }

  fileprivate var complaints: [String] {
    compactMap { if case .misbehaviour(_, let what) = $0 { what } else { nil } }
  }

  fileprivate var introductions: [MemberRecord] {
    compactMap { if case .introduction(_, let record) = $0 { record } else { nil } }
  }

  fileprivate var relays: Int {
    count { output in
      if case .send(_, let frame) = output, case .broadcast? = frame.kind { true } else { false }
    }
  }

  fileprivate var closed: [LinkID] {
    compactMap { if case .close(let link, _) = $0 { link } else { nil } }
  }
}

/// What neighbours say about neighbours and broadcasts, at the edge of what they may say.
private let overlayFrames: [WireLinkFrame] = {
  let ids = Identity.crowd.map { Data($0.id.bytes) }
  let names = ids.map { id in
    WireBroadcastName.with {
      $0.author = id
      $0.number = .max
      $0.round = .max
    }
  }
  return [
    .with { $0.join = WireJoin() },
    .with {
      $0.forwardJoin.newcomer = ids[9]
      $0.forwardJoin.timeToLive = .max
    },
    .with { $0.neighbor.priority = .high },
    .with { $0.neighbor.priority = .rendezvous },
    .with { $0.disconnect = WireDisconnect() },
    .with {
      $0.shuffle.path = Array(ids.prefix(16))
      $0.shuffle.sample = ids
      $0.shuffle.timeToLive = .max
    },
    .with {
      $0.shuffle.path = [ids[1]]
      $0.shuffle.sample = Array(ids.prefix(8))
    },
    .with { $0.shuffleReply.sample = Array(ids.prefix(8)) },
    .with { $0.iHave.broadcasts = names },
    .with { $0.graft.broadcasts = names },
    .with { $0.prune = WirePrune() },
  ]
}()

@Suite("A mesh under hostile input")
struct HostileInputTests {
  @Test("A copy is neither delivered nor passed on again, from whomever it comes")
  func dropsCopies() {
    var bench = Bench()
    let frame = broadcast(entry("a"), number: 5, by: Identity.crowd[1])
    bench.receive(frame, from: 1)
    let first = bench.take()
    #expect(first.deliveries == 1 && first.relays == 2)
    bench.receive(frame, from: 1)
    bench.receive(frame, from: 2)
    let second = bench.take()
    #expect(second.isEmpty)
  }

  @Test("Forged, foreign and misplaced broadcasts are dropped, and their bearer is named")
  func dropsForgeries() {
    let author = Identity.crowd[1]
    var forged = broadcast(entry("a"), number: 5, by: author)
    forged.broadcast.payload.append(contentsOf: [0x22, 0])
    var unsigned = broadcast(entry("a"), number: 5, by: author)
    unsigned.broadcast.signature = Data()
    var anonymous = unsigned
    anonymous.broadcast.authorKey = Data()
    let elsewhere = MeetingID([UInt8](repeating: 8, count: 16))!
    let frames = [
      forged, unsigned, anonymous,
      broadcast(entry("a"), number: 5, by: author, in: elsewhere),
      broadcast(.with { $0.signal = WireSignal() }, number: 5, by: author),
      broadcast(WirePayload(), number: 5, by: author),
      broadcast(.with { $0.membership = Identity.crowd[2].membership }, number: 5, by: author),
      WireLinkFrame(), .with { $0.hello = WireLinkHello() },
      .with { $0.probe.member = Data([1, 2]) },
      .with { $0.directed.authorKey = Data([1]) },
    ]
    for frame in frames {
      var bench = Bench()
      bench.receive(frame, from: 2)
      let outputs = bench.take()
      #expect(outputs.count == 1 && outputs.complaints.count == 1, "\(frame): \(outputs)")
      // And it doesn't keep the true one out.
      bench.receive(broadcast(entry("a"), number: 5, by: author), from: 3)
      #expect(bench.take().deliveries == 1)
    }
  }

  @Test("What a stranger says waits for its admission, and is lost with its refusal")
  func holdsStrangers() {
    let stranger = Identity.crowd[9]
    for isAdmitted in [true, false] {
      var bench = Bench()
      bench.receive(broadcast(entry("before"), number: 1, by: stranger), from: 1)
      #expect(bench.take().isEmpty)
      let membership = WirePayload.with { $0.membership = stranger.membership }
      bench.receive(broadcast(membership, number: 2, by: stranger), from: 1)
      bench.receive(broadcast(membership, number: 2, by: stranger), from: 2)
      bench.receive(broadcast(entry("after"), number: 3, by: stranger), from: 1)
      let asked = bench.take()
      #expect(asked.introductions == [stranger.record] && asked.count == 1)
      if isAdmitted { bench.admit(stranger) } else { bench.input(.refused(stranger.id)) }
      let answered = bench.take()
      #expect(answered.deliveries == (isAdmitted ? 1 : 0))
      // Both to the two neighbours that they didn't come from.
      #expect(answered.relays == (isAdmitted ? 4 : 0))
    }
  }

  @Test("Strangers who are never admitted take bounded room, and are forgotten")
  func boundsStrangers() {
    var bounds = GossipBounds()
    bounds.strangersPerNeighbour = 4
    bounds.strangers = 6
    var bench = Bench(bounds: bounds)
    let crowd = (100..<120).map { Identity(UInt8($0)) }
    for (index, one) in crowd.enumerated() {
      let membership = WirePayload.with { $0.membership = one.membership }
      bench.receive(broadcast(membership, number: 1, by: one), from: 1 + index % 2)
    }
    let outputs = bench.take()
    #expect(outputs.introductions.count == 6)
    #expect(!outputs.complaints.isEmpty)
    bench.run(for: .seconds(6))
    _ = bench.take()
    let membership = WirePayload.with { $0.membership = crowd[19].membership }
    bench.receive(broadcast(membership, number: 1, by: crowd[19]), from: 3)
    #expect(bench.take().introductions.count == 1)
  }

  @Test("An old membership or leaving changes nothing")
  func dropsReplays() {
    var bench = Bench()
    let author = Identity.crowd[1]
    let membership = WirePayload.with { $0.membership = author.membership }
    bench.receive(broadcast(membership, number: 5000, by: author), from: 1)
    bench.admit(author)
    _ = bench.take()
    bench.receive(broadcast(.with { $0.leaving = WireLeaving() }, number: 3, by: author), from: 2)
    bench.receive(broadcast(membership, number: 4, by: author), from: 2)
    bench.receive(broadcast(entry("old"), number: 10, by: author), from: 2)
    #expect(bench.take().isEmpty)
    bench.receive(
      broadcast(.with { $0.leaving = WireLeaving() }, number: 5001, by: author), from: 2)
    let outputs = bench.take()
    #expect(outputs.closed == [1])
    #expect(bench.gossip.present.map(\.id) == [Identity.crowd[2].id, Identity.crowd[3].id])
  }

  @Test("A flood is shed, without hurting the others or the flooder's link")
  func shedsFloods() {
    var bench = Bench()
    var chance = SeededGenerator(seed: 1)
    for _ in 0..<10_000 {
      let number = UInt64.random(in: 0...9, using: &chance)
      bench.receive(.with { $0.ping.number = number }, from: 1)
    }
    let outputs = bench.take()
    #expect(outputs.count <= 2001)
    #expect(outputs.complaints == ["sends more than its share"])
    bench.receive(broadcast(entry("a"), number: 1, by: Identity.crowd[2]), from: 2)
    #expect(bench.take().deliveries == 1)
    bench.run(for: .seconds(10))
    bench.receive(broadcast(entry("a"), number: 1, by: Identity.crowd[1]), from: 1)
    #expect(bench.take().deliveries == 1)
  }

  @Test("What one member or those it brought say over several links fills up none of the others'")
  func shedsRelayedFloods() {
    var bench = Bench()
    let (sponsor, other) = (Identity.crowd[8], Identity.crowd[9])
    for identity in [sponsor, other, Identity.crowd[7]] {
      bench.admit(identity, sponsor: sponsor.id)
    }
    var outputs = bench.take()
    for authors in [[other, Identity.crowd[7]], [sponsor]] {
      for number in 1...1500 as ClosedRange<UInt64> {
        for author in authors {
          let link = Int(number % 3) + 1
          bench.receive(broadcast(entry("\(number)"), number: number, by: author), from: link)
        }
      }
      outputs = bench.take()
      #expect(outputs.deliveries <= 1000 && outputs.deliveries > 900)
    }
    // Nor are they passed on later, as somebody else has them.
    bench.receive(broadcast(entry("1400"), number: 1400, by: other), from: 2)
    #expect(bench.take().deliveries == 0)
    // What it says of itself is heard, and so are all others.
    bench.receive(
      broadcast(.with { $0.membership = sponsor.membership }, number: 2000, by: sponsor), from: 1)
    bench.receive(broadcast(entry("a"), number: 1, by: Identity.crowd[2]), from: 2)
    outputs = bench.take()
    #expect(outputs.deliveries == 1)
    bench.run(for: .seconds(5))
    bench.receive(broadcast(entry("b"), number: 3000, by: sponsor), from: 1)
    #expect(bench.take().deliveries == 1)
  }

  @Test("Long lines take more of their author's share")
  func weighsRelayedFloods() {
    var bench = Bench()
    bench.admit(Identity.crowd[8], sponsor: Identity.crowd[8].id)
    let long = entry(String(repeating: "x", count: 4096))
    for number in 1...500 as ClosedRange<UInt64> {
      bench.receive(broadcast(long, number: number, by: Identity.crowd[8]), from: 1)
    }
    let deliveries = bench.take().deliveries
    #expect(deliveries < 340 && deliveries > 280, "\(deliveries)")
  }

  @Test("Who grafts one broadcast over and over gets it once, and others as its share allows")
  func graftsWithinShare() {
    var bench = Bench()
    for number in 1...64 as ClosedRange<UInt64> {
      let text = String(repeating: "x", count: 8192) + "\(number)"
      bench.receive(broadcast(entry(text), number: number, by: Identity.crowd[2]), from: 2)
    }
    _ = bench.take()
    func pushes() -> Int {
      bench.take().count { output in
        if case .send(1, let frame) = output, case .broadcast? = frame.kind { true } else { false }
      }
    }
    func graft(_ numbers: [UInt64]) -> WireLinkFrame {
      .with {
        $0.graft.broadcasts = numbers.map { number in
          .with {
            $0.author = Data(Identity.crowd[2].id.bytes)
            $0.number = number
          }
        }
      }
    }
    bench.receive(graft(Array(repeating: 1, count: 1000)), from: 1)
    #expect(pushes() == 1)
    for _ in 0..<1000 { bench.receive(graft(Array(1...64)), from: 1) }
    // 8 KiB cost three quarters of a frame.
    #expect(pushes() < 2000 * 4 / 3)
  }

  @Test("Walks without end are passed on in the measure of a neighbour's share")
  func boundsWalks() {
    var bounds = GossipBounds()
    bounds.fullMesh = 1
    var bench = Bench(bounds: bounds)
    for number in 1..<4 { bench.receive(.with { $0.neighbor.priority = .high }, from: number) }
    _ = bench.take()
    bench.admit(Identity.crowd[9])
    for _ in 0..<1000 {
      bench.receive(
        .with {
          $0.forwardJoin.newcomer = Data(Identity.crowd[9].id.bytes)
          $0.forwardJoin.timeToLive = 6
        }, from: 1)
    }
    let passed = bench.take().count { output in
      if case .send(_, let frame) = output, case .forwardJoin? = frame.kind { true } else { false }
    }
    #expect((1...128).contains(passed))
  }

  @Test("A broadcast longer than anything that is said to everybody isn't passed on")
  func refusesLongBroadcasts() {
    var bench = Bench()
    let text = String(repeating: "x", count: 17_000)
    bench.receive(broadcast(entry(text), number: 1, by: Identity.crowd[2]), from: 2)
    let outputs = bench.take()
    #expect(outputs.deliveries == 0 && outputs.complaints == ["a broadcast of undue length"])
  }

  @Test("Asking about a member again and again doesn't make us flood it")
  func limitsVouching() {
    var bench = Bench()
    for number in 0..<1000 as Range<UInt64> {
      bench.receive(
        .with {
          $0.probe.member = Data(Identity.crowd[2].id.bytes)
          $0.probe.number = number
        }, from: 1)
    }
    let pings = bench.take().count { output in
      if case .send(2, let frame) = output, case .ping? = frame.kind { true } else { false }
    }
    #expect(pings == 1)
  }

  @Test("A member that opens link after link has few at a time")
  func boundsLinks() {
    var bench = Bench(neighbours: 1..<2)
    for link in 100..<1100 as Range<LinkID> {
      bench.input(.linkUp(link, Identity.crowd[1].id, isInitiator: false))
    }
    #expect(bench.take().closed.count >= 1000 - 3)
    #expect(bench.gossip.present.count == 1)
  }

  @Test("Who closes each link at once isn't dialled in a frenzy")
  func dialsCalmly() {
    var bench = Bench(neighbours: 1..<2)
    var dials = 0
    for link in 100..<200 as Range<LinkID> {
      bench.input(.linkDown(link - 1, orderly: true))
      bench.run(for: .milliseconds(100))
      dials += bench.take().count { if case .dial = $0 { true } else { false } }
      bench.input(.linkUp(link, Identity.crowd[1].id, isInitiator: true))
    }
    #expect(dials <= 10)
  }

  @Test("Nobody gets a link, or a message routed, without being admitted")
  func refusesOutsiders() {
    var bench = Bench()
    let outsider = Identity.crowd[9]
    bench.input(.linkUp(50, outsider.id, isInitiator: false))
    #expect(bench.take().closed == [50])
    let directed = WireDirected.sample(number: 1, by: outsider, to: bench.me.id)
    bench.receive(.with { $0.directed = directed }, from: 1)
    let away = WireDirected.sample(number: 1, by: Identity.crowd[1], to: outsider.id)
    bench.receive(.with { $0.directed = away }, from: 1)
    #expect(bench.take().isEmpty)
  }

  @Test("A directed message is given once, and passed on once")
  func routesOnce() {
    var bench = Bench()
    let mine = WireDirected.sample(number: 1, by: Identity.crowd[1], to: bench.me.id)
    let other = WireDirected.sample(
      number: 2, by: Identity.crowd[1], to: Identity.crowd[3].id)
    for from in [1, 2, 1] {
      bench.receive(.with { $0.directed = mine }, from: from)
      bench.receive(.with { $0.directed = other }, from: from)
    }
    let outputs = bench.take()
    #expect(outputs.count == 2)
    guard case .deliverDirected(mine) = outputs[0], case .send(3, _) = outputs[1] else {
      Issue.record("\(outputs)")
      return
    }
  }

  @Test("Overlay messages out of bounds are dropped, and their bearer is named")
  func boundsOverlayMessages() {
    let id = Data(Identity.crowd[5].id.bytes)
    let name = WireBroadcastName.with { $0.author = id }
    let frames: [WireLinkFrame] = [
      .with { $0.forwardJoin.newcomer = Data([1]) },
      .with { $0.neighbor.priority = .UNRECOGNIZED(9) },
      .with { $0.shuffle.sample = [Data](repeating: id, count: 100) },
      .with { $0.shuffle.path = [Data([1, 2, 3])] },
      .with { $0.shuffleReply.path = [Data](repeating: id, count: 17) },
      .with { $0.iHave.broadcasts = [WireBroadcastName](repeating: name, count: 1025) },
      .with { $0.iHave.broadcasts = [WireBroadcastName()] },
      .with { $0.graft.broadcasts = [WireBroadcastName](repeating: name, count: 1025) },
    ]
    for frame in frames {
      var bench = Bench()
      bench.receive(frame, from: 2)
      let outputs = bench.take()
      #expect(outputs.count == 1 && outputs.complaints.count == 1, "\(frame): \(outputs)")
    }
  }

  @Test("A removed member loses its link, and stays away")
  func removes() {
    var bench = Bench()
    bench.input(.removed(Identity.crowd[1].id))
    let outputs = bench.take()
    #expect(outputs.closed == [1])
    guard case .memberDown(Identity.crowd[1].id, .removed)? = outputs.last else {
      Issue.record("\(outputs)")
      return
    }
    bench.receive(broadcast(entry("a"), number: 9, by: Identity.crowd[1]), from: 2)
    bench.run(for: .seconds(30))
    #expect(bench.take().allSatisfy { if case .dial = $0 { false } else { true } })
  }

  @Test("Altered frames in any order never trap", arguments: seeds(60))
  func survivesGarbage(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var bench = Bench(neighbours: 1..<5)
    let membership = WirePayload.with { $0.membership = Identity.crowd[8].membership }
    let samples: [WireLinkFrame] =
      [
        broadcast(entry("x"), number: 3, by: Identity.crowd[1]),
        broadcast(membership, number: 3, by: Identity.crowd[8]),
        broadcast(.with { $0.leaving = WireLeaving() }, number: .max, by: Identity.crowd[2]),
        .with { $0.directed = .sample(number: .max, by: Identity.crowd[3], to: bench.me.id) },
        .with { $0.goodbye.leaving = false },
        .with {
          $0.probe.member = Data(Identity.crowd[4].id.bytes)
          $0.probe.number = .max
        },
        .with {
          $0.probeReply.member = Data(Identity.crowd[4].id.bytes)
          $0.probeReply.heard = true
        },
        .with { $0.pong.number = .max },
      ] + overlayFrames
    for _ in 0..<300 {
      var bytes = samples.randomElement(using: &chance)!.wire
      if Bool.random(using: &chance) {
        bytes[Int.random(in: 0..<bytes.count, using: &chance)] = .random(
          in: 0...255, using: &chance)
      }
      let from = Int.random(in: 0..<7, using: &chance)
      if let frame = try? WireLinkFrame(wire: bytes) { bench.receive(frame, from: from) }
      let anybody = Identity.crowd.randomElement(using: &chance)!
      switch Int.random(in: 0..<20, using: &chance) {
      case 0: bench.input(.linkDown(LinkID(from), orderly: false))
      case 1: bench.input(.dialFailed(anybody.id))
      case 2: bench.admit(anybody)
      case 3: bench.input(.refused(anybody.id))
      case 4: bench.input(.linkUp(LinkID(from), anybody.id, isInitiator: true))
      case 5: bench.input(.removed(anybody.id))
      case 6: bench.run(for: .milliseconds(Int64.random(in: 0...3000, using: &chance)))
      case _: break
      }
    }
    bench.input(.leave)
    #expect(bench.gossip.deadline == nil && bench.gossip.present.isEmpty)
    bench.receive(samples[0], from: 1)
  }
}
