package import Foundations
import SwiftProtobuf
package import Wire

/// A member whose claim was checked: who it is in this run, and what lets it in.
package struct AdmittedMember: Hashable, Sendable {
  package let record: MemberRecord
  package let chain: GrantChain

  package var id: PeerID { record.id }
  package var role: MemberRole { chain.role }
  package var mayAdmit: Bool { chain.mayAdmit }
  /// Whether it may admit and its chain has room for one more.
  package var canAdmit: Bool { (try? chain.checkCanAdmit()) != nil }

  /// - Parameters:
  ///   - meeting: the one it has to be a member of.
  ///   - fingerprint: SHA-256 of the certificate on the connection that it came over, when it claims to
  ///     be the other end of it.
  package init(
    verifying membership: WireMembership, meeting: MeetingID, revocations: RevocationSet,
    fingerprint: [UInt8]? = nil
  ) throws(AdmissionError) {
    let record = try asAdmissionError { () throws(WireError) in
      try MemberRecord(verifying: membership.record)
    }
    if let fingerprint, record.certificateFingerprint != fingerprint { throw .otherCertificate }
    let chain = try GrantChain(verifying: membership.chain)
    try self.init(record: record, chain: chain, meeting: meeting, revocations: revocations)
  }

  /// - Throws: when the chain is not the record's, or doesn't hold in `meeting`.
  package init(
    record: MemberRecord, chain: GrantChain, meeting: MeetingID, revocations: RevocationSet
  ) throws(AdmissionError) {
    try chain.verify(meeting: meeting, member: record.id, revocations: revocations)
    self.record = record
    self.chain = chain
  }

  /// Whether it is still one under `revocations`.
  package func isMember(under revocations: RevocationSet) -> Bool {
    (try? chain.verify(meeting: chain.meeting, member: id, revocations: revocations)) != nil
  }

  package var wire: WireMembership {
    .with {
      $0.record = record.signed
      $0.chain = chain.wire
    }
  }
}
