package import Foundations

/// Which moment is what time of day: taken when both were read, and right until the clock is set.
package struct CivilClock: Hashable, Sendable {
  private let moment: Moment
  private let time: WallTime
  /// The time up to which its holder has looked at what time changes.
  var checked: WallTime

  package init(moment: Moment, time: WallTime) {
    self.moment = moment
    self.time = time
    checked = time
  }

  package func time(at moment: Moment) -> WallTime {
    time + (moment - self.moment)
  }

  /// When the clock shows `time`; at once for what is past, a year from now for what is further.
  package func moment(of time: WallTime) -> Moment {
    let year: Int64 = 365 * 86_400_000
    let (ahead, overflow) = time.milliseconds.subtractingReportingOverflow(self.time.milliseconds)
    let limit = time > self.time ? year : -year
    return moment + .milliseconds(overflow ? limit : min(max(ahead, -year), year))
  }
}
