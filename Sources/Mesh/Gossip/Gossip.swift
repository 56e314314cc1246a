package import Foundations
import OrderedCollections
import SwiftProtobuf
package import Wire

/// Names a link for as long as it lasts. The driver chooses it and never uses one twice.
package typealias LinkID = UInt64

/// Who is there and how word gets round, as one member sees it.
///
/// Up to nine members all have links to all; more have some neighbours each, by ``HyParView``. Broadcasts
/// take ``Plumtree``'s way in both cases, directed messages that of their recipient's broadcasts, back.
/// Members without a link are known from memberships that everybody passes on, and found missing by
/// probes that neighbours pass on. The driver checks hellos and grants, dials, and carries frames;
/// everything is decided here. Whoever calls sees members come up and go down and gets each broadcast
/// once, whatever the overlay beneath.
package struct Gossip: Machine {
  package enum Input: Sendable {
    /// This member's grants were verified, in a hello, a welcome or an introduction. A record issued
    /// later replaces the one before. Its sponsor answers for it, and for all whom it brought.
    case admitted(MemberRecord, sponsor: PeerID)
    /// The grants of an introduced stranger are no good.
    case refused(PeerID)
    /// The member was removed from the meeting.
    case removed(PeerID)
    /// Both hellos were verified; the member was `admitted` before.
    case linkUp(LinkID, PeerID, isInitiator: Bool)
    /// The link ended by itself: not after `close`. `orderly` when the other side closed the stream
    /// (TLS's close_notify), rather than that it broke, or ended with its process.
    case linkDown(LinkID, orderly: Bool)
    /// None of the addresses answered, or the hello failed.
    case dialFailed(PeerID)
    /// What came of ``Output/probe(_:_:)``.
    case probed(PeerID, isThere: Bool)
    /// A frame after the hello.
    case received(LinkID, WireLinkFrame)
    /// More has come of a frame that isn't whole yet.
    case progressed(LinkID)
    /// To everybody. A membership becomes this member's own from then on.
    case broadcast(WirePayload)
    /// To one member, sealed by the driver.
    case direct(WireDirected)
    case leave
  }

  package enum Output: Sendable {
    /// Answered by `linkUp` or `dialFailed`, best within two seconds: until then the member isn't
    /// dialled again.
    case dial(PeerID, [NetworkAddress])
    /// Asks whether the member's present run is at one of the addresses, and nothing else: a handshake that
    /// shows its certificate is enough. Answered by `probed`, best within two seconds.
    case probe(PeerID, [NetworkAddress])
    case send(LinkID, WireLinkFrame)
    /// Frames sent before still go out. The link is forgotten: no `linkDown` is expected.
    case close(LinkID, CloseReason)
    /// An entry or a revocation that a member broadcast; once for each.
    case deliver(WirePayload, author: PeerID)
    /// Somebody new, or a member's changed claim. The driver verifies the grants and answers
    /// `admitted` or `refused`; the record is verified.
    case introduction(WireMembership, MemberRecord)
    /// The other end of the link holds removals of which this is the digest.
    case compareRemovals(LinkID, digest: [UInt8])
    /// Removals that the other end of a link holds.
    case deliverRemovals([WireSigned])
    /// A member sealed this for us; once for each.
    case deliverDirected(WireDirected)
    case memberUp(MemberRecord)
    /// A present member has another name or other addresses.
    case memberChanged(MemberRecord)
    case memberDown(PeerID, DownReason)
    /// There is a link to the member now: what must never be lost is compared over it (anti-entropy).
    /// May be said again of the same member, when a link takes another's place.
    case neighborUp(PeerID)
    /// The last link to the member is gone; before its `memberDown`, if it goes itself.
    case neighborDown(PeerID)
    /// Something an honest program doesn't do; `nil` when it was asked for here.
    case misbehaviour(PeerID?, String)
  }

  package enum DownReason: String, Sendable {
    case left
    case lost
    case removed
  }

  package enum CloseReason: String, Sendable {
    /// There is another link to the same member.
    case double
    /// Nothing was heard, and nobody vouched for the member.
    case silent
    /// We leave, or the other side did.
    case leaving
    /// The member was removed, or never admitted.
    case notAdmitted
    /// The member runs anew; this link was to the run before.
    case restarted
  }

  let me: PeerID
  let meeting: MeetingID
  let key: SigningKey
  let bounds: GossipBounds
  var chance: SeededGenerator
  var nextNumber: UInt64
  /// Our membership, as we broadcast it last.
  var ownEnvelope: WireBroadcast
  var members = KnownMembers()
  var links: OrderedDictionary<LinkID, KnownLink> = [:]
  var strangers: OrderedDictionary<PeerID, Stranger> = [:]
  var vouches: [Vouch] = []
  /// Of dials to members that were never reached.
  var dialBudgets: SponsorBudgets
  /// Of what is passed on; of memberships, and of what is directed or suspected, apart from what is said, so
  /// that nobody who says much is taken for lost, or can't call.
  var relayBudgets: SponsorBudgets
  var membershipBudgets: SponsorBudgets
  var signalBudgets: SponsorBudgets
  private var nextComplaint = Moment.zero
  var nextProbe: UInt64 = 1
  var hasLeft = false
  var overlay: Overlay
  var store: BroadcastStore
  var wasFullMesh = true
  /// Members whose turn to be probed is yet to come in this round.
  var probeOrder: [PeerID] = []
  var nextRound: Moment?
  var health = LocalHealth()
  var nextRefutation = Moment(nanoseconds: .min)
  /// Somebody suspects us since we last said that we are here.
  var owesRefutation = false
  /// What the overlay is to be told once an input is dealt with.
  var overlayNews: [OverlayNews] = []
  package private(set) var deadline: Moment?

  /// - Parameters:
  ///   - membership: this member's own.
  ///   - firstNumber: larger than the number of any broadcast that `key` signed in an earlier run;
  ///     at least 1.
  ///   - seed: for choices and jitter; another one for every run.
  package init(
    me: PeerID, meeting: MeetingID, key: SigningKey, membership: WireMembership,
    firstNumber: UInt64, seed: UInt64, bounds: GossipBounds = GossipBounds()
  ) {
    precondition(firstNumber > 0 && firstNumber < UInt64.max / 2)
    self.me = me
    self.meeting = meeting
    self.key = key
    self.bounds = bounds
    chance = SeededGenerator(seed: seed)
    ownEnvelope = makeBroadcast(
      payload: .with { $0.membership = membership }, number: firstNumber, key: key,
      meeting: meeting)
    nextNumber = firstNumber + 1
    dialBudgets = SponsorBudgets(rate: bounds.dialsPerSecond, capacity: bounds.dialBurst)
    relayBudgets = SponsorBudgets(
      rate: bounds.relaysPerSecond, capacity: bounds.relayBurst, unit: bounds.relayUnit)
    membershipBudgets = SponsorBudgets(rate: bounds.relaysPerSecond, capacity: bounds.relayBurst)
    signalBudgets = membershipBudgets
    overlay = Overlay(me: me, capacity: 1, seed: seed ^ .max, bounds: bounds.overlay)
    store = BroadcastStore(count: bounds.overlay.tree.recent, byteLimit: bounds.storedBytes)
  }

  /// The members that are here, without this one, in the order in which they were heard of.
  package var present: [MemberRecord] {
    members.all.values.filter(\.isPresent).map(\.record)
  }

  /// Whether somebody is neither here nor said goodbye.
  package var isMissingSomebody: Bool { members.lost > 0 }

  /// Whether the member is here, or said to be: it is dialled by itself, where it need be.
  package func isHere(_ member: PeerID) -> Bool {
    members.read(member) { $0.pointee.isHere } ?? false
  }

  /// Whether there is a link to the member: what is directed to it goes straight there.
  package func hasLink(to member: PeerID) -> Bool {
    usableLink(to: member) != nil
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    allowForStall(at: now)
    if nextRound == nil { nextRound = now + bounds.probePeriod }
    switch input {
    case .admitted(let record, let sponsor):
      admit(record, sponsor: sponsor, at: now, into: &outputs)
    case .refused(let id): strangers[id] = nil
    case .removed(let id): remove(id, into: &outputs)
    case .linkUp(let link, let peer, let isInitiator):
      linkUp(link, to: peer, isInitiator: isInitiator, at: now, into: &outputs)
    case .linkDown(let link, let orderly):
      linkDown(link, orderly: orderly, at: now, into: &outputs)
    case .dialFailed(let id): dialFailed(id, at: now, into: &outputs)
    case .probed(let id, let isThere): probed(id, isThere: isThere, at: now, into: &outputs)
    case .received(let link, let frame): receive(frame, on: link, at: now, into: &outputs)
    case .progressed(let link): progressed(link, at: now, into: &outputs)
    case .broadcast(let payload): broadcast(payload, at: now, into: &outputs)
    case .direct(let directed): direct(directed, into: &outputs)
    case .leave: leave(at: now, into: &outputs)
    }
    informOverlay(at: now, into: &outputs)
    deadline = nextDeadline()
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    allowForStall(at: now)
    wakeLinks(at: now, into: &outputs)
    wakeMembers(at: now, into: &outputs)
    wakeDoubts(at: now, into: &outputs)
    var asked: [Overlay.Output] = []
    overlay.wake(at: now, into: &asked)
    carryOut(asked, at: now, into: &outputs)
    vouches.removeAll { $0.expires <= now }
    strangers.removeAll { $0.value.expires <= now }
    informOverlay(at: now, into: &outputs)
    deadline = nextDeadline()
  }

  private func nextDeadline() -> Moment? {
    if hasLeft { return nil }
    var next = Moment.distantFuture
    for link in links.values { next = min(next, deadline(of: link)) }
    for id in members.awaited { next = min(next, deadline(ofMember: id)) }
    for vouch in vouches { next = min(next, vouch.expires) }
    for stranger in strangers.values { next = min(next, stranger.expires) }
    if let moment = overlay.deadline { next = min(next, moment) }
    if let nextRound, !wasFullMesh { next = min(next, nextRound) }
    if owesRefutation { next = min(next, nextRefutation) }
    return next == .distantFuture ? nil : next
  }

  private mutating func leave(at now: Moment, into outputs: inout [Output]) {
    guard !hasLeft else { return }
    broadcast(.with { $0.leaving = WireLeaving() }, at: now, into: &outputs)
    for (id, link) in links {
      if link.isUsable {
        outputs.append(.send(id, .with { $0.goodbye.leaving = true }))
      }
      outputs.append(.close(id, .leaving))
    }
    hasLeft = true
    links = [:]
    members.removeAll()
    strangers = [:]
    vouches = []
    store.removeAll()
    overlayNews = []
  }

  /// Reports what came over `link`, at most once in `complainAfter`.
  mutating func complain(
    about link: LinkID, _ what: String, at now: Moment, into outputs: inout [Output]
  ) {
    guard let known = links[link], known.nextComplaint <= now else { return }
    links[link]?.nextComplaint = now + bounds.complainAfter
    outputs.append(.misbehaviour(known.peer, what))
  }

  mutating func complain(
    ofFloodBy member: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard nextComplaint <= now else { return }
    nextComplaint = now + bounds.complainAfter
    outputs.append(.misbehaviour(member, "says more than its share"))
  }

  /// The link that frames for `member` go out on.
  func usableLink(to member: PeerID) -> LinkID? {
    members.read(member) { known in
      known.pointee.links.last { links[$0]?.isUsable == true }
    } ?? nil
  }

  /// Links to all neighbours, one each.
  var neighbourLinks: [(link: LinkID, peer: PeerID)] {
    links.compactMap { id, link in usableLink(to: link.peer) == id ? (id, link.peer) : nil }
  }
}
