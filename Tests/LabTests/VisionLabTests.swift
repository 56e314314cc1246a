import Foundation
import LabSupport
import Testing

@Suite("Vision as a user has it")
struct VisionLabTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let models = root.appendingPathComponent(".build/vision-data/models").path
  private static let clips = root.appendingPathComponent("Sources/App/CommandLineTool/Demo/Clips")

  private static func folder() throws -> String {
    let path = NSTemporaryDirectory() + "vision-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test(
    "Ctrl-C while a camera is looked at leaves the former calibration",
    .enabled(
      if: FileManager.default.fileExists(atPath: models),
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func interrupted() async throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/models", withDestinationPath: Self.models)
    let former = Data("virtue-gaze 1 1.5 -2.25 end\n".utf8)
    try former.write(to: URL(fileURLWithPath: folder + "/gaze-calibration"))
    // Progress goes to standard error; eight looks take far longer than to see the first of it.
    let clip = Self.clips.appendingPathComponent("camera1.webm").path
    let looks = Array(repeating: "--camera file:\(clip)", count: 8).joined(separator: " ")
    let child = try Child([
      "bash", "-c",
      "exec \(Participant.program) devices --calibrate \(looks) --data-dir \(folder) 2>&1",
    ])
    _ = try await child.output.first("camera 0 is looked at", within: .seconds(60)) {
      $0.text.hasPrefix("Look at camera 0")
    }
    child.interrupt()
    #expect(try await child.exit(within: .seconds(30)) == 128 + SIGINT)
    #expect(FileManager.default.contents(atPath: folder + "/gaze-calibration") == former)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(left == ["gaze-calibration", "models"])
  }

  @Test(
    "Ctrl-C that comes twice at once leaves no draft of a clip",
    .enabled(
      if: FileManager.default.fileExists(atPath: models),
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func interruptedTwice() async throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clip = Self.clips.appendingPathComponent("camera1.webm").path
    let child = try Child([
      "bash", "-c",
      "exec \(Participant.program) vision blur --input \(clip) --output \(folder)/blurred.webm "
        + "--data-dir \(URL(fileURLWithPath: Self.models).deletingLastPathComponent().path) 2>&1",
    ])
    _ = try await child.output.first("pictures are drawn", within: .seconds(60)) {
      $0.text.hasPrefix("Blurring:")
    }
    // As timeout(1) does, which signals its child and then the group that it is in.
    child.interrupt()
    child.interrupt()
    #expect(try await child.exit(within: .seconds(30)) == 128 + SIGINT)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
