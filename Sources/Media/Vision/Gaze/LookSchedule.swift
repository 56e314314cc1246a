package import Foundations

/// When each camera's picture is looked at: the chosen one often, the others now and then, and all of
/// them often while the look is on its way.
package struct LookSchedule: Sendable {
  private var latest: [Int: Moment] = [:]

  /// Fifteen a second: as fine as the choice's dwell needs.
  private static let often = Duration.milliseconds(60)
  /// Five a second for a camera that isn't looked at.
  private static let seldom = Duration.milliseconds(190)
  /// Degrees between gaze and ray from which a look may be leaving its camera.
  private static let leaving: Float = 9

  package init() {}

  /// Whether the look may be on its way to another camera.
  /// - Parameter angle: of the gaze to the chosen camera; `nil` when it isn't known.
  package static func isMoving(angle: Float?, isChallenged: Bool) -> Bool {
    isChallenged || angle.map { $0 > leaving } ?? true
  }

  /// Whether the picture that `camera` took at `now` is to be looked at; if so, it counts as looked
  /// at.
  /// - Parameters:
  ///   - isChosen: whether this is the camera whose picture is sent; all are, as long as none is.
  ///   - angle: of the gaze to the chosen camera; `nil` when it isn't known.
  package mutating func takes(
    camera: Int, at now: Moment, isChosen: Bool, angle: Float?, isChallenged: Bool
  ) -> Bool {
    let isMoving = Self.isMoving(angle: angle, isChallenged: isChallenged)
    let interval = isChosen || isMoving ? Self.often : Self.seldom
    if let before = latest[camera], now - before < interval { return false }
    latest[camera] = now
    return true
  }
}
