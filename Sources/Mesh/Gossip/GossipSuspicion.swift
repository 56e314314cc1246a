import Foundation
import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// Who is perhaps gone: indirect probes as in SWIM (Das, Gupta, Motivala 2002) and Lifeguard (Dadgar,
/// Phillips, Currey 2017), on links whose silence or break raises the suspicion.
extension Gossip {
  /// Asks a few neighbours whether they hear a member that we don't.
  mutating func suspect(
    _ id: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let member = members[id], member.suspicion == nil else { return }
    let others = neighbourLinks.filter { $0.peer != id && members[$0.peer]?.suspicion == nil }
      .shuffled(using: &chance).prefix(bounds.probes)
    ask(others, about: id, .neighbours, at: now, into: &outputs)
  }

  /// Asks after a member without a link, because it is its turn: the neighbour through which it is heard.
  /// Where no way to it is known, a small meeting finds one by chance; in a larger one it is asked itself.
  mutating func suspectInTurn(
    _ id: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let member = members[id], member.suspicion == nil else { return }
    let reach = Int(bounds.probeHops) * overlay.view.capacity
    let hop = nextHop(to: id)
    let others = neighbourLinks.filter { one in
      let isOnTheWay = hop.map { $0 == one.peer } ?? (size <= reach)
      return isOnTheWay && members[one.peer]?.suspicion == nil
    }
    guard let one = others.randomElement(using: &chance) else {
      return probe(id, at: now, into: &outputs)
    }
    ask([one], about: id, .trail, at: now, into: &outputs)
  }

  private mutating func ask(
    _ others: some Collection<(link: LinkID, peer: PeerID)>, about id: PeerID,
    _ step: Suspicion.Step, at now: Moment, into outputs: inout [Output]
  ) {
    nextProbe &+= 1
    let number = nextProbe
    // In a full mesh too: others may know of more members, and have fewer links than that.
    let hops = bounds.probeHops
    for other in others {
      outputs.append(
        .send(
          other.link,
          .with {
            $0.probe.member = Data(id.bytes)
            $0.probe.number = number
            $0.probe.hops = hops
          }))
    }
    members[id]?.probeAgain = nil
    members[id]?.suspicion = Suspicion(
      step: step, number: number, began: now, unanswered: others.map(\.peer),
      askedAny: !others.isEmpty)
    conclude(id, at: now, into: &outputs)
  }

  /// Asks the member itself. The ways that broadcasts leave behind end as neighbours change; an accusation
  /// for that would cost everybody two broadcasts.
  private mutating func probe(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let addresses = members[id]?.record.addresses, !addresses.isEmpty else {
      return suspect(id, at: now, into: &outputs)
    }
    nextProbe &+= 1
    members[id]?.suspicion = Suspicion(
      step: .itself, number: nextProbe, began: now, unanswered: [], askedAny: false)
    outputs.append(.probe(id, addresses))
  }

  /// What came of asking the member itself.
  mutating func probed(
    _ id: PeerID, isThere: Bool, at now: Moment, into outputs: inout [Output]
  ) {
    guard members[id]?.suspicion?.step == .itself else { return }
    members[id]?.suspicion = nil
    if isThere {
      health.improve(at: now)
    } else if !isFullMesh {
      suspect(id, at: now, into: &outputs)
    }
  }

  /// Takes the next step of a suspicion, or gives the suspect up, if all has been tried.
  mutating func conclude(
    _ id: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let member = members[id], let suspicion = member.suspicion else { return }
    let moment = moment(ofConcluding: suspicion, links: member.links, dial: member.dial)
    guard now >= moment else { return }
    switch suspicion.step {
    // In a full mesh, which the meeting has shrunk to meanwhile, it is dialled anyway.
    case .trail:
      members[id]?.suspicion = nil
      members[id]?.nextHop = nil
      if !isFullMesh { probe(id, at: now, into: &outputs) }
    case .itself: probed(id, isThere: false, at: now, into: &outputs)
    case .neighbours:
      guard !isFullMesh, member.isPresent else { return markLost(id, at: now, into: &outputs) }
      members[id]?.suspicion = nil
      closeLinks(to: id, .silent, into: &outputs)
      accuse([id], at: now, into: &outputs)
    }
  }

  func moment(
    ofConcluding suspicion: Suspicion, links memberLinks: [LinkID], dial: KnownMember.Dial
  ) -> Moment {
    if suspicion.step == .itself { return suspicion.began + bounds.dialLimit }
    var moment = suspicion.began
    let hasLink = memberLinks.contains { links[$0]?.isUsable == true }
    if !suspicion.unanswered.isEmpty || hasLink && !suspicion.askedAny {
      moment = moment + bounds.probeWindow * patience
    }
    if case .underway(let since) = dial { moment = max(moment, since + bounds.dialGrace) }
    return moment
  }

  mutating func receive(
    _ probe: WireProbe, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let id = PeerID(probe.member) else {
      complain(about: link, "a probe for nobody", at: now, into: &outputs)
      return
    }
    let vouch = Vouch(
      asker: link, member: id, number: probe.number, expires: now + bounds.vouchWindow)
    guard id != me else { return answer(vouch, heard: true, into: &outputs) }
    if probe.hops > 0, usableLink(to: id) == nil {
      return passOn(probe, as: vouch, at: now, into: &outputs)
    }
    guard let own = usableLink(to: id), let known = links[own], vouches.count < bounds.vouches
    else { return answer(vouch, heard: false, into: &outputs) }
    if let pinged = known.vouchPing, now - pinged < bounds.vouchAgainAfter {
      if known.lastHeard >= pinged { return answer(vouch, heard: true, into: &outputs) }
    } else {
      links[own]?.vouchPing = now
      ping(own, into: &outputs)
    }
    vouches.append(vouch)
  }

  /// The question goes where the member's broadcasts come from, or, where that way has ended since its
  /// last one or goes round in a circle, to somebody at random, who may know one; the answer comes back
  /// the same way.
  private mutating func passOn(
    _ probe: WireProbe, as vouch: Vouch, at now: Moment, into outputs: inout [Output]
  ) {
    let isCircling = vouches.contains { $0.member == vouch.member && $0.passedOn != nil }
    let known = isCircling ? nil : nextHop(to: vouch.member).flatMap { usableLink(to: $0) }
    let others = neighbourLinks.map(\.link).filter { $0 != vouch.asker }
    let way = known != vouch.asker ? known : nil
    guard let link = way ?? others.randomElement(using: &chance), vouches.count < bounds.vouches
    else { return answer(vouch, heard: false, into: &outputs) }
    nextProbe &+= 1
    var passed = probe
    passed.number = nextProbe
    passed.hops = min(probe.hops, bounds.probeHops) - 1
    var vouch = vouch
    vouch.passedOn = nextProbe
    vouches.append(vouch)
    let sent = passed
    outputs.append(.send(link, .with { $0.probe = sent }))
  }

  mutating func receive(
    _ reply: WireProbeReply, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let id = PeerID(reply.member) else { return }
    if let place = vouches.firstIndex(where: {
      $0.member == id && $0.passedOn == reply.number
    }) {
      note(reply, about: id, from: peer)
      // All who ask after it are answered with this one, the nearest to it first: a question that came by
      // twice would leave a way behind that goes round in a circle.
      if reply.heard { return vouchForHeard(id, into: &outputs) }
      answer(vouches.remove(at: place), heard: false, into: &outputs)
      return
    }
    guard let member = members[id],
      let suspicion = member.suspicion, suspicion.number == reply.number,
      suspicion.unanswered.contains(peer)
    else { return }
    members[id]?.suspicion?.unanswered.removeAll { $0 == peer }
    note(reply, about: id, from: peer)
    guard reply.heard else { return conclude(id, at: now, into: &outputs) }
    members[id]?.suspicion = nil
    if suspicion.step == .trail { health.improve(at: now) }
    guard isFullMesh else {
      // A link that carries nothing is no link.
      if suspicion.step == .neighbours { closeLinks(to: id, .silent, into: &outputs) }
      return
    }
    members[id]?.vouchers.removeAll { $0 == peer }
    members[id]?.vouchers.append(peer)
    members[id]?.probeAgain = now + bounds.probeAgainAfter
    // It is there, but not for us over this link.
    closeLinks(to: id, .silent, into: &outputs)
    switch member.standing {
    case .introduced, .lost, .left:
      members[id]?.standing = .present
      outputs.append(.memberUp(member.record))
    case .present: break
    }
    if members[id]?.dial == .idle { dial(id, at: now, into: &outputs) }
  }

  /// A way to the member, or one that has ended.
  private mutating func note(_ reply: WireProbeReply, about id: PeerID, from peer: PeerID) {
    if reply.heard {
      members[id]?.nextHop = peer
    } else if members[id]?.nextHop == peer {
      members[id]?.nextHop = nil
    }
  }

  /// Something came from `peer`: it is alive.
  mutating func heard(
    on link: LinkID, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    if links[link]?.isPinged == true { health.improve(at: now) }
    links[link]?.lastHeard = now
    links[link]?.isPinged = false
    if usableLink(to: peer) != nil {
      members[peer]?.suspicion = nil
      members[peer]?.doubt = nil
    }
    vouchForHeard(peer, into: &outputs)
  }

  /// Part of a frame came, which is as good as a pong. Before there was a ping it says nothing: the other
  /// side, whose pings are stuck behind that frame, is to hear ours.
  mutating func progressed(_ link: LinkID, at now: Moment, into outputs: inout [Output]) {
    guard let known = links[link],
      known.isPinged || members.read(known.peer, { $0.pointee.suspicion != nil }) == true
    else { return }
    heard(on: link, from: known.peer, at: now, into: &outputs)
  }

  mutating func vouchForHeard(_ peer: PeerID, into outputs: inout [Output]) {
    guard vouches.contains(where: { $0.member == peer }) else { return }
    for vouch in vouches where vouch.member == peer {
      answer(vouch, heard: true, into: &outputs)
    }
    vouches.removeAll { $0.member == peer }
  }

  func answer(_ vouch: Vouch, heard: Bool, into outputs: inout [Output]) {
    guard let asker = links[vouch.asker] else { return }
    guard let link = asker.isUsable ? vouch.asker : usableLink(to: asker.peer) else { return }
    outputs.append(
      .send(
        link,
        .with {
          $0.probeReply.member = Data(vouch.member.bytes)
          $0.probeReply.number = vouch.number
          $0.probeReply.heard = heard
        }))
  }

  /// Whoever wakes late has slept, and its neighbours' frames with it: each gets time for one more pong.
  mutating func allowForStall(at now: Moment) {
    guard let deadline, now - deadline > bounds.lateness else { return }
    health.noticeLateness(at: now)
    guard now - deadline > bounds.ownStall else { return }
    for (id, link) in links where link.lastHeard < now - bounds.pingAfter {
      links[id]?.lastHeard = now - bounds.pingAfter
      links[id]?.isPinged = false
    }
    for (id, member) in members.all where member.suspicion != nil {
      members[id]?.suspicion = nil
      if usableLink(to: id) == nil { members[id]?.probeAgain = now }
    }
    vouches.removeAll()
  }
}
