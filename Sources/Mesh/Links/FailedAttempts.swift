package import Foundations

/// Where an address that is dialled comes from.
package enum AddressSource: Hashable, Sendable {
  /// The user, whose choice is followed whatever came of it before.
  case user
  /// Whoever answers on the network.
  case advertisement
  /// The record of a member for which this one answers.
  case member(sponsor: PeerID)
}

/// Connection attempts that led nowhere, by the IP address that they went to, whatever its port, and by
/// who named that.
///
/// A member says itself where it is reached, and may name an address of somebody who has nothing to do with
/// the meeting, over and over and under many names. What isn't there is left alone for a moment after some
/// attempts; who is there costs nothing. Where somebody else lives too, that one's own word isn't doubted
/// for it. An attempt counts from its beginning, so that those to an address which swallows them count too.
struct FailedAttempts: Sendable {
  /// At once: thirty members on one computer that was switched off.
  static let burst = 32.0
  /// For long: nobody is hurt by that, and those who live at one address with others who are gone wait half
  /// a second for their turn.
  static let perSecond = 2.0
  /// Addresses remembered. One of which nothing is counted any more goes first; where there is none, which
  /// takes 64 failures a second, what more fails isn't counted.
  static let most = 1024

  private struct Place: Hashable {
    /// Numeric, in one form only.
    let host: String
    let source: AddressSource
  }

  private var buckets: [Place: RateBucket] = [:]

  var count: Int { buckets.count }

  /// - Parameter host: numeric, in one form only.
  /// - Returns: `false` when too many attempts failed there lately.
  mutating func begin(_ host: String, from source: AddressSource, at now: Moment) -> Bool {
    guard source != .user else { return true }
    let place = Place(host: host, source: source)
    if buckets[place] == nil, buckets.count >= Self.most {
      for one in buckets.keys where buckets[one]?.isFull(at: now) == true { buckets[one] = nil }
      guard buckets.count < Self.most else { return true }
    }
    let new = RateBucket(rate: Self.perSecond, capacity: Self.burst, at: now)
    return buckets[place, default: new].take(1, at: now)
  }

  /// Somebody was there: this attempt doesn't count.
  mutating func succeed(_ host: String, from source: AddressSource) {
    buckets[Place(host: host, source: source)]?.giveBack(1)
  }
}
