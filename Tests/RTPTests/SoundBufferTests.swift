import Foundations
import Testing

@testable import RTP

/// Feeds a buffer with 20 ms packets that arrive when they are told to, and pulls each 20 ms.
private struct Listening {
  var buffer = SoundBuffer()
  var playouts: [SoundPlayout] = []
  var sounds: [ReceivedSound] = []
  private var arrivals: [(moment: Moment, index: Int, number: Int, payload: [UInt8])] = []
  var origin: UInt32 = .max - 48_000
  var samplesPerPacket = 960

  /// - Parameter index: its sequence number, where that isn't `number`.
  mutating func expect(
    _ number: Int, at moment: Moment, index: Int? = nil, payload: [UInt8]? = nil
  ) {
    arrivals.append((moment, index ?? number, number, payload ?? MadeUpSound.bytes(number)))
  }

  /// - Parameter phase: of the pulls against the packets.
  mutating func run(for duration: Duration, phase: Duration = .milliseconds(9)) {
    arrivals.sort { $0.moment < $1.moment }
    var next = 0
    var pull = Moment.zero + phase
    while pull < .zero + duration {
      while next < arrivals.count, arrivals[next].moment <= pull {
        let (moment, index, number, payload) = arrivals[next]
        let packet = soundPacket(
          UInt16(truncatingIfNeeded: index),
          timestamp: origin &+ UInt32(truncatingIfNeeded: number * samplesPerPacket),
          payload: payload)
        _ = buffer.insert(packet, at: index, level: nil, now: moment, into: &sounds)
        next += 1
      }
      buffer.pull(at: pull, into: &playouts, sounds: &sounds)
      pull = pull + .milliseconds(20)
    }
  }

  var played: [Int] {
    playouts.compactMap { playout in
      guard case .packet(let bytes) = playout else { return nil }
      return MadeUpSound.number(of: bytes)
    }
  }
}

@Suite("A sound buffer")
struct SoundBufferTests {
  @Test("plays evenly arriving packets without a gap, across a wrap of the timestamps")
  func even() {
    var listening = Listening()
    for number in 0..<500 { listening.expect(number, at: .milliseconds(Double(number) * 20)) }
    listening.run(for: .seconds(10))
    let statistics = listening.buffer.statistics
    #expect(statistics.concealed == 0 && statistics.late == 0 && statistics.inserted == 0)
    #expect(listening.played.first == 0)
    #expect(listening.played.count >= 495)
    #expect(statistics.targetDelay == .milliseconds(20))
    #expect(statistics.delay < .milliseconds(50))
  }

  @Test(
    "adapts its delay to the jitter, up and down, within 20 to 200 ms",
    arguments: [
      (5.0, 20.0...30.0), (30, 30...45), (80, 75...95), (400, 195...200),
    ])
  func jitter(spread: Double, expected: ClosedRange<Double>) {
    var listening = Listening()
    var chance = SeededGenerator(seed: 5)
    for number in 0..<1500 {
      let jitter = Double.random(in: 0...spread, using: &chance)
      listening.expect(number, at: .milliseconds(Double(number) * 20 + jitter))
    }
    for number in 1500..<3500 {
      listening.expect(number, at: .milliseconds(Double(number) * 20))
    }
    listening.run(for: .seconds(30))
    var statistics = listening.buffer.statistics
    #expect(expected.contains(statistics.targetDelay.milliseconds), "\(statistics)")
    if spread < 200 {
      #expect(Double(statistics.concealed) < 1500 * 0.06, "\(statistics)")
    }
    var calm = Listening()
    calm.buffer = listening.buffer
    for number in 1500..<4500 {
      calm.expect(number, at: .milliseconds(Double(number) * 20))
    }
    calm.run(for: .seconds(90), phase: .seconds(30) + .milliseconds(9))
    statistics = calm.buffer.statistics
    #expect(statistics.targetDelay == .milliseconds(20))
    #expect(statistics.delay <= .milliseconds(50), "\(statistics)")
  }

  @Test("recovers a lost packet from the one after it, and conceals the first of two")
  func losses() {
    var listening = Listening()
    for number in 0..<200 where ![50, 100, 101].contains(number) {
      // Every fifth is 35 ms late, so that two packets are ahead of the one that is played.
      let late = number.isMultiple(of: 5) ? 35.0 : 0
      listening.expect(number, at: .milliseconds(Double(number) * 20 + late))
    }
    listening.run(for: .seconds(3.9), phase: .milliseconds(1))
    let made = listening.playouts.filter { playout in
      switch playout {
      case .recover, .conceal: true
      case .packet, .silence: false
      }
    }
    #expect(
      made == [
        .recover(next: MadeUpSound.bytes(51), samples: 960), .conceal(samples: 960),
        .recover(next: MadeUpSound.bytes(102), samples: 960),
      ])
    #expect(
      listening.played
        == Array(0..<listening.played.count + 3).filter {
          ![50, 100, 101].contains($0)
        })
  }

  @Test(
    "keeps step with a sender whose clock is 200 ppm off for ten minutes",
    arguments: [
      -200e-6, 200e-6,
    ])
  func drift(rate: Double) {
    var listening = Listening()
    var chance = SeededGenerator(seed: 6)
    let count = 30_000
    for number in 0..<count {
      let jitter = Double.random(in: 0...4, using: &chance)
      listening.expect(number, at: .milliseconds(Double(number) * 20 * (1 + rate) + jitter))
    }
    listening.run(for: .milliseconds(599_800))
    let statistics = listening.buffer.statistics
    // 120 ms in all: six blocks.
    #expect(statistics.inserted + statistics.skipped <= 12, "\(statistics)")
    #expect(statistics.concealed <= 12)
    #expect(statistics.delay <= .milliseconds(60))
    #expect(listening.played.count > count - 20)
    #expect(listening.sounds.count > count - 30)
  }

  @Test("fills the pauses of a quiet sender without growing its delay")
  func discontinuous() {
    var listening = Listening()
    // Ten seconds: each half second of speech, then a packet that announces half a second's pause.
    var index = 0
    for number in 0..<500 where number % 50 <= 25 {
      let payload: [UInt8]? = number % 50 == 25 ? [0xF8] : nil
      listening.expect(
        number, at: .milliseconds(Double(number) * 20), index: index, payload: payload)
      index += 1
    }
    listening.run(for: .seconds(10))
    let statistics = listening.buffer.statistics
    #expect(statistics.delay <= .milliseconds(60), "\(statistics)")
    #expect(statistics.late == 0)
    #expect(statistics.concealed <= 2, "\(statistics)")
    #expect(statistics.recovered == 0)
    let spoken = listening.sounds.filter { $0.bytes.count > 2 }.count
    #expect(spoken >= 249)
  }

  @Test("is silent before the first packet and after a second without any, and starts again")
  func pause() {
    var listening = Listening()
    for number in 50..<100 { listening.expect(number, at: .milliseconds(Double(number) * 20)) }
    for number in 300..<400 { listening.expect(number, at: .milliseconds(Double(number) * 20)) }
    listening.run(for: .seconds(8))
    #expect(listening.playouts.first == .silence(samples: 960))
    let silences = listening.playouts.filter { $0 == .silence(samples: 960) }.count
    #expect((190...204).contains(silences), "\(silences)")
    #expect(listening.buffer.statistics.delay <= .milliseconds(60))
    #expect(listening.sounds.count >= 148)
  }

  @Test("loses nothing of a stall that is shorter than its longest delay")
  func stall() {
    var listening = Listening()
    for number in 0..<1000 {
      let time = Double(number) * 20
      // What is sent in these 120 ms arrives at their end.
      listening.expect(number, at: .milliseconds((5000..<5120).contains(time) ? 5120 : time))
    }
    listening.run(for: .seconds(20))
    #expect(listening.sounds.count >= 990)
    let statistics = listening.buffer.statistics
    #expect(statistics.concealed <= 7, "\(statistics)")
    #expect(statistics.late == 0)
    #expect(statistics.delay <= .milliseconds(60))
  }

  @Test("gives the recording what came too late to be played, in order")
  func late() {
    var listening = Listening()
    for number in 0..<200 {
      let time = Double(number) * 20
      listening.expect(number, at: .milliseconds((2000..<2500).contains(time) ? 2500 : time))
    }
    listening.run(for: .seconds(5))
    let numbers = listening.sounds.map { MadeUpSound.number(of: $0.bytes) }
    #expect(numbers == Array(0..<numbers.count))
    #expect(numbers.count >= 195)
  }

  @Test(
    "takes packets of other lengths and gives 960 samples a pull on average",
    arguments: [
      (16 << 3, 120), (18 << 3, 480), (2 << 3, 1920), (3 << 3, 2880),
    ])
  func otherLengths(toc: UInt8, samples: Int) {
    var listening = Listening()
    listening.samplesPerPacket = samples
    let interval = Double(samples) / 48
    for number in 0..<Int(5000 / interval) {
      var payload = MadeUpSound.bytes(number)
      payload[0] = toc
      listening.expect(number, at: .milliseconds(Double(number) * interval), payload: payload)
    }
    listening.run(for: .seconds(5))
    let total = listening.playouts.reduce(0) { sum, playout in
      switch playout {
      case .packet: sum + samples
      case .recover(_, let samples), .conceal(let samples), .silence(let samples): sum + samples
      }
    }
    #expect(abs(total - 5 * 48_000) <= 2880)
    #expect(listening.buffer.statistics.concealed <= 1, "\(listening.buffer.statistics)")
  }

  @Test(
    "finds its way back when the sender's clock jumps",
    arguments: [
      -1000, 1000, 1 << 20, 1 << 31, -(1 << 30),
    ])
  func jump(samples: Int) {
    var listening = Listening()
    for number in 0..<200 { listening.expect(number, at: .milliseconds(Double(number) * 20)) }
    listening.run(for: .seconds(4))
    listening.origin = listening.origin &+ UInt32(truncatingIfNeeded: samples * 48)
    var after = Listening()
    after.buffer = listening.buffer
    after.origin = listening.origin
    for number in 200..<500 { after.expect(number, at: .milliseconds(Double(number) * 20)) }
    after.run(for: .seconds(10), phase: .milliseconds(4009))
    #expect(after.played.count >= 220, "\(after.buffer.statistics)")
    #expect(after.played.last! >= 495)
  }

  @Test("lets the oldest go when nobody pulls")
  func nobodyPulls() {
    var buffer = SoundBuffer()
    var sounds: [ReceivedSound] = []
    for number in 0..<1000 {
      let packet = soundPacket(
        UInt16(number), timestamp: UInt32(number) * 960, payload: MadeUpSound.bytes(number))
      _ = buffer.insert(
        packet, at: number, level: nil, now: .milliseconds(Double(number) * 20), into: &sounds)
    }
    #expect(sounds.count == 1000 - SoundBuffer.capacity)
    var playouts: [SoundPlayout] = []
    for number in 0..<3 {
      buffer.pull(
        at: .milliseconds(20_000 + Double(number) * 20), into: &playouts, sounds: &sounds)
    }
    // Not the second that has gathered, but what is due now.
    guard case .packet(let bytes) = playouts[0] else {
      Issue.record("nothing to play")
      return
    }
    #expect(MadeUpSound.number(of: bytes) >= 995)
  }
}
