import AllocationCount
import Dispatch
import Foundation
import Foundations
import Vision

/// What the background's effect costs beside the raw segmentation, in turn on the same pictures.
struct EffectCost {
  let store: ModelStore
  let folder: String

  func add(to report: inout Report) throws {
    let clip = try pictures(of: folder + "/person.webm", limit: 90)
    let effect = try BackgroundEffect(.blurred(strength: 2), store: store)
    let network = try store.network(.landscapeSegmentation)
    var (whole, raw): ([Double], [Double]) = ([], [])
    var allocations: UInt64 = 0
    for (index, frame) in (clip + clip).enumerated() {
      let before = virtue_allocation_count()
      let time = try milliseconds { _ = try effect.apply(to: frame.picture) }
      let made = virtue_allocation_count() - before
      let bare = try milliseconds { try network.run() }
      // The first pictures fill caches and make what is kept.
      guard index >= 10 else { continue }
      whole.append(time)
      raw.append(bare)
      allocations += made
    }
    let size = clip.first.map { "\($0.picture.width)×\($0.picture.height)" } ?? ""
    report.add("raw segmentation, median", raw.quantile(0.5), "ms of one thread")
    report.add("blur of a \(size) picture, median", whole.quantile(0.5), "ms of one thread")
    report.add(
      "blur by raw segmentation", whole.quantile(0.5) / raw.quantile(0.5), "times",
      aim: "at most 2.5")
    report.add(
      "blur: heap allocations a picture", Double(allocations) / Double(whole.count), "",
      aim: "0")
  }
}

/// What a camera's thread asks for when it hands a picture over.
struct HandoverCost {
  private static let count = 1000

  func add(to report: inout Report) {
    let signal = WorkSignal(queue: WorkQueue(label: "handover"))
    let done = DispatchSemaphore(value: 0)
    signal.whenRaised { done.signal() }
    var schedule = LookSchedule()
    var made: UInt64 = 0
    for index in 0..<Self.count {
      let before = virtue_allocation_count()
      let isTaken = schedule.takes(
        camera: index % 3, at: Moment.zero + .milliseconds(100) * index, isChosen: index % 3 == 0,
        angle: 3, isChallenged: false)
      if isTaken || index == 0 { signal.raise() }
      // The first ones make what is kept.
      if index >= 10 { made += virtue_allocation_count() - before }
      if isTaken || index == 0 { done.wait() }
    }
    report.add(
      "handing a picture over: heap allocations", Double(made) / Double(Self.count - 10), "",
      aim: "0")
  }
}

/// What following a look costs: one camera's analysis beside the raw mesh, and three cameras live.
struct LookCost {
  let store: ModelStore
  let folder: String

  func add(to report: inout Report) throws {
    let truth = try SpeakerTruth(folder: folder)
    let clips = try truth.cameras.indices.map { try pictures(of: "\(folder)/camera\($0).webm") }
    try addTracking(clips[1], to: &report)
    try addLive(clips, to: &report)
  }

  private func addTracking(
    _ clip: [(picture: Picture, time: Duration)], to report: inout Report
  ) throws {
    let eye = try GodsEye(cameras: 1, store: store)
    let mesh = try store.network(.attentionMesh)
    var (whole, raw): ([Double], [Double]) = ([], [])
    var allocations: UInt64 = 0
    for (index, frame) in clip.enumerated() {
      let before = virtue_allocation_count()
      let time = try milliseconds { _ = try eye.look(at: frame.picture, camera: 0) }
      let made = virtue_allocation_count() - before
      let bare = try milliseconds { try mesh.run() }
      guard index >= 10 else { continue }
      whole.append(time)
      raw.append(bare)
      allocations += made
    }
    report.add("raw attention mesh, median", raw.quantile(0.5), "ms of one thread")
    report.add("one camera's analysis while tracking, median", whole.quantile(0.5), "ms")
    report.add(
      "analysis by raw mesh", whole.quantile(0.5) / raw.quantile(0.5), "times",
      aim: "at most 1.5")
    report.add(
      "analysis: heap allocations a picture", Double(allocations) / Double(whole.count), "",
      aim: "0")
  }

  /// As a meeting schedules it: the chosen camera often, the others now and then.
  private func addLive(
    _ clips: [[(picture: Picture, time: Duration)]], to report: inout Report
  ) throws {
    let eye = try GodsEye(cameras: clips.count, store: store)
    var selector = CameraSelector()
    var schedule = LookSchedule()
    var angle: Float?
    var outputs: [CameraSelector.Output] = []
    let count = clips.map(\.count).min() ?? 0
    let used = try milliseconds {
      for index in 0..<count {
        for camera in clips.indices {
          let now = Moment.zero + clips[camera][index].time
          let chosen = selector.selected
          guard
            schedule.takes(
              camera: camera, at: now, isChosen: chosen == nil || chosen == camera, angle: angle,
              isChallenged: selector.isChallenged)
          else { continue }
          let estimate = try eye.look(at: clips[camera][index].picture, camera: camera)
          if chosen == camera { angle = estimate?.angle }
          selector.handle(
            .saw(camera: camera, estimate?.sight ?? .nobody), at: now, into: &outputs)
          selector.handle(.decide, at: now, into: &outputs)
        }
      }
    }
    let length = clips[0][count - 1].time.inSeconds
    report.add(
      "\(clips.count) cameras live, the look moving every two seconds",
      used / 10 / length, "% of a core", aim: "at most 15")
  }
}
