import Foundation
package import Foundations
import SwiftProtobuf
package import Wire

/// The grants from the one that the genesis key signed down to a member's own. Every value of this
/// type holds: each step is signed by whom it had to be, and allowed.
package struct GrantChain: Hashable, Sendable {
  package static let longest = WireBounds.chainLength

  /// The meeting's genesis public key, 32 bytes.
  package let genesisKey: [UInt8]
  /// At least one, at most ``longest``.
  package let grants: [Grant]

  private var own: Grant { grants[grants.count - 1] }

  package var meeting: MeetingID { MeetingID(publicKey: genesisKey) }
  package var memberKey: [UInt8] { own.memberKey }
  package var member: PeerID { own.member }
  package var role: MemberRole { own.role }
  package var mayAdmit: Bool { own.mayAdmit }
  /// Who answers for its holder: the nearest to the genesis key that is no host, and so, of whomever a host
  /// admitted, the holder itself. Keys can be made up without end, but all those that one member admits, and
  /// those that they admit, have one sponsor: what it brings to others is counted together.
  package var sponsor: PeerID { (grants.first { $0.role != .host } ?? own).member }

  /// The chain that `wire` holds, if each step of it is right. Revocations are another matter: see
  /// ``verify(meeting:member:revocations:)``.
  package init(verifying wire: WireGrantChain) throws(AdmissionError) {
    guard !wire.grants.isEmpty else { throw .emptyChain }
    guard wire.grants.count <= Self.longest else { throw .chainTooLong }
    guard wire.genesisKey.count == 32 else { throw .wire(.outOfBounds("genesis_key")) }
    let genesisKey = Array(wire.genesisKey)
    let meeting = MeetingID(publicKey: genesisKey)
    var grants: [Grant] = []
    var seen: Set<[UInt8]> = [genesisKey]
    for signed in wire.grants {
      let grant = try Grant(verifying: signed)
      guard grant.meeting == meeting else { throw .otherMeeting }
      guard grant.issuerKey == grants.last?.memberKey ?? genesisKey else { throw .brokenChain }
      guard seen.insert(grant.memberKey).inserted else { throw .brokenChain }
      if let issuer = grants.last {
        guard issuer.mayAdmit else { throw .mayNotAdmit }
        guard grant.role == .member else { throw .mayNotModerate }
      }
      grants.append(grant)
    }
    self.genesisKey = genesisKey
    self.grants = grants
  }

  private init(genesisKey: [UInt8], grants: [Grant]) {
    self.genesisKey = genesisKey
    self.grants = grants
  }

  /// Makes `member` a member by the genesis key itself, which alone can make a host or co-host.
  ///
  /// - Parameter member: its public key, 32 bytes.
  package static func issue(
    genesis: SigningKey, member: [UInt8], role: MemberRole, mayAdmit: Bool, at time: WallTime
  ) -> GrantChain {
    let grant = Grant(
      meeting: MeetingID(publicKey: genesis.publicKey), member: member, role: role,
      mayAdmit: mayAdmit, issued: time, by: genesis)
    return GrantChain(genesisKey: genesis.publicKey, grants: [grant])
  }

  /// - Throws: why the holder of this chain can let nobody in: to be shown before it makes a code.
  package func checkCanAdmit() throws(AdmissionError) {
    guard mayAdmit else { throw .mayNotAdmit }
    guard grants.count < Self.longest else { throw .chainTooLong }
  }

  /// Makes `member` a plain member by the key of this chain's holder.
  ///
  /// - Throws: ``AdmissionError`` when this chain doesn't let `key` admit anybody, or not this one.
  package func extended(
    by key: SigningKey, to member: [UInt8], mayAdmit: Bool, at time: WallTime
  ) throws(AdmissionError) -> GrantChain {
    guard key.publicKey == memberKey else { throw .otherMember }
    try checkCanAdmit()
    guard member.count == 32, member != genesisKey,
      !grants.contains(where: { $0.memberKey == member })
    else { throw .brokenChain }
    let grant = Grant(
      meeting: meeting, member: member, role: .member, mayAdmit: mayAdmit, issued: time, by: key)
    return GrantChain(genesisKey: genesisKey, grants: grants + [grant])
  }

  /// The part of this chain that makes the holder of `key` a member, if it is in it.
  func prefix(endingAt key: [UInt8]) -> GrantChain? {
    guard let place = grants.firstIndex(where: { $0.memberKey == key }) else { return nil }
    return GrantChain(genesisKey: genesisKey, grants: Array(grants[...place]))
  }

  /// Whether the holder of `inviter` could have given this one: by one grant more, or as a part of it.
  func isGiven(by inviter: GrantChain) -> Bool {
    guard genesisKey == inviter.genesisKey else { return false }
    return Array(grants.dropLast()) == inviter.grants
      || Array(inviter.grants.prefix(grants.count)) == grants
  }

  /// Whether this chain makes `member` a member of `meeting` today.
  package func verify(
    meeting: MeetingID, member: PeerID, revocations: RevocationSet
  ) throws(AdmissionError) {
    guard self.meeting == meeting else { throw .otherMeeting }
    guard self.member == member else { throw .otherMember }
    var issuer: Grant?
    for grant in grants {
      // Somebody removed is out by each chain in which the removal was allowed; what it granted
      // falls, except to those that the removal lets stand.
      if grant == own, revocations.isRemoved(grant) { throw .removed(grant.member) }
      if let issuer, revocations.isRemoved(issuer),
        !revocations.stands(grant.member, admittedBy: issuer.member)
      {
        throw .fellWith(issuer.member)
      }
      issuer = grant
    }
  }

  package var wire: WireGrantChain {
    .with {
      $0.genesisKey = Data(genesisKey)
      $0.grants = grants.map(\.signed)
    }
  }
}
