import Foundation
package import Foundations
import SwiftProtobuf
package import Wire

/// One signed step into a meeting: ``WireGrant``, checked on its own.
package struct Grant: Hashable, Sendable {
  package let meeting: MeetingID
  /// Ed25519, 32 bytes.
  package let memberKey: [UInt8]
  /// Ed25519, 32 bytes.
  package let issuerKey: [UInt8]
  package let role: MemberRole
  package let mayAdmit: Bool
  package let issued: WallTime
  /// As it travels.
  package let signed: WireSigned

  package var member: PeerID { PeerID(publicKey: memberKey) }
  var standpoint: Standpoint { Standpoint(grant: self, key: memberKey) }

  /// Longer than any grant.
  private static let longestPayload = 512

  /// Checks the fields and the issuer's signature, not whether that issuer may grant this.
  package init(verifying signed: WireSigned) throws(AdmissionError) {
    let wire = try asAdmissionError { () throws(WireError) in
      try WireGrant(wire: Array(signed.payload), limit: Self.longestPayload)
    }
    guard let meeting = MeetingID(wire.meeting) else { throw .wire(.outOfBounds("meeting")) }
    guard wire.memberKey.count == 32 else { throw .wire(.outOfBounds("member_key")) }
    guard wire.issuerKey.count == 32 else { throw .wire(.outOfBounds("issuer_key")) }
    guard let role = MemberRole(wire: wire.role) else { throw .wire(.outOfBounds("role")) }
    guard wire.issued <= UInt64(Int64.max) else { throw .wire(.outOfBounds("issued")) }
    self.meeting = meeting
    memberKey = Array(wire.memberKey)
    issuerKey = Array(wire.issuerKey)
    self.role = role
    mayAdmit = wire.mayAdmit
    issued = WallTime(milliseconds: Int64(wire.issued))
    guard signed.isSigned(by: issuerKey, for: .grant) else { throw .badSignature }
    self.signed = signed
  }

  /// Signs a new grant.
  init(
    meeting: MeetingID, member: [UInt8], role: MemberRole, mayAdmit: Bool, issued: WallTime,
    by issuer: SigningKey
  ) {
    let wire = WireGrant.with {
      $0.meeting = Data(meeting.bytes)
      $0.memberKey = Data(member)
      $0.issuerKey = Data(issuer.publicKey)
      $0.role = role.wire
      $0.mayAdmit = mayAdmit
      $0.issued = UInt64(max(0, issued.milliseconds))
    }
    self.meeting = meeting
    memberKey = member
    issuerKey = issuer.publicKey
    self.role = role
    self.mayAdmit = mayAdmit
    self.issued = WallTime(milliseconds: max(0, issued.milliseconds))
    signed = issuer.sign(wire.wire, for: .grant)
  }
}
