import Capture
import Codecs
import Dispatch
import Foundation
import Foundations
import Synchronization
import Testing
import Vision

@testable import Meeting
@testable import RTP

/// What leaves the machine between cameras and calls: real captures, encoder and packetizer, and an
/// effect whose failures are the test's own.
@Suite("Pictures on their way out", .serialized)
struct PictureSenderTests {
  /// The brightness of the clips' pictures, and of what the effect makes of any.
  private static let (open, covered, second) = (60, 150, 220)

  /// Covers the whole picture, unless it is told to fail or to be slow.
  // Safety: `calls` is a mutex; the rest is constant.
  private final class Cover: PictureEffect, @unchecked Sendable {
    private let calls = Mutex(0)
    private let pool = PicturePool(limit: 0)
    private let failing: Range<Int>
    private let wait: UInt32

    init(failing: Range<Int> = 0..<0, wait: Duration = .zero) {
      self.failing = failing
      self.wait = UInt32(wait.inSeconds * 1e6)
    }

    var count: Int { calls.withLock { $0 } }

    func apply(to picture: Picture) throws(Failure) -> Picture? {
      let call = calls.withLock { calls in
        defer { calls += 1 }
        return calls
      }
      // The slow machine, not a hope that something has happened by then.
      usleep(wait)
      guard !failing.contains(call) else {
        throw Failure("effect-failed", exit: .software, "Repair the test's effect.")
      }
      let cover = pool.makePicture(width: picture.width, height: picture.height)
      for (plane, value) in [
        (cover.luma, UInt8(PictureSenderTests.covered)), (cover.blue, 128), (cover.red, 128),
      ] {
        plane.bytes.update(repeating: value, count: plane.stride * plane.height)
      }
      return cover
    }

    func beginAnew() {}
  }

  /// Lets pictures through as they are, and does something while it has a certain one in hand.
  // Safety: `state` is a mutex.
  private final class Pause: PictureEffect, @unchecked Sendable {
    private let state = Mutex((calls: 0, anew: 0))
    private let at: Int
    private let work: @Sendable () -> Void

    init(at: Int, _ work: @escaping @Sendable () -> Void) {
      self.at = at
      self.work = work
    }

    /// How often another camera's picture came.
    var switches: Int { state.withLock { $0.anew } }

    func apply(to picture: Picture) throws(Failure) -> Picture? {
      let call = state.withLock { state in
        defer { state.calls += 1 }
        return state.calls
      }
      if call == at { work() }
      return picture
    }

    func beginAnew() { state.withLock { $0.anew += 1 } }
  }

  private struct Sent: Sendable {
    let brightness: Int
    let isKeyframe: Bool
    let captured: Moment
  }

  /// A sender of flat clips, 30 pictures a second, and what comes out of it, decoded.
  private final class Line: Sendable {
    let sent: AsyncStream<Sent>
    let failures = Mutex<[Failure]>([])
    let choose = Mutex<(@Sendable (CameraSelector.Output) -> Void)?>(nil)
    private let folder: String
    private let sender: Mutex<PictureSender?>

    init(
      brightness: [Int], effect: (any PictureEffect)?, watched: Bool = false
    ) throws {
      folder = NSTemporaryDirectory() + "pictures-\(UUID().uuidString)"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      var specs: [CameraSpec] = []
      for (index, value) in brightness.enumerated() {
        let path = "\(folder)/\(index).y4m"
        try PictureSenderTests.clip(value).write(to: URL(fileURLWithPath: path))
        specs.append(.file(path))
      }
      let (stream, continuation) = AsyncStream.makeStream(of: Sent.self)
      sent = stream
      sender = Mutex(nil)
      let decoder = Mutex(Decoder())
      let made = try PictureSender(
        specs: specs, settings: VideoSettings(width: 64, height: 64, framesPerSecond: 30),
        bitrate: { _, _ in .kilobits(500) }, pool: PicturePool(), seed: 1, effect: effect,
        makeWatch: watched
          ? { [self] choose, pace throws(Failure) in
            self.choose.withLock { $0 = choose }
            return try CameraWatch(
              cameras: brightness.count, store: ModelFolder.store, calibration: nil,
              chosen: { _ in }, paced: pace, failed: { _ in })
          } : nil,
        deliver: { picture in
          guard let brightness = decoder.withLock({ $0.brightness(of: picture) }) else { return }
          continuation.yield(
            Sent(
              brightness: brightness, isKeyframe: picture.isKeyframe, captured: picture.captured))
        },
        failed: { [self] failure in failures.withLock { $0.append(failure) } })
      sender.withLock { $0 = made }
    }

    func start() {
      let sender = sender.withLock { $0 }
      sender?.setViewers(1)
      sender?.start()
    }

    func stop() {
      let made = sender.withLock { sender in
        defer { sender = nil }
        return sender
      }
      made?.stop()
      try? FileManager.default.removeItem(atPath: folder)
    }

    func take(_ count: Int) async -> [Sent] {
      var taken: [Sent] = []
      for await picture in sent {
        taken.append(picture)
        if taken.count == count { break }
      }
      return taken
    }
  }

  // Safety: used inside a mutex only.
  private final class Decoder: @unchecked Sendable {
    private let decoder = try? VideoDecoder(codec: .vp8, pool: PicturePool())

    /// The mean of the luma; `nil` where nothing can be decoded.
    func brightness(of picture: PacketizedPicture) -> Int? {
      var bytes: [UInt8] = []
      for payload in picture.payloads {
        var rest = payload[...]
        guard (try? VP8Descriptor(parsing: &rest)) != nil else { return nil }
        bytes += rest
      }
      guard let picture = try? decoder?.decode(bytes) else { return nil }
      var sum = 0
      for row in 0..<picture.height {
        for column in 0..<picture.width {
          sum += Int(picture.luma.bytes[row * picture.luma.stride + column])
        }
      }
      return sum / (picture.width * picture.height)
    }
  }

  private static func clip(_ brightness: Int) -> Data {
    var clip = Data("YUV4MPEG2 W64 H64 F30:1 Ip A1:1 C420\n".utf8)
    for _ in 0..<30 {
      clip += Data("FRAME\n".utf8)
      clip += Data(repeating: UInt8(brightness), count: 64 * 64)
      clip += Data(repeating: 128, count: 2 * 32 * 32)
    }
    return clip
  }

  private func near(_ brightness: Int, _ expected: Int) -> Bool { abs(brightness - expected) <= 6 }

  @Test("With an effect every picture sent is the effect's, beginning with the first")
  func everyPicture() async throws {
    let line = try Line(brightness: [Self.open], effect: Cover())
    line.start()
    let sent = await line.take(20)
    line.stop()
    #expect(sent.allSatisfy { near($0.brightness, Self.covered) })
    #expect(sent.first?.isKeyframe == true)
  }

  @Test("An effect that fails in the middle sends nothing until it works again; each is told once")
  func failure() async throws {
    let effect = Cover(failing: 5..<15)
    let line = try Line(brightness: [Self.open], effect: effect)
    line.start()
    let sent = await line.take(20)
    line.stop()
    #expect(sent.allSatisfy { near($0.brightness, Self.covered) })
    #expect(line.failures.withLock { $0.map(\.code) } == ["effect-failed", "pictures-again"])
    #expect(
      line.failures.withLock { $0.first?.message }
        == "Repair the test's effect. Until the effect works again no picture is sent.")
    #expect(effect.count >= 30)
    let gap = zip(sent, sent.dropFirst()).map { $1.captured - $0.captured }.max()
    #expect(gap ?? .zero >= .milliseconds(300))
  }

  @Test("An effect that fails from the first picture on sends none at all")
  func failureAtOnce() async throws {
    let effect = Cover(failing: 0..<12)
    let line = try Line(brightness: [Self.open], effect: effect)
    line.start()
    // The first picture that leaves is the thirteenth that was tried, and covered.
    let sent = await line.take(1)
    line.stop()
    #expect(effect.count >= 13)
    #expect(sent.allSatisfy { near($0.brightness, Self.covered) && $0.isKeyframe })
  }

  @Test("On a slow machine the frame rate falls, and every picture is still the effect's")
  func slow() async throws {
    let line = try Line(brightness: [Self.open], effect: Cover(wait: .milliseconds(100)))
    line.start()
    let sent = await line.take(8)
    line.stop()
    #expect(sent.allSatisfy { near($0.brightness, Self.covered) })
    let intervals = zip(sent, sent.dropFirst()).map { $1.captured - $0.captured }
    // Pictures come every 33 ms; those that came meanwhile were left out, not queued.
    #expect(intervals.reduce(.zero, +) >= .milliseconds(90) * intervals.count)
  }

  @Test("Without its models an effect is refused before any picture is taken")
  func refusal() throws {
    let missing = ModelStore(dataDirectory: NSTemporaryDirectory() + "none-\(UUID().uuidString)")
    #expect(throws: Failure.self) {
      try BackgroundEffect(.blurred(strength: 2), store: missing)
    }
    #expect(throws: Failure.self) { try GodsEye(cameras: 2, store: missing) }
  }

  @Test(
    "A switch costs one keyframe; no idle camera's picture leaves, and none is black or strange",
    .enabled(
      if: ModelFolder.store.isComplete,
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func cameraSwitch() async throws {
    let line = try Line(brightness: [Self.open, Self.second], effect: nil, watched: true)
    line.start()
    let before = await line.take(15)
    let choose = try #require(line.choose.withLock { $0 })
    choose(CameraSelector.Output(camera: 1, reason: .gaze))
    let after = await line.take(30)
    line.stop()
    #expect(before.allSatisfy { near($0.brightness, Self.open) })
    #expect(before.filter(\.isKeyframe).count == 1)
    // What was on its way when the choice fell may still be the former camera's.
    let rest = after.drop { near($0.brightness, Self.open) }
    #expect(after.count - rest.count <= 3)
    #expect(rest.first?.isKeyframe == true)
    #expect(rest.filter(\.isKeyframe).count == 1)
    #expect(rest.allSatisfy { near($0.brightness, Self.second) })
    let gaps = zip(after, after.dropFirst()).map { $1.captured - $0.captured }
    #expect(gaps.max() ?? .zero <= .milliseconds(300))
  }

  @Test(
    "A choice that falls while the former camera's picture is in the works costs one keyframe too",
    .enabled(
      if: ModelFolder.store.isComplete,
      "needs the models: virtue models install --data-dir .build/vision-data"))
  func switchInTheWorks() async throws {
    let choose = Mutex<(@Sendable (CameraSelector.Output) -> Void)?>(nil)
    let effect = Pause(at: 15) {
      choose.withLock { $0 }?(CameraSelector.Output(camera: 1, reason: .gaze))
    }
    let line = try Line(
      brightness: [Self.open, Self.second], effect: effect, watched: true)
    choose.withLock { $0 = line.choose.withLock { $0 } }
    line.start()
    let sent = await line.take(45)
    line.stop()
    let former = sent.prefix { near($0.brightness, Self.open) }
    let rest = sent.dropFirst(former.count)
    // The first picture of all, and none of those after it, though one was in the works.
    #expect(former.filter(\.isKeyframe).count == 1 && former.first?.isKeyframe == true)
    #expect(rest.filter(\.isKeyframe).count == 1 && rest.first?.isKeyframe == true)
    #expect(rest.allSatisfy { near($0.brightness, Self.second) })
    #expect(effect.switches == 1)
  }
}

/// The models as `virtue models install --data-dir .build/vision-data` keeps them.
private enum ModelFolder {
  static let store = ModelStore(
    dataDirectory: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(".build/vision-data").path)
}
