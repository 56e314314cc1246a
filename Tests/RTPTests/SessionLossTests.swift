import Foundations
import Testing

@testable import RTP

@Suite("A call over a bad wire")
struct SessionLossTests {
  @Test(
    "gets nearly all pictures through loss, jitter and duplicates",
    arguments: [
      (0.01, 0.995, UInt64(11)), (0.05, 0.97, 12), (0.10, 0.93, 13), (0.15, 0.85, 14),
    ])
  func loss(loss: Double, share: Double, seed: UInt64) {
    let wire = Wire(
      loss: loss, duplication: 0.02, delay: .milliseconds(5), jitter: .milliseconds(4))
    var call = SimulatedCall(seed: seed, wire: wire)
    call.run(for: .seconds(20))
    for (receiver, sender) in [(0, 1), (1, 0)] {
      let got = call.parties[receiver]
      let statistics = got.session.statistics
      #expect(got.gotDecodablePictures(of: call.parties[sender]))
      let ratio = Double(got.pictures.count) / Double(call.parties[sender].nextFrame)
      #expect(ratio >= share, "seed \(seed): \(ratio), \(statistics.receivedVideo)")
      #expect(statistics.receivedVideo.repaired > 0)
    }
  }

  @Test("conceals or recovers lost sound and keeps it in order", arguments: [0.01, 0.05, 0.15])
  func sound(loss: Double) {
    let wire = Wire(loss: loss, delay: .milliseconds(5), jitter: .milliseconds(10))
    var call = SimulatedCall(seed: 21, wire: wire)
    call.parties[0].sendsVideo = false
    call.parties[1].sendsVideo = false
    call.run(for: .seconds(60))
    let party = call.parties[1]
    let numbers = party.sounds.map { MadeUpSound.number(of: $0.bytes) }
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
    #expect(Double(numbers.count) >= 3000 * (1 - loss) * 0.97)
    let playout = party.session.statistics.playout
    let made = playout.concealed + playout.recovered
    #expect(Double(made) <= 3000 * loss * 1.6 + 10, "\(playout)")
    #expect(playout.delay <= .milliseconds(100))
    // 20 ms for each pull.
    #expect(abs(party.playouts.count - 3000) <= 2)
  }

  @Test("fills a single hole without a keyframe")
  func singleHole() {
    var call = SimulatedCall(seed: 31)
    call.run(for: .seconds(1))
    let start = call.now
    let dropped = Once()
    call.wires[0].drops = { bytes, now in
      bytes.count > 500 && now >= start + .milliseconds(100) && dropped.take()
    }
    call.run(for: .seconds(2))
    let party = call.parties[1]
    let statistics = party.session.statistics.receivedVideo
    #expect(dropped.isTaken)
    #expect(statistics.repaired == 1)
    #expect(statistics.keyframes == 1)
    #expect(party.gotDecodablePictures(of: call.parties[0]))
    #expect(party.pictures.count >= 89)
    #expect(call.parties[0].session.statistics.sentVideo.retransmissions >= 1)
  }

  @Test("gives a hole up that isn't filled, and goes on from the keyframe it asks for")
  func givenUp() {
    var call = SimulatedCall(seed: 32)
    call.run(for: .seconds(1))
    let start = call.now
    let victim = Victim()
    call.wires[0].drops = { bytes, now in
      bytes.count > 500 && now >= start + .milliseconds(100) && victim.isHit(bytes)
    }
    call.run(for: .seconds(2))
    let party = call.parties[1]
    let statistics = party.session.statistics.receivedVideo
    #expect(statistics.keyframeRequests == 1)
    #expect(statistics.keyframes == 2)
    #expect((2...Int(LossRepair.maximumTries)).contains(statistics.retransmissionRequests))
    #expect((4...8).contains(statistics.framesDropped), "\(statistics)")
    #expect(party.gotDecodablePictures(of: call.parties[0]))
    let pauses = zip(party.pictures, party.pictures.dropFirst()).map { $1.received - $0.received }
    #expect(pauses.max()! < .milliseconds(300), "\(pauses.max()!)")
  }

  @Test("sends nothing of the pictures that were to be discarded, nor passes off parts for wholes")
  func discarded() {
    var call = SimulatedCall(seed: 38)
    call.run(for: .seconds(1))
    call.parties[0].keyframeDue = true
    // Until the keyframe of 52 packets is on its way.
    let before = call.parties[0].transmitted
    while call.parties[0].transmitted < before + 15 { call.run(for: .milliseconds(1)) }
    let last = call.parties[0].nextFrame - 1
    call.feed(.discardPictures, to: 0)
    let request = ControlPacket.bytes(ofCompound: [
      .retransmissionRequest(
        sender: SSRC(1), media: call.parties[0].session.localSSRC(of: .video)!,
        missing: (0..<UInt16.max).map { SequenceNumber($0) }.suffix(8000))
    ])
    #expect(request.count <= RTPSession.maximumDatagram)
    call.feed(.received(request), to: 0)
    #expect(call.parties[0].session.statistics.sentVideo.retransmissions == 0)
    call.run(for: .seconds(1))
    let numbers = call.parties[1].pictures.map { MadeUpVideo.number(of: $0.bytes) }
    #expect(!numbers.contains(last))
    #expect(numbers.last! > last + 20)
    #expect(call.parties[1].gotDecodablePictures(of: call.parties[0]))
  }

  @Test("asks again for a keyframe until one arrives, three times a second")
  func repeatedRequests() {
    var call = SimulatedCall(seed: 33)
    // The first keyframe never arrives whole, and its repeats neither.
    let start = call.now
    call.wires[0].drops = { bytes, now in
      bytes.count > 900 && now < start + .milliseconds(1500)
    }
    call.parties[0].frameLength = 400
    call.run(for: .seconds(3))
    let statistics = call.parties[1].session.statistics.receivedVideo
    #expect((4...8).contains(statistics.keyframeRequests))
    #expect(call.parties[1].pictures.count > 30)
    #expect(call.parties[1].gotDecodablePictures(of: call.parties[0]))
  }

  @Test("wraps around at 65535 without anybody's noticing", arguments: [0.05])
  func wrapAround(loss: Double) {
    // At 300 packets a second the numbers, which begin below 2^15, wrap within four minutes.
    let wire = Wire(loss: loss, delay: .milliseconds(3), jitter: .milliseconds(2))
    var call = SimulatedCall(seed: 34, wire: wire)
    call.parties[0].frameLength = 12_000
    call.parties[1].sendsVideo = false
    call.parties[1].sendsSound = false
    call.parties[0].sendsSound = false
    call.run(for: .seconds(240))
    let party = call.parties[1]
    #expect(call.parties[0].transmitted > 65_536)
    #expect(party.gotDecodablePictures(of: call.parties[0]))
    #expect(party.pictures.count >= (loss == 0 ? 7198 : 6800))
    #expect(party.session.statistics.receivedVideo.restarts == 1)
  }

  @Test("goes on when the peer starts again with other streams")
  func restart() {
    var call = SimulatedCall(seed: 35)
    call.run(for: .seconds(2))
    call.parties[0].session = RTPSession(SimulatedCall.configuration(seed: 999))
    call.parties[0].keyframeDue = true
    let before = call.parties[1].pictures.count
    call.run(for: .seconds(2))
    let party = call.parties[1]
    #expect(party.pictures.count - before >= 58)
    #expect(party.gotDecodablePictures(of: call.parties[0]))
    #expect(party.session.statistics.receivedVideo.restarts == 2)
    #expect(party.session.statistics.receivedSound.restarts == 2)
    #expect(party.session.statistics.playout.concealed < 10)
  }

  @Test("joins late by asking for a keyframe at once")
  func lateJoiner() {
    var call = SimulatedCall(seed: 36)
    call.wires[0].drops = { _, _ in true }
    call.run(for: .seconds(2))
    call.wires[0].drops = nil
    let start = call.now
    call.run(for: .seconds(1))
    let party = call.parties[1]
    #expect(party.session.statistics.receivedVideo.keyframeRequests >= 1)
    let first = party.pictures.first.map { $0.received - start } ?? .seconds(99)
    #expect(first < .milliseconds(130), "\(first)")
    #expect(party.gotDecodablePictures(of: call.parties[0]))
  }

  @Test("is the same run for the same seed")
  func deterministic() {
    let wire = Wire(
      loss: 0.1, duplication: 0.05, delay: .milliseconds(5), jitter: .milliseconds(20))
    var runs: [SimulatedCall] = []
    for _ in 0..<2 {
      var call = SimulatedCall(seed: 37, wire: wire)
      call.run(for: .seconds(5))
      runs.append(call)
    }
    #expect(runs[0].parties[0].session.statistics == runs[1].parties[0].session.statistics)
    #expect(runs[0].parties[1].playouts == runs[1].parties[1].playouts)
  }
}

/// True once.
final class Once: @unchecked Sendable {
  // Safety: a simulated call runs on the test's own thread.
  private(set) var isTaken = false

  func take() -> Bool {
    defer { isTaken = true }
    return !isTaken
  }
}

/// The first packet seen, whenever it comes again.
final class Victim: @unchecked Sendable {
  // Safety: as above.
  private var bytes: [UInt8]?

  func isHit(_ bytes: [UInt8]) -> Bool {
    if self.bytes == nil { self.bytes = bytes }
    return self.bytes == bytes
  }
}
