import Foundations
import Glibc

/// What a person's eyes and head add to every measured gaze, found without asking them.
///
/// The addition is the same for all cameras, and somebody whose picture is sent mostly looks at one of
/// them. So of all additions on a grid the one is likeliest that, taken away, puts each resting look
/// nearest to some camera. A look at one camera alone says nothing: any camera could be the one. It is
/// the look's visits to several, and what lies between these, that tell; until then the assumption
/// that people are alike decides.
///
/// As long as a look rests at one place its errors are alike, because head and lids hardly move: a long
/// rest tells no more than a short one, and outweighs no visit elsewhere.
struct BiasEstimate: Sendable {
  /// Cost of each cell: squared degrees from the nearest camera, summed over time.
  private var costs = Array(repeating: Float(0), count: side * side)
  private var previous: SIMD2<Float>?
  private var latest: Moment?
  /// Where the look rests, and for how many seconds that could be trusted.
  private var rest = (place: SIMD2<Float>.zero, seconds: Float(0))
  /// Degrees: to the right, upwards.
  private(set) var bias = SIMD2<Float>.zero

  /// Cells each way: 13 of 1.5°, so up to 9°. People differ by some 4°.
  private static let side = 13
  private static let step: Float = 1.5
  /// Cost a squared degree of an addition, before anything is known: deviates by 1.4°.
  private static let prior: Float = 0.25
  /// Degrees beyond which a look is at none of the cameras, and counts no more.
  private static let reach: Float = 6
  /// Weight of a second of looking.
  private static let perSecond: Float = 0.9
  /// Seconds of looking that a rest counts as however long it lasts.
  private static let restWorth: Float = 1
  /// Degrees from where the look rests beyond which it rests elsewhere: more than the mean of some
  /// cameras' noise, less than what cameras ten degrees apart differ by.
  private static let departure: Float = 4.5
  /// Share of what was known that is left after a second that counts: two minutes are remembered.
  private static let memory: Float = 0.9925
  /// Degrees between two pictures up to which a look rests.
  private static let stillness: Float = 3
  /// Longer gaps count as this.
  private static let longestGap = Duration.milliseconds(200)

  /// - Parameters:
  ///   - looks: of each camera yaw and pitch from the ray to it to the gaze, at one moment.
  ///   - trust: how far all of them can be trusted, 0…1.
  ///   - measure: how angles count between these cameras.
  mutating func take(
    _ looks: [(camera: Int, look: SIMD2<Float>)], trust: Float, measure: CameraLayout.Measure,
    at now: Moment
  ) {
    guard looks.count > 1 else { return }
    let mean = looks.reduce(.zero) { $0 + $1.look } / Float(looks.count)
    defer { (previous, latest) = (mean, now) }
    guard let previous, let latest else { return }
    let moved = mean - previous
    guard (moved * moved).sum() <= Self.stillness * Self.stillness else { return }
    let passed = Float(min(now - latest, Self.longestGap).inSeconds) * trust
    let seconds = counted(mean, for: passed)
    let keep = powf(Self.memory, seconds)
    let weight = Self.perSecond * seconds
    var total: Float = 0
    var sum = SIMD2<Float>.zero
    var least = Float.infinity
    for cell in costs.indices {
      let candidate = Self.candidate(cell)
      var nearest = Self.reach * Self.reach
      for (_, look) in looks {
        nearest = min(nearest, measure.squared(look - candidate))
      }
      costs[cell] = costs[cell] * keep + nearest * weight
      least = min(least, costs[cell] + Self.prior * (candidate * candidate).sum())
    }
    for cell in costs.indices {
      let candidate = Self.candidate(cell)
      let cost = costs[cell] + Self.prior * (candidate * candidate).sum()
      let likelihood = expf(least - cost)
      total += likelihood
      sum += candidate * likelihood
    }
    bias = sum / total
  }

  /// Of the seconds for which the look has been at `look`, those that tell something new.
  private mutating func counted(_ look: SIMD2<Float>, for seconds: Float) -> Float {
    let away = look - rest.place
    if (away * away).sum() > Self.departure * Self.departure { rest = (look, 0) }
    rest.place += (look - rest.place) * min(seconds / Self.restWorth, 1)
    rest.seconds += seconds
    return seconds * expf(-rest.seconds / Self.restWorth)
  }

  private static func candidate(_ cell: Int) -> SIMD2<Float> {
    SIMD2(Float(cell % side - side / 2), Float(cell / side - side / 2)) * step
  }
}
