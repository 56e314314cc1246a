/// How SRTP encrypts and authenticates, by the number that `use_srtp` negotiates.
package enum SRTPProfile: UInt16, Sendable, CaseIterable {
  /// SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764 §4.1.2).
  case counterMode = 0x0001
  /// SRTP_AEAD_AES_128_GCM (RFC 7714 §14.2): six times cheaper, so it is offered first.
  case galoisCounterMode = 0x0007

  package var keyByteCount: Int { 16 }

  package var saltByteCount: Int {
    switch self {
    case .counterMode: 14
    case .galoisCounterMode: 12
    }
  }
}

/// What a DTLS handshake leaves to SRTP (RFC 5764 §4.2).
package struct SRTPKeys: Hashable, Sendable {
  package let profile: SRTPProfile
  package let clientKey: [UInt8]
  package let clientSalt: [UInt8]
  package let serverKey: [UInt8]
  package let serverSalt: [UInt8]

  package init(
    profile: SRTPProfile, clientKey: [UInt8], clientSalt: [UInt8], serverKey: [UInt8],
    serverSalt: [UInt8]
  ) {
    self.profile = profile
    self.clientKey = clientKey
    self.clientSalt = clientSalt
    self.serverKey = serverKey
    self.serverSalt = serverSalt
  }

  /// The exporter's output cut up: client key, server key, client salt, server salt.
  /// `nil` unless there are exactly ``exportedByteCount(_:)`` bytes.
  package init?(profile: SRTPProfile, exported bytes: [UInt8]) {
    guard bytes.count == Self.exportedByteCount(profile) else { return nil }
    let (key, salt) = (profile.keyByteCount, profile.saltByteCount)
    self.init(
      profile: profile, clientKey: Array(bytes[..<key]),
      clientSalt: Array(bytes[(2 * key)..<(2 * key + salt)]),
      serverKey: Array(bytes[key..<(2 * key)]), serverSalt: Array(bytes[(2 * key + salt)...]))
  }

  package static func exportedByteCount(_ profile: SRTPProfile) -> Int {
    2 * (profile.keyByteCount + profile.saltByteCount)
  }
}
