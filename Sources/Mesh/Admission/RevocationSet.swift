import Foundation
package import Foundations
import SwiftProtobuf
package import Wire

/// The removals of one meeting, and what follows from them. The order in which they came doesn't
/// matter: members that hold the same revocations agree on everybody.
package struct RevocationSet: Hashable, Sendable {
  /// Removals kept of one issuer. Each issuer has its own, so that a co-host run wild can't crowd out
  /// the host's. Of one that signs more those of the first by member are kept, in whatever order they come:
  /// members that were told the same agree.
  package static let mostPerIssuer = 256
  /// Issuers; hosts and co-hosts are made by the genesis key only.
  package static let mostIssuers = 64

  package let genesisKey: [UInt8]
  /// Grants that make their holders host or co-host, the one nearest the genesis key of each: whom a
  /// co-host can't remove. They travel with the removals, since whoever comes later never meets some of
  /// their holders and has to judge alike.
  private var moderators: [PeerID: Grant] = [:]
  /// By issuer's key, then by removed member.
  private var revocations: [[UInt8]: [PeerID: Revocation]] = [:]
  /// Removals that hold, by removed member; nobody voided their issuers.
  private var effective: [PeerID: [Revocation]] = [:]
  /// 32 bytes, equal where the same removals are held, those among them that are void.
  package private(set) var digest = RevocationSet.digest(of: [:])

  package init(genesisKey: [UInt8]) {
    self.genesisKey = genesisKey
  }

  /// With what was kept; what isn't right is left out.
  package init(genesisKey: [UInt8], _ kept: WireRemovals) {
    self.init(genesisKey: genesisKey)
    note(kept.moderators)
    insert(contentsOf: kept.revocations)
  }

  package var isEmpty: Bool { revocations.isEmpty }

  // MARK: - Hosts and co-hosts

  /// Notes that `grant` makes its holder host or co-host; any other grant says nothing here.
  ///
  /// - Returns: whether anything changed.
  @discardableResult
  package mutating func note(_ grant: Grant) -> Bool {
    guard grant.issuerKey == genesisKey, grant.role != .member,
      grant.meeting == MeetingID(publicKey: genesisKey)
    else { return false }
    if let held = moderators[grant.member] {
      guard grant.standpoint < held.standpoint else { return false }
    } else {
      guard moderators.count < WireBounds.moderators else { return false }
    }
    moderators[grant.member] = grant
    return true
  }

  /// Notes those of `signed` that are right.
  @discardableResult
  package mutating func note(_ signed: [WireSigned]) -> Bool {
    let held = Set(moderators.values.map(\.signed))
    var isNews = false
    for signed in signed.prefix(WireBounds.moderators) where !held.contains(signed) {
      guard let grant = try? Grant(verifying: signed) else { continue }
      if note(grant) { isNews = true }
    }
    return isNews
  }

  /// As they travel.
  package var wireModerators: [WireSigned] {
    moderators.sorted { $0.key < $1.key }.map(\.value.signed)
  }

  // MARK: - Removals

  /// - Returns: whether anything changed.
  /// - Throws: when it isn't signed by somebody who might remove others, or a bound is reached: nothing
  ///   that holds makes room for it.
  @discardableResult
  package mutating func insert(_ signed: WireSigned) throws(AdmissionError) -> Bool {
    try insert(Revocation(verifying: signed, genesisKey: genesisKey))
  }

  @discardableResult
  package mutating func insert(_ revocation: Revocation) throws(AdmissionError) -> Bool {
    guard try hold(revocation) else { return false }
    weighAnew()
    return true
  }

  /// Inserts those of `signed` that are right, as far as there is room.
  ///
  /// - Returns: whether anything changed.
  @discardableResult
  package mutating func insert(contentsOf signed: some Sequence<WireSigned>) -> Bool {
    var isNews = false
    for signed in signed where !holds(signed) {
      let revocation = try? Revocation(verifying: signed, genesisKey: genesisKey)
      if let revocation, (try? hold(revocation, makingRoom: true)) == true { isNews = true }
    }
    if isNews { weighAnew() }
    return isNews
  }

  /// Whether just this is held: found out without a signature check.
  private func holds(_ signed: WireSigned) -> Bool {
    let wire = try? WireRevocation(wire: Array(signed.payload), limit: Revocation.longestPayload)
    guard let wire, let ofIssuer = revocations[Array(wire.issuerKey)] else { return false }
    return ofIssuer[PeerID(publicKey: Array(wire.memberKey))]?.signed == signed
  }

  private mutating func hold(
    _ revocation: Revocation, makingRoom: Bool = false
  ) throws(AdmissionError) -> Bool {
    guard MeetingID(publicKey: genesisKey) == revocation.meeting else { throw .otherMeeting }
    var ofIssuer = revocations[revocation.issuerKey] ?? [:]
    if let held = ofIssuer[revocation.member] {
      // Of two by one issuer about one member the later counts, and all must choose alike.
      guard Self.replaces(revocation, held) else { return false }
    } else {
      guard !ofIssuer.isEmpty || hasRoomForIssuer else { throw .tooManyRevocations }
      if ofIssuer.count >= Self.mostPerIssuer {
        guard makingRoom, let last = ofIssuer.keys.max(), revocation.member < last else {
          throw .tooManyRevocations
        }
        ofIssuer[last] = nil
      }
    }
    if let grant = revocation.issuerGrant { note(grant) }
    ofIssuer[revocation.member] = revocation
    revocations[revocation.issuerKey] = ofIssuer
    return true
  }

  private var hasRoomForIssuer: Bool { revocations.count < Self.mostIssuers }

  private static func replaces(_ new: Revocation, _ held: Revocation) -> Bool {
    if new.issued != held.issued { return new.issued > held.issued }
    return held.signed.payload.lexicographicallyPrecedes(new.signed.payload)
  }

  /// Goes through the issuers, nearest the genesis key first, and leaves out those that somebody
  /// nearer removed. Who is removed by somebody further away is out as well, but what it signed
  /// stands: of two who remove each other the nearer one's removal holds and voids the other's.
  private mutating func weighAnew() {
    digest = Self.digest(of: revocations)
    effective = [:]
    let issuers = revocations.map { key, removals in
      // Promoted from co-host to host, an issuer may have signed with either grant.
      (key: key, standpoint: removals.values.map(\.standpoint).min()!)
    }.sorted { $0.standpoint < $1.standpoint }
    for (key, _) in issuers {
      let removals = revocations[key]!.values
      let grant = removals.min { $0.standpoint < $1.standpoint }?.issuerGrant
      if let grant, isRemoved(grant) { continue }
      for removal in removals { effective[removal.member, default: []].append(removal) }
    }
  }

  /// Whether the holder of `grant` is removed.
  func isRemoved(_ grant: Grant) -> Bool { !removals(of: grant).isEmpty }

  /// A host's removals hold for anybody, a co-host's unless `grant` makes its holder more than a plain
  /// member.
  private func removals(of grant: Grant) -> [Revocation] {
    (effective[grant.member] ?? []).filter { removal in
      switch removal.issuerGrant?.role {
      case nil, .host: true
      case .cohost: grant.role == .member
      case .member: false
      }
    }
  }

  /// Whether `member` stays although `admitter`, who admitted it, was removed.
  func stands(_ member: PeerID, admittedBy admitter: PeerID) -> Bool {
    (effective[admitter] ?? []).contains { $0.standing.contains(member) }
  }

  /// Where the logs of those who are removed end, by their keys: for each removal the hash of the last
  /// entry that counts, or `nil` when none does. Members that hold the same removals and know the same
  /// hosts and co-hosts agree, whether they ever met the removed one or not.
  package var logEnds: [[UInt8]: Set<[UInt8]?>] {
    var ends: [[UInt8]: Set<[UInt8]?>] = [:]
    for removal in effective.values.joined() {
      let isByCohost = removal.issuerGrant?.role == .cohost
      if isByCohost, moderators[removal.member] != nil { continue }
      ends[removal.memberKey, default: []].insert(removal.lastEntry)
    }
    return ends
  }

  /// What to sign to remove `member`: first anew, in one's own name, what that member had removed, for
  /// its removals are void with it; then its own removal. To be inserted and sent in this order.
  ///
  /// - Parameters:
  ///   - member: its public key.
  ///   - chain: one's own, which makes one host or co-host.
  ///   - standing: of those whom `member` admitted, the ones that stay.
  package func signRemoval(
    of member: [UInt8], by key: SigningKey, chain: GrantChain, lastEntry: [UInt8]?,
    standing: [PeerID], at time: WallTime
  ) throws(AdmissionError) -> [Revocation] {
    var signed: [Revocation] = []
    for old in removals(by: member) where old.memberKey != key.publicKey {
      signed.append(
        try Revocation(
          of: old.memberKey, by: key, chain: chain, lastEntry: old.lastEntry,
          standing: old.standing.sorted(), at: time))
    }
    signed.append(
      try Revocation(
        of: member, by: key, chain: chain, lastEntry: lastEntry, standing: standing, at: time))
    return signed
  }

  /// Whom the holder of `key` removed.
  package func removals(by key: [UInt8]) -> [Revocation] {
    (revocations[key] ?? [:]).values.sorted { $0.member < $1.member }
  }

  private static func digest(of revocations: [[UInt8]: [PeerID: Revocation]]) -> [UInt8] {
    let issuers = revocations.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    let sorted = issuers.flatMap { issuer in issuer.value.sorted { $0.key < $1.key } }
    return Array(Wire.digest(sorted.flatMap { Wire.digest(Array($0.value.signed.payload)) }))
  }

  /// What is kept over restarts.
  package var removals: WireRemovals {
    .with {
      $0.revocations = wire(limit: .max)
      $0.moderators = wireModerators
    }
  }

  /// As they travel: those that hold first, then the others, at most `limit` of them and at most
  /// `bytes` altogether.
  package func wire(limit: Int = WireBounds.revocations, bytes: Int = .max) -> [WireSigned] {
    let held = Set(effective.values.joined())
    let void = revocations.values.flatMap(\.values).filter { !held.contains($0) }
    let sorted = [Array(held), void].flatMap { group in
      group.sorted { ($0.standpoint, $0.member) < ($1.standpoint, $1.member) }
    }
    var room = bytes
    var taken: [WireSigned] = []
    for revocation in sorted.prefix(limit) {
      // A tag and a length come before each message.
      let size = revocation.signed.wire.count + 8
      guard size <= room else { break }
      room -= size
      taken.append(revocation.signed)
    }
    return taken
  }
}
