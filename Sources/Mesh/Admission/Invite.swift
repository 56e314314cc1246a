package import Foundations

/// A code that lets people in, as one of those who may admit holds it.
package struct Invite: Hashable, Sendable {
  package let code: InviteCode
  /// The end of its life.
  package internal(set) var expires: WallTime
  package internal(set) var usesLeft: Int
  /// Who advertises it.
  package internal(set) var owner: PeerID
  /// When the last use was spent, by the holder's clock; `nil` before.
  package internal(set) var spentAt: WallTime?

  package enum State: Hashable, Sendable {
    case open
    case expired
    case usedUp
  }

  package func state(at time: WallTime) -> State {
    if usesLeft <= 0 { return .usedUp }
    return time < expires ? .open : .expired
  }

  /// When it stopped letting people in.
  func ended(at time: WallTime) -> WallTime? {
    switch state(at: time) {
    case .open: nil
    case .expired: expires
    case .usedUp: min(spentAt ?? expires, expires)
    }
  }

  /// How long a code that is no longer good is still answered for, so that its joiner hears so.
  package static let afterlife = Duration.seconds(3600)
  package static let longestLife = Duration.seconds(30 * 86_400)
  package static let mostUses = 10_000
}
