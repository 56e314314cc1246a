import Capture
import Codecs
import Foundation
import Foundations
import Synchronization
import Testing
import Vision

@testable import Meeting
@testable import RTP

/// God's eye in a meeting, before the demo's clips: somebody who looks from camera to camera.
@Suite("God's eye in a meeting", .serialized)
struct GodsEyeTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let store = ModelStore(
    dataDirectory: root.appendingPathComponent(".build/vision-data").path)
  private static let clips = (0..<3).map {
    root.appendingPathComponent("Sources/App/CommandLineTool/Demo/Clips/camera\($0).webm").path
  }

  private enum Happening: Sendable {
    case chosen(Int)
    case paced(camera: Int, isIdle: Bool)
    case sent(isKeyframe: Bool, captured: Moment)
  }

  @Test(
    "The look is followed while idle cameras rest; a switch finds its camera awake and costs a keyframe",
    .enabled(
      if: store.isComplete,
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func live() async throws {
    let (happenings, continuation) = AsyncStream.makeStream(of: Happening.self)
    let cameras = Self.clips.count
    let sender = try PictureSender(
      specs: Self.clips.map { .file($0) }, settings: VideoSettings(),
      bitrate: { _, _ in .kilobits(500) },
      pool: PicturePool(), seed: 1, effect: nil,
      makeWatch: { choose, pace throws(Failure) in
        try CameraWatch(
          cameras: cameras, store: Self.store, calibration: nil,
          chosen: {
            continuation.yield(.chosen($0.camera))
            choose($0)
          },
          paced: {
            continuation.yield(.paced(camera: $0, isIdle: $1))
            pace($0, $1)
          }, failed: { _ in })
      },
      deliver: {
        continuation.yield(.sent(isKeyframe: $0.isKeyframe, captured: $0.captured))
      }, failed: { Issue.record("\($0)") })
    sender.setViewers(1)
    sender.start()
    var chosen: [Int] = []
    var idle: Set<Int> = []
    var bothRested = false
    var pictures: [(isKeyframe: Bool, captured: Moment)] = []
    var afterSwitch = 0
    for await happening in happenings {
      switch happening {
      case .chosen(let camera):
        #expect(!idle.contains(camera))
        chosen.append(camera)
      case .paced(let camera, true):
        #expect(camera != chosen.last)
        idle.insert(camera)
        if chosen == [1], idle == [0, 2] { bothRested = true }
      case .paced(let camera, false): idle.remove(camera)
      case .sent(let isKeyframe, let captured):
        pictures.append((isKeyframe, captured))
        if chosen.count > 1 { afterSwitch += 1 }
      }
      if afterSwitch == 8 { break }
    }
    sender.stop()
    #expect(bothRested)
    // As the clips' truth has it.
    #expect(chosen.first == 1 && chosen.dropFirst().first == 2)
    let gaps = zip(pictures, pictures.dropFirst()).map { $1.captured - $0.captured }
    #expect(gaps.max() ?? .zero <= .milliseconds(400))
    // The first picture, the first choice and the switch; not one for each of a camera's pictures.
    #expect((2...4).contains(pictures.count(where: \.isKeyframe)))
  }

  @Test("A damaged calibration is told of, left as it is, and stops nothing")
  func damagedCalibration() throws {
    let folder = NSTemporaryDirectory() + "calibration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = CalibrationFile(dataDirectory: folder)
    var notices: [Failure] = []
    #expect(MeetingMedia.calibration(in: folder) { notices.append($0) } == nil)
    #expect(notices.isEmpty)
    let text = "virtue-gaze 1 3.25"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file.path))
    #expect(MeetingMedia.calibration(in: folder) { notices.append($0) } == nil)
    #expect(notices.map(\.code) == ["bad-calibration"])
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text)
    let whole = try #require(GazeCalibration(bias: .init(yaw: 3, pitch: -1)))
    try file.save(whole)
    #expect(MeetingMedia.calibration(in: folder) { notices.append($0) } == whole)
    #expect(notices.count == 1)
  }
}
