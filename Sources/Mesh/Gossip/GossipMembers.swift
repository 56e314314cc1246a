import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// Members that are admitted, dialled, looked for and given up.
extension Gossip {
  // MARK: Coming and going

  mutating func admit(
    _ record: MemberRecord, at now: Moment, into outputs: inout [Output]
  ) {
    guard !hasLeft, record.id != me else { return }
    if let known = members[record.id] {
      if record.issued > known.record.issued {
        replace(known.record, by: record, at: now, into: &outputs)
      }
    } else {
      guard makeRoom() else {
        strangers[record.id] = nil
        outputs.append(.misbehaviour(nil, "more members than the mesh holds"))
        return
      }
      members[record.id] = KnownMember(record: record)
      settle(record.id, at: now, into: &outputs)
    }
    release(record, at: now, into: &outputs)
  }

  private mutating func replace(
    _ old: MemberRecord, by record: MemberRecord, at now: Moment, into outputs: inout [Output]
  ) {
    let id = record.id
    let isNewRun = record.certificateFingerprint != old.certificateFingerprint
    if isNewRun {
      closeLinks(to: id, .restarted, into: &outputs)
      if members[id]?.isPresent == true { outputs.append(.memberDown(id, .lost)) }
      members[id]?.suspicion = nil
      members[id]?.vouchers = []
      members[id]?.probeAgain = nil
      members[id]?.doubt = nil
    }
    members[id]?.record = record
    if isNewRun || members[id]?.isPresent == false {
      if !isFullMesh, case .due? = members[id]?.dial { members[id]?.dial = .idle }
      members[id]?.standing = .introduced
      settle(id, at: now, into: &outputs)
    } else {
      outputs.append(.memberChanged(record))
    }
  }

  /// Somebody new, or anew: in a full mesh to be reached, in a larger meeting here by others' word.
  private mutating func settle(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    if isFullMesh {
      plan(dialOf: id, at: now)
    } else {
      appear(id, into: &outputs)
    }
    overlayNews.append(.learned(id))
  }

  /// When to dial somebody new. The newcomer dials, since it has the addresses first; who was here
  /// before it dials only if it doesn't come.
  private mutating func plan(dialOf id: PeerID, at now: Moment) {
    guard usableLink(to: id) == nil else { return }
    let waits = strangers[id].map { !$0.isOlder } ?? false
    let wait = me < id ? bounds.smallerDials : bounds.newcomerDials
    // Due even when at once, not done at once: a hello's member comes up with the next input.
    members[id]?.dial = .due(waits ? now + wait : now)
  }

  /// Tells the overlay what came of an input.
  mutating func informOverlay(at now: Moment, into outputs: inout [Output]) {
    guard !hasLeft else { return }
    resize(at: now, into: &outputs)
    while !overlayNews.isEmpty {
      let news = overlayNews
      overlayNews = []
      for one in news {
        switch one {
        case .learned(let id):
          guard members[id] != nil else { continue }
          let isFirst = !isFullMesh && !overlay.view.hasBegun
          drive(
            .view(isFirst ? .join(contact: id) : .learned([id], isSought: false)), at: now,
            into: &outputs)
        case .unlinked(let id):
          guard usableLink(to: id) == nil else { continue }
          drive(.view(.unlinked(id)), at: now, into: &outputs)
        case .forgotten(let id): drive(.view(.forgotten(id)), at: now, into: &outputs)
        }
      }
    }
  }

  private mutating func makeRoom() -> Bool {
    guard members.all.count >= bounds.members else { return true }
    let idle = members.all.first { entry in
      switch entry.value.standing {
      case .lost, .left: entry.value.links.isEmpty
      case .introduced, .present: false
      }
    }
    guard let idle else { return false }
    members[idle.key] = nil
    return true
  }

  mutating func remove(_ id: PeerID, into outputs: inout [Output]) {
    strangers[id] = nil
    guard let member = members[id] else { return }
    closeLinks(to: id, .notAdmitted, into: &outputs)
    members[id] = nil
    overlayNews.append(.forgotten(id))
    if member.isPresent { outputs.append(.memberDown(id, .removed)) }
  }

  mutating func markLeft(_ id: PeerID, into outputs: inout [Output]) {
    guard let member = members[id] else { return }
    closeLinks(to: id, .leaving, into: &outputs)
    abandonSearch(of: id)
    members[id]?.standing = .left
    overlayNews.append(.forgotten(id))
    if member.isPresent { outputs.append(.memberDown(id, .left)) }
  }

  mutating func markLost(
    _ id: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let member = members[id] else { return }
    closeLinks(to: id, .silent, into: &outputs)
    abandonSearch(of: id)
    members[id]?.standing = .lost(since: now)
    // A dial that is underway still says how it ends.
    let again = KnownMember.Dial.due(now + searchDelay())
    members[id]?.dial = if case .underway = member.dial { member.dial } else { again }
    overlayNews.append(.forgotten(id))
    if member.isPresent { outputs.append(.memberDown(id, .lost)) }
    giveUpOldest()
  }

  private mutating func abandonSearch(of id: PeerID) {
    members[id]?.suspicion = nil
    members[id]?.probeAgain = nil
    members[id]?.vouchers = []
    members[id]?.doubt = nil
    members[id]?.nextHop = nil
    members[id]?.dial = .idle
  }

  /// Keeps the number of lost members that are looked for within its bound.
  private mutating func giveUpOldest() {
    let sought = members.awaited.compactMap { id -> (id: PeerID, since: Moment)? in
      members.read(id) { member in
        guard case .lost(let since) = member.pointee.standing, member.pointee.dial != .idle else {
          return nil
        }
        return (id, since)
      } ?? nil
    }
    guard sought.count > bounds.sought, let oldest = sought.min(by: { $0.since < $1.since })
    else { return }
    members[oldest.id]?.dial = .idle
  }

  // MARK: Dialling

  mutating func dial(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let member = members[id], usableLink(to: id) == nil else {
      members[id]?.dial = .idle
      return
    }
    if case .underway = member.dial { return }
    members[id]?.dial = .underway(since: now)
    guard !member.record.addresses.isEmpty else {
      dialFailed(id, at: now, into: &outputs)
      return
    }
    outputs.append(.dial(id, member.record.addresses))
  }

  mutating func dialFailed(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let member = members[id] else { return }
    members[id]?.dial = .idle
    guard usableLink(to: id) == nil else { return }
    overlayNews.append(.unlinked(id))
    switch member.standing {
    case .left: return
    case .lost(let since):
      guard now - since < bounds.seekFor else { return }
    case .introduced, .present: break
    }
    let again = now + (member.isPresent ? redialDelay() : searchDelay())
    // In a larger meeting another neighbour will do.
    if isFullMesh || !member.isPresent { members[id]?.dial = .due(again) }
    switch member.standing {
    case .introduced: suspect(id, at: now, into: &outputs)
    case .present:
      if member.suspicion == nil, member.vouchers.isEmpty {
        suspect(id, at: now, into: &outputs)
      } else {
        conclude(id, at: now, into: &outputs)
      }
    case .lost, .left: break
    }
  }

  mutating func redialDelay() -> Duration {
    bounds.redialAfter + bounds.redialAfter * Double.random(in: 0..<1, using: &chance)
  }

  /// Until somebody who is lost is dialled again: the longer, the more do the same. All together they dial
  /// it as often as a small meeting does.
  private mutating func searchDelay() -> Duration {
    redialDelay() * max(1, Double(size) / Double(bounds.fullMesh))
  }

  /// Somebody names a member that we don't reach.
  mutating func hint(at id: PeerID, now: Moment) {
    guard case .lost? = members[id]?.standing else { return }
    switch members[id]?.dial {
    case .due(let moment): members[id]?.dial = .due(min(moment, now + bounds.redialAfter / 4))
    case .idle, nil: members[id]?.dial = .due(now + bounds.redialAfter / 4)
    case .underway: break
    }
    giveUpOldest()
  }

  // MARK: Timers

  func deadline(ofMember id: PeerID) -> Moment {
    members.read(id) { member in
      var next =
        switch member.pointee.dial {
        case .idle: Moment.distantFuture
        case .due(let moment): moment
        case .underway(let since): since + bounds.dialLimit
        }
      if let suspicion = member.pointee.suspicion {
        next = min(
          next,
          moment(
            ofConcluding: suspicion, links: member.pointee.links, dial: member.pointee.dial))
      }
      if let probeAgain = member.pointee.probeAgain { next = min(next, probeAgain) }
      if let doubt = member.pointee.doubt { next = min(next, moment(ofLosing: doubt)) }
      return next
    } ?? .distantFuture
  }

  mutating func wakeMembers(at now: Moment, into outputs: inout [Output]) {
    for id in members.awaited where deadline(ofMember: id) <= now {
      switch members[id]?.dial {
      case .due(let moment): if moment <= now { dial(id, at: now, into: &outputs) }
      case .underway(let since):
        if since + bounds.dialLimit <= now { dialFailed(id, at: now, into: &outputs) }
      case .idle, nil: break
      }
      conclude(id, at: now, into: &outputs)
      if let moment = members[id]?.probeAgain, moment <= now {
        members[id]?.probeAgain = nil
        suspect(id, at: now, into: &outputs)
      }
    }
  }
}
