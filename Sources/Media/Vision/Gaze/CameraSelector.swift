package import Foundations

/// Which of several cameras somebody looks at: God's eye's decision, without cameras or clocks.
///
/// The smallest angle between the gaze and the ray to a camera wins, once it has won by a margin for a
/// dwell. In cases of doubt:
///
/// - *Closed eyes* say nothing for as long as a blink lasts: neither for a change nor against one. Then
///   the head decides, and the more so the less of the irises the lids leave. A look that leaves without
///   the head may be a blink that isn't seen, and has to last for longer (``UnseenBlink``).
/// - *No face* in a camera's picture: it can't be chosen; when nobody is in sight anywhere, the choice
///   stays as it is, and the first camera that sees somebody again can win it.
/// - *The first face* waits for a picture of every other camera, but not long.
/// - *Little confidence* (small eyes, a glare on glasses) asks for a wider margin and a longer dwell.
/// - *What a person's eyes add* to all angles alike is learned from where the look rests
///   (``BiasEstimate``).
/// - *What lies across the row* in which the cameras stand is the same for all of them, and counts for
///   nothing: a screen below its cameras is looked at as well as the cameras (``CameraLayout``).
/// - *A camera that is lost* is left at once, for the one looked at most nearly, else any other.
/// - *A look at none of them* keeps the choice until another camera is nearer by a larger margin: it
///   grows with the angle, because far angles are measured worse.
package struct CameraSelector: Machine {
  private let settings: Settings
  private var cameras: [Int: Camera] = [:]
  private var state = State.unset(seen: nil)
  private var bias = BiasEstimate()
  private var layout = CameraLayout()
  private var lasting = LastingLead()
  private var blink = UnseenBlink()
  private var measure = CameraLayout.Measure()
  /// The cameras' numbers in order.
  private var order: [Int] = []
  /// Kept for its memory.
  private var looks: [(camera: Int, look: SIMD2<Float>)] = []
  private var heads: [CameraLayout.Head] = []

  package struct Settings: Hashable, Sendable {
    /// How long another camera must have been nearer by no more than is needed. A clearer lead needs
    /// less evidence, down to `leastShare` of it: as in a sequential test, what counts is lead × time.
    package var dwell = Duration.milliseconds(190)
    package var leastShare = 0.75
    /// Degrees by which the other must be nearer: a lead adds two looks, each with noise of one to
    /// two.
    package var margin: Float = 3.5
    /// Share of the nearer angle, beyond what somebody looking at a camera has, that is added.
    package var marginShare: Float = 0.15
    package var nearAngle: Float = 8
    /// Margins from which a lead is clear: it shortens the dwell, and more adds nothing to what lasts.
    package var clearLead: Float = 2
    /// How long the look must have rested near this one camera, and in how many pictures: a look that
    /// passes over it doesn't rest.
    package var rest = Duration.milliseconds(50)
    package var pictures = 2
    /// Degrees between two pictures up to which a look rests.
    package var stillness: Float = 12
    /// Confidence below this counts as this, and lengthens the times no further than by this factor:
    /// a far face must be followed too.
    package var leastTrust: Float = 0.5
    package var mostPatience = 1.2
    /// A camera that has said nothing for so long counts as having no face: an idle one reports five
    /// times a second.
    package var freshness = Duration.milliseconds(600)
    /// How long the first face waits for what the other cameras see. Those that run have given
    /// several pictures by then.
    package var firstLook = Duration.milliseconds(300)
    /// Closed for longer, eyes aren't blinking: a blink lasts 100 to 400 ms.
    package var blink = Duration.milliseconds(400)
    /// Share of the confidence that is left where the head alone decides.
    package var headTrust: Float = 0.5
    /// Degrees by which two looks may contradict the cameras' places.
    package var contradiction: Float = 5
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
    ///   - head: yaw and pitch from the ray to this camera to where the head points, where known.
    ///   - visibility: how much of the irises is seen, 0…1.
    case face(
      yaw: Float, pitch: Float, confidence: Float, head: SIMD2<Float>? = nil,
      visibility: Float = 1)
    case closedEyes(head: SIMD2<Float>? = nil)
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
    /// Since when the eyes have been closed.
    var closed: Moment?
  }

  private enum State {
    /// Nothing is chosen yet. Exits: `steady` by the first face, or by the loss of a camera.
    /// - Parameter seen: when somebody was first seen, while other cameras still have to say.
    case unset(seen: Moment?)
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
    var look: SIMD2<Float>
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
    case .appeared(let camera): note(camera, cameras[camera] ?? Camera())
    case .saw(let camera, let sight):
      var seen = Camera(sight: sight, at: now)
      if case .closedEyes = sight { seen.closed = cameras[camera]?.closed ?? now }
      note(camera, seen)
    case .decide:
      learnBias(at: now)
      decide(at: now, into: &outputs)
    case .lost(let camera):
      cameras[camera] = nil
      order.removeAll { $0 == camera }
      layout.remove(camera)
      blink.remove(camera)
      guard selected == camera else { return }
      guard let next = nearest(at: now)?.camera ?? order.first else {
        state = .unset(seen: nil)
        return
      }
      state = .steady(camera: next, confirmed: now)
      outputs.append(Output(camera: next, reason: .cameraLost))
    }
  }

  private mutating func note(_ camera: Int, _ seen: Camera) {
    if cameras.updateValue(seen, forKey: camera) == nil {
      order.append(camera)
      order.sort()
    }
  }

  /// From all cameras that see the face: one that doesn't isn't looked at.
  private mutating func learnBias(at now: Moment) {
    looks.removeAll(keepingCapacity: true)
    heads.removeAll(keepingCapacity: true)
    var (trust, areOpen) = (Float(1), true)
    for camera in order {
      switch sight(of: camera, at: now) {
      case .face(let yaw, let pitch, let confidence, let head, let visibility):
        looks.append((camera, SIMD2(yaw, pitch)))
        heads.append(.init(camera: camera, turn: head ?? SIMD2(yaw, pitch), trust: confidence))
        trust = min(trust, confidence * visibility)
      case .closedEyes(let head):
        if let head { heads.append(.init(camera: camera, turn: head, trust: 1)) }
        areOpen = false
      case .nobody: continue
      }
    }
    for head in heads {
      blink.note(head.camera, head: head.turn, at: cameras[head.camera]?.at ?? now)
    }
    layout.take(heads, at: now)
    measure = layout.measure
    if areOpen { bias.take(looks, trust: trust, measure: measure, at: now) }
  }

  private mutating func decide(at now: Moment, into outputs: inout [Output]) {
    switch state {
    case .unset(let seen):
      guard let first = nearest(at: now) else { return }
      let began = seen ?? now
      // Else the camera whose picture happens to come first would win, and be left at once.
      guard cameras.values.allSatisfy({ $0.at != nil }) || now - began >= settings.firstLook else {
        state = .unset(seen: began)
        return
      }
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
    if case .closedEyes = own {
      blink.see(at: now)
      return
    }
    guard let best = nearest(at: now), best.camera != camera else {
      if let other = lasting.camera, let next = look(other, sight(of: other, at: now)),
        let chosen = look(camera, own)
      {
        let lead = lead(of: next, over: chosen) / settings.margin
        _ = lasting.add(min(lead, settings.clearLead), of: other, at: now)
      }
      state = .steady(camera: camera, confirmed: now)
      blink.rest(at: now)
      return
    }
    let lead: Float
    var trust = best.confidence
    let chosen = look(camera, own)
    if let chosen {
      lead = self.lead(of: best, over: chosen)
      trust = max(min(trust, chosen.confidence), settings.leastTrust)
      // Where the eyes are seen worse than here may be no face at all, unless it turns as this one.
      let relative =
        layout.follows(best.camera) ? 1 : best.confidence / max(chosen.confidence, 0.01)
      trust *= max(min(relative, 1), settings.leastTrust)
    } else {
      trust = max(trust, settings.leastTrust)
      lead = max(settings.away - best.angle, settings.away / 2)
    }
    let margin =
      (settings.margin + settings.marginShare * max(best.angle - settings.nearAngle, 0)) / trust
    // Noise lets a lead about as large as the margin fall short of it again and again: what has been
    // seen until then still counts.
    let hasLasted =
      own != .nobody
      && lasting.add(min(lead / margin, settings.clearLead), of: best.camera, at: now)
    guard lead >= margin else {
      state = .steady(camera: hasLasted ? best.camera : camera, confirmed: now)
      blink.rest(at: now)
      if hasLasted { choose(best.camera, .gaze, &outputs) }
      return
    }
    let next = follow(challenger, best, at: now)
    // Less confidence lengthens the times; a wider lead shortens the dwell.
    let patience = min(1 / Double(trust), settings.mostPatience)
    let share = max(
      settings.leastShare, min(1, Double(settings.clearLead * margin / lead)))
    let isDue =
      (hasLasted || now - confirmed >= settings.dwell * (share * patience))
      && now - next.since >= settings.rest * patience && next.pictures >= settings.pictures
    let way = chosen.map { self.way(from: $0, to: best) }
    if isDue, hasLasted || !blink.mayExplain(lookAlong: way, at: now) {
      blink.rest(at: now)
      state = .steady(camera: best.camera, confirmed: now)
      choose(best.camera, own == .nobody ? .faceLost : .gaze, &outputs)
    } else {
      state = .challenged(camera: camera, confirmed: confirmed, by: next)
    }
  }

  private mutating func choose(_ camera: Int, _ reason: Reason, _ outputs: inout [Output]) {
    lasting = LastingLead()
    outputs.append(Output(camera: camera, reason: reason))
  }

  /// Degrees by which the look is nearer to the best camera than to the one chosen, along the line
  /// between both: what lies across it, such as a pitch that is measured too high, is the same for
  /// both and mustn't hide the difference. With the looks a and b from the one and the other, and the
  /// unit vector u from one to the other, that is (a + b)·u. The line is that of the layout, because a
  /// single picture's errors turn it, and let through what lies across.
  private func lead(of best: Nearest, over own: Nearest) -> Float {
    ((own.look + best.look) * way(from: own, to: best)).sum()
  }

  private func way(from own: Nearest, to best: Nearest) -> SIMD2<Float> {
    let apart = own.look - best.look
    // A face that looks far past a camera may be measured as anything: then the layout is wrong, and
    // what is measured contradicts it by more than noise.
    if let known = layout.direction(from: own.camera, to: best.camera),
      (known * apart).sum() > -settings.contradiction
    {
      return known
    }
    return apart / max(Self.length(apart), 1)
  }

  /// The challenger as it stands now: it begins anew when it is another camera, or when the look is
  /// still on its way.
  private func follow(_ challenger: Challenger?, _ best: Nearest, at now: Moment) -> Challenger {
    var next = Challenger(camera: best.camera, since: now, pictures: 1, look: best.look)
    guard let challenger, challenger.camera == best.camera else { return next }
    if Self.length(best.look - challenger.look) <= settings.stillness {
      (next.since, next.pictures) = (challenger.since, challenger.pictures + 1)
    }
    return next
  }

  private func sight(of camera: Int, at now: Moment) -> Sight {
    guard let entry = cameras[camera], let at = entry.at, now - at <= settings.freshness else {
      return .nobody
    }
    if case .closedEyes(let head?) = entry.sight, let closed = entry.closed,
      now - closed > settings.blink
    {
      return .face(yaw: head.x, pitch: head.y, confidence: 1, head: head, visibility: 0)
    }
    return entry.sight
  }

  private struct Nearest {
    let camera: Int
    /// Yaw and pitch from the ray to this camera to the gaze, without what the person adds.
    let look: SIMD2<Float>
    /// The same as one angle, in the layout's measure.
    let angle: Float
    let confidence: Float
  }

  private func look(_ camera: Int, _ sight: Sight) -> Nearest? {
    guard case .face(let yaw, let pitch, let confidence, let head, let visibility) = sight else {
      return nil
    }
    var look = SIMD2(yaw, pitch) - bias.bias
    if visibility < 1, let head {
      look = look * visibility + layout.look(of: camera, head: head) * (1 - visibility)
    }
    let trust = settings.headTrust + (1 - settings.headTrust) * visibility
    return Nearest(
      camera: camera, look: look, angle: measure.squared(look).squareRoot(),
      confidence: confidence * trust)
  }

  /// The camera looked at most nearly; of two alike the lower number.
  private func nearest(at now: Moment) -> Nearest? {
    var best: Nearest?
    for camera in order {
      guard let next = look(camera, sight(of: camera, at: now)) else { continue }
      guard let known = best else {
        best = next
        continue
      }
      if lead(of: next, over: known) > 0 { best = next }
    }
    return best
  }

  private static func length(_ vector: SIMD2<Float>) -> Float {
    (vector * vector).sum().squareRoot()
  }
}
