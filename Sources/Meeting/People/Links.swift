import Admission
import Chat
import Discovery
import Foundations
import Gossip
import Links
import Logging
import Roster
import Signalling
import SwiftProtobuf
import Wire

/// Links between members: the two hellos, and what the gossip asks for.
extension MeetingSession {
  // MARK: - Gossip

  func drive(_ input: Gossip.Input) {
    var outputs: [Gossip.Output] = []
    gossip.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func wakeGossip() {
    gossipAlarm?.forget()
    var outputs: [Gossip.Output] = []
    gossip.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func carryOut(_ outputs: [Gossip.Output]) {
    for output in outputs {
      switch output {
      case .dial(let peer, let addresses): dial(peer, at: addresses)
      case .probe(let peer, let addresses): probe(peer, at: addresses)
      case .send(let link, let frame): streams[link]?.send(frame.wire)
      case .close(let link, _):
        streams.removeValue(forKey: link)?.close()
        removalExchange.end(link)
      case .deliver(let payload, let author): take(broadcast: payload, from: author)
      case .introduction(let membership, let record):
        if introduce(membership, record) == nil { drive(.refused(record.id)) }
      case .compareRemovals(let link, let digest):
        guard let stream = streams[link] else { continue }
        let frames = removalExchange.compare(digest, on: link, with: revocations)
        for frame in frames { stream.send(frame.wire) }
      case .deliverRemovals(let signed): learn(signed)
      case .deliverDirected(let directed): open(directed)
      case .memberUp(let record): memberUp(record)
      case .memberChanged(let record):
        take(
          roster.update(
            record, role: (admitted[record.id]?.role ?? .member).wire, at: parts.clock.now()))
        admittersChanged(by: record.id)
      case .memberDown(let peer, let reason): memberDown(peer, reason: reason)
      case .neighborUp(let peer):
        drive(chat: .linkUp(peer))
        drive(calls: .heard(peer))
        drive(.linked, with: peer)
      case .neighborDown(let peer): drive(chat: .linkDown(peer))
      case .misbehaviour(let peer, let what):
        parts.log.notice("\(peer.map(\.description) ?? "this member"): \(what)")
      }
    }
    gossipAlarm?.set(gossip.deadline)
  }

  /// Learns of a member whose grants hold.
  /// - Parameter record: its membership's, where that was verified before.
  @discardableResult
  func introduce(_ membership: WireMembership, _ record: MemberRecord? = nil) -> AdmittedMember? {
    guard let record = record ?? (try? MemberRecord(verifying: membership.record)),
      let chain = try? GrantChain(verifying: membership.chain),
      let member = try? AdmittedMember(
        record: record, chain: chain, meeting: ticket.meeting, revocations: revocations)
    else { return nil }
    guard member.record.id != parts.me else {
      warnOfDouble(member.record)
      return nil
    }
    guard admit(member) else { return nil }
    note(member)
    drive(.admitted(member.record, sponsor: member.chain.sponsor))
    return member
  }

  /// Takes the member in, unless whoever answers for it has brought its share.
  private func admit(_ member: AdmittedMember) -> Bool {
    let sponsor = member.chain.sponsor
    while !room.take(member.id, of: sponsor) {
      guard let gone = room.expendable(for: sponsor) else {
        // Said at each that comes, and they may come by the hundred a second.
        parts.log.debug("\(sponsor) has brought as many members as there is room for.")
        return false
      }
      forget(gone)
    }
    admitted[member.id] = member
    return true
  }

  private func forget(_ peer: PeerID) {
    admitted[peer] = nil
    room.giveBack(peer)
    drive(.removed(peer))
  }

  /// The same key in another run, later than this one: others take that for us.
  func warnOfDouble(_ record: MemberRecord) {
    guard record.certificateFingerprint != parts.certificate.fingerprint,
      let own = try? MemberRecord(verifying: membership.record), record.issued > own.issued
    else { return }
    warnOnce(
      Failure(
        "same-key", exit: .temporary,
        "Another computer takes part with this one's key, from a copy of its data directory. The "
          + "others hear only one of the two: leave on both, and come back on one."))
  }

  /// Hosts and co-hosts are known by their grants, even when they have left.
  private func note(_ member: AdmittedMember) {
    guard member.chain.grants.count == 1, revocations.note(member.chain.grants[0]),
      !revocations.isEmpty
    else { return }
    endLogs()
    keepRemovals()
  }

  /// `payload` to one member, sealed.
  func send(_ payload: WirePayload, to peer: PeerID) {
    guard let record = admitted[peer]?.record else { return }
    nextEnvelope += 1
    guard
      let directed = try? seal(
        payload, to: record, number: nextEnvelope, key: parts.key, meeting: ticket.meeting)
    else { return }
    drive(.direct(directed))
  }

  private func open(_ directed: WireDirected) {
    guard
      let (authorKey, payload) = try? Wire.open(
        directed, with: parts.sealingKey, me: parts.me, meeting: ticket.meeting)
    else { return }
    take(directed: payload, from: PeerID(publicKey: authorKey))
  }

  private func take(directed payload: WirePayload, from peer: PeerID) {
    switch payload.kind {
    case .signal(let signal): take(signal, from: peer)
    case .heads(let heads): drive(chat: .heads(heads, from: peer))
    case .batch(let batch): drive(chat: .batch(batch, from: peer))
    case .invite(let share): take(share, from: peer)
    case .entry, .membership, .leaving, .revocation, .suspicion, nil: break
    }
  }

  private func take(broadcast payload: WirePayload, from peer: PeerID) {
    switch payload.kind {
    case .entry(let entry):
      compareClocks(with: peer, by: entry)
      drive(chat: .received([entry], from: peer))
    case .revocation(let signed): learn([signed])
    case .signal, .heads, .batch, .invite, .membership, .leaving, .suspicion, nil: break
    }
  }

  /// Who is removed is cut off at once, and never comes back by the grant that it had.
  private func learn(_ signed: [WireSigned], moderators: [WireSigned] = []) {
    let areNewModerators = revocations.note(moderators)
    let areNews = revocations.insert(contentsOf: signed.prefix(WireBounds.revocations))
    if areNews || areNewModerators, !revocations.isEmpty {
      endLogs()
      keepRemovals()
    }
    guard areNews else { return }
    Task { await recheckFiles() }
    for (peer, member) in admitted where !member.isMember(under: revocations) { forget(peer) }
    desk.meeting.revocations = revocations
  }

  /// What is news, and what there was no time to tell before. Called once a second.
  func tellRemovals() {
    for (link, stream) in streams {
      for frame in removalExchange.turn(of: link, with: revocations) { stream.send(frame.wire) }
    }
  }

  // MARK: - Members

  private func memberUp(_ record: MemberRecord) {
    take(
      roster.update(
        record, role: (admitted[record.id]?.role ?? .member).wire, at: parts.clock.now()))
    room.note(record.id, isHere: true)
    wantCall(with: record.id)
    admittersChanged(by: record.id)
    shareInvites(with: record.id)
    remember(record)
  }

  private func memberDown(_ peer: PeerID, reason: Gossip.DownReason) {
    room.note(peer, isHere: false)
    forgetCall(with: peer)
    if reason == .lost { search.startOver() }
    let absence: Roster.Absence =
      switch reason {
      case .left: .left
      case .lost: .lost
      case .removed: .removed
      }
    if reason != .lost { desk.book.depart(peer, at: parts.clock.wallTime()) }
    if let change = roster.remove(peer, because: absence) { take([change]) }
    admittersChanged(by: peer)
  }

  private func take(_ changes: [Roster.Change]) {
    for change in changes {
      switch change {
      case .joined(let person):
        emit(.memberJoined(member: person.id, name: person.displayName))
      case .left(let person, let absence):
        emit(.memberLeft(member: person.id, name: person.displayName, reason: absence))
      case .renamed, .promoted: break
      }
    }
  }

  // MARK: - Streams

  /// How long a dial may take; the gossip tries again soon.
  private static let dialPatience = Duration.milliseconds(1500)

  func accept(_ stream: FramedStream) {
    guard !hasEnded else { return stream.close() }
    switch stream.purpose {
    case .admission: acceptAdmission(stream)
    case .files: acceptFiles(stream)
    case .link:
      Task { [weak self] in
        // The other side speaks first: a stranger learns nothing by connecting.
        guard let hello = await self?.hello(afterOpeningOf: stream) else { return stream.close() }
        await self?.answerHello(hello, on: stream)
      }
    }
  }

  /// What the other side says once it has shown that it knows the meeting; `nil` when it goes away before,
  /// or doesn't.
  func hello(afterOpeningOf stream: FramedStream) async -> [UInt8]? {
    guard let first = await stream.next() else { return nil }
    guard answerOpening(first, on: stream) else {
      refusedStream()
      return nil
    }
    return await stream.next()
  }

  private func answerOpening(_ bytes: [UInt8], on stream: FramedStream) -> Bool {
    let proof = LinkProof(
      genesisKey: ticket.chain.genesisKey, initiator: stream.peerFingerprint,
      responder: parts.certificate.fingerprint)
    guard let opening = try? WireLinkOpening(wire: bytes), let answer = proof.answer(to: opening)
    else { return false }
    stream.send(answer.wire)
    return true
  }

  private func answerHello(_ bytes: [UInt8], on stream: FramedStream) {
    guard let member = verify(hello: bytes, on: stream) else {
      refusedStream()
      return stream.close()
    }
    stream.send(hello().wire)
    linkUp(stream, to: member)
  }

  private func dial(_ peer: PeerID, at addresses: [NetworkAddress]) {
    guard let member = admitted[peer] else { return drive(.dialFailed(peer)) }
    let fingerprint = member.record.certificateFingerprint
    let source = AddressSource.member(sponsor: member.chain.sponsor)
    Task { [weak self, links = parts.links] in
      do {
        let stream = try await links.connectFirst(
          of: addresses, from: source, purpose: .link, timeout: Self.dialPatience)
        guard stream.peerFingerprint == fingerprint, let self,
          await self.greet(stream, expecting: peer)
        else {
          stream.close()
          throw Failure("unreachable", exit: .noHost, "Somebody else answered.")
        }
      } catch {
        await self?.drive(.dialFailed(peer))
      }
    }
  }

  /// Whether the member's run answers. TLS shows that it is there and holds its key; nothing is said.
  private func probe(_ peer: PeerID, at addresses: [NetworkAddress]) {
    guard let member = admitted[peer] else { return drive(.probed(peer, isThere: false)) }
    let fingerprint = member.record.certificateFingerprint
    let source = AddressSource.member(sponsor: member.chain.sponsor)
    Task { [weak self, links = parts.links] in
      let stream = try? await links.connectFirst(
        of: addresses, from: source, purpose: .link, timeout: Self.dialPatience)
      stream?.close()
      let isThere = stream.map { $0.peerFingerprint == fingerprint } ?? false
      await self?.drive(.probed(peer, isThere: isThere))
    }
  }

  /// Dials addresses at which some member of this meeting is said to be.
  /// - Parameter areByHand: said by the user, who is told when nobody answers.
  func dial(_ addresses: [NetworkAddress], areByHand: Bool = false) {
    Task { [weak self, links = parts.links] in
      do throws(Failure) {
        let stream = try await links.connectFirst(
          of: addresses, from: areByHand ? .user : .advertisement, purpose: .link)
        if await self?.greet(stream, expecting: nil) != true { stream.close() }
      } catch {
        if areByHand { await self?.notReached(error) }
      }
    }
  }

  private func notReached(_ failure: Failure) {
    guard !hasEnded else { return }
    warnOnce(
      Failure(
        "peer-not-reached", exit: failure.exit,
        failure.message + parts.options.interfacesNote))
  }

  private func greet(_ stream: FramedStream, expecting peer: PeerID?) async -> Bool {
    guard let member = await prove(stream, expecting: peer) else { return false }
    linkUp(stream, to: member)
    return true
  }

  /// The member at the other end of a stream that this side has opened.
  func prove(_ stream: FramedStream, expecting peer: PeerID?) async -> AdmittedMember? {
    // Whoever answers there may be anybody: it hears who this is once it has shown that it knows
    // the meeting.
    let proof = LinkProof(
      genesisKey: ticket.chain.genesisKey, initiator: parts.certificate.fingerprint,
      responder: stream.peerFingerprint)
    let opening = proof.opening(secrets: parts.secrets)
    stream.send(opening.wire)
    guard let first = await stream.next(), let opened = try? WireLinkOpened(wire: first),
      proof.accepts(opened, after: opening)
    else { return nil }
    stream.send(hello().wire)
    guard let reply = await stream.next(), let member = verify(hello: reply, on: stream),
      peer == nil || member.record.id == peer
    else { return nil }
    return member
  }

  func hello() -> WireLinkFrame {
    .with {
      $0.hello = .with {
        $0.version = protocolVersion
        $0.membership = membership
        $0.revocations = revocations.wire()
        $0.moderators = revocations.wireModerators
      }
    }
  }

  /// The member that a hello proves its sender to be; nothing else of the stream counts before.
  func verify(hello bytes: [UInt8], on stream: FramedStream) -> AdmittedMember? {
    guard let frame = try? WireLinkFrame(wire: bytes), case .hello(let hello) = frame.kind,
      hello.version == protocolVersion,
      let member = try? AdmittedMember(
        verifying: hello.membership, meeting: ticket.meeting, revocations: revocations,
        fingerprint: stream.peerFingerprint)
    else { return nil }
    guard member.record.id != parts.me else {
      warnOfDouble(member.record)
      return nil
    }
    note(member)
    learn(hello.revocations, moderators: hello.moderators)
    return member.isMember(under: revocations) ? member : nil
  }

  private func linkUp(_ stream: FramedStream, to member: AdmittedMember) {
    guard !hasEnded, admit(member) else { return stream.close() }
    stream.confirm()
    let link = nextLink
    nextLink += 1
    streams[link] = stream
    stream.send(removalExchange.begin(link, with: revocations).wire)
    parts.discovery.setCalm(true)
    reach("link", with: member.record.id)
    drive(.admitted(member.record, sponsor: member.chain.sponsor))
    drive(.linkUp(link, member.record.id, isInitiator: stream.isInitiator))
    stream.whenProgressing { [weak self] in Task { await self?.progressed(link) } }
    Task { [weak self] in
      while let bytes = await stream.next() { await self?.receive(bytes, on: link) }
      await self?.ended(link, orderly: stream.closeReason == .closedByPeer)
    }
  }

  private func receive(_ bytes: [UInt8], on link: LinkID) {
    guard streams[link] != nil else { return }
    guard let frame = try? WireLinkFrame(wire: bytes) else {
      refusedStream()
      parts.log.notice("A frame that can't be read ends a link.")
      streams.removeValue(forKey: link)?.close()
      removalExchange.end(link)
      drive(.linkDown(link, orderly: false))
      return
    }
    drive(.received(link, frame))
  }

  private func progressed(_ link: LinkID) {
    if streams[link] != nil { drive(.progressed(link)) }
  }

  private func ended(_ link: LinkID, orderly: Bool) {
    guard streams.removeValue(forKey: link) != nil else { return }
    removalExchange.end(link)
    if streams.isEmpty {
      parts.discovery.setCalm(false)
      parts.discovery.seek(nil)
    }
    drive(.linkDown(link, orderly: orderly))
  }
}
