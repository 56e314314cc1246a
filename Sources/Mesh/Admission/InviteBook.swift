import Foundation
package import Foundations
package import Wire

/// The codes that let people in: this member's own, and those of others who may admit, kept so that a
/// code outlives the computer it was made on.
///
/// Each code has one owner, who advertises it and answers for it. When an owner is gone, the lowest
/// identifier among those present who may admit takes the code over; of two owners who meet after a
/// partition the lower keeps it.
package struct InviteBook: Sendable {
  /// Codes of others kept altogether, ended ones included.
  package static let mostInvites = 256
  /// Codes that this member makes, or keeps of one other.
  package static let mostPerOwner = 32
  /// How long an owner must have been away before its codes are taken over. A newcomer hears of a code
  /// before it hears of its owner, and whoever has the code twice refuses somebody who uses it.
  package static let grace = Duration.seconds(2)

  /// This member.
  package let member: PeerID
  private var invites: [InviteCode: Invite] = [:]
  /// Those that were taken over: whoever made many leaves nobody without codes of one's own.
  private var takenOver: Set<InviteCode> = []
  /// Those present who can admit, this member included if it can.
  private var admitters: Set<PeerID>
  /// Owners that aren't here, and since when.
  private var missing: [PeerID: WallTime] = [:]

  package init(member: PeerID) {
    self.member = member
    admitters = [member]
  }

  // MARK: - One's own codes

  /// Opens a new code.
  ///
  /// - Parameters:
  ///   - uses: how many it lets in, 1 to ``Invite/mostUses``.
  ///   - life: up to ``Invite/longestLife``.
  ///   - heard: nameplates that others advertise here.
  /// - Throws: `too-many-codes` when ``mostPerOwner`` are open or all nameplates are taken.
  package mutating func make(
    uses: Int, life: Duration, heard: Set<Int>, at time: WallTime, secrets: SecretSource
  ) throws(Failure) -> Invite {
    forgetOld(at: time)
    let taken = heard.union(invites.keys.map(\.nameplate))
    guard let nameplate = Self.freeNameplate(besides: taken, secrets: secrets),
      madeHere < Self.mostPerOwner
    else {
      throw Failure(
        "too-many-codes", exit: .unavailable,
        "There are too many invite codes already. Use one of them, or wait until one has expired.")
    }
    let invite = Invite(
      code: .make(nameplate: nameplate, secrets: secrets),
      expires: time + min(max(life, .zero), Invite.longestLife),
      usesLeft: min(max(uses, 1), Invite.mostUses), owner: member)
    invites[invite.code] = invite
    return invite
  }

  /// A nameplate that nobody has: a short one while most of those are free. Drawn rather than
  /// counted up, so that two who make a code at the same moment hardly ever choose alike.
  static func freeNameplate(besides taken: Set<Int>, secrets: SecretSource) -> Int? {
    let short = (1...99).filter { !taken.contains($0) }
    let free = short.count >= 50 ? short : InviteCode.nameplates.filter { !taken.contains($0) }
    guard !free.isEmpty else { return nil }
    return free[Int(secrets.number(below: UInt32(free.count)))]
  }

  package enum Lookup: Hashable, Sendable {
    case open(Invite)
    case expired
    case usedUp
    /// Not a nameplate that this member answers for.
    case unknown
  }

  package func lookup(_ nameplate: Int, at time: WallTime) -> Lookup {
    let candidates = answered(at: time).filter { $0.code.nameplate == nameplate }
    let states = candidates.map { (invite: $0, state: $0.state(at: time)) }
    if let open = states.first(where: { $0.state == .open }) { return .open(open.invite) }
    return switch states.first?.state {
    case .expired: .expired
    case .usedUp: .usedUp
    case .open, nil: .unknown
    }
  }

  /// Spends one use of an open code.
  /// - Returns: `false`, and nothing is spent, when it isn't open.
  package mutating func spend(_ code: InviteCode, at time: WallTime) -> Bool {
    guard var invite = invites[code], invite.state(at: time) == .open else { return false }
    invite.usesLeft -= 1
    if invite.usesLeft == 0 { invite.spentAt = time }
    invites[code] = invite
    return true
  }

  /// Ends a code of one's own before its time.
  package mutating func close(_ code: InviteCode, at time: WallTime) {
    guard var invite = invites[code], invite.owner == member, invite.state(at: time) == .open
    else { return }
    invite.usesLeft = 0
    invite.spentAt = time
    invites[code] = invite
  }

  /// Forgets a code of one's own that nobody was told.
  package mutating func discard(_ code: InviteCode) {
    guard invites[code]?.owner == member else { return }
    invites[code] = nil
  }

  /// One's own open codes, by nameplate.
  package func open(at time: WallTime) -> [Invite] {
    answered(at: time).filter { $0.state(at: time) == .open }
  }

  /// The nameplates to advertise: open ones, and ended ones for ``Invite/afterlife``.
  package func advertised(at time: WallTime) -> [Int] {
    var seen: Set<Int> = []
    return answered(at: time).map(\.code.nameplate).filter { seen.insert($0).inserted }
  }

  /// When ``advertised(at:)`` or ``open(at:)`` change next by the mere passing of time.
  package func nextChange(after time: WallTime) -> WallTime? {
    let ends = invites.values.filter { $0.owner == member }.compactMap { invite in
      guard let ended = invite.ended(at: time) else { return invite.expires }
      let gone = ended + Invite.afterlife
      return gone > time ? gone : nil
    }
    let orphaned = admitters.min() == member ? missing.values.map { $0 + Self.grace } : []
    return (ends + orphaned).min()
  }

  /// Those made here first: there may be more than can be advertised.
  private func answered(at time: WallTime) -> [Invite] {
    func place(_ code: InviteCode) -> (Int, Int, String) {
      (takenOver.contains(code) ? 1 : 0, code.nameplate, code.secret)
    }
    return invites.values.filter { $0.owner == member && !isForgotten($0, at: time) }
      .sorted { place($0.code) < place($1.code) }
  }

  private func isForgotten(_ invite: Invite, at time: WallTime) -> Bool {
    guard let ended = invite.ended(at: time) else { return false }
    return time >= ended + Invite.afterlife
  }

  // MARK: - Codes held in common

  /// What happened to the codes of this book through others.
  package enum Change: Hashable, Sendable {
    /// This member answers for it from now on.
    case took(InviteCode)
    /// Somebody else answers for it from now on.
    case yielded(InviteCode)
    /// Somebody else's code has the same nameplate and goes before; whoever was given this one needs
    /// another.
    case displaced(InviteCode)
  }

  /// What the others who may admit have to know: each code of one's own. To be sent, sealed, when one
  /// changes and to whoever newly turns up among them.
  package func shares(at time: WallTime) -> [WireInviteShare] {
    answered(at: time).map { invite in
      var share = WireInviteShare()
      share.nameplate = UInt32(invite.code.nameplate)
      share.words = invite.code.secret
      share.expires = UInt64(max(0, invite.expires.milliseconds))
      share.usesLeft = UInt32(invite.usesLeft)
      share.owner = Data(member.bytes)
      return share
    }
  }

  /// Takes in what `sender` says of a code of its own.
  ///
  /// - Parameter sender: who signed it, a member that may admit.
  package mutating func receive(
    _ share: WireInviteShare, from sender: PeerID, at time: WallTime
  ) -> Change? {
    guard sender != member, let theirs = Self.invite(share, from: sender, at: time) else {
      return nil
    }
    forgetOld(at: time)
    if let held = invites[theirs.code] { return merge(theirs, into: held, at: time) }
    let rivals = invites.values.filter {
      $0.owner == member && $0.code.nameplate == theirs.code.nameplate
    }
    let ofSender = invites.values.count { $0.owner == sender }
    guard ofSender < Self.mostPerOwner, hasRoom else { return nil }
    var change: Change?
    if let rival = rivals.first, theirs.state(at: time) == .open {
      if rival.state(at: time) == .open {
        guard sender < member else { return nil }
        change = .displaced(rival.code)
      }
      invites[rival.code] = nil
    }
    invites[theirs.code] = theirs
    if !admitters.contains(sender), missing[sender] == nil { missing[sender] = time }
    return change
  }

  /// `nil` for what no honest member sends.
  private static func invite(
    _ share: WireInviteShare, from sender: PeerID, at time: WallTime
  ) -> Invite? {
    let words = share.words.utf8.count <= 32 ? share.words.split(separator: "-") : []
    guard let code = InviteCode(nameplate: Int(share.nameplate), words: words.map(String.init)),
      PeerID(share.owner) == sender, share.usesLeft <= Invite.mostUses,
      share.expires <= UInt64(Int64.max)
    else { return nil }
    let expires = WallTime(milliseconds: Int64(share.expires))
    // A day for clocks that differ.
    guard expires <= time + Invite.longestLife + .seconds(86_400),
      time < expires + Invite.afterlife
    else { return nil }
    return Invite(
      code: code, expires: expires, usesLeft: Int(share.usesLeft), owner: sender,
      spentAt: share.usesLeft == 0 ? time : nil)
  }

  private mutating func merge(_ theirs: Invite, into held: Invite, at time: WallTime) -> Change? {
    var merged = held
    // Neither a use nor a moment comes back.
    merged.usesLeft = min(held.usesLeft, theirs.usesLeft)
    merged.expires = min(held.expires, theirs.expires)
    merged.spentAt = held.spentAt ?? theirs.spentAt
    if !admitters.contains(held.owner) || theirs.owner < held.owner { merged.owner = theirs.owner }
    invites[held.code] = merged
    return held.owner == member && merged.owner != member ? .yielded(held.code) : nil
  }

  /// Tells who is present and can admit (``AdmittedMember/canAdmit``), this member included.
  package mutating func setAdmitters(_ present: Set<PeerID>, at time: WallTime) {
    admitters = present
    missing = missing.filter { !present.contains($0.key) }
    for owner in Set(invites.values.map(\.owner)) where !present.contains(owner) {
      if missing[owner] == nil { missing[owner] = time }
    }
  }

  /// The owner said goodbye or was removed: its codes needn't wait for it. Told before
  /// ``setAdmitters(_:at:)``.
  package mutating func depart(_ owner: PeerID, at time: WallTime) {
    guard invites.values.contains(where: { $0.owner == owner }) else { return }
    missing[owner] = WallTime(milliseconds: time.milliseconds - Self.grace.nanoseconds / 1_000_000)
  }

  /// Takes over the codes whose owners have been away for ``grace``, if it is this member's turn.
  package mutating func takeOver(at time: WallTime) -> [Change] {
    forgetOld(at: time)
    guard admitters.min() == member else { return [] }
    let gone = missing.filter { $0.value + Self.grace <= time }
    guard !gone.isEmpty else { return [] }
    missing = missing.filter { gone[$0.key] == nil }
    let orphans = invites.values.filter { gone[$0.owner] != nil }.map(\.code)
    return orphans.sorted { $0.description < $1.description }.map { code in
      invites[code]?.owner = member
      takenOver.insert(code)
      return .took(code)
    }
  }

  private mutating func forgetOld(at time: WallTime) {
    invites = invites.filter { !isForgotten($0.value, at: time) }
    takenOver.formIntersection(invites.keys)
  }

  private var hasRoom: Bool { invites.count - madeHere < Self.mostInvites }

  private var madeHere: Int {
    invites.values.count { $0.owner == member && !takenOver.contains($0.code) }
  }
}
