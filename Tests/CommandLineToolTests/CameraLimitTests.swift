import ArgumentParser
import Foundations
import Testing
import Vision

@testable import CommandLineTool

@Suite("How many cameras are looked at")
struct CameraLimitTests {
  private func cameras(_ count: Int) -> [String] {
    (0..<count).flatMap { ["--camera", "file:\($0).webm"] }
  }

  @Test("A meeting, a look at clips and a calibration take as many, and say so when given more")
  func one() throws {
    let most = GodsEye.cameraLimit
    _ = try VisionLookCommand.parse(cameras(most))
    _ = try DevicesCommand.parse(["--calibrate"] + cameras(most))
    _ = try MeetingArguments.parse(["--gods-eye"] + cameras(most)).makeOptions()
    var refusals: [String] = []
    do {
      _ = try VisionLookCommand.parse(cameras(most + 1))
    } catch { refusals.append(VisionLookCommand.message(for: error)) }
    do {
      _ = try DevicesCommand.parse(["--calibrate"] + cameras(most + 1))
    } catch { refusals.append(DevicesCommand.message(for: error)) }
    do {
      _ = try MeetingArguments.parse(["--gods-eye"] + cameras(most + 1)).makeOptions()
    } catch { refusals.append("\(error)") }
    #expect(refusals.count == 3 && refusals.allSatisfy { $0.contains("to \(most) ") })
    for help in [
      VisionLookCommand.helpMessage(), DevicesCommand.helpMessage(), HostCommand.helpMessage(),
    ] {
      let words = help.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
      #expect(words.contains("to \(most) "))
    }
  }
}
