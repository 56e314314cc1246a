import Foundations
import Testing

@testable import RTP

@Suite("A pacer")
struct PacerTests {
  private func picture(packets: Int, key: Bool = false, number: Int = 0) -> PacketizedPicture {
    var packetizer = VP8Packetizer()
    return packetizer.packetize(
      MadeUpVideo.picture(number, isKeyframe: key, length: packets * 1176, at: .zero))
  }

  private func drain(_ pacer: inout Pacer, at now: Moment) -> Int {
    var count = 0
    while pacer.next(at: now) != nil { count += 1 }
    return count
  }

  @Test("lets a small picture go at once")
  func small() {
    var pacer = Pacer()
    pacer.append(picture(packets: 10))
    #expect(drain(&pacer, at: .zero) == 10)
    #expect(pacer.deadline == nil)
  }

  @Test("spreads a keyframe of 60 packets over 20 ms in groups of at most ten")
  func keyframe() {
    var pacer = Pacer()
    pacer.append(picture(packets: 60, key: true))
    var groups = [(Moment.zero, drain(&pacer, at: .zero))]
    while let deadline = pacer.deadline { groups.append((deadline, drain(&pacer, at: deadline))) }
    #expect(groups[0].1 == 10)
    #expect(groups.allSatisfy { (1...10).contains($0.1) })
    #expect(groups.map(\.1).reduce(0, +) == 60)
    #expect((.milliseconds(15)...Moment.milliseconds(21)).contains(groups.last!.0))
    #expect(groups.count <= 20)
  }

  @Test("hurries when a picture is larger, and when timers are late")
  func large() {
    var pacer = Pacer()
    pacer.append(picture(packets: 200, key: true))
    var now = Moment.zero
    var sent = drain(&pacer, at: now)
    while sent < 200 {
      now = now + .milliseconds(1)
      sent += drain(&pacer, at: now)
    }
    #expect(now <= .milliseconds(25))
  }

  @Test("puts repeats first and forgets the oldest of too many")
  func repeats() {
    var pacer = Pacer()
    pacer.append(picture(packets: 20))
    for number in 0..<Pacer.maximumRepeats + 3 { pacer.append(repeat: [UInt8(number % 256)]) }
    guard case .again(let bytes) = pacer.next(at: .zero) else {
      Issue.record("a repeat comes first")
      return
    }
    #expect(bytes == [3])
  }

  @Test("of a sender that doesn't get rid of pictures drops them and waits for a keyframe")
  func overflow() {
    var chance = SeededGenerator(seed: 1)
    var sender = VideoSender(TrackSettings(payloadType: PayloadType(96)), chance: &chance)
    sender.send(picture(packets: 60, key: true), at: .zero)
    var sent: [[UInt8]] = []
    sender.poll(at: .zero, into: &sent)
    #expect(sent.count == 10)
    for number in 1..<100 { sender.send(picture(packets: 20, number: number), at: .zero) }
    #expect(sender.takeWish(at: .zero) == true)
    #expect(sender.counts.framesDropped == 99)
    // The picture that was on its way is finished, and nothing else comes before a keyframe.
    var now = Moment.zero
    while let deadline = sender.deadline, deadline > now || sent.count < 60 {
      now = max(now, deadline)
      sender.poll(at: now, into: &sent)
      _ = sender.takeWish(at: now)
    }
    #expect(sent.count == 60)
    sender.send(picture(packets: 5, key: true), at: .seconds(1))
    sender.send(picture(packets: 5), at: .seconds(1))
    sender.poll(at: .seconds(1), into: &sent)
    #expect(sent.count == 70)
  }
}

@Suite("The history of what was sent")
struct SendHistoryTests {
  @Test("has the packets of the last second, each at most once a while")
  func resends() {
    var history = SendHistory()
    #expect(history.resend(SequenceNumber(1), at: .zero, spacing: .zero) == nil)
    history.append([1], number: SequenceNumber(1), at: .zero)
    let spacing = Duration.milliseconds(10)
    #expect(history.resend(SequenceNumber(1), at: .milliseconds(5), spacing: spacing) == [1])
    #expect(history.resend(SequenceNumber(1), at: .milliseconds(14), spacing: spacing) == nil)
    #expect(history.resend(SequenceNumber(1), at: .milliseconds(15), spacing: spacing) == [1])
    #expect(history.resend(SequenceNumber(1), at: .milliseconds(1001), spacing: spacing) == nil)
    #expect(history.resend(SequenceNumber(2), at: .zero, spacing: spacing) == nil)
  }

  @Test("keeps no more than its bound, whatever the numbers")
  func bound() {
    var history = SendHistory()
    for number in 0..<3000 {
      history.append([1], number: SequenceNumber(UInt16(number)), at: .zero)
    }
    #expect(history.resend(SequenceNumber(1975), at: .zero, spacing: .zero) == nil)
    #expect(history.resend(SequenceNumber(1976), at: .zero, spacing: .zero) != nil)
  }
}

@Suite("Repeats")
struct RepeatTests {
  @Test("are no more than their share a second, however many are asked for")
  func share() {
    var chance = SeededGenerator(seed: 1)
    var sender = VideoSender(TrackSettings(payloadType: PayloadType(96)), chance: &chance)
    var packetizer = VP8Packetizer()
    var sent: [[UInt8]] = []
    let first = sender.clock.nextNumber
    for time in 0..<3000 {
      let now = Moment.milliseconds(Double(time))
      if time.isMultiple(of: 20) {
        let picture = MadeUpVideo.picture(time, isKeyframe: time == 0, length: 8000, at: now)
        sender.send(packetizer.packetize(picture), at: now)
      }
      let count = sender.clock.nextNumber.distance(from: first)
      let everything = (max(0, count - 1000)..<count).map { first.advanced(by: $0) }
      sender.resend(everything, at: now, roundTrip: .milliseconds(1))
      sender.poll(at: now, into: &sent)
    }
    #expect((500...3 * VideoSender.maximumRepeats).contains(sender.counts.retransmissions))
    // The pictures still get through.
    #expect(sender.counts.frames >= 148)
    #expect(sender.counts.framesDropped == 0)
  }
}

@Suite("Requests for keyframes")
struct KeyframeWishTests {
  private func sender() -> VideoSender {
    var chance = SeededGenerator(seed: 1)
    return VideoSender(TrackSettings(payloadType: PayloadType(96)), chance: &chance)
  }

  @Test("are passed on at once, then at most four times a second")
  func rate() {
    var sender = sender()
    var passedOn = 0
    for time in 0..<1000 {
      sender.peerWantsKeyframe(at: .milliseconds(Double(time)), roundTrip: nil)
      if sender.takeWish(at: .milliseconds(Double(time))) { passedOn += 1 }
    }
    #expect(passedOn == 4)
    #expect(sender.counts.keyframeRequests == 1000)
  }

  @Test("that a keyframe has crossed are answered by it")
  func crossed() {
    var sender = sender()
    var packetizer = VP8Packetizer()
    let keyframe = MadeUpVideo.picture(0, isKeyframe: true, length: 100, at: .zero)
    sender.send(packetizer.packetize(keyframe), at: .zero)
    sender.peerWantsKeyframe(at: .milliseconds(30), roundTrip: nil)
    #expect(sender.takeWish(at: .seconds(1)) == false)
    sender.peerWantsKeyframe(at: .milliseconds(60), roundTrip: nil)
    #expect(sender.takeWish(at: .seconds(1)) == true)
  }

  @Test("of RFC 5104 with the same number are the same request")
  func sameNumber() {
    var sender = sender()
    for time in 0..<5 {
      sender.peerRequestsIntra(7, from: SSRC(1), at: .seconds(Double(time)), roundTrip: nil)
      #expect(sender.takeWish(at: .seconds(Double(time))) == (time == 0))
    }
    sender.peerRequestsIntra(8, from: SSRC(1), at: .seconds(9), roundTrip: nil)
    #expect(sender.takeWish(at: .seconds(9)) == true)
  }
}

@Suite("Sound's timestamps")
struct SoundTimestampTests {
  @Test("count samples through jitter of the capture, and step over a pause with a marker")
  func timestamps() throws {
    var chance = SeededGenerator(seed: 1)
    var sender = SoundSender(
      TrackSettings(payloadType: PayloadType(111)), levelExtension: nil, chance: &chance)
    var packets: [RTPPacket] = []
    for (number, time) in [0.0, 23, 37, 61, 2061, 2080].enumerated() {
      let sound = MadeUpSound.sound(number, at: .milliseconds(time))
      let bytes = sender.send(sound)
      packets.append(try RTPPacket(parsing: try #require(bytes)))
    }
    let steps = zip(packets, packets.dropFirst()).map { $1.timestamp &- $0.timestamp }
    #expect(steps == [960, 960, 960, 96_000, 960])
    #expect(packets.map(\.marker) == [true, false, false, false, true, false])
  }
}
