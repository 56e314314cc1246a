/// Why a certificate, a key or a packet was refused.
package enum ProtectionFailure: Error, Hashable, Sendable {
  /// Not a DER certificate.
  case badCertificate
  /// Not an unencrypted PEM private key.
  case badPrivateKey
  /// The private key isn't the certificate's.
  case mismatchedKey
  /// Key or salt doesn't have the length that its profile asks for.
  case badKeys
  /// A library refused something that it always allows; the text is its own.
  case library(String)
}

/// Why a protected packet was not taken.
package enum SRTPFailure: Error, Hashable, Sendable {
  /// Too short, too long, or not version 2.
  case malformed
  /// Altered, or protected under other keys.
  case notAuthentic
  /// Had already been taken.
  case replayed
  /// Older than the replay window, which is `SRTPSession.window` packets long.
  case tooOld
  /// One source more than `SRTPSession.sourceLimit`.
  case tooManySources
  /// Anything else that libsrtp objects to, by its status number.
  case refused(Int)
}
