package import Foundations
import Wire

/// What a newcomer holds once it is in.
package struct Admittance: Sendable {
  /// What makes oneself a member; to be kept, for coming back without a code.
  package let chain: GrantChain
  package let title: String
  /// Who let one in.
  package let inviter: AdmittedMember
  /// Members to link with, the inviter first.
  package let members: [AdmittedMember]
  package let revocations: RevocationSet
  /// To be shown, and compared with what the inviter sees.
  package let securityWords: [String]

  package var genesisKey: [UInt8] { chain.genesisKey }
  package var meeting: MeetingID { chain.meeting }

  /// - Parameters:
  ///   - record: one's own.
  ///   - inviterFingerprint: of the certificate at the other end.
  /// - Throws: unless the inviter is a member of the meeting that it names, over this very stream, and
  ///   let this very member in.
  init(
    verifying contents: WireWelcomeContents, record: MemberRecord, inviterFingerprint: [UInt8]
  ) throws(AdmissionError) {
    let chain = try GrantChain(verifying: contents.chain)
    var revocations = RevocationSet(genesisKey: chain.genesisKey)
    for signed in contents.revocations.prefix(WireBounds.revocations) {
      // One that doesn't hold says nothing about the others.
      _ = try? revocations.insert(signed)
    }
    try chain.verify(meeting: chain.meeting, member: record.id, revocations: revocations)
    guard let first = contents.members.first else { throw .emptyChain }
    let inviter = try AdmittedMember(
      verifying: first, meeting: chain.meeting, revocations: revocations,
      fingerprint: inviterFingerprint)
    guard inviter.id != record.id, chain.isGiven(by: inviter.chain) else { throw .brokenChain }
    let others = contents.members.dropFirst().prefix(MeetingDescription.mostMembers - 1)
      .compactMap { membership in
        try? AdmittedMember(
          verifying: membership, meeting: chain.meeting, revocations: revocations)
      }
    self.chain = chain
    title = DisplayText.line(contents.title, limit: WireBounds.title)
    self.inviter = inviter
    members = [inviter] + others.filter { $0.id != record.id && $0.id != inviter.id }
    self.revocations = revocations
    securityWords = Admission.securityWords(
      genesisKey: chain.genesisKey, memberKey: record.publicKey)
  }
}
