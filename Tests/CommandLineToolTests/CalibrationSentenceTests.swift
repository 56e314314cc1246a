import Testing
import Vision

@testable import CommandLineTool

@Suite("What a calibration found, in words")
struct CalibrationSentenceTests {
  @Test(
    "The side is a word and never a sign",
    arguments: [
      (Float(2.04), Float(0.26), "2.0° to the right and 0.3° up"),
      (-2.04, -0.26, "2.0° to the left and 0.3° down"),
      (0, 0, "0.0° to the right and 0.0° up"),
    ])
  func sides(yaw: Float, pitch: Float, sentence: String) {
    #expect(Calibration.sentence(.init(yaw: yaw, pitch: pitch)) == sentence)
  }
}
