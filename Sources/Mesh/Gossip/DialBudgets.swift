import Foundations

/// How many dials there are to spare for members that were never reached, by who answers for them.
///
/// Anybody admitted can make up members, and each names addresses as it likes: together they draw no more
/// dials to somebody who has nothing to do with the meeting than one budget holds.
struct DialBudgets: Sendable {
  private let rate: Double
  private let capacity: Double
  /// Those of which something was taken. One that is full again is as none.
  private var buckets: [PeerID: RateBucket] = [:]

  /// Buckets from which on full ones are looked for. The others were taken from within the time in which
  /// one fills: they are as few as the dials that this member made in it.
  private static let many = 64

  init(bounds: GossipBounds) {
    rate = bounds.dialsPerSecond
    capacity = bounds.dialBurst
  }

  /// Takes a dial for a member that `sponsor` answers for.
  /// - Returns: how long until there is one; `nil` when it was taken.
  mutating func take(for sponsor: PeerID, at now: Moment) -> Duration? {
    if buckets[sponsor] == nil, buckets.count >= Self.many {
      for id in buckets.keys where buckets[id]?.isFull(at: now) == true { buckets[id] = nil }
    }
    var bucket = buckets[sponsor] ?? RateBucket(rate: rate, capacity: capacity, at: now)
    let wait = bucket.take(1, at: now) ? nil : bucket.wait(for: 1, at: now)
    buckets[sponsor] = bucket
    return wait
  }
}
