import Foundation
import Foundations
import Gossip
import Simulation
import SwiftProtobuf
import Wire

/// One member, driven by hand, with links to some others.
struct Bench {
  var gossip: Gossip
  var now = Moment.zero
  var outputs: [Gossip.Output] = []
  let me = Identity.crowd[0]

  init(neighbours: Range<Int> = 1..<4, bounds: GossipBounds = GossipBounds()) {
    gossip = Gossip(
      me: me.id, meeting: meeting, key: me.key, membership: me.membership, firstNumber: 1,
      seed: 1, bounds: bounds)
    for number in neighbours { link(number) }
    outputs = []
  }

  mutating func link(_ number: Int) {
    admit(Identity.crowd[number])
    input(.linkUp(LinkID(number), Identity.crowd[number].id, isInitiator: true))
  }

  mutating func admit(_ identity: Identity, sponsor: PeerID? = nil) {
    input(.admitted(identity.record, sponsor: sponsor ?? identity.id))
  }

  mutating func input(_ input: Gossip.Input) {
    gossip.handle(input, at: now, into: &outputs)
  }

  mutating func receive(_ frame: WireLinkFrame, from number: Int) {
    input(.received(LinkID(number), frame))
  }

  /// Lets time pass, in which every neighbour answers pings.
  mutating func run(for duration: Duration) {
    let end = now + duration
    while let deadline = gossip.deadline, deadline <= end {
      now = max(now, deadline)
      var woken: [Gossip.Output] = []
      gossip.wake(at: now, into: &woken)
      for case .send(let link, let frame) in woken {
        guard case .ping(let ping)? = frame.kind else { continue }
        gossip.handle(
          .received(link, .with { $0.pong.number = ping.number }), at: now, into: &woken)
      }
      outputs += woken
    }
    now = end
  }

  /// What came of it since the last time.
  mutating func take() -> [Gossip.Output] {
    defer { outputs = [] }
    return outputs
  }
}

func broadcast(
  _ payload: WirePayload, number: UInt64, by author: Identity, in meeting: MeetingID = meeting
) -> WireLinkFrame {
  .with {
    $0.broadcast = makeBroadcast(
      payload: payload, number: number, key: author.key, meeting: meeting)
  }
}
