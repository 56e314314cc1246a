package import Foundations

/// A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): wall time where clocks
/// agree, a counter where they don't, and always later than whatever its author had seen.
package struct HybridTime: Hashable, Comparable, Sendable {
  /// Milliseconds since the Unix epoch.
  package let milliseconds: Int64
  package let counter: UInt32

  /// No entry says a later time: the year 10889, so that sums can't overflow.
  package static let latest: Int64 = 1 << 48
  /// How far the clocks of others may pull one's own ahead of its wall clock. More than any clock
  /// that is set at all is off, and too little to spoil the order if one is not.
  package static let pull = Duration.seconds(60)

  package init(milliseconds: Int64, counter: UInt32 = 0) {
    self.milliseconds = milliseconds
    self.counter = counter
  }

  /// The time of a new entry.
  /// - Parameters:
  ///   - own: that of the author's entry before. The new one is later whatever the wall clock says,
  ///     since a chain's times always rise.
  ///   - seen: the latest that others have said. It counts only as far as ``pull`` allows.
  package static func stamp(wall: WallTime, after own: HybridTime?, seen: HybridTime?) -> Self {
    var time = HybridTime(milliseconds: max(0, min(wall.milliseconds, latest)))
    if let seen {
      let reach = HybridTime(milliseconds: (wall + pull).milliseconds)
      time = max(time, min(seen, reach).next)
    }
    if let own { time = max(time, own.next) }
    return time
  }

  /// When to tell people that this was said, by the clock of a member that got it at `received`: a
  /// clock that runs ahead is not believed.
  package func shown(received: WallTime) -> WallTime {
    min(WallTime(milliseconds: milliseconds), received + Self.pull)
  }

  /// Apart by more than others' clocks could have pulled them, and than people would notice.
  private static let tolerance = Duration.seconds(300)

  /// How far the clock of who says something is from that of who hears it at once, as in "3 days
  /// behind"; `nil` while they agree.
  package func difference(from wall: WallTime) -> String? {
    let seconds = (milliseconds - wall.milliseconds) / 1000
    guard abs(seconds) > Self.tolerance.components.seconds else { return nil }
    // Each from two of it on, rounded: 2 h 53 min are nearer to 3 hours.
    let units = [(86_400 * 365, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")]
    // The last is small enough for any difference that isn't tolerated.
    let (length, unit) = units.first { abs(seconds) >= 2 * Int64($0.0) } ?? (60, "minutes")
    let count = (abs(seconds) + Int64(length) / 2) / Int64(length)
    return "\(count) \(unit) \(seconds > 0 ? "ahead of" : "behind")"
  }

  /// Nothing can be said after it.
  package var isLast: Bool { milliseconds >= Self.latest && counter == .max }

  private var next: HybridTime {
    counter < .max
      ? HybridTime(milliseconds: milliseconds, counter: counter + 1)
      : HybridTime(milliseconds: milliseconds &+ 1)
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.milliseconds, left.counter) < (right.milliseconds, right.counter)
  }
}
