import Foundations

@testable import RTP

/// What the wire between two parties does to datagrams, each way.
struct Wire {
  var loss = 0.0
  var duplication = 0.0
  var delay = Duration.milliseconds(1)
  /// Added to the delay, evenly spread: packets overtake each other.
  var jitter = Duration.zero
  /// Lost whatever the loss is.
  var drops: (@Sendable ([UInt8], Moment) -> Bool)?
}

/// One end: a session, the frames that it sends, and all that it was given.
struct Party {
  var session: RTPSession
  var packetizer = VP8Packetizer(firstPictureID: 0x7FF0)
  var sendsVideo = true
  var sendsSound = true
  var plays = true
  var keyframeDue = true
  /// One in so many frames is a keyframe anyway.
  var keyframeInterval: Int?
  var frameLength = 6000
  var keyframeLength = 60_000
  var sent: [Int: [UInt8]] = [:]
  var nextFrame = 0
  var nextSound = 0

  var pictures: [ReceivedPicture] = []
  var playouts: [SoundPlayout] = []
  var sounds: [ReceivedSound] = []
  var wishes = 0
  var transmitted = 0
  var transmittedBytes = 0
  var control: [[UInt8]] = []

  init(_ session: RTPSession) {
    self.session = session
  }
}

/// Two parties and the wires between them on one simulated clock. The same seed gives the same run.
struct SimulatedCall {
  private struct Arrival {
    let moment: Moment
    let order: Int
    let receiver: Int
    let bytes: [UInt8]
  }

  var parties: [Party]
  /// From party 0 to 1, and back.
  var wires: [Wire]
  private(set) var now = Moment.seconds(100)
  private var chance: SeededGenerator
  private var arrivals: [Arrival] = []
  private var order = 0
  private var nextFrame: Moment
  private var nextSound: Moment
  private var nextPull: Moment

  static func configuration(
    seed: UInt64, sound: UInt32 = 0, video: UInt32 = 0
  ) -> RTPSession.Configuration {
    RTPSession.Configuration(
      localAudio: TrackSettings(ssrc: SSRC(sound), payloadType: PayloadType(111)),
      localVideo: TrackSettings(ssrc: SSRC(video), payloadType: PayloadType(96)),
      remoteAudio: TrackSettings(payloadType: PayloadType(111)),
      remoteVideo: TrackSettings(payloadType: PayloadType(96)), cname: "party-\(seed)",
      seed: seed, wallOffset: .seconds(1_700_000_000), audioLevelExtension: 1)
  }

  init(seed: UInt64, wire: Wire = Wire(), back: Wire? = nil) {
    chance = SeededGenerator(seed: seed)
    parties = (0..<2).map { Party(RTPSession(Self.configuration(seed: seed &* 2 &+ UInt64($0)))) }
    wires = [wire, back ?? wire]
    nextFrame = now
    nextSound = now
    nextPull = now + .milliseconds(7)
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    while true {
      var next = min(nextFrame, nextSound, nextPull)
      if let arrival = arrivals.last { next = min(next, arrival.moment) }
      for party in parties {
        if let deadline = party.session.deadline { next = min(next, max(deadline, now)) }
      }
      guard next < end else { break }
      now = next
      step()
    }
    now = end
  }

  private mutating func step() {
    while let arrival = arrivals.last, arrival.moment <= now {
      arrivals.removeLast()
      feed(.received(arrival.bytes), to: arrival.receiver)
    }
    for index in parties.indices {
      var outputs: [RTPSession.Output] = []
      parties[index].session.wake(at: now, into: &outputs)
      carryOut(outputs, of: index)
    }
    if nextFrame <= now {
      for index in parties.indices where parties[index].sendsVideo { sendFrame(of: index) }
      nextFrame = nextFrame + .nanoseconds(33_333_333)
    }
    if nextSound <= now {
      for index in parties.indices where parties[index].sendsSound {
        let sound = MadeUpSound.sound(parties[index].nextSound, at: now)
        parties[index].nextSound += 1
        feed(.sendSound(sound), to: index)
      }
      nextSound = nextSound + .milliseconds(20)
    }
    if nextPull <= now {
      for index in parties.indices where parties[index].plays { feed(.playSound, to: index) }
      nextPull = nextPull + .milliseconds(20)
    }
  }

  private mutating func sendFrame(of index: Int) {
    let number = parties[index].nextFrame
    parties[index].nextFrame += 1
    let periodic = parties[index].keyframeInterval.map { number.isMultiple(of: $0) } ?? false
    let isKeyframe = parties[index].keyframeDue || periodic
    parties[index].keyframeDue = false
    let length = isKeyframe ? parties[index].keyframeLength : parties[index].frameLength
    let picture = MadeUpVideo.picture(number, isKeyframe: isKeyframe, length: length, at: now)
    parties[index].sent[number] = picture.bytes
    feed(.sendPicture(parties[index].packetizer.packetize(picture)), to: index)
  }

  mutating func feed(_ input: RTPSession.Input, to index: Int) {
    var outputs: [RTPSession.Output] = []
    parties[index].session.handle(input, at: now, into: &outputs)
    carryOut(outputs, of: index)
  }

  private mutating func carryOut(_ outputs: [RTPSession.Output], of index: Int) {
    for output in outputs {
      switch output {
      case .transmit(let bytes):
        parties[index].transmitted += 1
        parties[index].transmittedBytes += bytes.count
        send(bytes, from: index)
      case .transmitControl(let bytes):
        parties[index].control.append(bytes)
        send(bytes, from: index)
      case .picture(let picture): parties[index].pictures.append(picture)
      case .sound(let playout): parties[index].playouts.append(playout)
      case .receivedSound(let sound): parties[index].sounds.append(sound)
      case .keyframeWanted:
        parties[index].wishes += 1
        parties[index].keyframeDue = true
      }
    }
  }

  private mutating func send(_ bytes: [UInt8], from index: Int) {
    let wire = wires[index]
    if wire.drops?(bytes, now) == true { return }
    let copies = Double.random(in: 0..<1, using: &chance) < wire.duplication ? 2 : 1
    for _ in 0..<copies where Double.random(in: 0..<1, using: &chance) >= wire.loss {
      let jitter = wire.jitter * Double.random(in: 0...1, using: &chance)
      insert(
        Arrival(
          moment: now + wire.delay + jitter, order: order, receiver: 1 - index, bytes: bytes))
      order += 1
    }
  }

  /// Latest first, so that the next is popped off the end.
  private mutating func insert(_ arrival: Arrival) {
    let key = (arrival.moment, arrival.order)
    var place = arrivals.count
    while place > 0, (arrivals[place - 1].moment, arrivals[place - 1].order) < key { place -= 1 }
    arrivals.insert(arrival, at: place)
  }
}

extension Party {
  /// Whether every picture is as it was sent, and every one that isn't a keyframe follows its
  /// predecessor.
  func gotDecodablePictures(of sender: Party) -> Bool {
    var last: Int?
    for picture in pictures {
      let number = MadeUpVideo.number(of: picture.bytes)
      guard picture.bytes == sender.sent[number] else { return false }
      guard picture.isKeyframe || last == number - 1 else { return false }
      if let last, number <= last { return false }
      last = number
    }
    return true
  }
}
