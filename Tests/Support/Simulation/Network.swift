import Foundations

/// What a simulated network does to messages, links and clocks. Everything is drawn from one generator.
package struct Network: Sendable {
  /// One way, uniformly distributed.
  package var latency = Duration.milliseconds(1)...Duration.milliseconds(10)
  /// The share of messages that never arrive, arrive twice, or overtake others. Streams over TCP lose
  /// and reorder nothing; the protocols are tried with worse.
  package var loss = 0.0
  package var duplication = 0.0
  package var reordering = 0.0
  /// How long a dial into nowhere takes: what answers no packet at all.
  package var deadDial = Duration.milliseconds(1500)
  /// When a link that carries nothing any more breaks.
  package var silence = Duration.seconds(2)
  /// Whether the end of a process breaks its links at once, or only when something is sent on them.
  package var breaksAtOnce = true

  package init() {}
}

/// A node's clock: an offset from the simulation's time and a rate that is a little off.
package struct SkewedClock: Sendable {
  private let offset: Int64
  /// Parts in a million.
  private let drift: Int64

  package init(offset: Duration = .zero, drift: Int64 = 0) {
    self.offset = offset.nanoseconds
    self.drift = drift
  }

  func local(_ moment: Moment) -> Moment {
    Moment(
      nanoseconds: offset + moment.nanoseconds + moment.nanoseconds / 1_000_000 * drift)
  }

  /// The first moment whose local time isn't before `moment`, give or take the drift's rounding.
  func global(_ moment: Moment) -> Moment {
    let elapsed = moment.nanoseconds - offset
    return Moment(nanoseconds: elapsed - elapsed / (1_000_000 + drift) * drift)
  }
}
