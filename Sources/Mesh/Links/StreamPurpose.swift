import Wire

/// What a TLS stream is opened for. ALPN (RFC 7301) says it during the handshake, so a stream that is
/// for none of these, or for another version of one, ends before anything is read.
package enum StreamPurpose: String, Hashable, Sendable, CaseIterable {
  /// A newcomer and an inviter.
  case admission = "virtue-admission/1"
  /// Two members.
  case link = "virtue-link/1"
  /// Two members, for what is large: it must not stand in the way of what their link carries.
  case files = "virtue-files/1"

  /// The longest frame that either side may send.
  package var frameLimit: Int {
    switch self {
    case .admission: WireBounds.admissionFrame
    case .link, .files: WireBounds.frame
    }
  }
}

/// Why a stream is over.
package enum CloseReason: Hashable, Sendable {
  /// The peer said goodbye properly (TLS close_notify).
  case closedByPeer
  /// The connection broke, or the peer's process ended without a word.
  case reset
  /// `close()` was called on this side.
  case local
  /// The peer sent what no peer of this version sends.
  case protocolViolation(String)
  /// Nothing came in time: the host is dead, or the stream outlived what its purpose allows.
  case timeout
  /// The peer takes less than it is sent.
  case slowPeer
}

/// Bounds on what others can make this process hold or wait for.
package struct LinkLimits: Sendable {
  /// From the TCP connection to the end of the TLS handshake. Two round trips and three signatures:
  /// a few milliseconds on a local network, so three seconds forgive two lost packets.
  package var handshake: Duration = .seconds(3)
  /// Incoming connections that are in the handshake or not yet confirmed by the layer above. Beyond
  /// it the one that has been silent for longest goes.
  package var unconfirmed = 64
  /// The same for one remote address, so that one host can't take all places.
  /// A class behind one address may come at once all the same.
  package var unconfirmedPerAddress = 32
  /// How long an incoming link may stay unconfirmed.
  package var confirmation: Duration = .seconds(10)
  /// How long an admission may take in all, on both sides.
  package var admission: Duration = .seconds(15)
  /// Bytes given to `send` that the kernel hasn't taken yet: four of the largest frames. More means a
  /// peer that is too slow for the meeting, which is cut off.
  package var pendingBytes = 4 << 20
  /// Frames received that nobody has taken yet, by number and by bytes. Beyond either, reading stops
  /// and TCP holds the peer back; nothing is dropped.
  package var waitingFrames = 256
  package var waitingBytes = 2 << 20
  /// How long `close()` goes on delivering what was sent before it.
  package var closing: Duration = .seconds(2)
  /// How long data may stay unacknowledged, or keep-alives unanswered, before TCP gives the peer up
  /// (`TCP_USER_TIMEOUT`). It counts for a peer too that reads nothing for that long while more waits
  /// to be sent.
  package var unacknowledged: Duration = .seconds(3)

  package init() {}
}

/// What a listener has seen since it was made.
package struct LinkStatistics: Hashable, Sendable {
  /// TCP connections taken.
  package var accepted = 0
  /// Streams handed on.
  package var established = 0
  /// Handshakes that failed: not TLS 1.3, or no certificate.
  package var failedHandshakes = 0
  /// Peers that went away during the handshake: nothing is wrong with that.
  package var gone = 0
  /// Handshakes and unconfirmed streams that took too long.
  package var timedOut = 0
  /// Streams whose ALPN named no purpose known here.
  package var wrongPurpose = 0
  /// Connections dropped to make room for newer ones.
  package var crowdedOut = 0
  /// Streams that ended by a frame beyond the limit.
  package var violations = 0

  package init() {}

  /// Connections that came to nothing by the other side's fault.
  package var refused: Int {
    failedHandshakes + timedOut + wrongPurpose + crowdedOut + violations
  }
}
