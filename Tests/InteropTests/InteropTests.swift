import Capture
import Foundation
import Foundations
import MediaSupport
import Playback
import Testing

/// aiortc, an implementation of WebRTC that shares no code with this one's (but the codecs' and
/// libsrtp), and the media path of a meeting call each other over loopback. Both send a clip whose
/// pictures carry their numbers, and a tone; what each decodes is compared with what the other sent.
@Suite("A call with an independent stack", .serialized)
struct InteropTests {
  enum Offerer: String, CaseIterable, Sendable {
    case virtue
    case aiortc
  }

  private static let ours = VideoSettings(width: 640, height: 360, framesPerSecond: 30)
  private static let theirs = VideoSettings(width: 320, height: 240, framesPerSecond: 15)
  /// Hertz; both have whole periods in a second, so that a second in a loop has no click.
  private static let (ourPitch, theirPitch) = (550.0, 660.0)
  private static let measured = Duration.seconds(5)

  @Test(
    "Pictures and sound go both ways and arrive as they were sent", arguments: Offerer.allCases)
  func call(offerer: Offerer) async throws {
    let call = try await Call(offerer: offerer, loseEvery: 0)
    let (we, they) = try await call.measure(for: Self.measured)
    let heard = try await call.end()
    print("interop, \(offerer) offers: virtue \(we); aiortc \(they); heard \(heard)")

    check(we, they, heard)
    #expect(they.dtls == "connected")
    #expect(they.srtpProfile.hasPrefix("SRTP_"))
    #expect(we.malformed == 0)
    #expect(we.pair.contains("127.0.0.1"))
    // Each was asked once, in the middle.
    #expect(we.keyframesAskedOfUs >= 1)
    #expect(we.keyframesSent >= 1)
    #expect(we.keyframesAsked >= 1)
  }

  @Test(
    "Lost packets are asked for again and sent again, both ways", arguments: Offerer.allCases)
  func loss(offerer: Offerer) async throws {
    let call = try await Call(offerer: offerer, loseEvery: 20)
    let (we, they) = try await call.measure(for: Self.measured)
    let heard = try await call.end()
    print("interop with loss, \(offerer) offers: virtue \(we); aiortc \(they); heard \(heard)")

    check(we, they, heard)
    #expect(they.lostIn > 0)
    #expect(they.lostOut > 0)
    #expect(we.retransmissionsSent > 0)
    #expect(we.retransmissionsAsked > 0)
    #expect(we.packetsRepaired > 0)
  }

  private func check(_ we: OurReport, _ they: TheirReport, _ heard: Heard) {
    // What we sent, as aiortc decoded it.
    // Python on a computer that does other work too can fall behind; a stream that isn't understood
    // gives none at all.
    let sent = Double(Self.ours.framesPerSecond) * they.seconds
    #expect(Double(they.frames) >= 0.6 * sent)
    #expect((they.width, they.height) == (Self.ours.width, Self.ours.height))
    #expect(they.unreadable * 50 <= they.frames)
    #expect(they.backward == 0)
    // The worst picture is the first keyframe, whose size is capped.
    #expect(they.leastPSNR >= 28)
    #expect(they.meanPSNR >= 34)
    #expect(abs(they.pitch / Self.ourPitch - 1) < 0.01)
    #expect(they.purity > 0.9)
    // What aiortc sent, as we decoded it.
    let seen = we.watched
    #expect(Double(we.framesDecoded) >= 0.7 * Double(they.sentFrames))
    // Some markers can't be read in what aiortc encoded; about one in ten are lost too where its own
    // encoder's output is decoded with no network between.
    #expect(Double(seen.frames) >= 0.4 * Double(they.sentFrames))
    #expect(they.sentFrames >= Int(0.6 * Double(Self.theirs.framesPerSecond) * they.seconds))
    #expect((seen.width, seen.height) == (Self.theirs.width, Self.theirs.height))
    #expect(seen.backward == 0)
    #expect(seen.leastPSNR >= 30 && seen.leastPSNR.isFinite)
    #expect(abs(heard.pitch / Self.theirPitch - 1) < 0.03)
    #expect(heard.level > 2000)
  }

  /// What the loudspeaker was given in the end.
  struct Heard {
    var pitch: Double
    /// Root of the mean square.
    var level: Double
  }

  /// Both programs, connected.
  private struct Call {
    let folder = TemporaryFolder()
    let virtue: Conversation
    let aiortc: Conversation

    init(offerer: Offerer, loseEvery: Int) async throws {
      let python = try await Environment.python()
      let (sent, expected) = (folder.file("sent.y4m"), folder.file("expected.y4m"))
      let sound = folder.file("sent.wav")
      let ours = InteropTests.ours
      try InteropTests.writeClip(to: sent, settings: InteropTests.ours, frames: 60)
      try InteropTests.writeClip(to: expected, settings: InteropTests.theirs, frames: 45)
      try InteropTests.writeTone(InteropTests.ourPitch, to: sound)
      virtue = try Conversation(
        "sdp-adapter", try Environment.adapter,
        [
          "--clip", sent, "--size", "\(ours.width)x\(ours.height)x\(ours.framesPerSecond)",
          "--sound", sound, "--speaker", folder.file("heard.wav"), "--expected", expected,
        ])
      aiortc = try Conversation(
        "aiortc", python,
        [
          Environment.peer, "--clip", expected, "--expected", sent, "--tone",
          "\(InteropTests.theirPitch)",
          "--lose-every", "\(loseEvery)",
        ])
      let (one, other) = offerer == .virtue ? (virtue, aiortc) : (aiortc, virtue)
      let offer: Description = try await one.ask("offer")
      let answer: Description = try await other.ask("answer", sdp: offer.sdp)
      let _: Nothing = try await one.ask("accept", sdp: answer.sdp)
      let _: Nothing = try await virtue.ask("connect")
      let _: Nothing = try await aiortc.ask("connect")
    }

    /// - Returns: what each side found.
    func measure(for duration: Duration) async throws -> (OurReport, TheirReport) {
      // The first pictures and the jitter buffers' settling aren't what is measured.
      try await Task.sleep(for: .seconds(1))
      let _: Nothing = try await virtue.ask("reset")
      let _: Nothing = try await aiortc.ask("reset")
      try await Task.sleep(for: duration / 2)
      let _: Nothing = try await virtue.ask("keyframe")
      let _: Nothing = try await aiortc.ask("keyframe")
      try await Task.sleep(for: duration / 2)
      let they: TheirReport = try await aiortc.ask("report")
      let we: OurAnswer = try await virtue.ask("report")
      return (we.report, they)
    }

    func end() async throws -> Heard {
      try await virtue.finish()
      try await aiortc.finish()
      // Without the header.
      let bytes = contents(of: folder.file("heard.wav")).dropFirst(44)
      let samples = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map { index in
        Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)
      }
      let last = Array(samples.suffix(2 * SoundBlock.sampleRate))
      let power = last.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(last.count, 1))
      return Heard(pitch: pitch(last), level: power.squareRoot())
    }
  }

  // MARK: - What is sent

  private static func writeClip(to path: String, settings: VideoSettings, frames: Int) throws {
    let source = PatternSource(settings: settings, seed: 5)
    let picture = PicturePool(limit: 0).makePicture(width: settings.width, height: settings.height)
    var clip = Data(
      "YUV4MPEG2 W\(settings.width) H\(settings.height) F\(settings.framesPerSecond):1 C420\n".utf8)
    for number in 0..<frames {
      source.draw(frame: number, captured: WallTime(milliseconds: Int64(number)), on: picture)
      clip += Data("FRAME\n".utf8)
      for plane in [picture.luma, picture.blue, picture.red] {
        for row in 0..<plane.height {
          clip.append(plane.bytes + row * plane.stride, count: plane.width)
        }
      }
    }
    try clip.write(to: URL(fileURLWithPath: path))
  }

  private static func writeTone(_ pitch: Double, to path: String) throws {
    let writer = try WAVWriter(path: path)
    try writer.write(
      (0..<SoundBlock.sampleRate).map { index in
        Int16(6000 * sin(2 * .pi * pitch * Double(index) / Double(SoundBlock.sampleRate)))
      })
    try writer.finish()
  }
}
