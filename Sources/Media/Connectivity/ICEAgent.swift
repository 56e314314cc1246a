import CNice
package import Foundations
import Glibc

/// Finds a way to one peer and carries datagrams on it: ICE with one stream of one component
/// (RFC 8445), by libnice.
///
/// Made and used on its ``MediaThread``; the closures are called there too, never from inside a method
/// of the agent. It may be released anywhere, and is then closed.
package final class ICEAgent {
  /// A local candidate, as an RFC 8839 line without "a=".
  package var onCandidate: ((String) -> Void)? {
    get { wires.onCandidate }
    set { wires.onCandidate = newValue }
  }

  /// All local candidates are known.
  package var onGathered: (() -> Void)? {
    get { wires.onGathered }
    set { wires.onGathered = newValue }
  }

  package var onState: ((ICEState) -> Void)? {
    get { wires.onState }
    set { wires.onState = newValue }
  }

  /// Everything from the peer that isn't STUN. Datagrams from strangers are dropped before.
  package var onDatagram: (([UInt8]) -> Void)? {
    get { wires.onDatagram }
    set { wires.onDatagram = newValue }
  }

  package var state: ICEState { wires.state }

  /// Candidates taken from the peer until a restart: a host has few addresses, and each costs a check
  /// from each of ours.
  package static let remoteCandidateLimit = 32
  /// Bytes of a datagram; what is larger wouldn't pass an Ethernet undivided.
  package static let datagramLimit = 1472

  private let wires: ICEWires
  private let configuration: ICEConfiguration
  private var remoteCredentials: ICECredentials?
  private var remote: Set<ICECandidate> = []
  /// Came before the peer's credentials.
  private var early: [ICECandidate] = []
  private var hasLoopback = false

  package init(thread: MediaThread, configuration: ICEConfiguration) {
    self.configuration = configuration
    wires = ICEWires(thread: thread, controlling: configuration.controlling)
    wires.set("force-relay", configuration.relayOnly)
    if let stun = configuration.stun {
      wires.set("stun-server", stun.host)
      wires.set("stun-server-port", UInt32(stun.port))
    }
    if let turn = configuration.turn {
      nice_agent_set_relay_info(
        wires.agent, wires.stream, 1, turn.address.host, UInt32(turn.address.port), turn.username,
        turn.password, NICE_RELAY_TYPE_TURN_UDP)
      wires.usesRelay = true
    }
    if let ports = configuration.ports {
      nice_agent_set_port_range(
        wires.agent, wires.stream, 1, UInt32(ports.lowerBound), UInt32(ports.upperBound))
    }
    if let credentials = configuration.credentials { setLocal(credentials) }
  }

  deinit {
    wires.closeFromAnywhere()
  }

  // MARK: - Our side

  /// Opens the sockets. Host candidates are known when it returns; others follow through
  /// ``onCandidate``, and ``onGathered`` ends them.
  package func gather() throws(Failure) {
    wires.check()
    guard !wires.isClosed else { return }
    let addresses = LocalAddresses.choose(
      from: LocalAddresses.all(), named: configuration.interfaces)
    guard !addresses.isEmpty else {
      let names = configuration.interfaces.map { " on \($0.joined(separator: ", "))" } ?? ""
      throw Failure(
        "no-network", exit: .unavailable,
        "There is no network address to use\(names). Connect to a network, or name another interface."
      )
    }
    hasLoopback = addresses.contains { $0.isLoopback }
    for address in addresses {
      var local = NiceAddress()
      nice_address_init(&local)
      address.withSocketAddress { nice_address_set_from_sockaddr(&local, $0) }
      nice_agent_add_local_address(wires.agent, &local)
    }
    guard nice_agent_gather_candidates(wires.agent, wires.stream) != 0 else {
      let range = configuration.ports.map { " in \($0.lowerBound) to \($0.upperBound)" } ?? ""
      throw Failure(
        "no-port", exit: .unavailable,
        "No UDP port\(range) is free for media. Close other meetings, or choose another --port.")
    }
    wires.enlargeBuffers()
  }

  package var localCredentials: ICECredentials? {
    var ufrag: UnsafeMutablePointer<CChar>?
    var password: UnsafeMutablePointer<CChar>?
    guard !wires.isClosed,
      nice_agent_get_local_credentials(wires.agent, wires.stream, &ufrag, &password) != 0
    else { return nil }
    defer {
      g_free(ufrag)
      g_free(password)
    }
    guard let ufrag, let password else { return nil }
    return ICECredentials(ufrag: String(cString: ufrag), password: String(cString: password))
  }

  /// Those known so far, as RFC 8839 lines without "a=".
  package var localCandidates: [String] {
    guard !wires.isClosed else { return [] }
    let list = nice_agent_get_local_candidates(wires.agent, wires.stream, 1)
    defer { g_slist_free(list) }
    var lines: [String] = []
    var next = list
    while let item = next {
      next = item.pointee.next
      let candidate = item.pointee.data.assumingMemoryBound(to: NiceCandidate.self)
      let isWanted =
        !configuration.relayOnly || candidate.pointee.type == NICE_CANDIDATE_TYPE_RELAYED
      if isWanted, let line = wires.line(of: candidate) { lines.append(line) }
      nice_candidate_free(candidate)
    }
    return lines
  }

  private func setLocal(_ credentials: ICECredentials) {
    nice_agent_set_local_credentials(
      wires.agent, wires.stream, credentials.ufrag, credentials.password)
  }

  // MARK: - The peer's side

  /// Takes the peer's credentials, with which checks begin; candidates may come before and after.
  package func setRemote(_ credentials: ICECredentials) {
    wires.check()
    guard !wires.isClosed else { return }
    remoteCredentials = credentials
    nice_agent_set_remote_credentials(
      wires.agent, wires.stream, credentials.ufrag, credentials.password)
    let waiting = early
    early = []
    if !waiting.isEmpty { hand(waiting) }
  }

  /// Takes lines of RFC 8839, with or without "a=". Those of no use are left out: TCP, `.local`
  /// names, garbage, repetitions, loopback where we don't use it ourselves, and what goes beyond
  /// ``remoteCandidateLimit``.
  /// - Returns: how many were taken.
  @discardableResult
  package func addRemote(candidates lines: [String]) -> Int {
    wires.check()
    guard !wires.isClosed else { return 0 }
    var new: [ICECandidate] = []
    for line in lines {
      guard remote.count < Self.remoteCandidateLimit else { break }
      guard let candidate = ICECandidate(line) else { continue }
      // Or a peer could make us knock at our own ports.
      guard hasLoopback || !candidate.address.isLoopback else { continue }
      if remote.insert(candidate).inserted { new.append(candidate) }
    }
    if remoteCredentials == nil {
      early += new
    } else if !new.isEmpty {
      hand(new)
    }
    return new.count
  }

  /// The peer has no more candidates.
  package func endRemoteCandidates() {
    wires.check()
    guard !wires.isClosed else { return }
    nice_agent_peer_candidate_gathering_done(wires.agent, wires.stream)
  }

  private func hand(_ candidates: [ICECandidate]) {
    var list: UnsafeMutablePointer<GSList>?
    for candidate in candidates.reversed() {
      guard
        let parsed = nice_agent_parse_remote_candidate_sdp(
          wires.agent, wires.stream, candidate.attribute)
      else { continue }
      list = g_slist_prepend(list, parsed)
    }
    nice_agent_set_remote_candidates(wires.agent, wires.stream, 1, list)
    var next = list
    while let item = next {
      next = item.pointee.next
      nice_candidate_free(item.pointee.data.assumingMemoryBound(to: NiceCandidate.self))
    }
    g_slist_free(list)
  }

  // MARK: - The path

  /// Sends to the peer; `false` when it couldn't be sent: no pair works yet, the socket's buffer is
  /// full, or it is longer than ``datagramLimit``. Nothing is queued.
  package func send(_ datagram: [UInt8]) -> Bool {
    wires.check()
    guard !wires.isClosed, 1...Self.datagramLimit ~= datagram.count else { return false }
    let sent = datagram.withUnsafeBytes { bytes in
      nice_agent_send(
        wires.agent, wires.stream, 1, UInt32(bytes.count),
        bytes.assumingMemoryBound(to: CChar.self).baseAddress)
    }
    return sent == Int32(datagram.count)
  }

  /// The pair in use: "host udp 10.99.7.11:40001" for each side.
  package var selectedPair: (local: String, remote: String)? {
    var local: UnsafeMutablePointer<NiceCandidate>?
    var remote: UnsafeMutablePointer<NiceCandidate>?
    guard !wires.isClosed,
      nice_agent_get_selected_pair(wires.agent, wires.stream, 1, &local, &remote) != 0,
      let local, let remote
    else { return nil }
    return (Self.text(local), Self.text(remote))
  }

  private static func text(_ candidate: UnsafeMutablePointer<NiceCandidate>) -> String {
    let kind =
      switch candidate.pointee.type {
      case NICE_CANDIDATE_TYPE_HOST: "host"
      case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE: "srflx"
      case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE: "prflx"
      case _: "relay"
      }
    var host = [CChar](repeating: 0, count: 64)
    nice_address_to_string(&candidate.pointee.addr, &host)
    let text = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let port = UInt16(truncatingIfNeeded: nice_address_get_port(&candidate.pointee.addr))
    return "\(kind) udp \(NetworkAddress(host: text, port: port))"
  }

  /// Begins anew with the same sockets (RFC 8445 §9): the peer has to be told the new
  /// ``localCredentials``, and its own set again. Until then the old pair goes on carrying datagrams.
  /// Addresses that appeared since are found only by a new agent.
  package func restart(credentials: ICECredentials? = nil) {
    wires.check()
    guard !wires.isClosed else { return }
    remoteCredentials = nil
    remote = []
    early = []
    nice_agent_restart_stream(wires.agent, wires.stream)
    if let credentials { setLocal(credentials) }
  }

  /// Closes the sockets. No closure is called afterwards.
  package func close() {
    wires.check()
    wires.close()
  }

  /// File descriptors of the sockets.
  var descriptors: [Int32] { wires.descriptors() }
}
