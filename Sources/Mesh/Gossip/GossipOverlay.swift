import Foundation
import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// The overlay beneath: what it asks for, and what the links tell it.
extension Gossip {
  /// Members that are here or said to be, this one included.
  var size: Int { members.here + 1 }

  /// Whether everybody has a link to everybody: members are judged by links alone then.
  var isFullMesh: Bool { size <= bounds.fullMesh }

  mutating func drive(
    _ input: Overlay.Input, at now: Moment, into outputs: inout [Output]
  ) {
    guard !hasLeft else { return }
    var asked: [Overlay.Output] = []
    overlay.handle(input, at: now, into: &asked)
    carryOut(asked, at: now, into: &outputs)
  }

  mutating func carryOut(
    _ asked: [Overlay.Output], at now: Moment, into outputs: inout [Output]
  ) {
    for output in asked {
      switch output {
      case .link(let peer): link(peer, at: now, into: &outputs)
      case .unlink(let peer): release(peer, at: now, into: &outputs)
      case .send(let message, let peer): send(message, to: peer, into: &outputs)
      case .seek(let count): seek(count, at: now, into: &outputs)
      case .neighborUp(let peer):
        if !isFullMesh { announceMembers(to: peer, into: &outputs) }
      case .neighborDown: break
      case .recall(let message, let peer):
        guard let wire = told(message), let link = usableLink(to: peer) else { continue }
        outputs.append(.send(link, .with { $0.broadcast = wire }))
      }
    }
  }

  /// The meeting grew or shrank, perhaps: so do the views.
  mutating func resize(at now: Moment, into outputs: inout [Output]) {
    let size = size
    let capacity = HyParViewBounds.activeView(ofMeetingOf: size)
    let isFullMesh = size <= bounds.fullMesh
    overlay.isFullMesh = isFullMesh
    if capacity != overlay.view.capacity {
      drive(.view(.resized(capacity)), at: now, into: &outputs)
    }
    guard isFullMesh != wasFullMesh else { return }
    wasFullMesh = isFullMesh
    for (id, member) in members.all {
      switch member.standing {
      case .introduced: if !isFullMesh { appear(id, into: &outputs) }
      case .present:
        if isFullMesh, usableLink(to: id) == nil, member.dial == .idle {
          members[id]?.dial = .due(now)
        }
      case .lost, .left: break
      }
    }
  }

  /// The member is here, as far as we know.
  mutating func appear(_ id: PeerID, into outputs: inout [Output]) {
    guard let member = members[id], !member.isPresent else { return }
    // Whoever comes back needn't be dialled by everybody who looked for it.
    if case .lost = member.standing, case .due = member.dial { members[id]?.dial = .idle }
    members[id]?.standing = .present
    outputs.append(.memberUp(member.record))
  }

  // MARK: Links

  private mutating func link(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let member = members[peer] else {
      return drive(.view(.unlinked(peer)), at: now, into: &outputs)
    }
    if usableLink(to: peer) != nil {
      return drive(.view(.linked(peer, isInitiator: true)), at: now, into: &outputs)
    }
    switch member.dial {
    // In a full mesh the newcomer dials, and the others wait for it.
    case .due(let moment):
      if !isFullMesh, moment > now { members[peer]?.dial = .due(now) }
    case .idle: dial(peer, at: now, into: &outputs)
    case .underway: break
    }
  }

  /// The other side isn't our neighbour any more. The link ends after a goodbye each, and nobody is
  /// suspected for its end.
  private mutating func release(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    for link in members[peer]?.links ?? [] where links[link]?.isUsable == true {
      links[link]?.isReleased = true
      giveUp(link, at: now, into: &outputs)
    }
  }

  private mutating func seek(
    _ count: Int, at now: Moment, into outputs: inout [Output]
  ) {
    var found: [PeerID] = []
    let candidates = members.all.keys.filter { id in
      guard let member = members[id], usableLink(to: id) == nil else { return false }
      switch member.standing {
      case .introduced, .present: return true
      // These are dialled already.
      case .lost, .left: return false
      }
    }
    for _ in 0..<min(count, candidates.count) {
      guard let one = candidates.randomElement(using: &chance) else { break }
      found.append(one)
    }
    guard !found.isEmpty else { return }
    drive(.view(.learned(found, isSought: true)), at: now, into: &outputs)
  }

  // MARK: Messages

  private func send(
    _ message: OverlayMessage, to peer: PeerID, into outputs: inout [Output]
  ) {
    guard let link = usableLink(to: peer) else { return }
    switch message {
    case .view(let message): outputs.append(.send(link, WireLinkFrame(message)))
    case .tree(.push(let announcement)):
      guard var wire = store[announcement.message] else { return }
      wire.round = announcement.round
      let pushed = wire
      outputs.append(.send(link, .with { $0.broadcast = pushed }))
    case .tree(.iHave(let announcements)):
      outputs.append(.send(link, WireLinkFrame(announcing: announcements)))
    case .tree(.graft(let messages)):
      outputs.append(.send(link, WireLinkFrame(grafting: messages)))
    case .tree(.prune): outputs.append(.send(link, .with { $0.prune = WirePrune() }))
    }
  }

  mutating func receive(
    _ message: HyParViewMessage?, from peer: PeerID, on link: LinkID, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard let message else {
      return complain(about: link, "an overlay message out of bounds", at: now, into: &outputs)
    }
    guard let kept = message.keeping({ members[$0] != nil }) else { return }
    switch kept {
    case .join:
      // A newcomer needs everybody's membership, and at once.
      if !isFullMesh, links[link]?.wasTold == false {
        links[link]?.wasTold = true
        tellMembers(on: link, to: peer, into: &outputs)
      }
    case .forwardJoin, .shuffle:
      guard links[link]?.walks.take(1, at: now) == true else {
        return complain(about: link, "sends more walks than its share", at: now, into: &outputs)
      }
    case .neighbor, .disconnect, .shuffleReply: break
    }
    drive(.view(.received(kept, from: peer)), at: now, into: &outputs)
  }

  mutating func receive(
    _ wire: WireIHave, from peer: PeerID, on link: LinkID, at now: Moment,
    into outputs: inout [Output]
  ) {
    let most = bounds.overlay.tree.announcements
    guard let announcements = wire.broadcasts.announcements(most: most) else {
      return complain(about: link, "announcements out of bounds", at: now, into: &outputs)
    }
    var news: [Announcement] = []
    var contested: [PeerID] = []
    for one in announcements {
      let message = one.message
      // In a meeting at the edge of a full mesh nothing else is told of whom we lost.
      if isLost(message.author), isKnown(message) { hint(at: message.author, now: now) }
      if overlay.tree.has(message) {
        news.append(one)
      } else if message.author != me {
        if !isKnown(message) {
          news.append(one)
        } else if isContested(message) {
          contested.append(message.author)
        }
      }
    }
    contest(contested, at: now, into: &outputs)
    if !news.isEmpty {
      drive(.received(.iHave(news), from: peer, isNew: false), at: now, into: &outputs)
    }
  }

  mutating func receive(
    _ wire: WireGraft, from peer: PeerID, on link: LinkID, at now: Moment,
    into outputs: inout [Output]
  ) {
    let most = bounds.overlay.tree.announcements
    guard let named = wire.broadcasts.announcements(most: most) else {
      return complain(about: link, "grafts out of bounds", at: now, into: &outputs)
    }
    // Asking is cheap and sending isn't.
    var asked: OrderedSet<MessageID> = []
    for message in named.map(\.message) where !asked.contains(message) {
      let byteCount = told(message)?.payload.count ?? 0
      let cost = bounds.graftShare - 1 + Self.cost(ofBytes: byteCount)
      guard links[link]?.bucket.take(cost, at: now) == true else {
        complain(about: link, "grafts more than its share", at: now, into: &outputs)
        break
      }
      asked.append(message)
    }
    drive(
      .received(.graft(Array(asked)), from: peer, isNew: false), at: now, into: &outputs)
  }

  // MARK: Memberships

  /// The latest membership of ours or another's by this name, told outside the tree.
  private func told(_ message: MessageID) -> WireBroadcast? {
    let wire =
      if message.author == me { ownEnvelope } else { members[message.author]?.envelope }
    guard var wire, wire.number == message.number else { return store[message] }
    wire.round = 0
    return wire
  }

  /// Names the memberships of all who we think are here, so that a new neighbour grafts what it lacks.
  private func announceMembers(to peer: PeerID, into outputs: inout [Output]) {
    guard let link = usableLink(to: peer) else { return }
    var named = [Announcement(MessageID(author: me, number: ownEnvelope.number), round: 0)]
    for (id, member) in members.all where id != peer && member.isPresent {
      guard let envelope = member.envelope else { continue }
      named.append(Announcement(MessageID(author: id, number: envelope.number), round: 0))
    }
    let most = bounds.overlay.tree.announcements
    for start in stride(from: 0, to: named.count, by: most) {
      let part = Array(named[start..<min(start + most, named.count)])
      outputs.append(.send(link, WireLinkFrame(announcing: part)))
    }
  }

  /// Our membership and those of all who we think are here, so that the newcomer knows everybody.
  func tellMembers(on link: LinkID, to peer: PeerID, into outputs: inout [Output]) {
    func tell(_ envelope: WireBroadcast) {
      var wire = envelope
      wire.round = 0
      let told = wire
      outputs.append(.send(link, .with { $0.broadcast = told }))
    }
    tell(ownEnvelope)
    var count = 0
    for (id, member) in members.all where id != peer && count < bounds.told {
      switch member.standing {
      case .introduced, .present:
        guard let envelope = member.envelope else { continue }
        tell(envelope)
        count += 1
      case .lost, .left: break
      }
    }
  }
}
