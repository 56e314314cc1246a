import Capture
import Codecs
import Foundation
import Foundations
import Testing
import Vision

@testable import CommandLineTool

@Suite("Cameras that are looked at for a calibration")
struct LookSourceTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let store = ModelStore(
    dataDirectory: root.appendingPathComponent(".build/vision-data").path)
  private static let clip = root.appendingPathComponent(
    "Sources/App/CommandLineTool/Demo/Clips/camera1.webm"
  ).path

  @Test("A camera that runs gives its pictures in its own time, from after the eyes' way to it")
  func live() throws {
    let look = try LiveLook(
      .pattern(seed: 1), named: "pattern", pool: PicturePool(), seed: 1)
    var times: [Duration] = []
    while times.count < 12, let (_, time) = try look.next() { times.append(time) }
    #expect(times[0] >= .zero && times[0] <= .milliseconds(1000))
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test(
    "A look at a camera that runs measures what the same clip does when it is read",
    .enabled(
      if: store.isComplete,
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func sameMeasure() throws {
    let pool = PicturePool()
    let read = try ClipReader(
      path: Self.clip, pool: pool, makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    let live = try LiveLook(.file(Self.clip), named: "clip", pool: pool, seed: 0)
    // The clip's speaker looks elsewhere after 2.28 s: what both take together is a second of it.
    let limits: [Duration] = [.milliseconds(1500), .milliseconds(700)]
    var means: [Float] = []
    for (source, limit) in zip([read, live] as [any LookSource], limits) {
      let eye = try GodsEye(cameras: 1, store: Self.store)
      var yaws: [Float] = []
      while let (picture, time) = try source.next(), time < limit {
        if let estimate = try eye.look(at: picture, camera: 0) { yaws.append(estimate.yaw) }
      }
      try #require(!yaws.isEmpty)
      means.append(yaws.reduce(0, +) / Float(yaws.count))
    }
    #expect(abs(means[0] - means[1]) < 3)
  }
}
