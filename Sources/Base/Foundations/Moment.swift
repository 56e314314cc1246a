/// A point on this process's monotonic time line, in nanoseconds from an arbitrary origin.
///
/// Moments are handed down to every core; only drivers read them off ``HostClock``. Moments of
/// different processes on one host share the origin (`CLOCK_MONOTONIC`), those of different hosts
/// don't.
package struct Moment: Hashable, Comparable, Sendable {
  package let nanoseconds: Int64

  @inlinable
  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  package static let zero = Moment(nanoseconds: 0)

  @inlinable
  package static func < (left: Moment, right: Moment) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  @inlinable
  package static func + (moment: Moment, duration: Duration) -> Moment {
    Moment(nanoseconds: moment.nanoseconds &+ duration.nanoseconds)
  }

  @inlinable
  package static func - (moment: Moment, duration: Duration) -> Moment {
    Moment(nanoseconds: moment.nanoseconds &- duration.nanoseconds)
  }

  /// How long after `earlier` this moment is; negative when it is before.
  @inlinable
  package static func - (later: Moment, earlier: Moment) -> Duration {
    .nanoseconds(later.nanoseconds &- earlier.nanoseconds)
  }
}

extension Duration {
  /// The whole duration in nanoseconds, saturating after 292 years.
  @inlinable
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    return whole &+ attoseconds / 1_000_000_000
  }

  @inlinable
  package var milliseconds: Double { Double(nanoseconds) / 1e6 }

  @inlinable
  package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

/// Civil time: milliseconds since the Unix epoch. Shown to people and written into records, never
/// used to measure how long something took.
package struct WallTime: Hashable, Comparable, Sendable {
  package let milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package var seconds: Double { Double(milliseconds) / 1000 }

  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.milliseconds < right.milliseconds
  }

  package static func + (time: WallTime, duration: Duration) -> WallTime {
    WallTime(milliseconds: time.milliseconds &+ duration.nanoseconds / 1_000_000)
  }
}
