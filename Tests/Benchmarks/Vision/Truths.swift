import Foundation
import Foundations
import Vision

/// How right the choice between cameras is.
struct LookTruth {
  let store: ModelStore
  let folders: [String]
  let verbose: Bool

  /// From here on after each change of look a frame counts.
  private static let settled = 0.5

  func add(to report: inout Report) throws {
    var (right, counted, extra) = (0, 0, 0)
    var delays: [Double] = []
    var seconds = 0.0
    for folder in folders {
      let result = try follow(folder)
      right += result.right
      counted += result.counted
      extra += result.extra
      delays += result.delays
      seconds += result.seconds
      if verbose {
        print(
          "\(folder): \(result.right) of \(result.counted), \(result.extra) extra,", terminator: " "
        )
        print("delays", result.delays.map { Int($0) })
      }
    }
    report.add(
      "frames on the right camera, of \(counted)", 100 * Double(right) / Double(counted), "%",
      aim: "at least 99.5")
    report.add(
      "look to switch, median of \(delays.count)", delays.quantile(0.5), "ms", aim: "at most 250")
    report.add(
      "look to switch, 95th percentile", delays.quantile(0.95), "ms", aim: "at most 350")
    report.add(
      "switches that the truth lacks", Double(extra) / seconds * 60, "a minute",
      aim: "at most 1")
  }

  private struct Result {
    var (right, counted, extra) = (0, 0, 0)
    var delays: [Double] = []
    var seconds = 0.0
  }

  private func follow(_ folder: String) throws -> Result {
    let truth = try SpeakerTruth(folder: folder)
    let clips = try truth.cameras.indices.map { try pictures(of: "\(folder)/camera\($0).webm") }
    let eye = try GodsEye(cameras: clips.count, store: store)
    var selector = CameraSelector()
    var result = Result()
    var switches: [(time: Double, camera: Int)] = []
    let count = min(clips.map(\.count).min() ?? 0, truth.frames.count)
    for index in 0..<count {
      let now = Moment.zero + clips[0][index].time
      var outputs: [CameraSelector.Output] = []
      for camera in clips.indices {
        let estimate = try eye.look(at: clips[camera][index].picture, camera: camera)
        selector.handle(
          .saw(camera: camera, estimate?.sight ?? .nobody), at: now, into: &outputs)
      }
      selector.handle(.decide, at: now, into: &outputs)
      for output in outputs where output.reason != .firstFace {
        switches.append((clips[0][index].time.inSeconds, output.camera))
      }
      let frame = truth.frames[index]
      guard frame.since >= Self.settled else { continue }
      result.counted += 1
      if selector.selected == frame.look { result.right += 1 }
    }
    result.seconds = Double(count) / truth.fps
    for (place, change) in truth.switches.enumerated().dropFirst() {
      let end = place + 1 < truth.switches.count ? truth.switches[place + 1].time : .infinity
      let found = switches.firstIndex {
        $0.camera == change.camera && $0.time >= change.time && $0.time < end
      }
      guard let found else { continue }
      result.delays.append((switches[found].time - change.time) * 1000)
      switches.remove(at: found)
    }
    result.extra = switches.count
    return result
  }
}

/// How right and how calm the mask is.
struct MaskTruth {
  let store: ModelStore
  let folders: [String]
  let verbose: Bool

  func add(to report: inout Report) throws {
    var overlaps: [Double] = []
    for folder in folders {
      let (overlap, calm) = try follow(folder)
      overlaps.append(overlap)
      let name = folder.split(separator: "/").last.map(String.init) ?? folder
      if verbose { print("\(name): overlap \(overlap), flicker \(calm)") }
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/truth.json"))
      struct Kind: Decodable { let still: Bool }
      guard try JSONDecoder().decode(Kind.self, from: data).still else { continue }
      report.add(
        "mask flicker by the raw model's, \(name)", calm, "times", aim: "less than 0.5")
    }
    report.add(
      "mask overlap (IoU), mean of \(overlaps.count) clips",
      overlaps.reduce(0, +) / Double(max(overlaps.count, 1)), "", aim: "at least 0.94")
  }

  /// Mean overlap, and the mean change from picture to picture by that of the raw mask.
  private func follow(_ folder: String) throws -> (overlap: Double, calm: Double) {
    let clip = try pictures(of: folder + "/person.webm")
    let truth = try pictures(of: folder + "/mask.webm", grey: true)
    let effect = try BackgroundEffect(.blurred(strength: 2), store: store)
    let raw = try RawSegmentation(store: store)
    let pool = PicturePool()
    var sum = 0.0
    var (changes, rawChanges) = (0.0, 0.0)
    var before: (mask: [UInt8], raw: [Float])?
    for (frame, known) in zip(clip, truth) {
      _ = try effect.apply(to: frame.picture)
      let mask = pool.makePicture(width: frame.picture.width, height: frame.picture.height)
      effect.drawMask(onto: mask)
      sum += Self.overlap(mask, known.picture)
      let now = (mask: Self.bytes(mask), raw: try raw.mask(of: frame.picture))
      if let before {
        // 219 steps of brightness from none to all.
        changes +=
          zip(now.mask, before.mask).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) }
          / Double(now.mask.count) / 219
        rawChanges +=
          zip(now.raw, before.raw).reduce(0) { $0 + Double(abs($1.0 - $1.1)) }
          / Double(now.raw.count)
      }
      before = now
    }
    return (sum / Double(max(min(clip.count, truth.count), 1)), changes / rawChanges)
  }

  private static func bytes(_ picture: Picture) -> [UInt8] {
    (0..<picture.height).flatMap { row in
      Array(
        UnsafeBufferPointer(
          start: picture.luma.bytes + row * picture.luma.stride, count: picture.width))
    }
  }

  private static func overlap(_ one: Picture, _ other: Picture) -> Double {
    var (both, either) = (0, 0)
    for row in 0..<min(one.height, other.height) {
      let (left, right) = (
        one.luma.bytes + row * one.luma.stride, other.luma.bytes + row * other.luma.stride
      )
      for column in 0..<min(one.width, other.width) {
        // Half-way from black to white.
        let (a, b) = (left[column] > 125, right[column] > 125)
        if a && b { both += 1 }
        if a || b { either += 1 }
      }
    }
    return Double(both) / Double(max(either, 1))
  }
}
