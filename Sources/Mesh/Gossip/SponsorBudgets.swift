import Foundations

/// What there is to spare for members, by who answers for them.
///
/// Anybody admitted can make up members: all together they draw no more from the others than one budget
/// holds.
struct SponsorBudgets: Sendable {
  private let rate: Double
  private let capacity: Double
  /// Those of which something was taken. One that is full again is as none.
  private var buckets: [PeerID: RateBucket] = [:]

  /// Buckets from which on full ones are looked for. The others were taken from within the time in which
  /// one fills: they are as few as what was taken in it.
  private static let many = 64

  /// - Parameter rate: what comes back a second.
  init(rate: Double, capacity: Double) {
    self.rate = rate
    self.capacity = capacity
  }

  /// Takes something for a member that `sponsor` answers for.
  /// - Returns: how long until there is so much; `nil` when it was taken.
  mutating func take(_ amount: Double, for sponsor: PeerID, at now: Moment) -> Duration? {
    if buckets[sponsor] == nil, buckets.count >= Self.many {
      for id in buckets.keys where buckets[id]?.isFull(at: now) == true { buckets[id] = nil }
    }
    var bucket = buckets[sponsor] ?? RateBucket(rate: rate, capacity: capacity, at: now)
    let wait = bucket.take(amount, at: now) ? nil : bucket.wait(for: amount, at: now)
    buckets[sponsor] = bucket
    return wait
  }
}
