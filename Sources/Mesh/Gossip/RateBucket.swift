import Foundations

/// A token bucket: `rate` tokens a second flow in, up to `capacity`.
struct RateBucket: Sendable {
  private let rate: Double
  private let capacity: Double
  private var tokens: Double
  private var filled: Moment

  init(rate: Double, capacity: Double, at now: Moment) {
    self.rate = rate
    self.capacity = capacity
    tokens = capacity
    filled = now
  }

  /// Takes `cost` tokens; `false`, and nothing taken, when there are fewer.
  mutating func take(_ cost: Double, at now: Moment) -> Bool {
    tokens = min(capacity, tokens + max(0, (now - filled).inSeconds) * rate)
    filled = max(filled, now)
    guard tokens >= cost else { return false }
    tokens -= cost
    return true
  }
}
