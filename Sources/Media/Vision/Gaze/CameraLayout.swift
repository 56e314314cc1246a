import Foundations

/// Where the cameras stand among each other as the speaker sees them, learned from how they see one
/// head at the same moments.
///
/// Two cameras' measurements of the head's turn differ by the direction from one to the other, and by
/// errors. The head tells that better than the eyes, which lids, glasses and the nose hide from one
/// camera more than from another. Cameras don't move: the mean over many pictures tells their places
/// better than any one.
struct CameraLayout: Sendable {
  /// Degrees from the middle of all cameras: to the right, upwards.
  private var places: [Place] = []
  private var latest: Moment?

  private struct Place {
    let camera: Int
    var place: SIMD2<Float>
    var known = Duration.zero
    /// Mean squared degrees by which the place is seen elsewhere.
    var unrest: Float = 0
    /// Where the head pointed meanwhile, and mean squared degrees by which it moved about that.
    var heading: SIMD2<Float>
    var movement: Float = 0

    /// - Parameter share: of all that has been seen, what this picture makes up.
    mutating func take(_ seen: SIMD2<Float>, heading seenHeading: SIMD2<Float>, share: Float) {
      let (off, moved) = (seen - place, seenHeading - heading)
      unrest += ((off * off).sum() - unrest) * share
      movement += ((moved * moved).sum() - movement) * share
      place += off * share
      heading += moved * share
    }
  }

  /// Trusted time after which a camera can be told to follow the head, and the share of the head's
  /// movement that may be missing from what it shows.
  private static let proof = Duration.seconds(1)
  private static let unexplained: Float = 0.25

  /// How one camera sees the head.
  struct Head: Sendable {
    let camera: Int
    let turn: SIMD2<Float>
    let trust: Float
  }

  /// Degrees. A head that is turned further hides half of itself, and is measured as if it were turned
  /// less.
  private static let widestTurn: Float = 40
  /// Time over which the places are averaged: a camera that is moved has its new place in a minute.
  private static let memory = Duration.seconds(30)
  /// Longer gaps count as this.
  private static let longestGap = Duration.milliseconds(200)
  /// Share of the cameras' spread along their row from which a spread across it counts as much. In a
  /// straight row what lies across says nothing about the choice, and is what is measured worst: lids
  /// hide an iris above and below, and a screen stands below its cameras.
  private static let fullAcross: Float = 0.5
  /// Degrees by which pitch is measured differently from camera to camera: no sign of a bent row.
  private static let wrongAcross: Float = 2.5

  /// The head's share of a look to the side: between 0.5 and 0.9, depending on the person and the way
  /// (Stahl 1999, Exp. Brain Res. 126).
  private static let headShare: Float = 0.7

  /// - Parameter heads: of each camera that sees the head, yaw and pitch from the ray to it to where
  ///   the head points, and how far its picture can be trusted, 0…1, at one moment.
  mutating func take(_ heads: [Head], at now: Moment) {
    let passed = latest.map { min(now - $0, Self.longestGap) } ?? Self.longestGap
    latest = now
    // Where the head points, by the cameras whose places are known.
    var direction = SIMD2<Float>.zero
    var total: Float = 0
    for head in heads where Self.isUsable(head) {
      guard let place = place(of: head.camera) else { continue }
      direction += (head.turn + place) * head.trust
      total += head.trust
    }
    guard total > 0 || places.isEmpty else { return }
    direction /= max(total, 1e-3)
    for head in heads where Self.isUsable(head) {
      let place = direction - head.turn
      let time = passed * Double(head.trust)
      if let index = places.firstIndex(where: { $0.camera == head.camera }) {
        let known = min(places[index].known + time, Self.memory)
        let share = known > .zero ? Float(time.inSeconds / known.inSeconds) : 0
        places[index].take(place, heading: direction, share: share)
        places[index].known = known
      } else {
        places.append(
          Place(camera: head.camera, place: place, known: time, heading: direction))
      }
    }
    centre()
  }

  private static func isUsable(_ head: Head) -> Bool { abs(head.turn.x) <= widestTurn }

  /// A camera that is gone is no part of the row.
  mutating func remove(_ camera: Int) {
    places.removeAll { $0.camera == camera }
    centre()
  }

  private mutating func centre() {
    let mean = places.reduce(.zero) { $0 + $1.place } / Float(max(places.count, 1))
    for index in places.indices {
      places[index].place -= mean
      places[index].heading -= mean
    }
  }

  /// Whether this camera has been seen to show the head turning as the others do: then it shows that
  /// head, however small. What is no face, or half of one, turns otherwise or not at all.
  func follows(_ camera: Int) -> Bool {
    for entry in places where entry.camera == camera {
      return entry.known >= Self.proof && entry.unrest < Self.unexplained * entry.movement
    }
    return false
  }

  /// The unit vector from one camera to another; `nil` while their places aren't known.
  func direction(from one: Int, to other: Int) -> SIMD2<Float>? {
    guard let first = place(of: one), let second = place(of: other) else { return nil }
    let way = second - first
    let length = (way * way).sum().squareRoot()
    // Nearer than what is measured wrongly, cameras have no direction to each other.
    return length > 1 ? way / length : nil
  }

  /// Where a look most likely goes whose eyes can't be seen: heads turn part of the way only.
  ///
  /// Taken for granted is that somebody sits before the middle of the cameras. Sitting five degrees
  /// aside makes it wrong by two.
  /// - Parameter head: yaw and pitch from the ray to this camera to where the head points.
  /// - Returns: yaw and pitch from the ray to this camera to the gaze.
  func look(of camera: Int, head: SIMD2<Float>) -> SIMD2<Float> {
    guard let place = place(of: camera) else { return head }
    return (head + place) / Self.headShare - place
  }

  /// How angles count: along the row that the cameras stand in, fully; across it, the less the
  /// straighter the row.
  var measure: Measure {
    var (xx, xy, yy) = (Float(0), Float(0), Float(0))
    var total: Float = 0
    for entry in places {
      // What is seen seldom or badly bends no row.
      let weight = Float(entry.known.inSeconds)
      xx += weight * entry.place.x * entry.place.x
      xy += weight * entry.place.x * entry.place.y
      yy += weight * entry.place.y * entry.place.y
      total += weight
    }
    guard total > 0 else { return Measure() }
    (xx, xy, yy) = (xx / total, xy / total, yy / total)
    // Eigenvalues of the scatter: the spread along the row and across it.
    let middle = (xx + yy) / 2
    let apart = ((xx - yy) * (xx - yy) / 4 + xy * xy).squareRoot()
    let (along, across) = (middle + apart, max(middle - apart, 0))
    guard along > 1 else { return Measure() }
    let axis =
      abs(xy) > 1e-3 ? SIMD2(along - yy, xy) : xx >= yy ? SIMD2<Float>(1, 0) : SIMD2<Float>(0, 1)
    let noise = Self.wrongAcross * Self.wrongAcross
    let weight = max(across - noise, 0) / along / (Self.fullAcross * Self.fullAcross)
    return Measure(along: axis / (axis * axis).sum().squareRoot(), across: min(weight, 1))
  }

  private func place(of camera: Int) -> SIMD2<Float>? {
    for entry in places where entry.camera == camera { return entry.place }
    return nil
  }

  /// A quadratic form on angles.
  struct Measure: Sendable {
    /// Unit vector along the row.
    var along = SIMD2<Float>(1, 0)
    /// What a squared degree across the row counts, 0…1.
    var across: Float = 1

    func squared(_ angle: SIMD2<Float>) -> Float {
      let forward = (angle * along).sum()
      return across * (angle * angle).sum() + (1 - across) * forward * forward
    }
  }
}
