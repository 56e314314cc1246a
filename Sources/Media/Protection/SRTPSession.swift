import CSRTP
package import Foundations

/// What became of the packets of an ``SRTPSession``.
package struct SRTPStatistics: Hashable, Sendable {
  package var protected = 0
  package var unprotected = 0
  package var unsendable = 0
  package var malformed = 0
  package var notAuthentic = 0
  package var replayed = 0
  package var tooOld = 0
  package var refused = 0
}

/// SRTP and SRTCP both ways (RFC 3711, RFC 7714) under the keys of one DTLS handshake.
///
/// Used by one thread at a time.
package final class SRTPSession {
  package private(set) var statistics = SRTPStatistics()

  /// Packets that may arrive this far behind the newest: a second of video at 10 Mbit/s.
  package static let window = 1024
  /// Sources taken from one peer, each of which costs memory: camera, microphone, screen, their
  /// retransmissions, and room for a restart of each. Packets of further ones are refused.
  package static let sourceLimit = 32
  /// Bytes of the largest packet taken either way.
  package static let packetLimit = 2048

  private let outbound: srtp_t
  private let inbound: srtp_t
  private var sources: Set<UInt32> = []

  /// `libsrtp` wants to be told once per process before anything else.
  private static let isReady: Bool = srtp_init() == srtp_err_status_ok

  /// - Parameter role: ours in the handshake that gave `keys`.
  package init(keys: SRTPKeys, role: DTLSRole) throws(ProtectionFailure) {
    guard Self.isReady else { throw .library("libsrtp can't be initialised") }
    let client = keys.clientKey + keys.clientSalt
    let server = keys.serverKey + keys.serverSalt
    let (ours, theirs) =
      switch role {
      case .client: (client, server)
      case .server: (server, client)
      }
    let outbound = try Self.make(keys.profile, key: ours, direction: ssrc_any_outbound)
    do throws(ProtectionFailure) {
      inbound = try Self.make(keys.profile, key: theirs, direction: ssrc_any_inbound)
    } catch {
      srtp_dealloc(outbound)
      throw error
    }
    self.outbound = outbound
  }

  deinit {
    srtp_dealloc(outbound)
    srtp_dealloc(inbound)
  }

  private static func make(
    _ profile: SRTPProfile, key: [UInt8], direction: srtp_ssrc_type_t
  ) throws(ProtectionFailure) -> srtp_t {
    guard key.count == profile.keyByteCount + profile.saltByteCount else { throw .badKeys }
    var policy = srtp_policy_t()
    switch profile {
    case .counterMode:
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .galoisCounterMode:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    }
    policy.ssrc.type = direction
    policy.window_size = UInt(window)
    // A packet that the peer asks for again is protected again, byte for byte the same.
    policy.allow_repeat_tx = 1
    var key = key
    var session: srtp_t?
    let status = key.withUnsafeMutableBufferPointer { bytes in
      // Copied by `srtp_create`.
      policy.key = bytes.baseAddress
      return srtp_create(&session, &policy)
    }
    guard status == srtp_err_status_ok, let session else {
      throw .library("srtp_create: \(status.rawValue)")
    }
    return session
  }

  // MARK: - Sending

  /// `packet` encrypted and authenticated; `nil`, and counted, when it isn't RTP or is too old.
  ///
  /// A sequence number may be used again only with the very same packet: another one under the same
  /// number would give away the difference of the two, and in GCM the authentication key.
  package func protect(rtp packet: [UInt8]) -> [UInt8]? {
    guard packet.count >= 12 else { return unsendable() }
    return protect(packet) { srtp_protect(outbound, $0, $1) }
  }

  /// `packet`, a compound RTCP packet, encrypted and authenticated; `nil`, and counted, when it isn't one.
  package func protect(rtcp packet: [UInt8]) -> [UInt8]? {
    guard packet.count >= 8 else { return unsendable() }
    return protect(packet) { srtp_protect_rtcp(outbound, $0, $1) }
  }

  private func protect(
    _ packet: [UInt8],
    _ operation: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>) -> srtp_err_status_t
  ) -> [UInt8]? {
    guard packet.count <= Self.packetLimit, packet[0] >> 6 == 2 else { return unsendable() }
    // SRTCP's index comes on top of the tag.
    let room = packet.count + Int(SRTP_MAX_TRAILER_LEN) + 4
    var status = srtp_err_status_ok
    let protected = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      _ = buffer.initialize(fromContentsOf: packet)
      var length = Int32(packet.count)
      status = operation(buffer.baseAddress, &length)
      count = status == srtp_err_status_ok ? Int(length) : 0
    }
    guard status == srtp_err_status_ok else { return unsendable() }
    statistics.protected += 1
    return protected
  }

  private func unsendable() -> [UInt8]? {
    statistics.unsendable += 1
    return nil
  }

  // MARK: - Receiving

  /// The RTP packet inside `packet`.
  package func unprotect(rtp packet: [UInt8]) throws(SRTPFailure) -> [UInt8] {
    try unprotect(packet, sourceAt: 8) { srtp_unprotect(inbound, $0, $1) }
  }

  /// The compound RTCP packet inside `packet`.
  package func unprotect(rtcp packet: [UInt8]) throws(SRTPFailure) -> [UInt8] {
    try unprotect(packet, sourceAt: 4) { srtp_unprotect_rtcp(inbound, $0, $1) }
  }

  private func unprotect(
    _ packet: [UInt8], sourceAt offset: Int,
    _ operation: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>) -> srtp_err_status_t
  ) throws(SRTPFailure) -> [UInt8] {
    do throws(SRTPFailure) {
      guard (offset + 4)...Self.packetLimit ~= packet.count, packet[0] >> 6 == 2 else {
        throw .malformed
      }
      let source = packet[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
      guard sources.contains(source) || sources.count < Self.sourceLimit else {
        throw .tooManySources
      }
      var plain = packet
      var length = Int32(plain.count)
      let status = plain.withUnsafeMutableBytes { operation($0.baseAddress, &length) }
      if let failure = Self.failure(status) { throw failure }
      plain.removeLast(plain.count - Int(length))
      sources.insert(source)
      statistics.unprotected += 1
      return plain
    } catch {
      count(error)
      throw error
    }
  }

  private static func failure(_ status: srtp_err_status_t) -> SRTPFailure? {
    switch status {
    case srtp_err_status_ok: nil
    case srtp_err_status_auth_fail: .notAuthentic
    case srtp_err_status_replay_fail: .replayed
    case srtp_err_status_replay_old: .tooOld
    case srtp_err_status_parse_err, srtp_err_status_bad_param: .malformed
    case _: .refused(Int(status.rawValue))
    }
  }

  private func count(_ failure: SRTPFailure) {
    switch failure {
    case .malformed: statistics.malformed += 1
    case .notAuthentic: statistics.notAuthentic += 1
    case .replayed: statistics.replayed += 1
    case .tooOld: statistics.tooOld += 1
    case .tooManySources, .refused: statistics.refused += 1
    }
  }
}
