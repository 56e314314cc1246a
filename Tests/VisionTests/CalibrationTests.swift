import Foundation
import Foundations
import Testing
import Vision

@Suite("Calibration of the gaze")
struct CalibrationTests {
  private func look(
    _ measurement: inout CalibrationMeasurement, yaw: Float, pitch: Float,
    pictures: Int = 31, alter: (Int, inout GazeEstimate) -> Void = { _, _ in }
  ) throws(CalibrationMeasurement.Problem) {
    for index in 0..<pictures {
      var estimate = GazeEstimate(face: 1, headYaw: 0, headPitch: 0, yaw: yaw, pitch: pitch)
      alter(index, &estimate)
      let isOver = measurement.take(estimate, at: .nanoseconds(Int64(index) * 66_666_667))
      #expect(isOver == (index >= 30))
    }
    try measurement.endLook()
  }

  @Test("What looks at two cameras have in common is the bias; blinks and glances don't count")
  func common() throws {
    var measurement = CalibrationMeasurement()
    try look(&measurement, yaw: 6, pitch: -4) { index, estimate in
      if index < 5 { estimate.yaw = 40 }
      if index % 7 == 0 { estimate.eyesOpen = false }
      if index % 9 == 0 { estimate.pitch = 25 }
    }
    try look(&measurement, yaw: 4, pitch: -2)
    let bias = try measurement.result().bias
    #expect(abs(bias.yaw - 5) < 0.01 && abs(bias.pitch + 3) < 0.01)
  }

  @Test("Looks that don't rest, don't fit together, show no eyes or are far off are refused")
  func refusals() throws {
    var restless = CalibrationMeasurement()
    #expect(throws: CalibrationMeasurement.Problem.restless(camera: 0)) {
      try look(&restless, yaw: 0, pitch: 0) { $1.yaw = $0 % 2 == 0 ? 9 : -9 }
    }
    var elsewhere = CalibrationMeasurement()
    try look(&elsewhere, yaw: 10, pitch: 0)
    try look(&elsewhere, yaw: -10, pitch: 0)
    #expect(throws: CalibrationMeasurement.Problem.disagreeing) { try elsewhere.result() }
    var asleep = CalibrationMeasurement()
    #expect(throws: CalibrationMeasurement.Problem.fewPictures(camera: 0)) {
      try look(&asleep, yaw: 0, pitch: 0) { $1.eyesOpen = false }
    }
    var aside = CalibrationMeasurement()
    try look(&aside, yaw: 30, pitch: 0)
    #expect(throws: CalibrationMeasurement.Problem.beyondLimit) { try aside.result() }
  }

  @Test("A look of less than two seconds is refused, and one that ends with its clip is not")
  func shortLook() throws {
    func look(_ pictures: Int) throws(CalibrationMeasurement.Problem) {
      var measurement = CalibrationMeasurement()
      for index in 0..<pictures {
        _ = measurement.take(
          GazeEstimate(face: 1, headYaw: 0, headPitch: 0, yaw: 1, pitch: 1),
          at: .nanoseconds(Int64(index) * 33_333_333))
      }
      try measurement.endLook()
    }
    for pictures in [0, 1, 30, 58] {
      #expect(throws: CalibrationMeasurement.Problem.shortLook(camera: 0)) { try look(pictures) }
    }
    try look(60)
  }

  @Test("A speaker with a bias of half the cameras' distance is followed once it is measured")
  func helps() throws {
    let bias: SIMD2<Float> = [6, 2]
    var measurement = CalibrationMeasurement()
    for _ in 0..<2 { try look(&measurement, yaw: bias.x, pitch: bias.y) }
    let found = try measurement.result().bias
    let with = wrongPictures(bias - SIMD2(found.yaw, found.pitch))
    let without = wrongPictures(bias)
    #expect(with == 0)
    #expect(without > 20)
  }

  /// Pictures on the wrong camera in six seconds, of two cameras 10° apart each looked at for three:
  /// half a second after each change doesn't count.
  private func wrongPictures(_ bias: SIMD2<Float>) -> Int {
    var selector = CameraSelector()
    var wrong = 0
    for index in 0..<90 {
      let (looked, since) = (index / 45, index % 45)
      let now = Moment.zero + .nanoseconds(Int64(index) * 66_666_667)
      var outputs: [CameraSelector.Output] = []
      for camera in 0..<2 {
        selector.handle(
          .saw(
            camera: camera,
            .face(
              yaw: Float(10 * (looked - camera)) + bias.x, pitch: bias.y, confidence: 1)), at: now,
          into: &outputs)
      }
      selector.handle(.decide, at: now, into: &outputs)
      if since >= 8, selector.selected != looked { wrong += 1 }
    }
    return wrong
  }

  @Test("A calibration is read as it was kept, by its owner only")
  func kept() throws {
    try withFolder { folder in
      let file = CalibrationFile(dataDirectory: folder)
      #expect(try file.load() == nil)
      for bias in [GazeEstimate.Bias(yaw: 3.25, pitch: -4.5), .init(yaw: -15, pitch: 0)] {
        let calibration = try #require(GazeCalibration(bias: bias))
        try file.save(calibration)
        #expect(try file.load() == calibration)
      }
      let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
    }
  }

  @Test("A calibration that can't be written leaves the former one")
  func unwritable() throws {
    try withFolder { folder in
      let file = CalibrationFile(dataDirectory: folder)
      let former = try #require(GazeCalibration(bias: .init(yaw: 1, pitch: 2)))
      try file.save(former)
      // A folder that isn't empty can't be replaced by the draft.
      try FileManager.default.createDirectory(
        atPath: file.path + ".new/in", withIntermediateDirectories: true)
      #expect(throws: Failure.self) {
        try file.save(try #require(GazeCalibration(bias: .init(yaw: 5, pitch: 5))))
      }
      #expect(try file.load() == former)
    }
  }

  @Test("A half, altered or oversized file is an error, never a bias")
  func damaged() throws {
    let whole = Array("virtue-gaze 1 3.25 -4.5 end\n".utf8)
    #expect(CalibrationFile.parse(whole[...]) != nil)
    for length in 0..<whole.count { #expect(CalibrationFile.parse(whole[..<length]) == nil) }
    let bad = [
      "virtue-gaze 2 1 1 end\n", "virtue-gaze 1 nan 1 end\n", "virtue-gaze 1 inf 1 end\n",
      "virtue-gaze 1 99 1 end\n", "virtue-gaze 1  1 1 end\n", "\n", "\u{FFFD}\n",
      String(repeating: "9", count: 4096) + "\n",
    ]
    try withFolder { folder in
      let file = CalibrationFile(dataDirectory: folder)
      for text in bad {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.path))
        #expect(throws: Failure.self, "\(text.prefix(40))") { try file.load() }
      }
    }
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "calibration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
}
