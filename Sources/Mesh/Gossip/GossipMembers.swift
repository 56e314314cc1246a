import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// Members that are admitted, dialled, looked for and given up.
extension Gossip {
  // MARK: Coming and going

  mutating func admit(
    _ record: MemberRecord, sponsor: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard !hasLeft, record.id != me else { return }
    if let known = members[record.id] {
      members[record.id]?.sponsor = sponsor
      if record.issued > known.record.issued {
        replace(known.record, by: record, at: now, into: &outputs)
      }
    } else {
      guard makeRoom() else {
        strangers[record.id] = nil
        outputs.append(.misbehaviour(nil, "more members than the mesh holds"))
        return
      }
      members[record.id] = KnownMember(record: record, sponsor: sponsor)
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
    members[id]?.isReached = false
    members[id]?.forgetFailedDials()
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
    members[id]?.isReached = false
    // A dial that is underway still says how it ends.
    let again = KnownMember.Dial.due(max(now + redialDelay(of: id), member.nextDial))
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
    if let wait = wait(toDial: member, at: now) { return postpone(dialOf: id, to: now + wait) }
    members[id]?.dial = .underway(since: now)
    guard !member.record.addresses.isEmpty else {
      dialFailed(id, at: now, into: &outputs)
      return
    }
    outputs.append(.dial(id, member.record.addresses))
  }

  /// How long it is until the member may be dialled.
  private mutating func wait(toDial member: KnownMember, at now: Moment) -> Duration? {
    if member.nextDial > now { return member.nextDial - now }
    guard !member.isReached,
      let wait = dialBudgets.take(1, for: member.record.id, of: member.sponsor, at: now)
    else {
      return nil
    }
    // Of many that wait for the same, none is always the last.
    return wait + bounds.redialAfter * Double.random(in: 0..<1, using: &chance)
  }

  /// It wasn't dialled, which says nothing of it: nobody is suspected for that. The overlay asks another
  /// meanwhile.
  private mutating func postpone(dialOf id: PeerID, to moment: Moment) {
    let isWaitedFor = isFullMesh || members[id]?.isPresent == false
    members[id]?.dial = isWaitedFor ? .due(moment) : .idle
    overlayNews.append(.unlinked(id))
  }

  mutating func dialFailed(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let member = members[id] else { return }
    members[id]?.dial = .idle
    guard usableLink(to: id) == nil else { return }
    overlayNews.append(.unlinked(id))
    let again = now + redialDelay(of: id)
    members[id]?.failedDials += 1
    members[id]?.nextDial = again
    switch member.standing {
    case .left: return
    case .lost(let since):
      guard now - since < bounds.seekFor else { return }
    case .introduced, .present: break
    }
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

  /// Until somebody is dialled again: twice as long after each dial in a row that failed. Somebody who is
  /// lost the longer, the more do the same.
  mutating func redialDelay(of id: PeerID) -> Duration {
    guard let member = members[id] else { return bounds.redialAfter }
    let doublings = min(member.failedDials, bounds.redialDoublings)
    let share = Double.random(in: 1..<2, using: &chance)
    return bounds.redialAfter * (share * Double(1 << doublings) * (member.isPresent ? 1 : crowd))
  }

  /// How many times rarer one does what all do: all together they dial somebody as often as a small
  /// meeting does.
  private var crowd: Double { max(1, Double(size) / Double(bounds.fullMesh)) }

  /// Somebody names a member that we don't reach: it is dialled soon, and as if none of its dials had failed,
  /// since one that comes at a bad moment mustn't cost it the next. Whoever was given up is dialled once, and
  /// not looked for again.
  mutating func hint(at id: PeerID, now: Moment) {
    guard isLost(id), let member = members[id], case .lost(let since) = member.standing,
      member.nextHint <= now
    else { return }
    let isSought = now - since < bounds.seekFor
    let next = now + (isSought ? bounds.hintAgainAfter * crowd : bounds.seekFor)
    members[id]?.nextHint = next
    members[id]?.failedDials = 0
    let soon = now + bounds.redialAfter / 4
    switch member.dial {
    case .due(let moment): dial(id, by: min(soon, moment))
    case .idle: dial(id, by: soon)
    case .underway: break
    }
    giveUpOldest()
  }

  func isLost(_ id: PeerID) -> Bool {
    members.read(id, \.pointee.isLost) ?? false
  }

  private mutating func dial(_ id: PeerID, by moment: Moment) {
    members[id]?.nextDial = moment
    members[id]?.dial = .due(moment)
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
