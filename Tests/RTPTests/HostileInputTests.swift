import Foundations
import Testing

@testable import RTP

@Suite("Garbage and malice from the network")
struct HostileInputTests {
  /// What a session sends and receives in a second, as a stock to be damaged.
  private static func stock(seed: UInt64) -> [[UInt8]] {
    let gathered = Gathered()
    var call = SimulatedCall(
      seed: seed, wire: Wire(loss: 0.05, delay: .milliseconds(5), jitter: .milliseconds(5)))
    for index in 0..<2 {
      call.wires[index].drops = { bytes, _ in
        gathered.datagrams.append(bytes)
        return false
      }
    }
    call.run(for: .seconds(1))
    return gathered.datagrams
  }

  @Test("never make a parser trap", arguments: 1...4 as ClosedRange<UInt64>)
  func parsers(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...64, using: &chance)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
      if count > 1, Bool.random(using: &chance) {
        bytes[0] = 0x80 | bytes[0] & 0x3F
        bytes[1] = [96, 111, 200, 201, 202, 203, 205, 206].randomElement(using: &chance)!
      }
      let packet = try? RTPPacket(parsing: bytes)
      for id: UInt8 in [0, 1, 14, 15, 255] { _ = packet?.extensions?[id] }
      _ = try? ControlPacket.parse(compound: bytes)
      var data = bytes[...]
      _ = try? VP8Descriptor(parsing: &data)
      _ = OpusPayload(bytes[...])
      _ = VP8FrameHeader.size(ofKeyframe: bytes)
    }
  }

  @Test("as damaged packets never stop a session", arguments: 1...3 as ClosedRange<UInt64>)
  func damaged(seed: UInt64) {
    let stock = Self.stock(seed: seed)
    var chance = SeededGenerator(seed: seed)
    var session = RTPSession(SimulatedCall.configuration(seed: seed &* 2 &+ 1))
    var outputs: [RTPSession.Output] = []
    var now = Moment.seconds(100)
    for round in 0..<10_000 {
      var bytes = stock.randomElement(using: &chance)!
      for _ in 0..<Int.random(in: 1...6, using: &chance) where !bytes.isEmpty {
        let place = Int.random(in: 0..<min(bytes.count, 24), using: &chance)
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &chance)
        case 1: bytes[place] = .random(in: 0...255, using: &chance)
        case 2: bytes.remove(at: place)
        case _: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance))
        }
      }
      now = now + .microseconds(Int.random(in: 0...5000, using: &chance))
      session.handle(.received(bytes), at: now, into: &outputs)
      if round.isMultiple(of: 7) { session.handle(.playSound, at: now, into: &outputs) }
      if let deadline = session.deadline, deadline <= now {
        session.wake(at: now, into: &outputs)
      }
      outputs.removeAll(keepingCapacity: true)
    }
    _ = session.statistics
  }

  @Test("as random sequence numbers and times keep within the bounds")
  func randomNumbers() {
    var chance = SeededGenerator(seed: 9)
    var session = RTPSession(SimulatedCall.configuration(seed: 9))
    var outputs: [RTPSession.Output] = []
    var now = Moment.seconds(1)
    var feedback = 0
    for round in 0..<30_000 {
      let isVideo = Bool.random(using: &chance)
      let packet = RTPPacket(
        marker: Bool.random(using: &chance), payloadType: PayloadType(isVideo ? 96 : 111),
        sequenceNumber: SequenceNumber(.random(in: 0...UInt16.max, using: &chance)),
        timestamp: .random(in: 0...UInt32.max, using: &chance),
        ssrc: SSRC(round.isMultiple(of: 100) ? .random(in: 1...9, using: &chance) : 5),
        payload: isVideo ? [0x10, 0x10, 0, 0] : [0xF8, 1, 2, 3])
      session.handle(.received(packet.bytes), at: now, into: &outputs)
      if round.isMultiple(of: 5) { session.handle(.playSound, at: now, into: &outputs) }
      for case .transmitControl(let bytes) in outputs {
        feedback += bytes.count
        #expect(bytes.count <= 1200)
      }
      outputs.removeAll(keepingCapacity: true)
      now = now + .milliseconds(3)
      #expect(session.videoReceiver!.missingCount <= LossRepair.maximumMissing)
    }
    // Ninety seconds: less than 100 kbit/s back, however many holes were made up.
    #expect(feedback < 90 * 12_500, "\(feedback)")
  }

  @Test("as frames that never end are let go of")
  func endlessFrames() {
    var session = RTPSession(SimulatedCall.configuration(seed: 9))
    var outputs: [RTPSession.Output] = []
    let filling = [UInt8](repeating: 1, count: 1000)
    let keyframe = MadeUpVideo.bytes(1, isKeyframe: true, length: 1000)
    for number in 0..<20_000 {
      let payload = number.isMultiple(of: 1100) ? [0x10] + keyframe : [0x00] + filling
      let packet = videoPacket(UInt16(truncatingIfNeeded: number), timestamp: 1, payload: payload)
      session.handle(
        .received(packet.bytes), at: .milliseconds(Double(number) * 3), into: &outputs)
      if number.isMultiple(of: 500) {
        #expect(session.videoReceiver!.heldCount <= FrameAssembler.capacity)
      }
    }
    let pictures = outputs.filter { output in
      guard case .picture = output else { return false }
      return true
    }
    #expect(pictures.isEmpty)
    #expect(session.statistics.receivedVideo.keyframeRequests > 50)
  }

  @Test("as requests for everything ever sent get no more than the repeats that are held")
  func greedyRequests() {
    var session = RTPSession(SimulatedCall.configuration(seed: 9, video: 77))
    var packetizer = VP8Packetizer()
    var outputs: [RTPSession.Output] = []
    for number in 0..<30 {
      let picture = MadeUpVideo.picture(
        number, isKeyframe: number == 0, length: 20_000, at: .milliseconds(Double(number) * 33))
      session.handle(
        .sendPicture(packetizer.packetize(picture)), at: picture.captured, into: &outputs)
    }
    let first = session.videoSender!.clock.nextNumber
    let everything = ControlPacket.bytes(ofCompound: [
      .retransmissionRequest(
        sender: SSRC(1), media: SSRC(77),
        missing: (0..<8000).map { first.advanced(by: $0 - 8000) })
    ])
    for _ in 0..<100 {
      session.handle(.received(everything), at: .milliseconds(1000), into: &outputs)
    }
    let repeats = session.statistics.sentVideo.retransmissions
    #expect(repeats <= Pacer.burst)
  }

  @Test("as oversized, empty and foreign datagrams are counted")
  func foreign() {
    var session = RTPSession(SimulatedCall.configuration(seed: 9))
    var outputs: [RTPSession.Output] = []
    let foreign = RTPPacket(
      marker: false, payloadType: PayloadType(3), sequenceNumber: SequenceNumber(1), timestamp: 1,
      ssrc: SSRC(1), payload: [1])
    for bytes in [[], [0x80], [UInt8](repeating: 0x80, count: 3000), foreign.bytes] {
      session.handle(.received(bytes), at: .zero, into: &outputs)
    }
    #expect(session.statistics.malformed == 4)
    #expect(outputs.isEmpty)
  }
}

private final class Gathered: @unchecked Sendable {
  // Safety: a simulated call runs on the test's own thread.
  var datagrams: [[UInt8]] = []
}
