import COpenSSL
package import Foundations

/// Where a DTLS session stands. `handshaking` leads to every other, `connected` to `failed` and
/// `closed`; those two are final.
package enum DTLSState: Hashable, Sendable {
  case handshaking
  case connected(SRTPKeys)
  /// The text is for logs.
  case failed(String)
  case closed
}

/// DTLS 1.2 with `use_srtp` (RFC 6347, RFC 5764) over datagrams that others carry.
///
/// Both sides show certificates, and each takes only the one whose fingerprint it was told. The
/// session has no clock: every call says what time it is, and ``deadline`` says when to call ``wake(at:)``.
/// Feed it all DTLS datagrams for as long as it lives: a peer that lost our last flight repeats its
/// own, and only reading on answers it.
///
/// Used by one thread at a time.
package final class DTLSSession {
  package private(set) var state = DTLSState.handshaking
  /// Datagrams that were refused unread, for their length, for that of a record in them, or because
  /// too many waited.
  package private(set) var dropped = 0

  /// The first retransmission of a flight. RFC 6347 §4.2.4.1 suggests a second, for the Internet of
  /// its day; on a local network a round trip takes a millisecond, and 100 are noticeable.
  package static let firstRetransmission = Duration.milliseconds(100)
  /// Where the doubling ends.
  package static let slowestRetransmission = Duration.seconds(2)
  /// From ``start(at:)`` to giving up.
  package static let patience = Duration.seconds(10)
  /// Datagrams that may wait for ``start(at:)``: two flights. Later ones are dropped, the peer repeats.
  private static let inboxLimit = 8
  /// Datagrams of one call; a flight has about four. More are dropped.
  private static let outboxLimit = 64
  /// A record header's length, and more than any path's MTU.
  private static let acceptedByteCounts = 13...4096
  /// Records of application data read in one call; a peer of ours sends none.
  private static let readLimit = 64

  private let ssl: OpaquePointer
  private let identity: DTLSIdentity
  private let peerFingerprint: [UInt8]
  private let transmit: ([UInt8]) -> Void
  private let timing: Timing

  private var inbox: [[UInt8]] = []
  private var outbox: [[UInt8]] = []
  private var now = Moment.zero
  private var giveUpAt: Moment?
  private var retransmitAt: Moment?
  private var interval = DTLSSession.firstRetransmission
  private var timerCell: UnsafeMutablePointer<timeval>?

  /// Whose clock decides that a flight is repeated.
  ///
  /// OpenSSL compares its retransmission timer with the computer's civil clock, which jumps and can't
  /// be simulated. Up to 3.1 it hands its BIO the timer itself (`dtls1_start_timer`), so it can be kept
  /// from expiring by itself and made to expire when our deadline comes. Later versions hand out a
  /// copy: there, OpenSSL's clock has the last word.
  enum Timing {
    case own
    case library

    static let forThisLibrary: Timing =
      OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2 ? .own : .library
  }

  /// - Parameters:
  ///   - peerFingerprint: SHA-256 of the peer's certificate; any other certificate ends the session.
  ///   - transmit: sends a datagram; called during the other methods, never inside OpenSSL.
  package convenience init(
    role: DTLSRole, identity: DTLSIdentity, peerFingerprint: [UInt8],
    transmit: @escaping ([UInt8]) -> Void
  ) {
    self.init(
      role: role, identity: identity, peerFingerprint: peerFingerprint, timing: .forThisLibrary,
      transmit: transmit)
  }

  init(
    role: DTLSRole, identity: DTLSIdentity, peerFingerprint: [UInt8], timing: Timing,
    transmit: @escaping ([UInt8]) -> Void
  ) {
    self.identity = identity
    self.peerFingerprint = peerFingerprint
    self.timing = timing
    self.transmit = transmit
    guard let ssl = SSL_new(identity.context.pointer) else {
      fatalError("OpenSSL has no memory for a session")
    }
    self.ssl = ssl
    guard let bio = DatagramBIO.make(for: self) else {
      fatalError("OpenSSL has no memory for a BIO")
    }
    SSL_set_bio(ssl, bio, bio)
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    SSL_ctrl(ssl, SSL_CTRL_SET_MTU, DatagramBIO.payloadLimit, nil)
    DTLS_set_timer_cb(ssl) { ssl, previous in
      guard let session = DTLSSession.session(of: ssl) else { return previous }
      return session.libraryAsksForInterval(previous: previous)
    }
    switch role {
    case .client: SSL_set_connect_state(ssl)
    case .server: SSL_set_accept_state(ssl)
    }
  }

  deinit {
    SSL_free(ssl)
  }

  // MARK: - Running

  /// When ``wake(at:)`` is due; `nil` when nothing is awaited.
  package var deadline: Moment? {
    guard case .handshaking = state, let giveUpAt else { return nil }
    return retransmitAt.map { min($0, giveUpAt) } ?? giveUpAt
  }

  /// Opens the handshake, or begins to wait for the client's. What arrived before is read now.
  package func start(at now: Moment) {
    guard giveUpAt == nil, case .handshaking = state else { return }
    self.now = now
    giveUpAt = now + Self.patience
    advance()
    flush()
  }

  /// Takes a datagram of kind ``DatagramKind/dtls``.
  package func receive(_ datagram: [UInt8], at now: Moment) {
    guard Self.acceptedByteCounts.contains(datagram.count), inbox.count < Self.inboxLimit,
      DTLSRecords.areLongEnough(in: datagram)
    else {
      dropped += 1
      return
    }
    switch state {
    case .handshaking, .connected: inbox.append(datagram)
    case .failed, .closed: return
    }
    guard giveUpAt != nil else { return }
    self.now = now
    advance()
    flush()
  }

  /// Does what is due: repeats a flight, or gives up.
  package func wake(at now: Moment) {
    guard let deadline, now >= deadline, let giveUpAt else { return }
    self.now = now
    if now >= giveUpAt {
      settle(.failed("no answer within \(Self.patience.inSeconds) s"))
      return
    }
    repeatFlight()
    flush()
  }

  /// Says goodbye to the peer. Nothing is sent or taken afterwards.
  package func close() {
    switch state {
    case .connected:
      ERR_clear_error()
      SSL_shutdown(ssl)
      ERR_clear_error()
      settle(.closed)
      flush()
    case .handshaking: settle(.closed)
    case .failed, .closed: break
    }
  }

  private func advance() {
    if case .handshaking = state { handshake() }
    if case .connected = state { read() }
  }

  private func handshake() {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    guard result != 1 else { return finishHandshake() }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
    case _: settle(.failed(libraryReason()))
    }
  }

  private func finishHandshake() {
    guard let keys = exportKeys() else {
      return settle(.failed("the peer has no SRTP profile that is known here"))
    }
    state = .connected(keys)
    retransmitAt = nil
  }

  private func exportKeys() -> SRTPKeys? {
    guard let selected = SSL_get_selected_srtp_profile(ssl),
      let number = UInt16(exactly: selected.pointee.id), let profile = SRTPProfile(rawValue: number)
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: SRTPKeys.exportedByteCount(profile))
    // RFC 5764 §4.2.
    let label = "EXTRACTOR-dtls_srtp"
    guard
      SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, nil, 0, 0) == 1
    else { return nil }
    return SRTPKeys(profile: profile, exported: bytes)
  }

  /// Reads what came after the handshake: repeated flights, alerts, and data, which is discarded.
  private func read() {
    var buffer = [UInt8](repeating: 0, count: 2048)
    for _ in 0..<Self.readLimit {
      ERR_clear_error()
      let result = SSL_read(ssl, &buffer, Int32(buffer.count))
      if result > 0 { continue }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
      case SSL_ERROR_ZERO_RETURN:
        // The peer's close_notify; ours answers it.
        SSL_shutdown(ssl)
        return settle(.closed)
      case _: return settle(.failed(libraryReason()))
      }
    }
    inbox.removeAll(keepingCapacity: true)
  }

  private func repeatFlight() {
    if timing == .own, let timerCell {
      // Any moment in the past; zero would mean that no timer runs.
      timerCell.pointee = timeval(tv_sec: 1, tv_usec: 0)
    }
    ERR_clear_error()
    let result = SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil)
    if result < 0 {
      settle(.failed(libraryReason()))
    } else if result == 0 {
      // OpenSSL's clock isn't there yet.
      retransmitAt = now + .milliseconds(10)
    }
  }

  private func settle(_ final: DTLSState) {
    state = final
    inbox = []
    retransmitAt = nil
    ERR_clear_error()
  }

  /// Sends what OpenSSL wrote, once it has returned: `transmit` may lead back into this session.
  private func flush() {
    while !outbox.isEmpty {
      let datagrams = outbox
      outbox = []
      for datagram in datagrams { transmit(datagram) }
    }
  }

  // MARK: - What OpenSSL calls

  static func session(of ssl: OpaquePointer?) -> DTLSSession? {
    guard let ssl, let data = SSL_get_ex_data(ssl, 0) else { return nil }
    return Unmanaged<DTLSSession>.fromOpaque(data).takeUnretainedValue()
  }

  static func session(verifying store: OpaquePointer) -> DTLSSession? {
    let data = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
    return session(of: data.map { OpaquePointer($0) })
  }

  /// Compares in constant time.
  func accepts(_ certificate: OpaquePointer) -> Bool {
    guard let fingerprint = certificateFingerprint(certificate),
      fingerprint.count == peerFingerprint.count
    else { return false }
    return CRYPTO_memcmp(fingerprint, peerFingerprint, fingerprint.count) == 0
  }

  func libraryWrites(_ datagram: UnsafeRawBufferPointer) {
    guard outbox.count < Self.outboxLimit else { return }
    outbox.append(Array(datagram))
  }

  func libraryReads() -> [UInt8]? {
    inbox.isEmpty ? nil : inbox.removeFirst()
  }

  func librarySetsTimer(_ cell: UnsafeMutablePointer<timeval>) {
    timerCell = timing == .own ? cell : nil
    let runs = cell.pointee.tv_sec != 0 || cell.pointee.tv_usec != 0
    retransmitAt = runs ? now + interval : nil
  }

  /// - Parameter previous: microseconds; zero for a new flight.
  func libraryAsksForInterval(previous: UInt32) -> UInt32 {
    interval =
      previous == 0 ? Self.firstRetransmission : min(interval * 2, Self.slowestRetransmission)
    switch timing {
    // Long after the handshake's end, one way or the other.
    case .own: return UInt32.max
    case .library: return UInt32(clamping: interval.nanoseconds / 1000)
    }
  }
}
