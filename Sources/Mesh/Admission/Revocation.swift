import Foundation
package import Foundations
import SwiftProtobuf
package import Wire

/// A member's removal, signed: ``WireRevocation``, checked against the genesis key alone.
package struct Revocation: Hashable, Sendable {
  /// Members admitted by the removed one that one revocation can name as standing.
  package static let mostStanding = 256
  /// 256 identifiers, a grant, and the rest.
  static let longestPayload = 8192

  package let meeting: MeetingID
  package let memberKey: [UInt8]
  package let member: PeerID
  package let issuerKey: [UInt8]
  package let issued: WallTime
  /// Hash of the last entry of the removed member's log that still counts; `nil` when none does.
  package let lastEntry: [UInt8]?
  /// Of those whom the removed member admitted, the ones that stay.
  package let standing: Set<PeerID>
  /// What makes the issuer a host or co-host; `nil` when the genesis key itself signed.
  package let issuerGrant: Grant?
  /// As it travels.
  package let signed: WireSigned

  /// - Parameter genesisKey: of the meeting in which it is to hold.
  package init(verifying signed: WireSigned, genesisKey: [UInt8]) throws(AdmissionError) {
    let wire = try asAdmissionError { () throws(WireError) in
      try WireRevocation(wire: Array(signed.payload), limit: Self.longestPayload)
    }
    guard let meeting = MeetingID(wire.meeting) else { throw .wire(.outOfBounds("meeting")) }
    guard meeting == MeetingID(publicKey: genesisKey) else { throw .otherMeeting }
    guard wire.memberKey.count == 32 else { throw .wire(.outOfBounds("member_key")) }
    guard wire.issuerKey.count == 32 else { throw .wire(.outOfBounds("issuer_key")) }
    guard wire.issued <= UInt64(Int64.max) else { throw .wire(.outOfBounds("issued")) }
    guard wire.lastEntry.count <= 64 else { throw .wire(.outOfBounds("last_entry")) }
    guard wire.standingMembers.count <= Self.mostStanding else {
      throw .wire(.outOfBounds("standing_members"))
    }
    let standing = wire.standingMembers.compactMap { PeerID($0) }
    guard standing.count == wire.standingMembers.count else {
      throw .wire(.outOfBounds("standing_members"))
    }
    self.meeting = meeting
    memberKey = Array(wire.memberKey)
    member = PeerID(publicKey: memberKey)
    issuerKey = Array(wire.issuerKey)
    issued = WallTime(milliseconds: Int64(wire.issued))
    lastEntry = wire.lastEntry.isEmpty ? nil : Array(wire.lastEntry)
    self.standing = Set(standing)
    issuerGrant = try Self.issuerGrant(of: wire, genesisKey: genesisKey)
    guard signed.isSigned(by: issuerKey, for: .revocation) else { throw .badSignature }
    self.signed = signed
  }

  private static func issuerGrant(
    of wire: WireRevocation, genesisKey: [UInt8]
  ) throws(AdmissionError) -> Grant? {
    if Array(wire.issuerKey) == genesisKey { return nil }
    guard wire.hasIssuerGrant else { throw .mayNotModerate }
    let grant = try Grant(verifying: wire.issuerGrant)
    guard grant.issuerKey == genesisKey, grant.meeting == MeetingID(publicKey: genesisKey),
      grant.memberKey == Array(wire.issuerKey), grant.role != .member
    else { throw .mayNotModerate }
    return grant
  }

  /// Removes `member`.
  ///
  /// - Parameters:
  ///   - member: its public key.
  ///   - chain: the remover's, which makes it host or co-host.
  ///   - standing: of those whom `member` admitted, the ones that stay; beyond ``mostStanding`` they
  ///     fall and need a new grant.
  package init(
    of member: [UInt8], by key: SigningKey, chain: GrantChain, lastEntry: [UInt8]?,
    standing: [PeerID], at time: WallTime
  ) throws(AdmissionError) {
    guard chain.memberKey == key.publicKey else { throw .otherMember }
    guard chain.role != .member else { throw .mayNotModerate }
    let wire = WireRevocation.with {
      $0.meeting = Data(chain.meeting.bytes)
      $0.memberKey = Data(member)
      $0.issuerKey = Data(key.publicKey)
      $0.issued = UInt64(max(0, time.milliseconds))
      $0.lastEntry = Data(lastEntry ?? [])
      $0.standingMembers = standing.prefix(Self.mostStanding).map { Data($0.bytes) }
      $0.issuerGrant = chain.grants[0].signed
    }
    try self.init(
      verifying: key.sign(wire.wire, for: .revocation), genesisKey: chain.genesisKey)
  }

  var standpoint: Standpoint { Standpoint(grant: issuerGrant, key: issuerKey) }
}

/// How near the genesis key somebody who may remove others stands: the key itself, then hosts by the
/// date of their grants, then co-hosts likewise. Nearer ones come first.
struct Standpoint: Hashable, Comparable, Sendable {
  private let rank: Int
  private let granted: WallTime
  private let key: [UInt8]

  init(grant: Grant?, key: [UInt8]) {
    rank =
      switch grant?.role {
      case nil: 0
      case .host: 1
      case .cohost: 2
      case .member: 3
      }
    granted = grant?.issued ?? WallTime(milliseconds: 0)
    self.key = key
  }

  static func < (left: Standpoint, right: Standpoint) -> Bool {
    if left.rank != right.rank { return left.rank < right.rank }
    if left.granted != right.granted { return left.granted < right.granted }
    return left.key.lexicographicallyPrecedes(right.key)
  }
}
