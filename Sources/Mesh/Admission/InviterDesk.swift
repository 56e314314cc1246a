import Foundation
package import Foundations
package import Wire

/// Names an admission stream of this process; the driver numbers them.
package typealias StreamNumber = Int

/// Lets strangers with a code in: the inviter's side of all admission streams at once, since they
/// share one budget of guesses and one book of codes.
///
/// The states of a stream, each with its exits:
/// - awaiting hello → awaiting share (reply) | ended (refusal, time)
/// - awaiting share → queued | ended (refusal, time)
/// - queued, until the budget has a token → proving (share) | ended (refusal, time)
/// - proving → ended (welcome, refusal, time)
package struct InviterDesk: Machine {
  /// Streams at once; further ones are closed. Links admit no more strangers than this.
  package static let mostStreams = 128
  /// Streams at once from one address: several people may share a computer.
  package static let mostStreamsPerSource = 64
  /// Attempts under way from one address, so that one that stalls leaves tokens to others.
  package static let mostAttemptsPerSource = 2
  package static let helloLimit = Duration.seconds(5)
  /// The joiner waits for other claimants before it sends its share.
  package static let shareLimit = Duration.seconds(10)
  /// How long a share waits for a token before its joiner is told to come back later.
  package static let queueLimit = Duration.seconds(4)
  package static let proofLimit = Duration.seconds(3)

  package enum Input: Sendable {
    /// A stranger connected, with this certificate (SHA-256), from this address (without port).
    case opened(StreamNumber, fingerprint: [UInt8], source: String)
    case received(StreamNumber, [UInt8])
    case closed(StreamNumber)
    /// What the clock on the wall says now; to be told when it was set, or after a sleep.
    case clock(WallTime)
  }

  package enum Output: Sendable {
    case send(StreamNumber, [UInt8])
    /// After what was sent has left.
    case close(StreamNumber)
    case admitted(Newcomer)
    /// Somebody tried a wrong code; `failures` counts those that still slow the next ones down.
    case wrongGuess(nameplate: Int, source: String, failures: Int)
    /// What ``InviteBook/advertised(at:)`` or ``InviteBook/shares(at:)`` say is no longer the same.
    case invitesChanged
  }

  /// Who was let in.
  package struct Newcomer: Sendable {
    package let member: AdmittedMember
    package let code: InviteCode
    /// To be shown, and compared with what the newcomer sees.
    package let securityWords: [String]
  }

  package var book: InviteBook
  package var meeting: MeetingDescription
  package private(set) var budget = GuessBudget()
  private let key: SigningKey
  private let fingerprint: [UInt8]
  private let secrets: SecretSource
  private var clock: CivilClock
  private var streams: [StreamNumber: Stream] = [:]
  /// Streams that wait for a token, first come first served.
  private var queue: [StreamNumber] = []
  /// When the budget has a token again, while somebody waits for it.
  private var nextToken: Moment?
  private var advertised: [Int] = []

  /// - Parameters:
  ///   - key: this member's; ``MeetingDescription/inviter`` is its membership.
  ///   - clock: which moment is what time of day.
  package init(
    key: SigningKey, meeting: MeetingDescription, book: InviteBook, clock: CivilClock,
    secrets: SecretSource
  ) {
    self.key = key
    self.meeting = meeting
    self.book = book
    self.clock = clock
    self.secrets = secrets
    fingerprint = meeting.inviter.record.certificateFingerprint
  }

  package var deadline: Moment? {
    let change = book.nextChange(after: clock.checked).map { clock.moment(of: $0) }
    let wait = queue.isEmpty ? nil : nextToken
    return (streams.values.map(\.deadline) + [change, wait].compactMap(\.self)).min()
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .opened(let number, let fingerprint, let source):
      open(number, fingerprint: fingerprint, source: source, at: now, into: &outputs)
    case .received(let number, let frame):
      receive(frame, on: number, at: now, into: &outputs)
    case .closed(let number):
      forget(number)
    case .clock(let time):
      clock = CivilClock(moment: now, time: time)
    }
    serveQueue(at: now, into: &outputs)
    noticeChanges(at: now, into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    for number in streams.keys.sorted() where streams[number]!.deadline <= now {
      switch streams[number]!.phase {
      case .awaitingHello, .awaitingShare, .proving:
        end(number, into: &outputs)
      case .queued:
        refuse(
          number, .tooManyAttempts, retryAfter: max(budget.wait(at: now), GuessBudget.refill),
          into: &outputs)
      }
    }
    serveQueue(at: now, into: &outputs)
    noticeChanges(at: now, into: &outputs)
  }

  // MARK: - Streams

  private mutating func open(
    _ number: StreamNumber, fingerprint: [UInt8], source: String, at now: Moment,
    into outputs: inout [Output]
  ) {
    let ofSource = streams.values.count { $0.source == source }
    guard streams[number] == nil, streams.count < Self.mostStreams,
      ofSource < Self.mostStreamsPerSource, fingerprint.count == 32
    else {
      outputs.append(.close(number))
      return
    }
    streams[number] = Stream(
      fingerprint: fingerprint, source: source, deadline: now + Self.helloLimit,
      phase: .awaitingHello)
  }

  private mutating func receive(
    _ frame: [UInt8], on number: StreamNumber, at now: Moment, into outputs: inout [Output]
  ) {
    guard let stream = streams[number] else { return }
    let message = try? WireAdmissionMessage(wire: frame, limit: WireBounds.admissionFrame)
    switch (stream.phase, message?.kind) {
    case (.awaitingHello, .hello(let hello)):
      greet(number, stream, hello, frame: frame, at: now, into: &outputs)
    case (.awaitingShare(let greeting), .share(let share)):
      take(share, frame: frame, on: number, greeting, at: now, into: &outputs)
    case (.proving(let proof), .confirmation(let confirmation)):
      check(confirmation, frame: frame, on: number, proof, at: now, into: &outputs)
    case (.awaitingHello, _), (.awaitingShare, _), (.queued, _), (.proving, _):
      refuse(number, .malformed, into: &outputs)
    }
  }

  private mutating func greet(
    _ number: StreamNumber, _ stream: Stream, _ hello: WireAdmissionHello, frame: [UInt8],
    at now: Moment, into outputs: inout [Output]
  ) {
    guard hello.version == protocolVersion else {
      return refuse(number, .oldVersion, into: &outputs)
    }
    guard hello.sid.count == CPace.sessionBytes, hello.nonce.count == 16 else {
      return refuse(number, .malformed, into: &outputs)
    }
    let nameplate = Int(hello.nameplate)
    guard book.lookup(nameplate, at: clock.time(at: now)) != .unknown else {
      return refuse(number, .noSuchNameplate, into: &outputs)
    }
    let tag = MeetingTag(genesisKey: meeting.inviter.chain.genesisKey)
    var reply = WireAdmissionHelloReply()
    reply.version = protocolVersion
    reply.meetingTag = Data(tag.answer(toNonce: Array(hello.nonce)))
    let answer = WireAdmissionMessage(.helloReply(reply)).wire
    var transcript = Transcript()
    transcript.append(frame)
    transcript.append(answer)
    let channel = AdmissionChannel(
      nameplate: nameplate, joinerFingerprint: stream.fingerprint, inviterFingerprint: fingerprint)
    streams[number]!.advance(
      to: .awaitingShare(
        Greeting(channel: channel, session: Array(hello.sid), transcript: transcript)),
      until: now + Self.shareLimit)
    outputs.append(.send(number, answer))
  }

  private mutating func take(
    _ share: WirePakeShare, frame: [UInt8], on number: StreamNumber, _ greeting: Greeting,
    at now: Moment, into outputs: inout [Output]
  ) {
    guard share.point.count == CPace.pointBytes else {
      return refuse(number, .malformed, into: &outputs)
    }
    var transcript = greeting.transcript
    transcript.append(frame)
    let waiting = Greeting(
      channel: greeting.channel, session: greeting.session, transcript: transcript)
    streams[number]!.advance(
      to: .queued(waiting, joinerPoint: Array(share.point)), until: now + Self.queueLimit)
    queue.append(number)
  }

  // MARK: - Attempts

  private mutating func serveQueue(at now: Moment, into outputs: inout [Output]) {
    nextToken = nil
    for number in queue {
      guard let stream = streams[number], case .queued(let greeting, let point) = stream.phase
      else { continue }
      let invite: Invite
      switch book.lookup(greeting.channel.nameplate, at: clock.time(at: now)) {
      case .open(let found): invite = found
      case .expired:
        refuse(number, .expired, into: &outputs)
        continue
      case .usedUp:
        refuse(number, .usedUp, into: &outputs)
        continue
      case .unknown:
        refuse(number, .noSuchNameplate, into: &outputs)
        continue
      }
      guard attempts(from: stream.source) < Self.mostAttemptsPerSource else { continue }
      switch budget.reserve(at: now) {
      case .granted:
        answer(number, invite.code, greeting, point, at: now, into: &outputs)
      case .refused(let until):
        nextToken = until
        // Nobody under way can give a token back before the joiner would have to be sent away.
        let wait = budget.wait(at: now)
        if budget.pending == 0, now + wait > stream.deadline {
          refuse(number, .tooManyAttempts, retryAfter: wait, into: &outputs)
        }
      }
    }
    queue.removeAll { number in
      guard case .queued = streams[number]?.phase else { return true }
      return false
    }
  }

  private func attempts(from source: String) -> Int {
    streams.values.count { stream in
      guard case .proving = stream.phase else { return false }
      return stream.source == source
    }
  }

  private mutating func answer(
    _ number: StreamNumber, _ code: InviteCode, _ greeting: Greeting, _ point: [UInt8],
    at now: Moment, into outputs: inout [Output]
  ) {
    let setting = greeting.channel.setting(code: code, session: greeting.session)
    let keys: CPace.Keys
    let share: CPace.Share
    do {
      share = try CPace.Share(setting: setting, secrets: secrets)
      keys = try CPace.Keys(
        setting: setting, share: share, peer: point,
        initiator: .init(point: point, data: AdmissionChannel.joinerData),
        responder: .init(point: share.point, data: AdmissionChannel.inviterData))
    } catch {
      budget.attemptDropped()
      return refuse(number, .malformed, into: &outputs)
    }
    var reply = WirePakeShare()
    reply.point = Data(share.point)
    let frame = WireAdmissionMessage(.share(reply)).wire
    var transcript = greeting.transcript
    transcript.append(frame)
    streams[number]!.advance(
      to: .proving(Proof(code: code, keys: keys, transcript: transcript)),
      until: now + Self.proofLimit)
    outputs.append(.send(number, frame))
  }

  private mutating func check(
    _ confirmation: WireJoinerConfirmation, frame: [UInt8], on number: StreamNumber, _ proof: Proof,
    at now: Moment, into outputs: inout [Output]
  ) {
    guard proof.keys.isInitiatorTag(Array(confirmation.tag)) else {
      budget.attemptFailed(at: now)
      outputs.append(
        .wrongGuess(
          nameplate: proof.code.nameplate, source: streams[number]!.source,
          failures: budget.failures))
      streams[number]!.holdsToken = false
      return refuse(number, .wrongCode, into: &outputs)
    }
    budget.attemptSucceeded()
    streams[number]!.holdsToken = false
    switch admit(confirmation, frame: frame, from: streams[number]!.fingerprint, proof, at: now) {
    case .welcome(let welcome, let newcomer):
      outputs.append(.admitted(newcomer))
      outputs.append(.send(number, welcome))
      end(number, into: &outputs)
      outputs.append(.invitesChanged)
    case .refusal(let reason):
      refuse(number, reason, into: &outputs)
    }
  }

  private enum Verdict {
    case welcome([UInt8], Newcomer)
    case refusal(WireRefusal.Reason)
  }

  /// What becomes of somebody who knows the words.
  private mutating func admit(
    _ confirmation: WireJoinerConfirmation, frame: [UInt8], from fingerprint: [UInt8],
    _ proof: Proof, at now: Moment
  ) -> Verdict {
    let opened = Sealing(
      .joinerIdentity, session: proof.keys.session, transcript: proof.transcript
    ).open(Array(confirmation.sealed))
    guard let opened, let identity = try? WireJoinerIdentity(wire: opened) else {
      return .refusal(.malformed)
    }
    let record: MemberRecord
    do {
      record = try MemberRecord(verifying: identity.record)
    } catch {
      if case .wrongVersion = error { return .refusal(.oldVersion) }
      return .refusal(.malformed)
    }
    guard record.certificateFingerprint == fingerprint else { return .refusal(.malformed) }
    let time = clock.time(at: now)
    switch book.lookup(proof.code.nameplate, at: time) {
    case .open(let invite) where invite.code == proof.code: break
    case .open, .unknown: return .refusal(.noSuchNameplate)
    case .expired: return .refusal(.expired)
    case .usedUp: return .refusal(.usedUp)
    }
    let member: AdmittedMember
    do {
      member = try meeting.admit(record, by: key, at: time)
    } catch {
      if case .removed = error { return .refusal(.removed) }
      return .refusal(.malformed)
    }
    guard book.spend(proof.code, at: time) else { return .refusal(.usedUp) }
    var transcript = proof.transcript
    transcript.append(frame)
    var welcome = WireWelcome()
    welcome.tag = Data(proof.keys.responderTag)
    welcome.sealed = Data(
      Sealing(.welcome, session: proof.keys.session, transcript: transcript)
        .seal(meeting.welcome(for: member.chain).wire))
    let newcomer = Newcomer(
      member: member, code: proof.code,
      securityWords: securityWords(
        genesisKey: member.chain.genesisKey, memberKey: record.publicKey))
    return .welcome(WireAdmissionMessage(.welcome(welcome)).wire, newcomer)
  }

  // MARK: - Ends

  private mutating func refuse(
    _ number: StreamNumber, _ reason: WireRefusal.Reason, retryAfter: Duration = .zero,
    into outputs: inout [Output]
  ) {
    var refusal = WireRefusal()
    refusal.reason = reason
    if reason == .oldVersion { refusal.version = protocolVersion }
    refusal.retryAfterSeconds = UInt32(max(0, retryAfter.inSeconds).rounded(.up))
    outputs.append(.send(number, WireAdmissionMessage(.refusal(refusal)).wire))
    end(number, into: &outputs)
  }

  private mutating func end(_ number: StreamNumber, into outputs: inout [Output]) {
    forget(number)
    outputs.append(.close(number))
  }

  private mutating func forget(_ number: StreamNumber) {
    guard let stream = streams.removeValue(forKey: number) else { return }
    if stream.holdsToken { budget.attemptDropped() }
  }

  private mutating func noticeChanges(at now: Moment, into outputs: inout [Output]) {
    let time = clock.time(at: now)
    clock.checked = time
    _ = book.takeOver(at: time)
    let current = book.advertised(at: time)
    guard current != advertised else { return }
    advertised = current
    outputs.append(.invitesChanged)
  }
}
