import Foundations

/// Whether another camera has been the nearer one for long enough, however small its lead.
///
/// Leads are added up over time: a sum that rises with what exceeds a part of the margin and never
/// falls below nought finds the smallest lasting change soonest (Page 1954, Biometrika 41). A single
/// picture that says otherwise takes a little away, and doesn't begin the count anew.
struct LastingLead: Sendable {
  /// The camera that leads, or led last.
  private(set) var camera: Int?
  /// Margins × seconds.
  private var sum: Float = 0
  private var latest: Moment?

  /// Share of the margin that a lead must exceed to count, and the sum of what exceeds it, in margins ×
  /// seconds, from which it has lasted: half a margin's lead needs two seconds.
  private static let share: Float = 0.25
  private static let limit: Float = 0.5
  /// Longer gaps count as this: a blink undoes nothing, and what was seen before it holds no longer than
  /// any camera's last word.
  private static let longestGap = Duration.milliseconds(600)

  /// - Parameter lead: in margins.
  /// - Returns: whether it has lasted for long enough.
  mutating func add(_ lead: Float, of camera: Int, at now: Moment) -> Bool {
    defer { latest = now }
    guard let latest, self.camera == camera else {
      (self.camera, sum) = (camera, 0)
      return false
    }
    let seconds = Float(min(now - latest, Self.longestGap).inSeconds)
    sum = max(sum + (lead - Self.share) * seconds, 0)
    return sum >= Self.limit
  }
}
