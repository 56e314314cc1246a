import Admission
import Chat
import Discovery
import Foundations
import Links
import Logging
import Roster
import SwiftProtobuf
import Wire

/// Letting others in: the codes of this member, what it advertises, and the desk that answers.
extension MeetingSession {
  // MARK: - The desk

  func drive(desk input: InviterDesk.Input) {
    var outputs: [InviterDesk.Output] = []
    desk.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func wakeDesk() {
    deskAlarm?.forget()
    var outputs: [InviterDesk.Output] = []
    desk.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func acceptAdmission(_ stream: FramedStream) {
    let number = nextAdmissionStream
    nextAdmissionStream += 1
    admissionStreams[number] = stream
    drive(
      desk: .opened(
        number, fingerprint: stream.peerFingerprint, source: stream.remoteAddress.host))
    Task { [weak self] in
      while let frame = await stream.next() { await self?.drive(desk: .received(number, frame)) }
      await self?.admissionEnded(number)
    }
  }

  private func admissionEnded(_ number: StreamNumber) {
    guard admissionStreams.removeValue(forKey: number) != nil else { return }
    drive(desk: .closed(number))
  }

  private func carryOut(_ outputs: [InviterDesk.Output]) {
    for output in outputs {
      switch output {
      case .send(let number, let frame): admissionStreams[number]?.send(frame)
      case .close(let number): admissionStreams.removeValue(forKey: number)?.close()
      case .admitted(let newcomer):
        emit(
          .admitted(
            member: newcomer.member.id, name: newcomer.member.record.name,
            securityWords: newcomer.securityWords.joined(separator: " ")))
        introduce(newcomer.member.wire)
      case .wrongGuess(_, let source, let failures):
        emit(
          .warning(
            code: "wrong-guess",
            message: "Somebody at \(DisplayText.line(source, limit: 60)) tried a wrong code "
              + "(\(failures) so far)."))
      case .invitesChanged:
        refreshAdvertisements()
        for peer in inviteHeirs { shareInvites(with: peer) }
      }
    }
    deskAlarm?.set(desk.deadline)
  }

  // MARK: - Codes

  /// Opens a new code and shows it.
  func offerInvite(uses: Int, life: Duration) {
    guard let invite = openInvite(uses: uses, life: life) else { return }
    show(invite)
  }

  /// Opens a new code, which is advertised but not shown yet.
  func openInvite(uses: Int, life: Duration) -> Invite? {
    // Numbers that are taken should be heard of, at the latest before the next one is chosen.
    parts.discovery.seek(nil)
    do throws(Failure) {
      let invite = try desk.book.make(
        uses: uses, life: life, heard: heardNameplates, at: parts.clock.wallTime(),
        secrets: parts.secrets)
      carryOut([.invitesChanged])
      return invite
    } catch {
      emit(.warning(code: error.code, message: error.message))
      return nil
    }
  }

  /// Shows a code that was advertised for a while; if somebody else turned out to have its number,
  /// another one instead.
  func show(settled invite: Invite, uses: Int, life: Duration) {
    guard heardNameplates.contains(invite.code.nameplate) else { return show(invite) }
    desk.book.discard(invite.code)
    offerInvite(uses: uses, life: life)
  }

  private func show(_ invite: Invite) {
    if ownAddresses.isEmpty {
      emit(
        .warning(
          code: "no-network",
          message: "No network interface is up: nobody can join until one is. "
            + "The link names no address; make a new code with /invite then."))
    }
    let link = InviteLink(
      code: invite.code, addresses: Array(ownAddresses.prefix(InviteLink.mostAddresses)))
    emit(
      .invite(
        code: invite.code.description, link: link.description, uses: invite.usesLeft,
        expires: invite.expires))
  }

  private var ownAddresses: [NetworkAddress] { parts.listener.advertised }

  /// Of the members that may admit, those who hear of codes: whoever takes a code over is the first of
  /// them that is left.
  private var inviteHeirs: [PeerID] {
    Array(admitters.subtracting([parts.me]).sorted().prefix(Self.mostHeirs))
  }

  private func isInviteHeir(_ peer: PeerID) -> Bool {
    admitters.contains(peer)
      && admitters.count { $0 < peer && $0 != parts.me } < Self.mostHeirs
  }

  /// So many that some are on each side of most partitions, and so few that letting in a class of
  /// thirty doesn't cost its host a thousand sealed messages.
  private static let mostHeirs = 8

  /// Tells a member that may admit which codes are open, so that it can take them over.
  func shareInvites(with peer: PeerID) {
    guard isInviteHeir(peer) else { return }
    for share in desk.book.shares(at: parts.clock.wallTime()) {
      send(.with { $0.invite = share }, to: peer)
    }
  }

  func take(_ share: WireInviteShare, from peer: PeerID) {
    guard admitted[peer]?.canAdmit == true, desk.meeting.inviter.canAdmit else { return }
    let change = desk.book.receive(share, from: peer, at: parts.clock.wallTime())
    if case .displaced(let code) = change {
      emit(
        .warning(
          code: "code-displaced",
          message: "Somebody else's code has the number \(code.nameplate) too and goes before. "
            + "Make a new one with /invite."))
    }
    refreshAdvertisements()
    deskAlarm?.set(desk.deadline)
  }

  /// The member came, went, or is somebody else now: codes whose owner went are taken over. Members come
  /// by the thousand, so only what concerns this one is done.
  func admittersChanged(by peer: PeerID) {
    // Not more are told to whom is let in.
    let others = roster.people.lazy.filter { !$0.isMe }.prefix(MeetingDescription.mostMembers)
    desk.meeting.others = others.compactMap { admitted[$0.id] }
    desk.meeting.revocations = revocations
    let member = peer == parts.me ? desk.meeting.inviter : admitted[peer]
    let canAdmit = roster[peer] != nil && member?.canAdmit == true
    if canAdmit != admitters.contains(peer) {
      if canAdmit { admitters.insert(peer) } else { admitters.remove(peer) }
      desk.book.setAdmitters(admitters, at: parts.clock.wallTime())
    }
    deskAlarm?.set(desk.deadline)
  }

  // MARK: - What the network is told

  /// Publishes what is new: the nameplates answered for, the tag of this hour, and title and host
  /// where the host chose to be visible.
  func refreshAdvertisements() {
    guard !hasEnded else { return }
    let now = parts.clock.wallTime()
    let record = ServiceRecord(
      nameplates: desk.book.advertised(at: now), tag: tag.advertised(at: now),
      visible: visibility)
    let attributes = record.attributes
    guard attributes != advertised else { return }
    advertised = attributes
    do throws(Failure) {
      try parts.discovery.publish(
        Advertisement(
          label: label, port: parts.listener.port, attributes: attributes,
          subtypes: record.subtypes))
    } catch {
      emit(.warning(code: error.code, message: error.message))
    }
  }

  func take(_ event: DiscoveryEvent) {
    switch event {
    case .found(let found):
      guard found.label != label else { return }
      let record = ServiceRecord(attributes: found.attributes)
      nameplates[found.label] = Set(record.nameplates)
      // A member whose clock is wrong goes by that; once it was heard, its tag is known all the same.
      let times = wrongClocks.times(at: parts.clock.wallTime())
      if let tag = record.tag, times.contains(where: { self.tag.recognises(tag, at: $0) }) {
        sight(found)
      }
    case .lost(let label):
      nameplates[label] = nil
      sighted[label] = nil
    case .published(let label, let registered):
      if label == self.label {
        published.raise()
        parts.log.debug("Published as \(registered).")
      }
    case .responder(let kind): parts.log.debug("Discovery goes through the \(kind) responder.")
    case .networkChanged:
      networkHasChanged = true
      search.startOver()
    case .mark: break
    case .problem(let sentence):
      if warned.insert(sentence).inserted {
        emit(.warning(code: "discovery", message: sentence))
      }
    }
  }

  var heardNameplates: Set<Int> { Set(nameplates.values.joined()) }
}
