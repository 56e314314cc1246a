import Foundations

/// Whether a look that has left its camera may be nothing but a blink that the mesh doesn't see.
///
/// It draws some people's closed lids open, and their irises elsewhere for as long, to all cameras alike.
/// Eyes that really go elsewhere take the head with them as a rule, within a few hundredths of a second
/// (Guitton and Volle 1987, J. Neurophysiol. 58), and a blink moves no head. So a look that leaves
/// without the head has to stay away for longer than a blink lasts, unless the mesh has been seeing this
/// person blink.
struct UnseenBlink: Sendable {
  private var heads: [Head] = []
  /// When the look was last at the chosen camera.
  private var rested: Moment?
  private var seen: Moment?

  private struct Head {
    let camera: Int
    /// Where it points, in degrees, and where it did while the look rested.
    var turn: SIMD2<Float>
    var rest: SIMD2<Float>
    var at: Moment
  }

  /// From when lids begin to hide an iris until they have left it: most of a blink's 100 to 400 ms.
  private static let length = Duration.milliseconds(300)
  /// People who talk blink every two to four seconds (Bentivoglio and others 1997, Mov. Disord. 12).
  /// Whoever hasn't been seen to for two such times isn't seen to blink.
  private static let interval = Duration.seconds(6)
  /// Degrees by which the head must have turned: the mean of several cameras' measurements is off by
  /// half of that.
  private static let turned: Float = 1.5
  /// Over which the place where a head rests is averaged.
  private static let memory = Duration.milliseconds(300)

  mutating func note(_ camera: Int, head turn: SIMD2<Float>, at now: Moment) {
    if let index = heads.firstIndex(where: { $0.camera == camera }) {
      (heads[index].turn, heads[index].at) = (turn, now)
    } else {
      heads.append(Head(camera: camera, turn: turn, rest: turn, at: now))
    }
  }

  mutating func remove(_ camera: Int) { heads.removeAll { $0.camera == camera } }

  /// Closed eyes are seen.
  mutating func see(at now: Moment) { seen = now }

  /// The look is at the chosen camera.
  mutating func rest(at now: Moment) {
    let passed = rested.map { (now - $0).inSeconds / Self.memory.inSeconds } ?? 1
    for index in heads.indices {
      heads[index].rest += (heads[index].turn - heads[index].rest) * Float(min(passed, 1))
    }
    rested = now
  }

  /// - Parameter way: unit vector to where the look has gone; `nil` where the chosen camera sees nobody.
  func mayExplain(lookAlong way: SIMD2<Float>?, at now: Moment) -> Bool {
    guard let way, let rested, now - rested < Self.length else { return false }
    if let seen, now - seen < Self.interval { return false }
    var (turn, count) = (Float(0), Float(0))
    // All cameras measure the same turn, those that have looked since.
    for head in heads where head.at > rested {
      turn += ((head.turn - head.rest) * way).sum()
      count += 1
    }
    return turn < Self.turned * max(count, 1)
  }
}
