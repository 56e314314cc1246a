import Foundations
import Testing

@testable import RTP

@Suite("A call over a good wire")
struct SessionTests {
  @Test("hands on every picture as it was sent, within the time the pacer takes")
  func pictures() {
    var call = SimulatedCall(seed: 1)
    call.run(for: .seconds(10))
    for (receiver, sender) in [(0, 1), (1, 0)] {
      let got = call.parties[receiver]
      #expect(got.gotDecodablePictures(of: call.parties[sender]))
      #expect(got.pictures.count >= 299)
      #expect(got.pictures[0].width == 1280 && got.pictures[0].height == 720)
      let statistics = got.session.statistics
      #expect(statistics.receivedVideo.frames == got.pictures.count)
      #expect(statistics.receivedVideo.keyframes == 1)
      #expect(statistics.receivedVideo.lost == 0)
      #expect(statistics.receivedVideo.keyframeRequests == 0)
      #expect(statistics.receivedVideo.retransmissionRequests == 0)
      #expect(statistics.videoDelay < .milliseconds(3))
      #expect(statistics.malformed == 0)
    }
  }

  @Test("hands a picture on in the very call that brings its last packet")
  func noDelay() {
    var call = SimulatedCall(seed: 2)
    call.run(for: .seconds(2))
    // Six packets leave in one burst and arrive together a millisecond later.
    for picture in call.parties[1].pictures.dropFirst() {
      #expect(picture.received - picture.begun == .zero)
    }
  }

  @Test("plays every block of sound in order, with a short delay")
  func sound() {
    var call = SimulatedCall(seed: 3)
    call.run(for: .seconds(10))
    let party = call.parties[1]
    let played = party.playouts.compactMap { playout -> Int? in
      guard case .packet(let bytes) = playout else { return nil }
      return MadeUpSound.number(of: bytes)
    }
    #expect(played.count > 490)
    #expect(zip(played, played.dropFirst()).allSatisfy { $0 < $1 })
    #expect(party.sounds.map { MadeUpSound.number(of: $0.bytes) } == Array(0..<party.sounds.count))
    let statistics = party.session.statistics
    #expect(statistics.playout.concealed == 0)
    #expect(statistics.playout.skipped <= 2)
    #expect(statistics.playout.delay <= .milliseconds(60))
    #expect(statistics.soundLevel == AudioLevel(level: 30))
  }

  @Test("measures the round trip and what the peer lost")
  func roundTrip() throws {
    var call = SimulatedCall(seed: 4, wire: Wire(delay: .milliseconds(15)))
    call.run(for: .seconds(5))
    let statistics = call.parties[0].session.statistics
    let roundTrip = try #require(statistics.roundTrip)
    #expect(abs(roundTrip.milliseconds - 30) < 1)
    #expect(statistics.sentVideo.fractionLost == 0)
    #expect(statistics.sentSound.fractionLost == 0)
  }

  @Test("sends compounds that begin with a report and a CNAME, about once a second")
  func compounds() throws {
    var call = SimulatedCall(seed: 5)
    call.run(for: .seconds(10))
    let control = call.parties[0].control
    #expect((8...13).contains(control.count))
    for bytes in control {
      let packets = try ControlPacket.parse(compound: bytes)
      guard case .senderReport(let first) = packets[0] else {
        Issue.record("a sender's first packet isn't a sender report")
        continue
      }
      #expect(first.blocks.count <= 2)
      let described = packets.contains { packet in
        guard case .sourceDescription(let chunks) = packet else { return false }
        return chunks.contains { $0.source == first.sender && $0.cname == "party-10" }
      }
      #expect(described)
    }
  }

  @Test("reports as a receiver where it sends nothing")
  func receiverOnly() throws {
    var call = SimulatedCall(seed: 6)
    call.parties[1].sendsVideo = false
    call.parties[1].sendsSound = false
    call.run(for: .seconds(3))
    #expect(!call.parties[1].control.isEmpty)
    for bytes in call.parties[1].control {
      guard case .receiverReport(let report) = try ControlPacket.parse(compound: bytes)[0] else {
        Issue.record("a receiver's first packet isn't a receiver report")
        continue
      }
      #expect(report.blocks.count == 2)
    }
  }

  @Test("maps the times of both tracks to the sender's wall clock")
  func senderTimes() throws {
    var call = SimulatedCall(seed: 7)
    call.run(for: .seconds(3))
    let party = call.parties[1]
    let picture = try #require(party.pictures.last)
    let sound = try #require(party.sounds.last)
    let pictureTime = try #require(party.session.senderTime(of: picture.time, in: .video))
    let soundTime = try #require(party.session.senderTime(of: sound.time, in: .sound))
    // Everything is captured at multiples of its interval after 100 s on the simulated clock.
    let start = Duration.seconds(1_700_000_100)
    let number = Double(MadeUpVideo.number(of: picture.bytes))
    #expect(
      abs((pictureTime.sinceUnixEpoch - start).milliseconds - number * 33.333_333) < 0.1)
    let block = Double(MadeUpSound.number(of: sound.bytes))
    #expect(abs((soundTime.sinceUnixEpoch - start).milliseconds - block * 20) < 0.1)
    #expect(party.session.senderTime(of: sound.time, in: .video) == nil)
  }

  @Test("says goodbye once and then nothing")
  func goodbye() throws {
    var call = SimulatedCall(seed: 8)
    call.run(for: .seconds(1))
    call.feed(.close, to: 0)
    let last = try ControlPacket.parse(compound: try #require(call.parties[0].control.last))
    guard case .goodbye(let sources) = last.last else {
      Issue.record("no goodbye")
      return
    }
    #expect(sources.count == 2)
    #expect(call.parties[0].session.deadline == nil)
    let transmitted = call.parties[0].transmitted
    call.run(for: .seconds(1))
    #expect(call.parties[0].transmitted == transmitted)
  }

  @Test("starts sequence numbers below 2^15 and draws what isn't given from the seed")
  func origins() {
    for seed: UInt64 in 0..<200 {
      let session = RTPSession(SimulatedCall.configuration(seed: seed))
      let again = RTPSession(SimulatedCall.configuration(seed: seed))
      #expect(session.videoSender!.clock.nextNumber.rawValue < 0x8000)
      #expect(session.localSSRC(of: .video) == again.localSSRC(of: .video))
      #expect(session.localSSRC(of: .video) != session.localSSRC(of: .sound))
    }
    let given = RTPSession(SimulatedCall.configuration(seed: 1, sound: 17, video: 18))
    #expect(given.localSSRC(of: .sound) == SSRC(17))
    #expect(given.localSSRC(of: .video) == SSRC(18))
  }

  @Test("sends no audio level when no identifier was agreed on")
  func noLevel() throws {
    var configuration = SimulatedCall.configuration(seed: 1)
    configuration.audioLevelExtension = nil
    var session = RTPSession(configuration)
    var outputs: [RTPSession.Output] = []
    session.handle(.sendSound(MadeUpSound.sound(1, at: .zero)), at: .zero, into: &outputs)
    guard case .transmit(let bytes) = outputs.first else {
      Issue.record("no packet")
      return
    }
    #expect(try RTPPacket(parsing: bytes).extensions == nil)
  }

  @Test("never sends a picture before the first keyframe, but asks for one")
  func keyframeFirst() {
    var session = RTPSession(SimulatedCall.configuration(seed: 1))
    var packetizer = VP8Packetizer()
    var outputs: [RTPSession.Output] = []
    let picture = MadeUpVideo.picture(0, isKeyframe: false, length: 100, at: .zero)
    session.handle(.sendPicture(packetizer.packetize(picture)), at: .zero, into: &outputs)
    #expect(outputs.count == 1)
    guard case .keyframeWanted = outputs.first else {
      Issue.record("no keyframe is asked for")
      return
    }
  }
}
