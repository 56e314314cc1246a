import Foundations
import OrderedCollections
import SwiftProtobuf
import Wire

/// How word gets round: broadcasts, introductions, directed messages.
extension Gossip {
  mutating func receive(
    _ frame: WireLinkFrame, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let known = links[link] else { return }
    heard(on: link, from: known.peer, at: now, into: &outputs)
    guard links[link]?.bucket.take(Self.cost(of: frame), at: now) == true else {
      complain(about: link, "sends more than its share", at: now, into: &outputs)
      return
    }
    switch frame.kind {
    case .ping(let ping):
      if known.isUsable {
        outputs.append(.send(link, .with { $0.pong.number = ping.number }))
      }
    // That anything was heard is all that it says.
    case .pong: break
    case .goodbye(let goodbye): receiveGoodbye(goodbye, on: link, at: now, into: &outputs)
    case .broadcast(let wire): receive(wire, on: link, at: now, into: &outputs)
    case .directed(let wire): receive(wire, on: link, at: now, into: &outputs)
    case .probe(let probe): receive(probe, on: link, at: now, into: &outputs)
    case .probeReply(let reply): receive(reply, from: known.peer, at: now, into: &outputs)
    case .join: receive(.join, from: known.peer, on: link, at: now, into: &outputs)
    case .forwardJoin(let wire):
      receive(.init(wire), from: known.peer, on: link, at: now, into: &outputs)
    case .neighbor(let wire):
      receive(.init(wire), from: known.peer, on: link, at: now, into: &outputs)
    case .disconnect: receive(.disconnect, from: known.peer, on: link, at: now, into: &outputs)
    case .shuffle(let wire):
      receive(.init(wire), from: known.peer, on: link, at: now, into: &outputs)
    case .shuffleReply(let wire):
      receive(.init(wire), from: known.peer, on: link, at: now, into: &outputs)
    case .iHave(let wire): receive(wire, from: known.peer, on: link, at: now, into: &outputs)
    case .graft(let wire): receive(wire, from: known.peer, on: link, at: now, into: &outputs)
    case .prune:
      drive(.received(.prune, from: known.peer, isNew: false), at: now, into: &outputs)
    case .removalsDigest(let wire):
      guard wire.digest.count == 32 else {
        complain(about: link, "a digest of another size", at: now, into: &outputs)
        return
      }
      outputs.append(.compareRemovals(link, digest: Array(wire.digest)))
    case .removals(let wire): outputs.append(.deliverRemovals(wire.revocations))
    case .hello: complain(about: link, "a second hello", at: now, into: &outputs)
    case nil: complain(about: link, "an unknown kind of frame", at: now, into: &outputs)
    }
  }

  /// Bytes of a broadcast's name in a frame.
  private static let nameSize = 32

  private static func cost(of frame: WireLinkFrame) -> Double {
    let byteCount =
      switch frame.kind {
      case .broadcast(let broadcast): broadcast.payload.count
      case .directed(let directed): directed.ciphertext.count
      case .iHave(let named): named.broadcasts.count * nameSize
      case .graft(let named): named.broadcasts.count * nameSize
      case .removals(let removals): removals.revocations.reduce(0) { $0 + $1.payload.count }
      case .hello, .ping, .pong, .goodbye, .probe, .probeReply, .join, .forwardJoin, .neighbor,
        .disconnect, .shuffle, .shuffleReply, .prune, .removalsDigest, nil:
        0
      }
    // Each of these is signed for itself.
    return Double(max(1, frame.removals.revocations.count)) - 1 + cost(ofBytes: byteCount)
  }

  /// Bytes of a frame that count as one more.
  static let frameUnit = 16384

  static func cost(ofBytes byteCount: Int, unit: Int = frameUnit) -> Double {
    1 + Double(byteCount) / Double(unit)
  }

  /// Whether what the member said, or asks to be passed on, is within its share.
  private mutating func hasShare(
    _ author: PeerID, in budgets: WritableKeyPath<Gossip, SponsorBudgets>, byteCount: Int,
    at now: Moment
  ) -> Bool {
    guard let member = members[author] else { return true }
    let cost = Self.cost(ofBytes: byteCount, unit: self[keyPath: budgets].unit)
    return self[keyPath: budgets].take(cost, for: author, of: member.sponsor, at: now) == nil
  }

  // MARK: Our own

  mutating func broadcast(
    _ payload: WirePayload, at now: Moment, into outputs: inout [Output]
  ) {
    guard !hasLeft else { return }
    guard Self.isForEverybody(payload), payload.wire.count <= WireBounds.broadcast else {
      outputs.append(.misbehaviour(nil, "a payload that can't be broadcast"))
      return
    }
    let envelope = makeBroadcast(
      payload: payload, number: nextNumber, key: key, meeting: meeting)
    nextNumber &+= 1
    if case .membership = payload.kind { ownEnvelope = envelope }
    let message = MessageID(author: me, number: envelope.number)
    store.insert(envelope, as: message)
    drive(.broadcast(message), at: now, into: &outputs)
  }

  mutating func direct(_ directed: WireDirected, into outputs: inout [Output]) {
    guard !hasLeft else { return }
    guard let recipient = PeerID(directed.recipient), recipient != me else {
      outputs.append(.misbehaviour(nil, "a directed message without a recipient"))
      return
    }
    route(directed, to: recipient, from: nil, by: me, into: &outputs)
  }

  private static func isForEverybody(_ payload: WirePayload) -> Bool {
    switch payload.kind {
    case .membership, .leaving, .entry, .revocation, .suspicion: true
    case .signal, .heads, .batch, .invite, nil: false
    }
  }

  // MARK: Broadcasts

  private mutating func receive(
    _ wire: WireBroadcast, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard wire.authorKey.count == 32 else {
      complain(about: link, "a broadcast without an author", at: now, into: &outputs)
      return
    }
    guard wire.payload.count <= WireBounds.broadcast else {
      complain(about: link, "a broadcast of undue length", at: now, into: &outputs)
      return
    }
    let message = MessageID(author: PeerID(publicKey: Array(wire.authorKey)), number: wire.number)
    if message.author == me, message.number >= nextNumber { hearDouble(wire, into: &outputs) }
    guard message.author != me, !isKnown(message) else {
      receiveCopy(of: message, round: wire.round, on: link, at: now, into: &outputs)
      return
    }
    let envelope: Envelope
    do {
      envelope = try Envelope(verifying: wire, meeting: meeting)
    } catch {
      complain(about: link, "a broadcast that can't be verified: \(error)", at: now, into: &outputs)
      return
    }
    guard Self.isForEverybody(envelope.payload) else {
      complain(about: link, "a broadcast of what is directed only", at: now, into: &outputs)
      return
    }
    accept(envelope, on: link, at: now, into: &outputs)
  }

  /// This member's key signed what this run didn't: somebody goes by a copy of it.
  private func hearDouble(_ wire: WireBroadcast, into outputs: inout [Output]) {
    guard let envelope = try? Envelope(verifying: wire, meeting: meeting),
      case .membership(let membership) = envelope.payload.kind,
      let record = try? MemberRecord(verifying: membership.record)
    else { return }
    outputs.append(.introduction(membership, record))
  }

  /// Whether a copy was taken before: found out without verifying a signature. A statement (membership
  /// or leaving) that is too old for the window may still be news.
  func isKnown(_ message: MessageID) -> Bool {
    let (author, number) = (message.author, message.number)
    if let stranger = strangers[author], stranger.envelope.number == number { return true }
    guard let member = members[author] else { return false }
    return switch member.broadcasts.standing(of: number) {
    case .new: false
    case .seen: true
    case .tooOld: number <= member.statement ?? 0
    }
  }

  private mutating func receiveCopy(
    of message: MessageID, round: UInt32, on link: LinkID, at now: Moment,
    into outputs: inout [Output]
  ) {
    if message.author != me {
      // A neighbour that tells of a member again has it.
      hint(at: message.author, now: now)
      if isContested(message) { contest([message.author], at: now, into: &outputs) }
    }
    guard round > 0, let peer = links[link]?.peer else { return }
    let copy = PlumtreeMessage.push(Announcement(message, round: round))
    drive(.received(copy, from: peer, isNew: false), at: now, into: &outputs)
  }

  private mutating func accept(
    _ envelope: Envelope, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    let author = envelope.author
    if case .membership(let membership) = envelope.payload.kind {
      introduce(membership, in: envelope, via: link, at: now, into: &outputs)
      return
    }
    guard let member = members[author] else {
      hold(.broadcast(envelope), for: author, via: link)
      return
    }
    if case .leaving = envelope.payload.kind {
      guard envelope.number > member.statement ?? 0,
        hasShare(
          author, in: \.membershipBudgets, byteCount: envelope.wire.payload.count, at: now)
      else { return }
      members[author]?.statement = envelope.number
      members[author]?.broadcasts.insert(envelope.number)
      pass(on: envelope, from: links[link]?.peer, at: now, into: &outputs)
      markLeft(author, into: &outputs)
      return
    }
    guard member.broadcasts.standing(of: envelope.number) == .new else { return }
    members[author]?.broadcasts.insert(envelope.number)
    hint(at: author, now: now)
    var budgets = \Gossip.relayBudgets
    if case .suspicion = envelope.payload.kind { budgets = \.signalBudgets }
    // What the history lacks for that the exchange brings.
    let byteCount = envelope.wire.payload.count
    guard hasShare(author, in: budgets, byteCount: byteCount, at: now) else {
      return complain(ofFloodBy: author, at: now, into: &outputs)
    }
    pass(on: envelope, from: links[link]?.peer, at: now, into: &outputs)
    if case .suspicion(let suspicion) = envelope.payload.kind {
      return receive(suspicion, by: author, at: now, into: &outputs)
    }
    outputs.append(.deliver(envelope.payload, author: author))
  }

  /// Gives the broadcast to neighbours, and remembers whence its author is heard.
  private mutating func pass(
    on envelope: Envelope, from peer: PeerID?, at now: Moment, into outputs: inout [Output]
  ) {
    let message = MessageID(author: envelope.author, number: envelope.number)
    store.insert(envelope.wire, as: message)
    if let peer { members[envelope.author]?.nextHop = peer }
    let push = PlumtreeMessage.push(Announcement(message, round: envelope.wire.round))
    drive(
      .received(push, from: peer ?? envelope.author, isNew: true), at: now, into: &outputs)
  }

  // MARK: Strangers

  /// Holds a membership until the driver has verified its grants.
  private mutating func introduce(
    _ membership: WireMembership, in envelope: Envelope, via link: LinkID, at now: Moment,
    into outputs: inout [Output]
  ) {
    let author = envelope.author
    guard let known = links[link] else { return }
    guard envelope.wire.payload.count <= bounds.membershipBytes else {
      complain(about: link, "a membership of undue length", at: now, into: &outputs)
      return
    }
    guard envelope.number > members[author]?.statement ?? 0,
      envelope.number > strangers[author]?.envelope.number ?? 0,
      hasShare(
        author, in: \.membershipBudgets, byteCount: envelope.wire.payload.count, at: now)
    else { return }
    // What was verified before needn't be again: who is suspected says the same anew, to everybody.
    let familiar = members[author]?.record
    let record =
      familiar?.signed == membership.record
      ? familiar : try? MemberRecord(verifying: membership.record)
    guard let record, record.id == author else {
      complain(about: link, "a membership that isn't its author's", at: now, into: &outputs)
      return
    }
    guard record.issued >= members[author]?.record.issued ?? record.issued else { return }
    // Our neighbours' word about somebody we lost: look for it without delay.
    hint(at: author, now: now)
    if let member = members[author], member.envelope?.payload == envelope.wire.payload {
      return renew(envelope, from: known.peer, at: now, into: &outputs)
    }
    let crowd = strangers.values.count { $0.neighbour == known.peer }
    guard
      strangers[author] != nil
        || strangers.count < bounds.strangers && crowd < bounds.strangersPerNeighbour
    else {
      complain(about: link, "too many introductions at once", at: now, into: &outputs)
      return
    }
    var stranger = Stranger(
      record: record, envelope: envelope, via: link, neighbour: known.peer,
      isOlder: known.isInitiator && now - known.cameUp < bounds.newcomerFor,
      expires: now + bounds.strangerLife)
    stranger.held = strangers[author]?.held ?? []
    stranger.heldBytes = strangers[author]?.heldBytes ?? 0
    strangers[author] = stranger
    outputs.append(.introduction(membership, record))
  }

  /// A member says again what was verified before: it is here.
  private mutating func renew(
    _ envelope: Envelope, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    let author = envelope.author
    members[author]?.envelope = envelope.wire
    members[author]?.statement = envelope.number
    members[author]?.broadcasts.insert(envelope.number)
    if members[author]?.doubt?.accusers.contains(me) == true { health.worsen(at: now) }
    members[author]?.doubt = nil
    pass(on: envelope, from: peer, at: now, into: &outputs)
    guard !isFullMesh, members[author]?.isPresent == false else { return }
    members[author]?.dial = .idle
    appear(author, into: &outputs)
    overlayNews.append(.learned(author))
  }

  private mutating func hold(_ item: Stranger.Held, for author: PeerID, via link: LinkID) {
    guard let stranger = strangers[author], stranger.held.count < bounds.heldPerStranger else {
      return
    }
    let byteCount =
      switch item {
      case .broadcast(let envelope): envelope.wire.payload.count
      case .directed(let envelope): envelope.wire.ciphertext.count
      }
    let total = strangers.values.reduce(byteCount) { $0 + $1.heldBytes }
    guard total <= bounds.heldBytes else { return }
    strangers[author]?.held.append((item, link))
    strangers[author]?.heldBytes += byteCount
  }

  /// Takes what was held for a stranger that is admitted now.
  mutating func release(
    _ record: MemberRecord, at now: Moment, into outputs: inout [Output]
  ) {
    // A verified record says nothing of another record by the same member.
    guard let stranger = strangers[record.id], stranger.record == record else { return }
    strangers[record.id] = nil
    let envelope = stranger.envelope
    if envelope.number > members[record.id]?.statement ?? 0 {
      members[record.id]?.envelope = envelope.wire
      members[record.id]?.statement = envelope.number
      members[record.id]?.broadcasts.insert(envelope.number)
      members[record.id]?.doubt = nil
      pass(on: envelope, from: stranger.neighbour, at: now, into: &outputs)
      if !isFullMesh, members[record.id]?.isPresent == false {
        appear(record.id, into: &outputs)
        overlayNews.append(.learned(record.id))
      }
    }
    for (item, link) in stranger.held {
      switch item {
      case .broadcast(let envelope): accept(envelope, on: link, at: now, into: &outputs)
      case .directed(let envelope): accept(envelope, on: link, at: now, into: &outputs)
      }
    }
  }

  // MARK: Directed

  private mutating func receive(
    _ wire: WireDirected, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    guard wire.authorKey.count == 32 else {
      complain(about: link, "a directed message without an author", at: now, into: &outputs)
      return
    }
    let author = PeerID(publicKey: Array(wire.authorKey))
    guard author != me else { return }
    if let member = members[author] {
      guard member.directed.standing(of: wire.number) == .new else { return }
    } else if strangers[author] == nil {
      return
    }
    do {
      let envelope = try DirectedEnvelope(verifying: wire, meeting: meeting)
      if members[author] == nil {
        hold(.directed(envelope), for: author, via: link)
      } else {
        accept(envelope, on: link, at: now, into: &outputs)
      }
    } catch {
      complain(
        about: link, "a directed message that can't be verified: \(error)", at: now,
        into: &outputs)
    }
  }

  private mutating func accept(
    _ envelope: DirectedEnvelope, on link: LinkID, at now: Moment, into outputs: inout [Output]
  ) {
    let author = envelope.author
    guard members[author]?.directed.standing(of: envelope.number) == .new else { return }
    members[author]?.directed.insert(envelope.number)
    if members[author]?.nextHop == nil { members[author]?.nextHop = links[link]?.peer }
    if envelope.recipient == me {
      outputs.append(.deliverDirected(envelope.wire))
    } else if hasShare(
      author, in: \.signalBudgets, byteCount: envelope.wire.ciphertext.count, at: now)
    {
      route(envelope.wire, to: envelope.recipient, from: link, by: author, into: &outputs)
    }
  }

  /// Over our link to the recipient; without one over those that vouched for it, or the neighbour that
  /// its broadcasts come from; without these over a few neighbours. Each member passes a message on once, so it can't circle.
  private mutating func route(
    _ directed: WireDirected, to recipient: PeerID, from link: LinkID?, by author: PeerID,
    into outputs: inout [Output]
  ) {
    let frame = WireLinkFrame.with { $0.directed = directed }
    if let direct = usableLink(to: recipient) {
      outputs.append(.send(direct, frame))
      return
    }
    // No flood for somebody who isn't a member.
    guard let member = members[recipient] else { return }
    let source = link.flatMap { links[$0]?.peer }
    let isUseful = { (peer: PeerID) in peer != author && peer != source }
    let relays = member.vouchers.reversed().filter(isUseful).compactMap { usableLink(to: $0) }
    if !relays.isEmpty {
      for relay in relays.prefix(bounds.relays) { outputs.append(.send(relay, frame)) }
      return
    }
    if let hop = nextHop(to: recipient), isUseful(hop), let way = usableLink(to: hop) {
      outputs.append(.send(way, frame))
      return
    }
    let others = neighbourLinks.filter { isUseful($0.peer) }.shuffled(using: &chance)
    for neighbour in others.prefix(bounds.flood) {
      outputs.append(.send(neighbour.link, frame))
    }
  }
}
