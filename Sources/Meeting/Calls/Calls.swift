import Admission
import Foundations
import Logging
import Roster
import Signalling
import SwiftProtobuf
import Wire

/// Media sessions with the members: signalling above, the media thread below.
extension MeetingSession {
  /// Names a step on the way to a member's first picture.
  func reach(_ step: String, with peer: PeerID) {
    guard let so = steps[peer] ?? (connected.contains(peer) ? nil : firstSteps),
      !so.contains(where: { $0.name == step })
    else { return }
    steps[peer] = so + [JoinStep(name: step, reached: parts.clock.now() - parts.start)]
  }

  /// Whom there is a call with, ``CallBook`` decides.
  func wantCall(with peer: PeerID) {
    // Two who send nothing to each other need no way for media.
    guard let member = admitted[peer],
      parts.sendsMedia || member.record.capabilities.contains(MemberRecord.sendsMedia)
    else { return }
    drive(calls: .wanted(peer, sponsor: member.chain.sponsor))
  }

  func forgetCall(with peer: PeerID) {
    drive(calls: .unwanted(peer))
    steps[peer] = nil
  }

  func drive(calls input: CallBook.Input) {
    guard !hasEnded else { return }
    var outputs: [CallBook.Output] = []
    calls.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func wakeCalls() {
    guard !hasEnded else { return }
    callAlarm?.forget()
    var outputs: [CallBook.Output] = []
    calls.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func carryOut(_ outputs: [CallBook.Output]) {
    for output in outputs {
      switch output {
      case .begin(let peer): startCall(with: peer)
      case .end(let peer): endCall(with: peer)
      case .leftOut:
        warnOnce(
          Failure(
            "calls-full", exit: .unavailable,
            "More members send pictures or sound than one computer can take (\(CallBook.most)): "
              + "some are neither seen nor heard here until others leave. The chat has all."))
      }
    }
    callAlarm?.set(calls.deadline)
  }

  private func startCall(with peer: PeerID) {
    if signalling[peer] == nil {
      signalling[peer] = Signalling(
        me: parts.me, peer: peer,
        firstSession: UInt64(parts.clock.wallTime().milliseconds), seed: parts.secrets.seed())
      signallingAlarms[peer] = Alarm(clock: parts.clock) { [weak self] in
        await self?.wakeSignalling(with: peer)
      }
    }
    media.expect(peer, name: roster.displayName(of: peer) ?? "somebody")
    drive(.start, with: peer)
  }

  private func endCall(with peer: PeerID) {
    drive(.stop, with: peer)
    signalling[peer] = nil
    signallingAlarms[peer] = nil
    connected.remove(peer)
    media.forget(peer)
  }

  /// Nothing of calls is done any more: the media stop next.
  func endCalls() {
    callAlarm = nil
    signallingAlarms.removeAll()
    signalling.removeAll()
  }

  /// A member's own word: it is there.
  func take(_ signal: WireSignal, from peer: PeerID) {
    drive(calls: .heard(peer))
    drive(.received(signal), with: peer)
  }

  func drive(_ input: Signalling.Input, with peer: PeerID) {
    var outputs: [Signalling.Output] = []
    signalling[peer]?.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs, with: peer)
  }

  private func wakeSignalling(with peer: PeerID) {
    signallingAlarms[peer]?.forget()
    var outputs: [Signalling.Output] = []
    signalling[peer]?.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs, with: peer)
  }

  private func carryOut(_ outputs: [Signalling.Output], with peer: PeerID) {
    for output in outputs {
      switch output {
      case .prepare(let session, let isOfferer):
        media.prepare(peer, session: session, isControlling: isOfferer)
      case .send(let signal): send(.with { $0.signal = signal }, to: peer)
      case .apply(let session, let remote, let role):
        media.apply(remote, to: peer, session: session, role: role)
      case .addRemoteCandidate(let session, let candidate):
        media.addRemote(candidate: candidate, to: peer, session: session)
      case .discard: media.discard(peer)
      case .refused(let error):
        parts.log.notice("\(peer) described its media wrongly: \(error)")
      }
    }
    signallingAlarms[peer]?.set(signalling[peer]?.deadline)
  }

  func take(_ report: CallReport, from peer: PeerID) {
    guard !hasEnded else { return }
    switch report {
    case .gathered(let session, let description):
      reach("gathered", with: peer)
      drive(.localReady(session: session, description), with: peer)
    case .candidate(let session, let line):
      drive(.localCandidate(session: session, line), with: peer)
    case .reachable: reach("ice", with: peer)
    case .secured(let session, _):
      reach("dtls", with: peer)
      drive(.connected(session: session), with: peer)
    case .connected(let local, let remote):
      connected.insert(peer)
      emit(
        .connected(
          member: peer, sinceStart: parts.clock.now() - parts.start, localCandidate: local,
          remoteCandidate: remote))
    case .failed(let session, let reason):
      parts.log.debug("The media session with \(peer) ended: \(reason)")
      drive(.connectionFailed(session: session), with: peer)
    case .firstPicture:
      reach("frame", with: peer)
      emit(
        .firstFrame(
          member: peer, sinceStart: parts.clock.now() - parts.start, steps: steps[peer] ?? []))
    case .picture, .sound, .keyframeWanted: break
    }
  }
}
