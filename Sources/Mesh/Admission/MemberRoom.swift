package import Foundations

/// How the room for members is shared out among those who answer for them (``GrantChain/sponsor``).
///
/// Whoever may admit can make up members without end. So each sponsor may hold as many as there are places
/// left (dynamic threshold with α = 1; Choudhury and Hahne 1998): one alone gets half of them, two a third
/// each, and whoever comes next finds room still. Those who are gone are known in case they come back, for
/// as long as nobody needs their places.
package struct MemberRoom: Sendable {
  /// The size of meeting that Virtue is made for.
  package static let places = 10_000

  private struct Member: Sendable {
    let sponsor: PeerID
    /// `nil` while it is here; otherwise who has the least is gone for longest.
    var gone: UInt64?
  }

  private struct Share: Sendable {
    var members = 0
    var gone = 0
  }

  private let places: Int
  private var members: [PeerID: Member] = [:]
  private var shares: [PeerID: Share] = [:]
  private var next: UInt64 = 0

  package init(places: Int = MemberRoom.places) {
    self.places = places
  }

  /// Takes a place for `member`, which counts as gone until it comes; one that is known keeps its own.
  ///
  /// - Returns: whether there was room.
  package mutating func take(_ member: PeerID, of sponsor: PeerID) -> Bool {
    guard members[member] == nil else { return true }
    guard shares[sponsor]?.members ?? 0 < places - members.count else { return false }
    members[member] = Member(sponsor: sponsor, gone: takeNumber())
    shares[sponsor, default: Share()].members += 1
    shares[sponsor]?.gone += 1
    return true
  }

  /// Whom to forget so that `sponsor` has room for one more: whoever of its own is gone for longest, or,
  /// where it has nobody yet, of all.
  package func expendable(for sponsor: PeerID) -> PeerID? {
    let share = shares[sponsor]
    guard share.map({ $0.gone > 0 }) ?? true else { return nil }
    return members.filter { $0.value.gone != nil && (share == nil || $0.value.sponsor == sponsor) }
      .min { $0.value.gone! < $1.value.gone! }?.key
  }

  /// The member is here, or isn't any more.
  package mutating func note(_ member: PeerID, isHere: Bool) {
    guard let known = members[member], (known.gone == nil) != isHere else { return }
    let number = takeNumber()
    members[member]?.gone = isHere ? nil : number
    shares[known.sponsor]?.gone += isHere ? -1 : 1
  }

  /// The member isn't known any more.
  package mutating func giveBack(_ member: PeerID) {
    guard let known = members.removeValue(forKey: member), var share = shares[known.sponsor] else {
      return
    }
    share.members -= 1
    if known.gone != nil { share.gone -= 1 }
    shares[known.sponsor] = share.members > 0 ? share : nil
  }

  private mutating func takeNumber() -> UInt64 {
    next += 1
    return next
  }
}
