import Foundations
import Wire

/// What an inviter tells whom it lets in. Kept up to date by whoever owns the ``InviterDesk``.
package struct MeetingDescription: Sendable {
  package static let mostMembers = 16
  /// Of a welcome's contents, so that it fits into ``WireBounds/admissionFrame`` with its tags.
  static let welcomeBytes = 31 << 10
  static let revocationBytes = 12 << 10

  package var title: String
  /// Oneself.
  package var inviter: AdmittedMember
  /// Others, those first whom a newcomer should link with.
  package var others: [AdmittedMember]
  package var revocations: RevocationSet
  /// Whether those let in may let others in.
  package var newcomersMayAdmit: Bool

  package init(
    title: String, inviter: AdmittedMember, others: [AdmittedMember] = [],
    revocations: RevocationSet? = nil, newcomersMayAdmit: Bool = true
  ) {
    self.title = title
    self.inviter = inviter
    self.others = others
    self.revocations = revocations ?? RevocationSet(genesisKey: inviter.chain.genesisKey)
    self.newcomersMayAdmit = newcomersMayAdmit
  }

  /// Makes the holder of `record` a member, or finds that it is one: somebody in the inviter's own
  /// chain who has lost its grant gets that one back, with its role.
  func admit(
    _ record: MemberRecord, by key: SigningKey, at time: WallTime
  ) throws(AdmissionError) -> AdmittedMember {
    let chain =
      if let own = inviter.chain.prefix(endingAt: record.publicKey) {
        own
      } else {
        try inviter.chain.extended(
          by: key, to: record.publicKey, mayAdmit: newcomersMayAdmit, at: time)
      }
    return try AdmittedMember(
      record: record, chain: chain, meeting: inviter.chain.meeting, revocations: revocations)
  }

  /// With as many members and revocations as fit; the links bring the rest.
  func welcome(for chain: GrantChain) -> WireWelcomeContents {
    var contents = WireWelcomeContents()
    contents.chain = chain.wire
    contents.title = Self.cut(title)
    contents.revocations = revocations.wire(bytes: Self.revocationBytes)
    contents.members = [inviter.wire]
    var room = Self.welcomeBytes - contents.wire.count
    for member in others where contents.members.count < Self.mostMembers {
      guard member.id != chain.member, member.id != inviter.id else { continue }
      let membership = member.wire
      let size = membership.wire.count + 8
      guard size <= room else { break }
      room -= size
      contents.members.append(membership)
    }
    return contents
  }

  /// A character can be any number of bytes; a title is at most 1 KiB.
  private static func cut(_ title: String) -> String {
    var line = DisplayText.line(title, limit: WireBounds.title)
    while line.utf8.count > 1024 { line.removeLast() }
    return line
  }
}
