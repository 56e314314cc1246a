import Foundations

/// What a speaker's eyes and head add to every measured gaze, measured while they look at each camera
/// in turn.
///
/// Nobody looks exactly where their irises point, and people's eyes sit differently in their lids: a
/// few degrees that are the same for all cameras. Looking at a camera makes them visible, because the
/// angle to it should then be nought.
package struct GazeCalibration: Hashable, Sendable {
  package let bias: GazeEstimate.Bias

  /// Degrees each way beyond which it isn't a person's bias but a look at something else. People
  /// differ by some 4°; glasses and a low camera double that.
  package static let limit: Float = 15

  /// - Returns: `nil` for numbers that no measurement gives.
  package init?(bias: GazeEstimate.Bias) {
    guard abs(bias.yaw) <= Self.limit, abs(bias.pitch) <= Self.limit else { return nil }
    self.bias = bias
  }
}

/// Measures a ``GazeCalibration``: takes what each camera saw while it was looked at.
///
/// Medians throughout, so that blinks, the look's way to the camera and a glance aside count for
/// nothing. What doesn't fit together is refused rather than kept: a calibration that is wrong is worse
/// than none.
package struct CalibrationMeasurement: Sendable {
  private var medians: [SIMD2<Float>] = []
  private var yaws: [Float] = []
  private var pitches: [Float] = []
  private var began: Duration?
  private var latest: Duration?
  /// Time between the latest two pictures: a look lasts until the next one would have come.
  private var interval = Duration.zero

  /// How long each camera is looked at.
  package static let look = Duration.seconds(2)
  /// The look's way to the camera, which doesn't count.
  private static let settling = Duration.milliseconds(400)
  /// Pictures with open eyes that a median needs: more than half of what five pictures a second give.
  private static let leastPictures = 6
  /// Pictures kept of a look; a camera of 120 a second gives no more in this time.
  private static let mostPictures = 240
  /// Degrees: half of a look's pictures lie this near to its median, or it did not rest.
  private static let spread: Float = 4
  /// Degrees by which a camera's median may lie from the others' mean: what head pose and distance do
  /// to a measurement stays below, a look at the neighbour's place 10° off doesn't.
  private static let disagreement: Float = 6

  package enum Problem: Error, Hashable, Sendable {
    case shortLook(camera: Int)
    case fewPictures(camera: Int)
    case restless(camera: Int)
    case disagreeing
    case beyondLimit
  }

  package init() {}

  /// How much of the look at the present camera has passed, in milliseconds.
  package private(set) var progress = 0

  /// One picture of the camera that is looked at, in its own time.
  /// - Returns: whether the look has lasted long enough.
  package mutating func take(_ estimate: GazeEstimate?, at time: Duration) -> Bool {
    let start = began ?? time
    began = start
    interval = latest.map { time - $0 } ?? .zero
    latest = time
    let passed = time - start
    progress = Int(min(passed, Self.look).inSeconds * 1000)
    if passed >= Self.look { return true }
    if passed >= Self.settling, let estimate, estimate.eyesOpen, yaws.count < Self.mostPictures {
      yaws.append(estimate.yaw)
      pitches.append(estimate.pitch)
    }
    return false
  }

  /// The look at this camera is over; the next begins with the next picture.
  package mutating func endLook() throws(Problem) {
    defer {
      yaws.removeAll(keepingCapacity: true)
      pitches.removeAll(keepingCapacity: true)
      (began, latest, interval, progress) = (nil, nil, .zero, 0)
    }
    let camera = medians.count
    // A millisecond for times that are rounded to one.
    guard let began, let latest, latest - began + interval >= Self.look - .milliseconds(1) else {
      throw .shortLook(camera: camera)
    }
    guard yaws.count >= Self.leastPictures else { throw .fewPictures(camera: camera) }
    let median = SIMD2(Self.median(yaws), Self.median(pitches))
    let off = zip(yaws, pitches).map { yaw, pitch in
      let rest = SIMD2(yaw, pitch) - median
      return (rest * rest).sum().squareRoot()
    }
    guard Self.median(off) <= Self.spread else { throw .restless(camera: camera) }
    medians.append(median)
  }

  /// What all looks together say.
  package func result() throws(Problem) -> GazeCalibration {
    guard !medians.isEmpty else { throw .fewPictures(camera: 0) }
    let mean = medians.reduce(.zero, +) / Float(medians.count)
    for median in medians {
      let rest = median - mean
      guard (rest * rest).sum() <= Self.disagreement * Self.disagreement else {
        throw .disagreeing
      }
    }
    guard let calibration = GazeCalibration(bias: .init(yaw: mean.x, pitch: mean.y)) else {
      throw .beyondLimit
    }
    return calibration
  }

  private static func median(_ values: [Float]) -> Float {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

extension CalibrationMeasurement.Problem {
  /// For people: what went wrong and what to do.
  package var sentence: String {
    switch self {
    case .shortLook(let camera):
      "The look at camera \(camera) ended before its two seconds. Give a clip of two seconds or "
        + "more, or keep the camera running."
    case .fewPictures(let camera):
      "Camera \(camera) saw a face with open eyes in too few pictures. Sit where it sees the face, "
        + "in good light, and look at it for two seconds."
    case .restless(let camera):
      "The look at camera \(camera) did not rest. Look at it for two seconds without reading."
    case .disagreeing:
      "The looks don't fit together: at one camera the gaze went elsewhere than at the others. Look "
        + "at each camera when it is named."
    case .beyondLimit:
      "The gaze was further than \(Int(GazeCalibration.limit))° from the cameras. Look at each "
        + "camera itself when it is named."
    }
  }
}
