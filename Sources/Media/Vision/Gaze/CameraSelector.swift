package import Foundations

/// Which of several cameras somebody looks at: God's eye's decision, without cameras or clocks.
///
/// The smallest angle between the gaze and the ray to a camera wins, once it has won by a margin for a
/// dwell. In cases of doubt:
///
/// - *Closed eyes* say nothing: neither for a change nor against one.
/// - *No face* in a camera's picture: it can't be chosen; when nobody is in sight anywhere, the choice
///   stays as it is, and the first camera that sees somebody again can win it.
/// - *Little confidence* (small eyes, a glare on glasses) asks for a wider margin and a longer dwell.
/// - *A camera that is lost* is left at once, for the one looked at most nearly, else any other.
/// - *A look at none of them* keeps the choice until another camera is nearer by a larger margin: it
///   grows with the angle, because far angles are measured worse.
package struct CameraSelector: Machine {
  private let settings: Settings
  private var cameras: [Int: Camera] = [:]
  private var state = State.unset

  package struct Settings: Hashable, Sendable {
    /// How long another camera must have been nearer by no more than is needed. A clearer lead needs
    /// less evidence, down to `leastShare` of it: as in a sequential test, what counts is lead × time.
    package var dwell = Duration.milliseconds(190)
    package var leastShare = 0.65
    /// Degrees by which the other must be nearer. Noise between two pictures is one to two.
    package var margin: Float = 2.5
    /// Share of the nearer angle that is added to the margin.
    package var marginShare: Float = 0.15
    /// How long the look must have rested near this one camera, and in how many pictures: a look that
    /// passes over it doesn't rest.
    package var rest = Duration.milliseconds(60)
    package var pictures = 2
    /// Degrees between two pictures up to which a look rests.
    package var stillness: Float = 7
    /// A camera that has said nothing for so long counts as having no face: an idle one reports five
    /// times a second.
    package var freshness = Duration.milliseconds(600)
    /// Degrees that count for a camera without a face.
    package var away: Float = 60

    package init() {}
  }

  /// What one camera saw.
  package enum Sight: Hashable, Sendable {
    /// - Parameters:
    ///   - yaw: degrees from the ray to this camera to the gaze, to the picture's right.
    ///   - pitch: the same upwards.
    ///   - confidence: in 0…1.
    case face(yaw: Float, pitch: Float, confidence: Float)
    case closedEyes
    case nobody
  }

  package enum Input: Sendable {
    case appeared(camera: Int)
    case saw(camera: Int, Sight)
    /// All that belongs to this moment has been told: decide.
    case decide
    case lost(camera: Int)
  }

  package struct Output: Hashable, Sendable {
    package let camera: Int
    package let reason: Reason

    package init(camera: Int, reason: Reason) {
      (self.camera, self.reason) = (camera, reason)
    }
  }

  package enum Reason: String, Sendable, CaseIterable {
    /// The first face that was seen.
    case firstFace = "first-face"
    /// The look moved to it.
    case gaze
    /// The camera chosen before has no face any more.
    case faceLost = "face-lost"
    /// The camera chosen before is gone.
    case cameraLost = "camera-lost"
  }

  private struct Camera {
    var sight = Sight.nobody
    var at: Moment?
  }

  private enum State {
    /// Nobody has been seen yet. Exits: `steady` by the first face, or by the loss of a camera.
    case unset
    /// Exits: `challenged` when another camera is nearer; `steady` elsewhere by a lost camera.
    /// - Parameter confirmed: when this camera was last the nearest.
    case steady(camera: Int, confirmed: Moment)
    /// Exits: `steady` back when this camera is the nearest again, or at the challenger after the
    /// dwell.
    case challenged(camera: Int, confirmed: Moment, by: Challenger)
  }

  private struct Challenger {
    let camera: Int
    var since: Moment
    var pictures: Int
    var yaw: Float
    var pitch: Float
  }

  package init(settings: Settings = Settings()) {
    self.settings = settings
  }

  package var deadline: Moment? { nil }

  /// The camera chosen, once somebody has been seen.
  package var selected: Int? {
    switch state {
    case .unset: nil
    case .steady(let camera, _), .challenged(let camera, _, _): camera
    }
  }

  /// How sure the choice is: whether it may change within the dwell.
  package var isChallenged: Bool {
    if case .challenged = state { true } else { false }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {}

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .appeared(let camera): cameras[camera] = cameras[camera] ?? Camera()
    case .saw(let camera, let sight): cameras[camera] = Camera(sight: sight, at: now)
    case .decide: decide(at: now, into: &outputs)
    case .lost(let camera):
      cameras[camera] = nil
      guard selected == camera else { return }
      guard let next = nearest(at: now)?.camera ?? cameras.keys.min() else {
        state = .unset
        return
      }
      state = .steady(camera: next, confirmed: now)
      outputs.append(Output(camera: next, reason: .cameraLost))
    }
  }

  private mutating func decide(at now: Moment, into outputs: inout [Output]) {
    switch state {
    case .unset:
      guard let first = nearest(at: now) else { return }
      state = .steady(camera: first.camera, confirmed: now)
      outputs.append(Output(camera: first.camera, reason: .firstFace))
    case .steady(let camera, let confirmed):
      weigh(camera, confirmed: confirmed, against: nil, at: now, into: &outputs)
    case .challenged(let camera, let confirmed, let challenger):
      weigh(camera, confirmed: confirmed, against: challenger, at: now, into: &outputs)
    }
  }

  private mutating func weigh(
    _ camera: Int, confirmed: Moment, against challenger: Challenger?, at now: Moment,
    into outputs: inout [Output]
  ) {
    let own = sight(of: camera, at: now)
    if own == .closedEyes { return }
    guard let best = nearest(at: now), best.camera != camera else {
      state = .steady(camera: camera, confirmed: now)
      return
    }
    let (angle, confidence) =
      if case .face(let yaw, let pitch, let confidence) = own {
        (Self.angle(yaw, pitch), min(confidence, best.confidence))
      } else {
        (max(settings.away, best.angle + settings.away / 2), best.confidence)
      }
    let trust = max(confidence, 0.2)
    let margin = (settings.margin + settings.marginShare * best.angle) / trust
    guard angle - best.angle >= margin else {
      state = .steady(camera: camera, confirmed: now)
      return
    }
    let next = follow(challenger, best, at: now)
    // Half the confidence doubles the times; twice the margin halves the dwell.
    let patience = 1 / Double(trust)
    let share = max(settings.leastShare, min(1, 2 * Double(margin / (angle - best.angle))))
    let isDue =
      now - confirmed >= settings.dwell * (share * patience)
      && now - next.since >= settings.rest * patience && next.pictures >= settings.pictures
    if isDue {
      state = .steady(camera: best.camera, confirmed: now)
      outputs.append(
        Output(camera: best.camera, reason: own == .nobody ? .faceLost : .gaze))
    } else {
      state = .challenged(camera: camera, confirmed: confirmed, by: next)
    }
  }

  /// The challenger as it stands now: it begins anew when it is another camera, or when the look is
  /// still on its way.
  private func follow(_ challenger: Challenger?, _ best: Nearest, at now: Moment) -> Challenger {
    var next = Challenger(
      camera: best.camera, since: now, pictures: 1, yaw: best.yaw, pitch: best.pitch)
    guard let challenger, challenger.camera == best.camera else { return next }
    let moved = Self.angle(best.yaw - challenger.yaw, best.pitch - challenger.pitch)
    if moved <= settings.stillness {
      (next.since, next.pictures) = (challenger.since, challenger.pictures + 1)
    }
    return next
  }

  private func sight(of camera: Int, at now: Moment) -> Sight {
    guard let entry = cameras[camera], let at = entry.at, now - at <= settings.freshness else {
      return .nobody
    }
    return entry.sight
  }

  private struct Nearest {
    let camera: Int
    let angle: Float
    let yaw: Float
    let pitch: Float
    let confidence: Float
  }

  /// The camera looked at most nearly; of two alike the lower number.
  private func nearest(at now: Moment) -> Nearest? {
    var best: Nearest?
    for camera in cameras.keys {
      guard case .face(let yaw, let pitch, let confidence) = sight(of: camera, at: now) else {
        continue
      }
      let angle = Self.angle(yaw, pitch)
      if let known = best, (known.angle, known.camera) < (angle, camera) { continue }
      best = Nearest(
        camera: camera, angle: angle, yaw: yaw, pitch: pitch, confidence: confidence)
    }
    return best
  }

  /// The length of a small turn made of two.
  private static func angle(_ yaw: Float, _ pitch: Float) -> Float {
    (yaw * yaw + pitch * pitch).squareRoot()
  }
}
