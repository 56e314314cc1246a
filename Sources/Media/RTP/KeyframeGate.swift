package import Foundations

/// Decides when a request for a keyframe is met: at once after a quiet moment, otherwise together
/// with all others that came within that moment. Twenty who join at once cost one keyframe or two,
/// not twenty.
package struct KeyframeGate: Sendable {
  /// Requests this close to the latest keyframe wait and share the next one. Longer than the way of a
  /// keyframe to a receiver on a LAN, shorter than somebody's patience.
  private static let interval = Duration.milliseconds(250)

  private var isRequested = false
  private var latest: Moment?

  package init() {}

  package mutating func request() {
    isRequested = true
  }

  /// Whether the frame captured at `now` is to be a keyframe.
  package func takesKeyframe(at now: Moment) -> Bool {
    guard isRequested else { return false }
    guard let latest else { return true }
    return now - latest >= Self.interval
  }

  /// A keyframe was made of the frame captured at `now`; it answers all requests until here.
  package mutating func made(at now: Moment) {
    isRequested = false
    latest = now
  }
}
