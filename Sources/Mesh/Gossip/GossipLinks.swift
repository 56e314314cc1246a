import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// Links that come up, end, and double.
extension Gossip {
  mutating func linkUp(
    _ link: LinkID, to peer: PeerID, isInitiator: Bool, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard !hasLeft, links[link] == nil, var member = members[peer] else {
      outputs.append(.close(link, hasLeft ? .leaving : .notAdmitted))
      return
    }
    if member.links.count >= bounds.linksPerMember, let first = member.links.first {
      close(first, .double, into: &outputs)
      member.links = members[peer]?.links ?? []
    }
    let earlier = member.links.filter { links[$0]?.isUsable == true }
    links[link] = KnownLink(
      peer: peer, isInitiator: isInitiator, cameUp: now, lastHeard: now,
      bucket: RateBucket(
        rate: bounds.framesPerSecond, capacity: bounds.frameBurst, at: now),
      walks: RateBucket(rate: bounds.walksPerSecond, capacity: bounds.walkBurst, at: now),
      nextComplaint: now)
    member.links.append(link)
    member.suspicion = nil
    member.probeAgain = nil
    member.vouchers = []
    member.doubt = nil
    member.nextHop = peer
    member.forgetFailedDials()
    // Who came by itself may have named anybody's addresses.
    if isInitiator { member.isReached = true }
    switch member.dial {
    case .due: member.dial = .idle
    // A dial of ours that was answered; another's link leaves ours underway.
    case .underway: if isInitiator { member.dial = .idle }
    case .idle: break
    }
    let wasPresent = member.isPresent
    member.standing = .present
    members[peer] = member
    if !wasPresent { outputs.append(.memberUp(member.record)) }
    for double in earlier {
      settle(double, against: link, at: now, into: &outputs)
    }
    // What the other side has heard on an earlier link it needn't hear again.
    if earlier.isEmpty {
      outputs.append(.neighborUp(peer))
      if isFullMesh { tellMembers(on: link, to: peer, into: &outputs) }
      overlayNews.removeAll { if case .learned(peer) = $0 { true } else { false } }
      drive(.view(.linked(peer, isInitiator: isInitiator)), at: now, into: &outputs)
    }
    vouchForHeard(peer, into: &outputs)
  }

  /// Gives up one of two links to the same member. Both sides choose the same: the link whose initiator
  /// has the smaller identifier stays; of two by one initiator the later, since it dialled again.
  private mutating func settle(
    _ earlier: LinkID, against later: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let first = links[earlier], let second = links[later] else { return }
    let loser: LinkID
    if first.heardGoodbye || first.isInitiator == second.isInitiator {
      loser = earlier
    } else {
      // Ours stays if we have the smaller identifier.
      let oursStays = me < first.peer
      loser = first.isInitiator == oursStays ? later : earlier
    }
    giveUp(loser, at: now, into: &outputs)
  }

  /// Says goodbye as the last frame on `link`, and closes it if the other side already did.
  mutating func giveUp(_ link: LinkID, at now: Moment, into outputs: inout [Output]) {
    guard let known = links[link], known.isUsable else { return }
    outputs.append(.send(link, .with { $0.goodbye.leaving = false }))
    links[link]?.saidGoodbye = now
    if known.heardGoodbye { close(link, .double, into: &outputs) }
  }

  mutating func receiveGoodbye(
    _ goodbye: WireGoodbye, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let known = links[link] else { return }
    if goodbye.leaving {
      markLeft(known.peer, into: &outputs)
      return
    }
    links[link]?.heardGoodbye = true
    if !known.isUsable {
      close(link, .double, into: &outputs)
    } else if members[known.peer]?.links.contains(where: {
      $0 != link && links[$0]?.isUsable == true
    }) == true {
      giveUp(link, at: now, into: &outputs)
    }
    // Otherwise its double isn't up here yet. The other side still reads what we send on this one.
  }

  mutating func linkDown(
    _ link: LinkID, orderly: Bool, at now: Moment, into outputs: inout [Output]
  ) {
    guard let known = links[link], let peer = forget(link, into: &outputs), !known.isReleased else {
      return
    }
    replaceLink(
      to: peer, wasBrief: now - known.cameUp < bounds.briefLink, isAlive: orderly, at: now,
      into: &outputs)
  }

  /// Dials a member whose last link is gone, and asks others about it: at once, or, where it closed the
  /// link itself and so is alive, when it doesn't answer.
  private mutating func replaceLink(
    to peer: PeerID, wasBrief: Bool, isAlive: Bool, at now: Moment, into outputs: inout [Output]
  ) {
    guard members[peer]?.isPresent == true, usableLink(to: peer) == nil else { return }
    if !wasBrief {
      dial(peer, at: now, into: &outputs)
    } else if members[peer]?.dial == .idle {
      let again = now + redialDelay(of: peer)
      members[peer]?.dial = .due(again)
    }
    if isAlive {
      members[peer]?.probeAgain = now + bounds.dialGrace
    } else {
      suspect(peer, at: now, into: &outputs)
    }
  }

  mutating func close(_ link: LinkID, _ reason: CloseReason, into outputs: inout [Output]) {
    guard forget(link, into: &outputs) != nil else { return }
    outputs.append(.close(link, reason))
  }

  mutating func closeLinks(
    to peer: PeerID, _ reason: CloseReason, into outputs: inout [Output]
  ) {
    for link in members[peer]?.links ?? [] {
      close(link, reason, into: &outputs)
    }
  }

  /// Takes the link out of the books. Others that asked about its member hear that it is gone, if that
  /// was the last link to it.
  private mutating func forget(_ link: LinkID, into outputs: inout [Output]) -> PeerID? {
    guard let known = links.removeValue(forKey: link) else { return nil }
    members[known.peer]?.links.removeAll { $0 == link }
    if !known.isReleased, usableLink(to: known.peer) == nil {
      overlayNews.append(.unlinked(known.peer))
    }
    if members[known.peer]?.links.isEmpty == true { outputs.append(.neighborDown(known.peer)) }
    vouches.removeAll { $0.asker == link }
    if usableLink(to: known.peer) == nil {
      for vouch in vouches where vouch.member == known.peer {
        answer(vouch, heard: false, into: &outputs)
      }
      vouches.removeAll { $0.member == known.peer }
    }
    return known.peer
  }

  // MARK: Timers

  private func isSuspected(_ peer: PeerID) -> Bool {
    members.read(peer) { $0.pointee.suspicion != nil } ?? false
  }

  func deadline(of link: KnownLink) -> Moment {
    if let said = link.saidGoodbye { return said + bounds.drainFor }
    if isSuspected(link.peer) { return .distantFuture }
    let wait = (bounds.suspectAfter - bounds.pingAfter) * (link.isPinged ? patience : 0)
    return link.lastHeard + bounds.pingAfter + wait
  }

  mutating func wakeLinks(at now: Moment, into outputs: inout [Output]) {
    for (id, link) in links where deadline(of: link) <= now {
      guard links[id] != nil else { continue }
      if !link.isUsable {
        drained(id, of: link.peer, at: now, into: &outputs)
      } else if !link.isPinged {
        ping(id, into: &outputs)
      } else {
        suspect(link.peer, at: now, into: &outputs)
      }
    }
  }

  mutating func ping(_ link: LinkID, into outputs: inout [Output]) {
    links[link]?.isPinged = true
    nextProbe &+= 1
    let number = nextProbe
    outputs.append(.send(link, .with { $0.ping.number = number }))
  }

  /// The other side of a link that was given up never said goodbye.
  private mutating func drained(
    _ link: LinkID, of peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    let isReleased = links[link]?.isReleased == true
    close(link, .double, into: &outputs)
    if isReleased { return }
    replaceLink(to: peer, wasBrief: false, isAlive: false, at: now, into: &outputs)
  }
}

extension Moment {
  static let distantFuture = Moment(nanoseconds: .max)
}
