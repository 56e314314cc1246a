package import Foundations
import SwiftProtobuf
package import Wire

/// How this member and one other agree on a media session, and agree anew when it fails.
///
/// The member with the smaller identifier offers, always; the other answers, and asks for a new offer
/// when it needs one. So there is no glare (RFC 8829 §4.1.8.2): an offer from the wrong side is void.
package struct Signalling: Machine {
  package enum Input: Sendable {
    case start
    /// The agent that `prepare` asked for is there.
    case localReady(session: UInt64, LocalDescription)
    /// The agent found another candidate.
    case localCandidate(session: UInt64, String)
    case received(WireSignal)
    /// There is a link to the other side now. What was said to it before went by others, who may not have
    /// had a way to it yet: a newcomer's name is known before it has any link.
    case linked
    case connectionFailed(session: UInt64)
    case connected(session: UInt64)
    case stop
  }

  package enum Output: Sendable {
    /// Make an agent, controlling if we offer; answered by `localReady`.
    case prepare(session: UInt64, isOfferer: Bool)
    case send(WireSignal)
    /// `dtlsRole` is ours.
    case apply(session: UInt64, RemoteDescription, dtlsRole: DTLSRole)
    case addRemoteCandidate(session: UInt64, String)
    case discard(session: UInt64)
    /// The other side said something that can't be used.
    case refused(WireError)
  }

  /// Bytes of a candidate line.
  package static let candidateLimit = 256
  /// How long an offer waits for its answer before a new one is made.
  package static let answerLimit = Duration.seconds(5)
  /// How long the answering side waits for an offer before it asks for one.
  package static let offerLimit = Duration.seconds(3)
  /// A request for a restart comes too early to mean an offer younger than this.
  package static let offerGrace = Duration.seconds(2)
  /// How long an agent may take to be made.
  package static let prepareLimit = Duration.seconds(10)
  /// How long ICE and DTLS may take: a lost first flight and its retransmissions, with room.
  package static let connectLimit = Duration.seconds(15)
  /// The pause after the first failure; it doubles with each, up to `longestPause`.
  package static let shortestPause = Duration.milliseconds(500)
  package static let longestPause = Duration.seconds(8)
  /// A connection that held this long was good: the next failure is a first one.
  package static let goodAfter = Duration.seconds(10)

  private enum State: Sendable {
    /// Exits: preparing, waiting (start), preparing (an offer), stopped.
    case idle
    /// The agent is being made. Exits: offered, connecting, pausing or waiting (failed), preparing (a
    /// newer offer), stopped.
    case preparing(Session, until: Moment)
    /// Exits: connecting, preparing (unanswered, or linked only now), pausing (failed), stopped.
    case offered(Session, since: Moment)
    /// Exits: connected, pausing or waiting (failed), preparing (a newer offer), stopped.
    case connecting(Session, until: Moment)
    /// Exits: pausing or waiting (failed), preparing (a newer offer), stopped.
    case connected(Session, since: Moment)
    /// We offer again. Exits: preparing, stopped.
    case pausing(until: Moment)
    /// The other side is to offer. Exits: preparing, stopped.
    case waiting(until: Moment)
    /// Exits: preparing, waiting (start).
    case stopped

    var session: Session? {
      switch self {
      case .preparing(let session, _), .offered(let session, _), .connecting(let session, _),
        .connected(let session, _):
        session
      case .idle, .pausing, .waiting, .stopped: nil
      }
    }
  }

  private struct Session: Sendable {
    let number: UInt64
    /// The offer that we answer.
    var offer: (description: RemoteDescription, dtlsRole: DTLSRole)?
    /// Found before our description left.
    var ownCandidates: [String] = []
    var ownCount = 0
    /// Heard before the other side's description was applied.
    var candidates: [String] = []
    var remoteCount = 0
  }

  package let me: PeerID
  package let peer: PeerID
  private var chance: SeededGenerator
  private var nextSession: UInt64
  private var state = State.idle
  private var failures = 0
  /// The newest offer, and whose run made it.
  private var lastOffer: (session: UInt64, fingerprint: [UInt8])?
  /// Candidates of an offer that is still on its way.
  private var early: (session: UInt64, candidates: [String])?

  /// - Parameter firstSession: larger than that of any offer made to `peer` before; the wall clock's
  ///   milliseconds will do.
  package init(me: PeerID, peer: PeerID, firstSession: UInt64, seed: UInt64) {
    self.me = me
    self.peer = peer
    nextSession = firstSession
    chance = SeededGenerator(seed: seed)
  }

  /// Whether this side offers.
  package var offers: Bool { me < peer }

  package var isConnected: Bool {
    if case .connected = state { true } else { false }
  }

  package var deadline: Moment? {
    switch state {
    case .idle, .connected, .stopped: nil
    case .preparing(_, let until), .connecting(_, let until), .pausing(let until),
      .waiting(let until):
      until
    case .offered(_, let since): since + Self.answerLimit
    }
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .start:
      switch state {
      case .idle, .stopped: start(at: now, into: &outputs)
      case .preparing, .offered, .connecting, .connected, .pausing, .waiting: break
      }
    case .localReady(let number, let description):
      localReady(number, description, at: now, into: &outputs)
    case .localCandidate(let number, let line): localCandidate(number, line, into: &outputs)
    case .received(let signal): receive(signal, at: now, into: &outputs)
    case .linked:
      guard case .offered = state else { return }
      discard(into: &outputs)
      offer(at: now, into: &outputs)
    case .connectionFailed(let number):
      if state.session?.number == number { fail(at: now, into: &outputs) }
    case .connected(let number):
      guard case .connecting(let session, _) = state, session.number == number else { return }
      state = .connected(session, since: now)
    case .stop:
      discard(into: &outputs)
      state = .stopped
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard let deadline, deadline <= now else { return }
    switch state {
    case .idle, .connected, .stopped: break
    case .preparing, .connecting: fail(at: now, into: &outputs)
    case .offered:
      discard(into: &outputs)
      offer(at: now, into: &outputs)
    case .pausing: offer(at: now, into: &outputs)
    case .waiting:
      outputs.append(.send(.with { $0.restart = WireRestartRequest() }))
      state = .waiting(until: now + max(Self.offerLimit, pause()))
    }
  }

  // MARK: Sessions

  private mutating func start(at now: Moment, into outputs: inout [Output]) {
    failures = 0
    if offers {
      offer(at: now, into: &outputs)
    } else {
      state = .waiting(until: now + Self.offerLimit)
    }
  }

  private mutating func offer(at now: Moment, into outputs: inout [Output]) {
    let session = Session(number: nextSession)
    nextSession &+= 1
    state = .preparing(session, until: now + Self.prepareLimit)
    outputs.append(.prepare(session: session.number, isOfferer: true))
  }

  private func discard(into outputs: inout [Output]) {
    if let session = state.session { outputs.append(.discard(session: session.number)) }
  }

  private mutating func fail(at now: Moment, into outputs: inout [Output]) {
    if case .connected(_, let since) = state, now - since >= Self.goodAfter { failures = 0 }
    discard(into: &outputs)
    if offers {
      state = .pausing(until: now + pause())
    } else {
      outputs.append(.send(.with { $0.restart = WireRestartRequest() }))
      state = .waiting(until: now + Self.offerLimit + pause())
    }
  }

  /// The pause before the next try: doubling, and up to a quarter longer by chance, so that many calls
  /// that failed together don't all start again together.
  private mutating func pause() -> Duration {
    let pause = min(Self.shortestPause * (1 << min(failures, 4)), Self.longestPause)
    failures += 1
    return pause + pause * Double.random(in: 0..<0.25, using: &chance)
  }

  private mutating func localReady(
    _ number: UInt64, _ description: LocalDescription, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard case .preparing(var session, _) = state, session.number == number else { return }
    let more = session.ownCandidates
    session.ownCandidates = []
    if let offer = session.offer {
      let setup: WireDescription.Setup =
        switch offer.dtlsRole {
        case .client: .active
        case .server: .passive
        }
      let answer = description.wire(session: number, setup: setup, adding: more)
      outputs.append(.send(.with { $0.answer = answer }))
      apply(offer.description, offer.dtlsRole, of: session, at: now, into: &outputs)
    } else {
      let offer = description.wire(session: number, setup: .actpass, adding: more)
      outputs.append(.send(.with { $0.offer = offer }))
      state = .offered(session, since: now)
    }
  }

  private mutating func apply(
    _ description: RemoteDescription, _ role: DTLSRole, of session: Session, at now: Moment,
    into outputs: inout [Output]
  ) {
    var session = session
    outputs.append(.apply(session: session.number, description, dtlsRole: role))
    for line in session.candidates {
      outputs.append(.addRemoteCandidate(session: session.number, line))
    }
    session.candidates = []
    state = .connecting(session, until: now + Self.connectLimit)
  }

  private mutating func localCandidate(
    _ number: UInt64, _ line: String, into outputs: inout [Output]
  ) {
    guard var session = state.session, session.number == number,
      session.ownCount < WireBounds.candidates, SessionDescription.isCandidate(line)
    else { return }
    session.ownCount += 1
    switch state {
    case .preparing(_, let until):
      session.ownCandidates.append(line)
      state = .preparing(session, until: until)
    case .offered(_, let since): state = .offered(session, since: since)
    case .connecting(_, let until): state = .connecting(session, until: until)
    case .connected(_, let since): state = .connected(session, since: since)
    case .idle, .pausing, .waiting, .stopped: return
    }
    if case .preparing = state { return }
    outputs.append(
      .send(
        .with {
          $0.candidate.session = number
          $0.candidate.candidate = line
        }))
  }

  // MARK: The other side

  private mutating func receive(
    _ signal: WireSignal, at now: Moment, into outputs: inout [Output]
  ) {
    if case .stopped = state { return }
    do throws(WireError) {
      switch signal.kind {
      case .offer(let wire): try receiveOffer(wire, at: now, into: &outputs)
      case .answer(let wire): try receiveAnswer(wire, at: now, into: &outputs)
      case .candidate(let wire): try receiveCandidate(wire, into: &outputs)
      case .restart: receiveRestart(at: now, into: &outputs)
      case nil: throw WireError.malformed
      }
    } catch {
      outputs.append(.refused(error))
    }
  }

  private mutating func receiveOffer(
    _ wire: WireDescription, at now: Moment, into outputs: inout [Output]
  ) throws(WireError) {
    // The smaller identifier's offer stands, and that is ours.
    guard !offers else { return }
    let description = try RemoteDescription(checking: wire)
    let role: DTLSRole
    switch wire.setup {
    // RFC 5763 §5: who answers should be active, which saves a round trip.
    case .actpass, .passive: role = .client
    case .active: role = .server
    case .UNRECOGNIZED: throw .outOfBounds("setup")
    }
    // Numbers grow within a run; another certificate is another run, whose clock may be off.
    if let lastOffer, lastOffer.fingerprint == description.fingerprint,
      wire.session <= lastOffer.session
    {
      return
    }
    discard(into: &outputs)
    lastOffer = (wire.session, description.fingerprint)
    var session = Session(number: wire.session, offer: (description, role))
    if let early, early.session == wire.session {
      session.candidates = early.candidates
      session.remoteCount = early.candidates.count
    }
    early = nil
    state = .preparing(session, until: now + Self.prepareLimit)
    outputs.append(.prepare(session: session.number, isOfferer: false))
  }

  private mutating func receiveAnswer(
    _ wire: WireDescription, at now: Moment, into outputs: inout [Output]
  ) throws(WireError) {
    guard case .offered(let session, _) = state, session.number == wire.session else { return }
    let description = try RemoteDescription(checking: wire)
    switch wire.setup {
    case .active: apply(description, .server, of: session, at: now, into: &outputs)
    case .passive: apply(description, .client, of: session, at: now, into: &outputs)
    // RFC 5763 §5: an answer chooses.
    case .actpass, .UNRECOGNIZED: throw .outOfBounds("setup")
    }
  }

  private mutating func receiveCandidate(
    _ wire: WireTrickledCandidate, into outputs: inout [Output]
  ) throws(WireError) {
    guard SessionDescription.isCandidate(wire.candidate) else {
      throw .outOfBounds("candidate")
    }
    guard var session = state.session, session.number == wire.session else {
      keepEarly(wire)
      return
    }
    guard session.remoteCount < WireBounds.candidates else { throw .outOfBounds("candidate") }
    session.remoteCount += 1
    switch state {
    case .preparing(_, let until):
      session.candidates.append(wire.candidate)
      state = .preparing(session, until: until)
    case .offered(_, let since):
      session.candidates.append(wire.candidate)
      state = .offered(session, since: since)
    case .connecting(_, let until):
      state = .connecting(session, until: until)
      outputs.append(.addRemoteCandidate(session: session.number, wire.candidate))
    case .connected(_, let since):
      state = .connected(session, since: since)
      outputs.append(.addRemoteCandidate(session: session.number, wire.candidate))
    case .idle, .pausing, .waiting, .stopped: break
    }
  }

  /// A candidate may overtake its offer where they travel by different members.
  private mutating func keepEarly(_ wire: WireTrickledCandidate) {
    guard !offers else { return }
    if let lastOffer, wire.session <= lastOffer.session { return }
    if early == nil || wire.session > early!.session { early = (wire.session, []) }
    guard early!.session == wire.session, early!.candidates.count < WireBounds.candidates else {
      return
    }
    early!.candidates.append(wire.candidate)
  }

  private mutating func receiveRestart(at now: Moment, into outputs: inout [Output]) {
    guard offers else { return }
    switch state {
    // An offer is on its way, or will be.
    case .idle, .preparing, .pausing, .waiting, .stopped: break
    case .offered(_, let since):
      guard now - since >= Self.offerGrace else { return }
      discard(into: &outputs)
      offer(at: now, into: &outputs)
    // The pause keeps somebody who asks all the time from being served all the time.
    case .connecting, .connected: fail(at: now, into: &outputs)
    }
  }
}
