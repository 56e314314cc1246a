import Foundations

/// What there is to spare for members, by who answers for them.
///
/// Anybody admitted can make up members: all together they draw no more from the others than one budget
/// holds. Whoever answers for them has another of its own, which they can't exhaust.
struct SponsorBudgets: Sendable {
  private let rate: Double
  private let capacity: Double
  /// Bytes of a message that count as one more.
  let unit: Int
  /// Those of which something was taken. One that is full again is as none.
  private var buckets: [Holder: RateBucket] = [:]

  private struct Holder: Hashable {
    let sponsor: PeerID
    /// Whether it is the sponsor's own, rather than that of all whom it answers for.
    let isOwn: Bool
  }

  /// Buckets from which on full ones are looked for. The others were taken from within the time in which
  /// one fills: they are as few as what was taken in it.
  private static let many = 64

  /// - Parameter rate: what comes back a second.
  init(rate: Double, capacity: Double, unit: Int = Gossip.frameUnit) {
    self.rate = rate
    self.capacity = capacity
    self.unit = unit
  }

  /// Takes something for a member that `sponsor` answers for, perhaps itself.
  /// - Returns: how long until there is so much; `nil` when it was taken.
  mutating func take(
    _ amount: Double, for member: PeerID, of sponsor: PeerID, at now: Moment
  ) -> Duration? {
    let holder = Holder(sponsor: sponsor, isOwn: member == sponsor)
    if buckets[holder] == nil, buckets.count >= Self.many {
      for one in buckets.keys where buckets[one]?.isFull(at: now) == true { buckets[one] = nil }
    }
    var bucket = buckets[holder] ?? RateBucket(rate: rate, capacity: capacity, at: now)
    let wait = bucket.take(amount, at: now) ? nil : bucket.wait(for: amount, at: now)
    buckets[holder] = bucket
    return wait
  }
}
