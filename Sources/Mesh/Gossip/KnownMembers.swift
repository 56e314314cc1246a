import Foundations
import OrderedCollections

/// The members that are known, in the order in which they were heard of.
///
/// How many are here or lost, and which have something to happen to them in time, is asked at each frame, of
/// hundreds or thousands: both are kept as members change, and never counted anew.
struct KnownMembers: Sendable {
  private(set) var all: OrderedDictionary<PeerID, KnownMember> = [:]
  /// How many are here or said to be.
  private(set) var here = 0
  private(set) var lost = 0
  /// Those with a deadline.
  private(set) var awaited: OrderedSet<PeerID> = []

  private struct Marks {
    let isHere: Bool
    let isLost: Bool
    let isAwaited: Bool
  }

  subscript(id: PeerID) -> KnownMember? {
    get { all[id] }
    _modify {
      let before = marks(of: id)
      defer { note(id, before, marks(of: id)) }
      yield &all[id]
    }
  }

  mutating func removeAll() {
    self = KnownMembers()
  }

  /// What `body` makes of the member where it lies, by a pointer that is good in `body` alone: nearly
  /// everything that is asked at each frame would cost a copy of all that is known of it otherwise.
  func read<Result>(_ id: PeerID, _ body: (UnsafePointer<KnownMember>) -> Result) -> Result? {
    guard let place = all.index(forKey: id) else { return nil }
    return all.values.withUnsafeBufferPointer { known in
      known.baseAddress.map { body($0 + place) }
    }
  }

  private func marks(of id: PeerID) -> Marks? {
    read(id) {
      Marks(
        isHere: $0.pointee.isHere, isLost: $0.pointee.isLost, isAwaited: $0.pointee.isAwaited)
    }
  }

  private mutating func note(_ id: PeerID, _ before: Marks?, _ after: Marks?) {
    here += (after?.isHere == true ? 1 : 0) - (before?.isHere == true ? 1 : 0)
    lost += (after?.isLost == true ? 1 : 0) - (before?.isLost == true ? 1 : 0)
    let isAwaited = after?.isAwaited == true
    guard isAwaited != (before?.isAwaited == true) else { return }
    if isAwaited { awaited.append(id) } else { awaited.remove(id) }
  }
}
