import Crypto
import Foundation
package import Foundations
import SwiftASN1
import Wire
import X509

/// The certificate of one run of the program: what TLS links and DTLS-SRTP show of themselves.
///
/// It proves nothing by itself. The member record, which the long-term key signs, names its
/// fingerprint.
package struct RunCertificate: Sendable {
  /// X.509 v3, self-signed with ECDSA on P-256 and SHA-256.
  package let certificateDER: [UInt8]
  package let certificatePEM: String
  /// PKCS#8 (RFC 5958).
  package let privateKeyPEM: String
  /// SHA-256 of the DER, 32 bytes.
  package let fingerprint: [UInt8]

  /// Clocks of computers without a network differ: a day's grace before, and longer than any meeting
  /// after.
  private static let graceBefore: TimeInterval = 86_400
  private static let lifetime: TimeInterval = 30 * 86_400

  /// A fresh certificate, valid from a day before `now` to 30 days after.
  package static func make(
    secrets: SecretSource = .system, now: WallTime
  ) throws(Failure) -> RunCertificate {
    do {
      return try RunCertificate(key: privateKey(from: secrets), secrets: secrets, now: now)
    } catch {
      throw Failure(
        "no-certificate", exit: .software, "The certificate of this run can't be made: \(error)")
    }
  }

  private init(key: P256.Signing.PrivateKey, secrets: SecretSource, now: WallTime) throws {
    // RFC 5280 §4.1.2.2: positive, at most 20 octets. A set bit at the top keeps the length.
    var serial = secrets.bytes(16)
    serial[0] = serial[0] & 0x7F | 0x40
    let name = try DistinguishedName { CommonName("virtue") }
    let moment = Date(timeIntervalSince1970: now.seconds)
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(bytes: serial), publicKey: .init(key.publicKey),
      notValidBefore: moment - Self.graceBefore, notValidAfter: moment + Self.lifetime,
      issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256, extensions: .init(),
      issuerPrivateKey: .init(key))
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    certificateDER = serializer.serializedBytes
    certificatePEM = try certificate.serializeAsPEM().pemString
    privateKeyPEM = key.pemRepresentation
    fingerprint = digest(certificateDER)
  }

  private static func privateKey(from secrets: SecretSource) throws -> P256.Signing.PrivateKey {
    // 32 bytes are a P-256 scalar unless they are zero or reach the group's order, about once in
    // 2^32 draws: three tries leave no chance but a broken source.
    for _ in 0..<2 {
      if let key = try? P256.Signing.PrivateKey(rawRepresentation: secrets.bytes(32)) {
        return key
      }
    }
    return try P256.Signing.PrivateKey(rawRepresentation: secrets.bytes(32))
  }
}
