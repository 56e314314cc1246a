import Connectivity
import Foundations
import Protection
package import RTP
package import Signalling

/// All calls of this member. An actor whose executor is the media thread, where libnice, DTLS, SRTP
/// and RTP run: one packet's way through them takes no lock and changes no thread.
actor CallHub {
  nonisolated let thread: MediaThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private let settings: CallSettings
  private let clock: HostClock
  private let report: @Sendable (PeerID, CallReport) -> Void
  private let playSound: @Sendable ([(PeerID, [SoundPlayout])]) -> Void
  private var calls: [PeerID: Call] = [:]
  /// Of calls that have ended.
  private var refusedEarlier = 0
  private var playoutTimer: MediaTimer?
  private var nextPlayout = Moment.zero

  init(
    thread: MediaThread, settings: CallSettings, clock: HostClock,
    report: @escaping @Sendable (PeerID, CallReport) -> Void,
    playSound: @escaping @Sendable ([(PeerID, [SoundPlayout])]) -> Void
  ) {
    self.thread = thread
    self.settings = settings
    self.clock = clock
    self.report = report
    self.playSound = playSound
  }

  /// Runs `body` on the media thread, in the order of the calls: for those who are no actors.
  nonisolated func post(_ body: @escaping @Sendable (isolated CallHub) -> Void) {
    thread.run { self.assumeIsolated(body) }
  }

  // MARK: - One call

  func prepare(_ peer: PeerID, session: UInt64, isControlling: Bool) {
    discard(peer)
    let call = Call(
      peer: peer, session: session, isControlling: isControlling, settings: settings, clock: clock,
      thread: thread,
      report: { [unowned self] report in
        self.assumeIsolated { $0.take(report, from: peer, session: session) }
      })
    calls[peer] = call
    do {
      try call.gather()
    } catch {
      report(peer, .failed(session: session, reason: error.message))
    }
  }

  func apply(_ remote: RemoteDescription, to peer: PeerID, session: UInt64, role: DTLSRole) {
    guard let call = calls[peer], call.session == session else { return }
    call.apply(remote, role: role)
  }

  func addRemote(candidate: String, to peer: PeerID, session: UInt64) {
    guard let call = calls[peer], call.session == session else { return }
    call.addRemote(candidate: candidate)
  }

  func discard(_ peer: PeerID) {
    guard let call = calls.removeValue(forKey: peer) else { return }
    refusedEarlier += call.refusedDatagrams
    call.close()
  }

  func requestKeyframe(from peer: PeerID) {
    calls[peer]?.send(.requestKeyframe)
  }

  // MARK: - All calls

  func send(_ picture: PacketizedPicture) {
    for call in calls.values { call.send(.sendPicture(picture)) }
  }

  func send(_ sound: EncodedSound) {
    for call in calls.values { call.send(.sendSound(sound)) }
  }

  func statistics() -> [PeerID: RTPStatistics] {
    calls.compactMapValues(\.statistics)
  }

  /// Datagrams that were of no use to any call.
  var refusedDatagrams: Int {
    calls.values.map(\.refusedDatagrams).reduce(refusedEarlier, +)
  }

  func closeAll() {
    for peer in Array(calls.keys) { discard(peer) }
    playoutTimer?.cancel()
    playoutTimer = nil
  }

  /// Begins to take 20 ms of each member's sound every 20 ms.
  func startPlayout() {
    guard playoutTimer == nil else { return }
    nextPlayout = clock.now()
    playoutTimer = thread.makeTimer { [unowned self] in
      self.assumeIsolated { $0.playNext() }
    }
    playNext()
  }

  private func playNext() {
    let blocks = calls.compactMap { peer, call in call.nextSound().map { (peer, $0) } }
    if !blocks.isEmpty { playSound(blocks) }
    // A computer that slept doesn't catch up on what it missed.
    nextPlayout = max(nextPlayout + SoundBlock.duration, clock.now() - .milliseconds(100))
    playoutTimer?.set(nextPlayout)
  }

  // MARK: - News

  private func take(_ news: Call.Report, from peer: PeerID, session: UInt64) {
    guard let call = calls[peer], call.session == session else { return }
    switch news {
    case .gathered(let candidates):
      guard let credentials = call.localCredentials else { return }
      let local = settings.localDescription(
        credentials: credentials, candidates: candidates)
      report(peer, .gathered(session: session, local))
    case .candidate(let line): report(peer, .candidate(session: session, line))
    case .reachable: report(peer, .reachable)
    case .secured(let contents): report(peer, .secured(session: session, contents))
    case .pair(let local, let remote): report(peer, .connected(local: local, remote: remote))
    case .failed(let reason): report(peer, .failed(session: session, reason: reason))
    case .closed: report(peer, .failed(session: session, reason: "the other side ended it"))
    case .picture(let picture): report(peer, .picture(picture))
    case .sound(let sound): report(peer, .sound(sound))
    case .keyframeWanted: report(peer, .keyframeWanted)
    }
  }
}

/// What the calls tell the meeting.
package enum CallReport: Sendable {
  case gathered(session: UInt64, LocalDescription)
  case candidate(session: UInt64, String)
  /// A path was found.
  case reachable
  /// DTLS is done and media flows.
  case secured(session: UInt64, CallContents)
  case connected(local: String, remote: String)
  case failed(session: UInt64, reason: String)
  case picture(ReceivedPicture)
  case sound(ReceivedSound)
  case keyframeWanted
  /// The first picture was decoded.
  case firstPicture
}

/// What the other side of a call sends.
package struct CallContents: Sendable {
  package let pictures: Bool
  package let sound: Bool
}
