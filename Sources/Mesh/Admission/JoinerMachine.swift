import Foundation
package import Foundations
package import Wire

/// Joins a meeting by a code: asks all who claim its nameplate, and proves the words to one of them.
///
/// The states, each with its exits:
/// - searching → proving (all claimants are of one meeting) | finished (nobody, several meetings)
/// - proving → welcoming (the inviter's share came) | finished (refusal, break, time)
/// - welcoming → finished
///
/// The words are tried on one inviter, once. Whatever comes of it, this machine is then done.
package struct JoinerMachine: Machine {
  /// Claimants that are asked at once; further ones are not.
  package static let mostClaimants = 8
  /// Claimants that are asked in all: who couldn't be reached may be found anew at another address.
  package static let mostTries = 64
  /// How long a claimant may take to be connected to, where another has answered: who stalls holds
  /// nobody up for longer.
  package static let connectLimit = Duration.seconds(2)
  package static let helloLimit = Duration.seconds(2)
  /// How much longer while none has answered: an inviter whom a whole class joins at once is slow.
  package static let patience = Duration.seconds(6)
  /// Longer than ``InviterDesk/queueLimit``.
  package static let shareLimit = Duration.seconds(6)
  package static let welcomeLimit = Duration.seconds(5)

  package struct Configuration: Sendable {
    package var code: InviteCode
    /// One's own, with the fingerprint of the certificate on all the streams.
    package var record: MemberRecord
    package var secrets: SecretSource
    /// How long to wait for a first claimant that answers. Where thirty join at once, Avahi's second and
    /// third questions, after 1.1 and 3.1 s, may be the first ones to be answered.
    package var searchLimit = Duration.seconds(8)
    /// How long after the first claimant was found others are still waited for. Answers to a question
    /// on mDNS come within 120 ms (RFC 6762 §6).
    package var settling = Duration.milliseconds(150)

    package init(code: InviteCode, record: MemberRecord, secrets: SecretSource) {
      self.code = code
      self.record = record
      self.secrets = secrets
    }
  }

  package enum Input: Sendable {
    /// Somebody advertises the nameplate, or the link names its address; the driver connects.
    case found(StreamNumber)
    /// The driver is connected, to somebody with this certificate (SHA-256).
    case opened(StreamNumber, fingerprint: [UInt8])
    case received(StreamNumber, [UInt8])
    /// The stream ended, or couldn't be opened.
    case closed(StreamNumber)
    /// All claimants there will be have been found: nothing but the link's addresses is tried.
    case searchEnded
  }

  package enum Output: Sendable {
    case send(StreamNumber, [UInt8])
    /// After what was sent has left.
    case close(StreamNumber)
    case finished(Admittance)
    case failed(Failure)
  }

  private enum State: Sendable {
    case searching
    /// The joiner's share is sent.
    case proving(Chosen, CPace.Share, CPace.Setting)
    /// The joiner's proof is sent.
    case welcoming(Chosen, CPace.Keys)
    case finished
  }

  private let configuration: Configuration
  /// Of the hellos: the same for all claimants, so that their answers can be compared.
  private let nonce: [UInt8]
  private var state = State.searching
  private var claimants: [StreamNumber: Claimant] = [:]
  /// In the order in which they answered.
  private var answered: [StreamNumber] = []
  private let began: Moment
  private var searchDeadline: Moment
  private var settledAt: Moment?
  private var isSearchOver = false
  /// The version of the last claimant that had another one.
  private var otherVersion: UInt32?

  package init(_ configuration: Configuration, at now: Moment) {
    self.configuration = configuration
    nonce = configuration.secrets.bytes(16)
    began = now
    searchDeadline = now + configuration.searchLimit
  }

  package var deadline: Moment? {
    switch state {
    case .searching:
      let waits = claimants.values.compactMap { patientDeadline(of: $0) }
      if let next = waits.min() { return next }
      return answered.isEmpty ? searchDeadline : settledAt
    case .proving(let chosen, _, _), .welcoming(let chosen, _): return chosen.deadline
    case .finished: return nil
    }
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .found(let number): find(number, at: now, into: &outputs)
    case .opened(let number, let fingerprint):
      find(number, at: now, into: &outputs)
      greet(number, fingerprint: fingerprint, at: now, into: &outputs)
    case .received(let number, let frame): receive(frame, on: number, at: now, into: &outputs)
    case .closed(let number): lose(number, into: &outputs)
    case .searchEnded: isSearchOver = true
    }
    decide(at: now, into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    switch state {
    case .searching:
      for (number, claimant) in claimants.sorted(by: { $0.key < $1.key }) {
        guard let deadline = patientDeadline(of: claimant), deadline <= now else { continue }
        discard(number, into: &outputs)
      }
      decide(at: now, into: &outputs)
    case .proving(let chosen, _, _), .welcoming(let chosen, _):
      if chosen.deadline <= now { fail(.interrupted, into: &outputs) }
    case .finished: break
    }
  }

  // MARK: - Searching

  private func patientDeadline(of claimant: Claimant) -> Moment? {
    claimant.deadline.map { answered.isEmpty ? $0 + Self.patience : $0 }
  }

  private mutating func find(
    _ number: StreamNumber, at now: Moment, into outputs: inout [Output]
  ) {
    guard claimants[number] == nil else { return }
    guard case .searching = state, claimants.count < Self.mostTries,
      claimants.values.count(where: \.isOpen) < Self.mostClaimants
    else {
      outputs.append(.close(number))
      return
    }
    claimants[number] = .connecting(until: now + Self.connectLimit)
    if settledAt == nil { settledAt = now + configuration.settling }
  }

  private mutating func greet(
    _ number: StreamNumber, fingerprint: [UInt8], at now: Moment, into outputs: inout [Output]
  ) {
    guard case .searching = state, case .connecting = claimants[number] else { return }
    guard fingerprint.count == 32 else { return discard(number, into: &outputs) }
    let session = configuration.secrets.bytes(CPace.sessionBytes)
    var hello = WireAdmissionHello()
    hello.version = protocolVersion
    hello.nameplate = UInt32(configuration.code.nameplate)
    hello.sid = Data(session)
    hello.nonce = Data(nonce)
    let frame = WireAdmissionMessage(.hello(hello)).wire
    var transcript = Transcript()
    transcript.append(frame)
    claimants[number] = .asked(
      Greeted(fingerprint: fingerprint, session: session, transcript: transcript),
      until: now + Self.helloLimit)
    outputs.append(.send(number, frame))
  }

  private mutating func receive(
    _ frame: [UInt8], on number: StreamNumber, at now: Moment, into outputs: inout [Output]
  ) {
    let message = try? WireAdmissionMessage(wire: frame, limit: WireBounds.admissionFrame)
    switch state {
    case .searching:
      guard case .asked(let greeted, _) = claimants[number] else { return }
      hear(message?.kind, frame: frame, on: number, greeted, at: now, into: &outputs)
    case .proving(let chosen, let share, let setting):
      guard number == chosen.number else { return }
      prove(message?.kind, frame: frame, chosen, share, setting, at: now, into: &outputs)
    case .welcoming(let chosen, let keys):
      guard number == chosen.number else { return }
      enter(message?.kind, chosen, keys, into: &outputs)
    case .finished: break
    }
  }

  private mutating func hear(
    _ message: WireAdmissionMessage.OneOf_Kind?, frame: [UInt8], on number: StreamNumber,
    _ greeted: Greeted, at now: Moment, into outputs: inout [Output]
  ) {
    switch message {
    case .helloReply(let reply) where reply.version != protocolVersion:
      otherVersion = reply.version
      discard(number, into: &outputs)
    case .helloReply(let reply) where reply.meetingTag.count == 16:
      var transcript = greeted.transcript
      transcript.append(frame)
      claimants[number] = .answered(
        Greeted(
          fingerprint: greeted.fingerprint, session: greeted.session, transcript: transcript),
        meetingTag: Array(reply.meetingTag))
      answered.append(number)
    case .refusal(let refusal) where refusal.reason == .oldVersion:
      otherVersion = refusal.version
      discard(number, into: &outputs)
    case .refusal(let refusal) where refusal.reason == .noSuchNameplate:
      // It advertised the nameplate a moment ago: another member answers for the code soon.
      let latest = min(now, began + configuration.searchLimit) + Self.patience
      searchDeadline = max(searchDeadline, latest)
      discard(number, into: &outputs)
    case .hello, .helloReply, .share, .confirmation, .welcome, .refusal, nil:
      // It has no such nameplate, or makes no sense: it is no claimant.
      discard(number, into: &outputs)
    }
  }

  private mutating func lose(_ number: StreamNumber, into outputs: inout [Output]) {
    switch state {
    case .searching:
      claimants[number] = .gone
      answered.removeAll { $0 == number }
    case .proving(let chosen, _, _), .welcoming(let chosen, _):
      if number == chosen.number { fail(.interrupted, into: &outputs) }
    case .finished: break
    }
  }

  private mutating func discard(_ number: StreamNumber, into outputs: inout [Output]) {
    claimants[number] = .gone
    answered.removeAll { $0 == number }
    outputs.append(.close(number))
  }

  /// Ends the search once nobody is waited for any more.
  private mutating func decide(at now: Moment, into outputs: inout [Output]) {
    guard case .searching = state, claimants.values.allSatisfy({ $0.deadline == nil }) else {
      return
    }
    guard !answered.isEmpty else {
      if isSearchOver || now >= searchDeadline { fail(nobody, into: &outputs) }
      return
    }
    guard isSearchOver || now >= settledAt ?? now else { return }
    let tags = Set(answered.compactMap { claimants[$0]?.meetingTag })
    guard tags.count == 1 else {
      return fail(.ambiguous(nameplate: configuration.code.nameplate), into: &outputs)
    }
    choose(answered[0], at: now, into: &outputs)
  }

  private var nobody: AdmissionFailure {
    if let otherVersion { return .otherVersion(theirs: otherVersion) }
    return .nobodyHere(nameplate: configuration.code.nameplate)
  }

  // MARK: - Proving

  private mutating func choose(
    _ number: StreamNumber, at now: Moment, into outputs: inout [Output]
  ) {
    guard case .answered(let greeted, _) = claimants[number] else { return }
    for other in claimants.keys.sorted() where other != number {
      guard claimants[other]?.isOpen == true else { continue }
      claimants[other] = .gone
      outputs.append(.close(other))
    }
    let channel = AdmissionChannel(
      nameplate: configuration.code.nameplate,
      joinerFingerprint: configuration.record.certificateFingerprint,
      inviterFingerprint: greeted.fingerprint)
    let setting = channel.setting(code: configuration.code, session: greeted.session)
    guard let share = try? CPace.Share(setting: setting, secrets: configuration.secrets) else {
      return fail(.interrupted, into: &outputs)
    }
    var message = WirePakeShare()
    message.point = Data(share.point)
    let frame = WireAdmissionMessage(.share(message)).wire
    var transcript = greeted.transcript
    transcript.append(frame)
    let chosen = Chosen(
      number: number, fingerprint: greeted.fingerprint, transcript: transcript,
      deadline: now + Self.shareLimit)
    state = .proving(chosen, share, setting)
    outputs.append(.send(number, frame))
  }

  private mutating func prove(
    _ message: WireAdmissionMessage.OneOf_Kind?, frame: [UInt8], _ chosen: Chosen,
    _ share: CPace.Share, _ setting: CPace.Setting, at now: Moment, into outputs: inout [Output]
  ) {
    let point: [UInt8]
    switch message {
    case .share(let theirs): point = Array(theirs.point)
    case .refusal(let refusal):
      return fail(refused(refusal), into: &outputs)
    case .hello, .helloReply, .confirmation, .welcome, nil:
      return fail(.untrusted(reason: "it makes no sense"), into: &outputs)
    }
    let keys: CPace.Keys
    do {
      keys = try CPace.Keys(
        setting: setting, share: share, peer: point,
        initiator: .init(point: share.point, data: AdmissionChannel.joinerData),
        responder: .init(point: point, data: AdmissionChannel.inviterData))
    } catch {
      return fail(.untrusted(reason: "it tried to weaken the proof"), into: &outputs)
    }
    var next = chosen
    next.transcript.append(frame)
    var identity = WireJoinerIdentity()
    identity.record = configuration.record.signed
    var confirmation = WireJoinerConfirmation()
    confirmation.tag = Data(keys.initiatorTag)
    confirmation.sealed = Data(
      Sealing(.joinerIdentity, session: keys.session, transcript: next.transcript)
        .seal(identity.wire))
    let proof = WireAdmissionMessage(.confirmation(confirmation)).wire
    next.transcript.append(proof)
    next.deadline = now + Self.welcomeLimit
    state = .welcoming(next, keys)
    outputs.append(.send(chosen.number, proof))
  }

  private mutating func enter(
    _ message: WireAdmissionMessage.OneOf_Kind?, _ chosen: Chosen, _ keys: CPace.Keys,
    into outputs: inout [Output]
  ) {
    let welcome: WireWelcome
    switch message {
    case .welcome(let theirs): welcome = theirs
    case .refusal(let refusal):
      return fail(refused(refusal), into: &outputs)
    case .hello, .helloReply, .share, .confirmation, nil:
      return fail(.untrusted(reason: "it makes no sense"), into: &outputs)
    }
    guard keys.isResponderTag(Array(welcome.tag)) else {
      return fail(.untrusted(reason: "it doesn't know the code"), into: &outputs)
    }
    let opened = Sealing(.welcome, session: keys.session, transcript: chosen.transcript)
      .open(Array(welcome.sealed))
    guard let opened, let contents = try? WireWelcomeContents(wire: opened) else {
      return fail(.untrusted(reason: "it was changed on its way"), into: &outputs)
    }
    let admittance: Admittance
    do {
      admittance = try Admittance(
        verifying: contents, record: configuration.record,
        inviterFingerprint: chosen.fingerprint)
    } catch {
      return fail(.untrusted(reason: "its grant doesn't hold"), into: &outputs)
    }
    finish(.finished(admittance), into: &outputs)
  }

  // MARK: - Ends

  private func refused(_ refusal: WireRefusal) -> AdmissionFailure {
    switch refusal.reason {
    case .wrongCode: .wrongCode
    case .expired: .expired
    case .usedUp: .usedUp
    case .noSuchNameplate: .nobodyHere(nameplate: configuration.code.nameplate)
    case .tooManyAttempts:
      .tooManyAttempts(retryAfter: .seconds(min(refusal.retryAfterSeconds, 3600)))
    case .oldVersion: .otherVersion(theirs: refusal.version)
    case .removed: .removed
    case .malformed, .unspecified, .UNRECOGNIZED: .untrusted(reason: "it makes no sense")
    }
  }

  private mutating func fail(_ failure: AdmissionFailure, into outputs: inout [Output]) {
    finish(.failed(failure.failure), into: &outputs)
  }

  private mutating func finish(_ output: Output, into outputs: inout [Output]) {
    state = .finished
    for number in claimants.keys.sorted() where claimants[number]?.isOpen == true {
      outputs.append(.close(number))
    }
    claimants = [:]
    answered = []
    outputs.append(output)
  }
}
