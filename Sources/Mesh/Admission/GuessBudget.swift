package import Foundations

/// How many guesses at its codes an inviter lets strangers make: a token bucket of attempts, shared by
/// all its codes, that refills ever more slowly after failures.
///
/// An attempt holds a token from the moment the inviter answers the share until the proof comes. A
/// right proof, or none (the joiner proves first, so without its proof it learnt nothing), gives the
/// token back; a wrong one costs it. So honest crowds pass at full speed, while no number of parallel
/// streams makes more guesses than there are tokens: 5 at once, then, as the delay doubles from 2 s to
/// 64 s, about 1,360 a day, each right with probability 2^-33.
package struct GuessBudget: Hashable, Sendable {
  /// Attempts at once, while failures are few.
  package static let burst = 5
  /// How long a token takes to come back, while failures are few.
  package static let refill = Duration.seconds(2)
  /// Failures before the delay begins to double and attempts go one by one.
  package static let patience = 5
  /// The delay grows no further: a stranger must not be able to lock honest joiners out for longer.
  package static let longestRefill = Duration.seconds(64)
  /// After this long without a failure all is forgiven. Guessing in bursts with such pauses yields
  /// fewer guesses than guessing at the slowest rate.
  package static let forgiveness = Duration.seconds(1800)

  /// Failed attempts that still count.
  package private(set) var failures = 0
  /// Attempts under way.
  package private(set) var pending = 0
  /// Tokens that failures have used up and time has not brought back.
  private var spent = 0
  /// When the next spent token comes back; set while ``spent`` is positive.
  private var nextToken = Moment.zero
  private var lastFailure = Moment.zero

  package init() {}

  package var capacity: Int { failures < Self.patience ? Self.burst : 1 }

  /// 2 s, and twice as much for each failure from the fifth on, up to 64 s.
  package var refillDelay: Duration {
    let doublings = min(max(0, failures - Self.patience + 1), 5)
    return min(Self.refill * (1 << doublings), Self.longestRefill)
  }

  /// Takes a token for an attempt; without one, says when to ask again at the latest (`nil`: when an
  /// attempt under way has ended).
  package mutating func reserve(at now: Moment) -> Reservation {
    update(at: now)
    guard spent + pending < capacity else {
      return .refused(until: spent > 0 ? nextToken : nil)
    }
    pending += 1
    return .granted
  }

  /// How long until an attempt can be made, others under way left aside.
  package func wait(at now: Moment) -> Duration {
    spent >= capacity ? max(.zero, nextToken - now) : .zero
  }

  package enum Reservation: Hashable, Sendable {
    case granted
    case refused(until: Moment?)
  }

  /// The attempt ended without a proof: its joiner learnt nothing.
  package mutating func attemptDropped() {
    pending = max(0, pending - 1)
  }

  /// The attempt's proof was right; it makes up for a failure.
  package mutating func attemptSucceeded() {
    pending = max(0, pending - 1)
    failures = max(0, failures - 1)
  }

  /// The attempt's proof was wrong.
  package mutating func attemptFailed(at now: Moment) {
    update(at: now)
    pending = max(0, pending - 1)
    failures += 1
    lastFailure = now
    // The wait begins with the failure, at the pace that it leads to.
    if spent == 0 || failures >= Self.patience { nextToken = now + refillDelay }
    spent = min(spent + 1, capacity)
  }

  private mutating func update(at now: Moment) {
    while spent > 0, nextToken <= now {
      spent -= 1
      nextToken = nextToken + refillDelay
    }
    if failures > 0, now - lastFailure >= Self.forgiveness { failures = 0 }
  }
}
