import Foundation
package import Foundations
import SwiftProtobuf

/// A member's own signed statement of who it is in this run: what ``WireMemberRecord`` says, checked.
package struct MemberRecord: Hashable, Sendable {
  package let id: PeerID
  /// Ed25519, 32 bytes.
  package let publicKey: [UInt8]
  package let name: String
  /// SHA-256 of the run's certificate, 32 bytes.
  package let certificateFingerprint: [UInt8]
  /// HPKE X25519, 32 bytes.
  package let sealingKey: [UInt8]
  package let addresses: [NetworkAddress]
  package let capabilities: [String]
  package let issued: WallTime
  /// The capability of a member that sends pictures or sound.
  package static let sendsMedia = "media"

  /// As it travels.
  package let signed: WireSigned

  /// - Throws: ``WireError`` for a bad signature, a field out of bounds, another version.
  package init(verifying signed: WireSigned) throws(WireError) {
    let record = try WireMemberRecord(wire: Array(signed.payload), limit: 8192)
    guard record.version == protocolVersion else { throw .wrongVersion(record.version) }
    guard record.publicKey.count == 32 else { throw .outOfBounds("public_key") }
    guard record.certificateFingerprint.count == 32 else {
      throw .outOfBounds("certificate_fingerprint")
    }
    guard record.sealingKey.count == 32 else { throw .outOfBounds("sealing_key") }
    guard record.addresses.count <= WireBounds.addresses else { throw .outOfBounds("addresses") }
    guard record.capabilities.count <= WireBounds.capabilities,
      record.capabilities.allSatisfy({ $0.utf8.count <= 32 })
    else { throw .outOfBounds("capabilities") }
    guard record.issued <= UInt64(Int64.max) else { throw .outOfBounds("issued") }
    publicKey = Array(record.publicKey)
    guard signed.isSigned(by: publicKey, for: .memberRecord) else { throw .badSignature }
    id = PeerID(publicKey: publicKey)
    name = DisplayText.line(record.name, limit: WireBounds.name, otherwise: "somebody")
    certificateFingerprint = Array(record.certificateFingerprint)
    sealingKey = Array(record.sealingKey)
    addresses = record.addresses.compactMap { NetworkAddress($0) }
    capabilities = record.capabilities
    issued = WallTime(milliseconds: Int64(record.issued))
    self.signed = signed
  }

  /// One's own record.
  package init(
    key: SigningKey, name: String, certificateFingerprint: [UInt8], sealingKey: [UInt8],
    addresses: [NetworkAddress], capabilities: [String], issued: WallTime
  ) throws(WireError) {
    let record = WireMemberRecord.with {
      $0.publicKey = Data(key.publicKey)
      $0.name = name
      $0.certificateFingerprint = Data(certificateFingerprint)
      $0.sealingKey = Data(sealingKey)
      $0.addresses = addresses.prefix(WireBounds.addresses).map(\.description)
      $0.capabilities = capabilities
      $0.version = protocolVersion
      $0.issued = UInt64(issued.milliseconds)
    }
    try self.init(verifying: key.sign(record.wire, for: .memberRecord))
  }
}
