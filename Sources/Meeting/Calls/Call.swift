import Connectivity
import Foundations
import Protection
import RTP
import Signalling

/// The media session with one member: an ICE agent, a DTLS session, SRTP and RTP on one transport.
///
/// Lives on the media thread, inside ``CallHub``.
final class Call {
  let peer: PeerID
  /// Which description exchange this belongs to.
  let session: UInt64
  /// Who offers is also ICE's controlling agent (RFC 8445 §6.1.1).
  private let isOfferer: Bool
  private let settings: CallSettings
  private let clock: HostClock
  private let report: (Report) -> Void
  private var timer: MediaTimer?
  private var agent: ICEAgent?
  private var remote: RemoteDescription?
  private var role: DTLSRole?
  private var dtls: DTLSSession?
  private var srtp: SRTPSession?
  private var rtp: RTPSession?
  /// DTLS that came before the remote description did.
  private var early: [[UInt8]] = []
  private static let earlyLimit = 16
  private(set) var counters = Counters()

  /// What a call tells its hub.
  enum Report {
    case gathered(candidates: [String])
    case candidate(String)
    case reachable
    case secured(CallContents)
    case pair(local: String, remote: String)
    case failed(String)
    case closed
    case picture(ReceivedPicture)
    case sound(ReceivedSound)
    case keyframeWanted
  }

  /// Datagrams that were of no use, by where they were refused.
  struct Counters: Sendable {
    var unknown = 0
    var notAuthentic = 0
  }

  init(
    peer: PeerID, session: UInt64, isControlling: Bool, settings: CallSettings, clock: HostClock,
    thread: MediaThread, report: @escaping (Report) -> Void
  ) {
    self.peer = peer
    self.session = session
    isOfferer = isControlling
    self.settings = settings
    self.clock = clock
    self.report = report
    agent = ICEAgent(thread: thread, configuration: settings.ice(isControlling))
    agent?.onCandidate = { [unowned self] in self.report(.candidate($0)) }
    agent?.onGathered = { [unowned self] in
      self.report(.gathered(candidates: agent?.localCandidates ?? []))
    }
    agent?.onState = { [unowned self] in changed(to: $0) }
    agent?.onDatagram = { [unowned self] in received($0) }
    timer = thread.makeTimer { [unowned self] in wake() }
  }

  func gather() throws(Failure) {
    try agent?.gather()
  }

  var localCredentials: ICECredentials? { agent?.localCredentials }

  func apply(_ remote: RemoteDescription, role: DTLSRole) {
    self.remote = remote
    self.role = role
    guard let credentials = ICECredentials(ufrag: remote.ufrag, password: remote.password) else {
      return report(.failed("its description has no usable credentials"))
    }
    agent?.setRemote(credentials)
    _ = agent?.addRemote(candidates: remote.candidates)
  }

  func addRemote(candidate: String) {
    _ = agent?.addRemote(candidates: [candidate])
  }

  func send(_ input: RTPSession.Input) {
    run(input)
  }

  var statistics: RTPStatistics? { rtp?.statistics }

  var refusedDatagrams: Int {
    counters.unknown + counters.notAuthentic + (dtls?.dropped ?? 0)
      + (rtp?.statistics.malformed ?? 0)
  }

  var isConnected: Bool { rtp != nil }

  private func wake() {
    let now = clock.now()
    if let deadline = dtls?.deadline, deadline <= now {
      dtls?.wake(at: now)
      dtlsMoved()
    }
    if let deadline = rtp?.deadline, deadline <= now {
      var outputs: [RTPSession.Output] = []
      rtp?.wake(at: now, into: &outputs)
      carryOut(outputs)
    }
    reschedule()
  }

  func close() {
    timer?.cancel()
    timer = nil
    send(.close)
    dtls?.close()
    agent?.close()
    dtls = nil
    agent = nil
    rtp = nil
    srtp = nil
  }

  private func changed(to state: ICEState) {
    switch state {
    case .disconnected, .gathering, .connecting: break
    case .connected, .ready: startDTLS()
    case .failed: report(.failed("no way through the network was found"))
    }
  }

  private func startDTLS() {
    guard dtls == nil, let remote, let role else { return }
    report(.reachable)
    let session = DTLSSession(
      role: role, identity: settings.identity, peerFingerprint: remote.fingerprint,
      transmit: { [unowned self] in _ = agent?.send($0) })
    dtls = session
    let now = clock.now()
    session.start(at: now)
    for datagram in early { session.receive(datagram, at: now) }
    early = []
    dtlsMoved()
    reschedule()
  }

  private func received(_ datagram: [UInt8]) {
    let now = clock.now()
    switch DatagramKind(datagram) {
    case .dtls:
      guard let dtls else {
        if early.count < Self.earlyLimit { early.append(datagram) }
        return
      }
      dtls.receive(datagram, at: now)
      dtlsMoved()
      reschedule()
    case .rtp:
      guard let packet = try? srtp?.unprotect(rtp: datagram) else {
        counters.notAuthentic += 1
        return
      }
      run(.received(packet))
    case .rtcp:
      guard let packet = try? srtp?.unprotect(rtcp: datagram) else {
        counters.notAuthentic += 1
        return
      }
      run(.received(packet))
    case .stun, .other:
      counters.unknown += 1
    }
  }

  private func dtlsMoved() {
    switch dtls?.state {
    case .connected(let keys):
      guard srtp == nil, let role, let remote else { return }
      do {
        srtp = try SRTPSession(keys: keys, role: role)
      } catch {
        report(.failed("the media session can't be secured: \(error)"))
        return
      }
      let configuration = settings.rtpConfiguration(for: remote, isOfferer: isOfferer)
      rtp = RTPSession(configuration)
      report(
        .secured(
          CallContents(
            pictures: configuration.remoteVideo != nil, sound: configuration.remoteAudio != nil)))
      if let pair = agent?.selectedPair { report(.pair(local: pair.local, remote: pair.remote)) }
    case .failed(let reason): report(.failed(reason))
    case .closed: report(.closed)
    case .handshaking, nil: break
    }
  }

  private func run(_ input: RTPSession.Input) {
    guard rtp != nil else { return }
    var outputs: [RTPSession.Output] = []
    rtp?.handle(input, at: clock.now(), into: &outputs)
    carryOut(outputs)
    reschedule()
  }

  /// The sound to play for the next 20 ms; `nil` before media flows.
  func nextSound() -> [SoundPlayout]? {
    guard rtp != nil else { return nil }
    var outputs: [RTPSession.Output] = []
    rtp?.handle(.playSound, at: clock.now(), into: &outputs)
    carryOut(outputs)
    reschedule()
    return outputs.compactMap { output in
      guard case .sound(let playout) = output else { return nil }
      return playout
    }
  }

  private func carryOut(_ outputs: [RTPSession.Output]) {
    for output in outputs {
      switch output {
      case .transmit(let packet):
        if let bytes = srtp?.protect(rtp: packet) { _ = agent?.send(bytes) }
      case .transmitControl(let packet):
        if let bytes = srtp?.protect(rtcp: packet) { _ = agent?.send(bytes) }
      case .picture(let picture): report(.picture(picture))
      case .receivedSound(let sound): report(.sound(sound))
      case .keyframeWanted: report(.keyframeWanted)
      case .sound: break
      }
    }
  }

  private func reschedule() {
    timer?.set([dtls?.deadline, rtp?.deadline].compactMap(\.self).min())
  }
}
