import Foundation
import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// Members without a link to this one, in meetings too large for links to everybody: SWIM's suspicion
/// (Das, Gupta, Motivala 2002), with Lifeguard's timeout (Dadgar, Phillips, Currey 2017 §IV-B).
///
/// Who can't reach a member, not through others either, broadcasts a suspicion of its latest membership.
/// A suspect that hears of it broadcasts its membership anew, with a larger number: that is its
/// incarnation. A suspect that doesn't is lost after a while, the sooner the more members suspect it, and
/// the later the less we can trust our own ears (``LocalHealth``).
extension Gossip {
  /// What waiting times are multiplied with. A small meeting has no storms of suspicions, and hears of
  /// each other directly.
  var patience: Double { isFullMesh ? 1 : health.patience }

  /// Begins to doubt, or counts another accuser.
  mutating func doubt(_ id: PeerID, accuser: PeerID, at now: Moment) {
    guard let member = members[id], member.isPresent else { return }
    var doubt = member.doubt ?? Doubt(began: now)
    guard doubt.accusers.count < bounds.accusers, !doubt.accusers.contains(accuser) else { return }
    doubt.accusers.append(accuser)
    members[id]?.doubt = doubt
  }

  /// timeout = max − (max − min) · log(c + 1) / log(k + 1), for c of k accusers beyond the first. The least
  /// grows with the logarithm of the meeting, as a refutation's way does.
  func moment(ofLosing doubt: Doubt) -> Moment {
    let least = bounds.doubt * max(1, log10(Double(size))) * patience
    let most = least * bounds.doubtFactor
    let others = Double(doubt.accusers.count - 1)
    let share = log(others + 1) / log(Double(bounds.accusers))
    return doubt.began + most - (most - least) * min(share, 1)
  }

  /// We can't reach it, and nobody whom we asked can.
  mutating func accuse(_ ids: [PeerID], at now: Moment, into outputs: inout [Output]) {
    let suspects = ids.prefix(Self.suspectLimit).compactMap { id -> WireSuspect? in
      guard let member = members[id], let statement = member.statement else { return nil }
      // Everybody has heard of as many accusers as make a difference.
      if let doubt = member.doubt, doubt.accusers.count >= bounds.accusers { return nil }
      return .with {
        $0.member = Data(id.bytes)
        $0.statement = statement
      }
    }
    for id in ids { doubt(id, accuser: me, at: now) }
    guard !suspects.isEmpty else { return }
    broadcast(.with { $0.suspicion.suspects = suspects }, at: now, into: &outputs)
  }

  static let suspectLimit = 256

  mutating func receive(
    _ suspicion: WireSuspicion, by accuser: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    for suspect in suspicion.suspects.prefix(Self.suspectLimit) {
      guard let id = PeerID(suspect.member) else { continue }
      let counts = counts(accusationBy: accuser, at: now)
      if id == me {
        if counts.ofMe { refute(suspect.statement, at: now, into: &outputs) }
      } else if counts.ofOthers, members[id]?.statement == suspect.statement, !hears(id, at: now) {
        doubt(id, accuser: accuser, at: now)
        // It is being asked whether it is here: one of us who lost it is enough.
        members[id]?.nextContest = now + bounds.contestAfter
      }
    }
  }

  /// A liar that names everybody would have everybody broadcast.
  private mutating func counts(
    accusationBy accuser: PeerID, at now: Moment
  ) -> (ofOthers: Bool, ofMe: Bool) {
    guard let member = members[accuser] else { return (false, false) }
    func bucket(_ factor: Double) -> RateBucket {
      RateBucket(
        rate: bounds.accusationsPerSecond * factor, capacity: bounds.accusationBurst * factor,
        at: now)
    }
    var ofOthers = member.accusations ?? bucket(1)
    var ofMe = member.accusationsOfMe ?? bucket(bounds.heedFactor)
    let counts = (ofOthers: ofOthers.take(1, at: now), ofMe: ofMe.take(1, at: now))
    members[accuser]?.accusations = ofOthers
    members[accuser]?.accusationsOfMe = ofMe
    return counts
  }

  /// Whether we hear the member ourselves: no need for others' word.
  private func hears(_ id: PeerID, at now: Moment) -> Bool {
    guard let link = usableLink(to: id), let known = links[link] else { return false }
    return now - known.lastHeard < bounds.suspectAfter && members[id]?.suspicion == nil
  }

  /// Says that we are here: at once, or, so that a liar's suspicions cost little, `refuteAfter` the last
  /// time. Unsaid it must not stay, since this suspicion is of what we said then.
  private mutating func refute(
    _ statement: UInt64, at now: Moment, into outputs: inout [Output]
  ) {
    guard statement == ownEnvelope.number else { return }
    owesRefutation = true
    refuteIfDue(at: now, into: &outputs)
  }

  mutating func refuteIfDue(at now: Moment, into outputs: inout [Output]) {
    guard owesRefutation, nextRefutation <= now,
      let payload = try? WirePayload(wire: Array(ownEnvelope.payload), limit: WireBounds.payload)
    else { return }
    owesRefutation = false
    nextRefutation = now + bounds.refuteAfter
    health.worsen(at: now)
    broadcast(payload, at: now, into: &outputs)
  }

  // MARK: Lost here, present there

  /// Whether a neighbour names a membership of somebody whom we lost.
  func isContested(_ message: MessageID) -> Bool {
    guard !isFullMesh, let member = members[message.author], case .lost = member.standing else {
      return false
    }
    return member.statement == message.number
  }

  /// Suspects aloud whom others still name: if it is here after all, it says so to everybody.
  mutating func contest(_ ids: [PeerID], at now: Moment, into outputs: inout [Output]) {
    let due = ids.filter { members[$0].map { $0.nextContest <= now } ?? false }
    guard !due.isEmpty else { return }
    for id in due { members[id]?.nextContest = now + bounds.contestAfter }
    accuse(due, at: now, into: &outputs)
  }

  // MARK: Probes

  /// Probes one member without a link, in an order that is shuffled anew each time round (SWIM §4.3), so
  /// that everybody's turn comes within bounded time.
  mutating func probeNext(at now: Moment, into outputs: inout [Output]) {
    let period = bounds.probePeriod * min(max(Double(size) / 100, 1), bounds.probePeriodFactor)
    nextRound = now + period
    guard !isFullMesh else { return }
    for _ in 0...members.all.count {
      if probeOrder.isEmpty { probeOrder = members.all.keys.shuffled(using: &chance) }
      guard let id = probeOrder.popLast() else { return }
      guard let member = members[id], member.isPresent, member.suspicion == nil,
        member.doubt == nil, usableLink(to: id) == nil
      else { continue }
      return suspectInTurn(id, at: now, into: &outputs)
    }
  }

  /// The neighbour to ask about a member, or to give its messages to.
  func nextHop(to id: PeerID) -> PeerID? {
    guard let hop = members[id]?.nextHop, usableLink(to: hop) != nil else { return nil }
    return hop
  }

  mutating func wakeDoubts(at now: Moment, into outputs: inout [Output]) {
    var lost: [PeerID] = []
    for id in members.awaited {
      guard let doubt = members.read(id, \.pointee.doubt) ?? nil else { continue }
      if moment(ofLosing: doubt) <= now { lost.append(id) }
    }
    for id in lost { markLost(id, at: now, into: &outputs) }
    refuteIfDue(at: now, into: &outputs)
    if let nextRound, nextRound <= now { probeNext(at: now, into: &outputs) }
  }
}

/// Somebody accuses a member of being gone.
struct Doubt: Sendable {
  let began: Moment
  /// Each once.
  var accusers: [PeerID] = []

  init(began: Moment) {
    self.began = began
  }
}
