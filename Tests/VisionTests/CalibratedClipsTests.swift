import Capture
import Codecs
import Foundation
import Foundations
import Testing
import Vision

/// Clips of somebody who looks from camera to camera, in folders of the one that VIRTUE_CLIPS names:
/// `gaze-…/camera0.webm` and so on, and `truth.json`, which says at what.
@Suite("Calibration on clips with known truth", .needsModels, .needsClips)
struct CalibratedClipsTests {
  private struct Truth: Decodable {
    let cameras: [Float]
    let frames: [Frame]

    struct Frame: Decodable {
      let look: Int
      /// Seconds since the look changed.
      let since: Double
    }
  }

  private struct Row {
    let at: Moment
    let sights: [GazeEstimate?]
    let truth: Truth.Frame
  }

  @Test("It makes nobody worse, however biased")
  func helps() throws {
    let root = try #require(Environment.clips)
    let folders = try FileManager.default.contentsOfDirectory(atPath: root)
      .filter { $0.hasPrefix("gaze-") }.sorted()
    try #require(!folders.isEmpty)
    for folder in folders {
      let rows = try analyse(root + "/" + folder)
      let plain = right(rows, adding: .zero)
      #expect(right(rows, adding: -(try measured(rows, adding: .zero))) >= plain)
      for bias in [SIMD2<Float>(13, 0), SIMD2(-13, 0), SIMD2(8, 0), SIMD2(-8, 5), SIMD2(0, -9)] {
        let without = right(rows, adding: bias)
        let with = right(rows, adding: bias - (try measured(rows, adding: bias)))
        print("\(folder): bias \(bias), right \(without) without, \(with) with calibration")
        #expect(with >= without)
        #expect(with >= plain)
      }
    }
  }

  private func analyse(_ folder: String) throws -> [Row] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/truth.json"))
    let truth = try JSONDecoder().decode(Truth.self, from: data)
    let pool = PicturePool()
    let clips = try truth.cameras.indices.map { index in
      try ClipReader(
        path: "\(folder)/camera\(index).webm", pool: pool,
        makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    }
    let eye = try GodsEye(cameras: clips.count, store: Environment.store)
    var rows: [Row] = []
    for frame in truth.frames {
      var sights: [GazeEstimate?] = []
      var at = Moment.zero
      for (camera, clip) in clips.enumerated() {
        guard let next = try clip.next() else { return rows }
        at = Moment.zero + next.time
        sights.append(try eye.look(at: next.picture, camera: camera))
      }
      rows.append(Row(at: at, sights: sights, truth: frame))
    }
    return rows
  }

  /// What a calibration finds that takes the first second and a half or so at each camera.
  private func measured(_ rows: [Row], adding bias: SIMD2<Float>) throws -> SIMD2<Float> {
    var measurement = CalibrationMeasurement()
    for camera in rows[0].sights.indices {
      for row in rows where row.truth.look == camera && row.truth.since >= 0.5 {
        let isOver = measurement.take(
          row.sights[camera].map { Self.add(bias, to: $0) }, at: row.at - .zero)
        if isOver { break }
      }
      try measurement.endLook()
    }
    let found = try measurement.result().bias
    return SIMD2(found.yaw, found.pitch)
  }

  /// Pictures on the right camera, from half a second after each change of look.
  private func right(_ rows: [Row], adding bias: SIMD2<Float>) -> Int {
    var selector = CameraSelector()
    var right = 0
    for row in rows {
      var outputs: [CameraSelector.Output] = []
      for (camera, estimate) in row.sights.enumerated() {
        selector.handle(
          .saw(camera: camera, estimate.map { Self.add(bias, to: $0).sight } ?? .nobody),
          at: row.at, into: &outputs)
      }
      selector.handle(.decide, at: row.at, into: &outputs)
      if row.truth.since >= 0.5, selector.selected == row.truth.look { right += 1 }
    }
    return right
  }

  private static func add(_ bias: SIMD2<Float>, to estimate: GazeEstimate) -> GazeEstimate {
    var result = estimate
    result.yaw += bias.x
    result.pitch += bias.y
    return result
  }
}
