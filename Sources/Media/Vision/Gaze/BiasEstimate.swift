import Foundations
import Glibc

/// What a person's eyes and head add to every measured gaze, found without asking them.
///
/// The addition is the same for all cameras, and somebody whose picture is sent mostly looks at one of
/// them. So of all additions on a grid the one is likeliest that, taken away, puts each resting look
/// nearest to some camera. A look at one camera alone says nothing: any camera could be the one. It is
/// the look's visits to several, and what lies between these, that tell; until then the assumption
/// that people are alike decides.
struct BiasEstimate: Sendable {
  /// Cost of each cell: squared degrees from the nearest camera, summed over time.
  private var costs = Array(repeating: Float(0), count: side * side)
  private var previous: SIMD2<Float>?
  private var latest: Moment?
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
  /// Share of what was known that is left after a second: two minutes are remembered.
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
    let seconds = Float(min(now - latest, Self.longestGap).inSeconds) * trust
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

  private static func candidate(_ cell: Int) -> SIMD2<Float> {
    SIMD2(Float(cell % side - side / 2), Float(cell / side - side / 2)) * step
  }
}
