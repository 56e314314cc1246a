import Foundations
import Wire

@testable import Admission

/// A joiner and the inviters that claim its nameplate, with a wire between them that tests may bend.
struct Hall {
  enum Direction: Hashable {
    case toInviter
    case toJoiner
  }

  /// A frame on its way.
  struct Frame {
    let direction: Direction
    let stream: StreamNumber
    /// How many frames passed on this stream before.
    let number: Int
    var bytes: [UInt8]
  }

  var desks: [InviterDesk]
  var joiner: JoinerMachine
  var now = Moment.zero
  /// What becomes of a frame; `nil` drops it.
  var bend: (Frame) -> [UInt8]? = { $0.bytes }
  /// What the inviters see as the joiner's certificate.
  var joinerFingerprint: [UInt8]
  /// What the joiner sees as the inviters' certificates.
  var deskFingerprints: [[UInt8]]

  /// How long the first frame to the joiner takes.
  var delayOfFirstAnswer = Duration.zero

  private(set) var admitted: [InviterDesk.Newcomer] = []
  private(set) var wrongGuesses = 0
  private(set) var frames: [Frame] = []
  private(set) var result: Result<Admittance, Failure>?
  private var toJoiner: [(StreamNumber, JoinerMachine.Input)] = []
  private var toDesk: [(StreamNumber, InviterDesk.Input)] = []

  init(
    desks: [InviterDesk], joiner: Person, code: InviteCode, seed: UInt64 = 3, at now: Moment = .zero
  ) {
    self.desks = desks
    self.now = now
    let configuration = JoinerMachine.Configuration(
      code: code, record: joiner.record, secrets: .seeded(seed))
    self.joiner = JoinerMachine(configuration, at: now)
    joinerFingerprint = joiner.fingerprint
    deskFingerprints = desks.map(\.meeting.inviter.record.certificateFingerprint)
  }

  /// Connects the joiner to all inviters and lets everything run until it has succeeded or failed.
  mutating func run() -> Result<Admittance, Failure> {
    for stream in desks.indices {
      toDesk.append(
        (stream, .opened(stream, fingerprint: joinerFingerprint, source: "192.0.2.9")))
      toJoiner.append((stream, .opened(stream, fingerprint: deskFingerprints[stream])))
    }
    return finish()
  }

  mutating func finish() -> Result<Admittance, Failure> {
    while result == nil || !toDesk.isEmpty {
      if !toDesk.isEmpty {
        let (stream, input) = toDesk.removeFirst()
        var outputs: [InviterDesk.Output] = []
        desks[stream].handle(input, at: now, into: &outputs)
        carry(outputs, of: stream)
      } else if !toJoiner.isEmpty {
        let (_, input) = toJoiner.removeFirst()
        if case .received = input, delayOfFirstAnswer > .zero { delayAnswer() }
        var outputs: [JoinerMachine.Output] = []
        joiner.handle(input, at: now, into: &outputs)
        carry(outputs)
      } else {
        wait()
      }
    }
    return result!
  }

  private mutating func delayAnswer() {
    let arrival = now + delayOfFirstAnswer
    delayOfFirstAnswer = .zero
    while let deadline = joiner.deadline, deadline < arrival, result == nil { wait() }
    now = max(now, arrival)
  }

  /// Lets time pass to whatever is due next.
  private mutating func wait() {
    let deadlines = desks.compactMap(\.deadline) + [joiner.deadline].compactMap(\.self)
    now = max(now, deadlines.min()!)
    for stream in desks.indices where desks[stream].deadline.map({ $0 <= now }) == true {
      var outputs: [InviterDesk.Output] = []
      desks[stream].wake(at: now, into: &outputs)
      carry(outputs, of: stream)
    }
    if joiner.deadline.map({ $0 <= now }) == true {
      var outputs: [JoinerMachine.Output] = []
      joiner.wake(at: now, into: &outputs)
      carry(outputs)
    }
  }

  private mutating func carry(_ outputs: [InviterDesk.Output], of stream: StreamNumber) {
    for output in outputs {
      switch output {
      case .send(let number, let bytes):
        if let bent = pass(.toJoiner, number, bytes) {
          toJoiner.append((0, .received(number, bent)))
        }
      case .close(let number): toJoiner.append((0, .closed(number)))
      case .admitted(let newcomer): admitted.append(newcomer)
      case .wrongGuess: wrongGuesses += 1
      case .invitesChanged: break
      }
    }
  }

  private mutating func carry(_ outputs: [JoinerMachine.Output]) {
    for output in outputs {
      switch output {
      case .send(let number, let bytes):
        if let bent = pass(.toInviter, number, bytes) {
          toDesk.append((number, .received(number, bent)))
        }
      case .close(let number): toDesk.append((number, .closed(number)))
      case .finished(let admittance): result = .success(admittance)
      case .failed(let failure): result = .failure(failure)
      }
    }
  }

  private mutating func pass(
    _ direction: Direction, _ stream: StreamNumber, _ bytes: [UInt8]
  ) -> [UInt8]? {
    let number = frames.count { $0.stream == stream }
    let frame = Frame(direction: direction, stream: stream, number: number, bytes: bytes)
    frames.append(frame)
    return bend(frame)
  }

  /// The frames that the inviters' codes could be guessed by.
  var proofs: Int {
    frames.count { frame in
      guard case .confirmation? = (try? WireAdmissionMessage(wire: frame.bytes))?.kind else {
        return false
      }
      return true
    }
  }
}

extension Result where Failure == Foundations.Failure {
  var failureCode: String? {
    switch self {
    case .success: nil
    case .failure(let failure): failure.code
    }
  }
}
