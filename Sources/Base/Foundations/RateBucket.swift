/// A token bucket: `rate` tokens a second flow in, up to `capacity`.
package struct RateBucket: Sendable {
  private let rate: Double
  private let capacity: Double
  private var tokens: Double
  private var filled: Moment

  package init(rate: Double, capacity: Double, at now: Moment) {
    self.rate = rate
    self.capacity = capacity
    tokens = capacity
    filled = now
  }

  /// Takes `cost` tokens; `false`, and nothing taken, when there are fewer.
  package mutating func take(_ cost: Double, at now: Moment) -> Bool {
    fill(at: now)
    guard tokens >= cost else { return false }
    tokens -= cost
    return true
  }

  /// Takes back that `cost` tokens were taken.
  package mutating func giveBack(_ cost: Double) {
    tokens = min(capacity, tokens + cost)
  }

  /// How long until there are `cost` tokens, if none is taken before.
  package mutating func wait(for cost: Double, at now: Moment) -> Duration {
    fill(at: now)
    return .seconds(max(0, cost - tokens) / rate)
  }

  /// Whether it is as a new one.
  package mutating func isFull(at now: Moment) -> Bool {
    fill(at: now)
    return tokens >= capacity
  }

  private mutating func fill(at now: Moment) {
    tokens = min(capacity, tokens + max(0, (now - filled).inSeconds) * rate)
    filled = max(filled, now)
  }
}
