import Foundations
import Wire

@testable import Admission

/// A joiner driven by hand against one desk, step by step.
struct Stranger {
  let stream: StreamNumber
  private let fingerprint: [UInt8]
  private let source: String
  private var machine: JoinerMachine
  private(set) var failure: Failure?
  private(set) var admittance: Admittance?
  /// What it wants to say next.
  private(set) var pending: [UInt8]?

  init(
    _ person: Person, code: InviteCode, stream: StreamNumber, source: String = "192.0.2.9",
    seed: UInt64 = 11, at now: Moment = .zero
  ) {
    self.stream = stream
    self.source = source
    fingerprint = person.fingerprint
    var configuration = JoinerMachine.Configuration(
      code: code, record: person.record, secrets: .seeded(seed))
    configuration.settling = .zero
    machine = JoinerMachine(configuration, at: now)
  }

  /// Connects, and has its hello ready.
  mutating func connect(to desk: inout InviterDesk, at now: Moment) {
    var outputs: [InviterDesk.Output] = []
    desk.handle(
      .opened(stream, fingerprint: fingerprint, source: source), at: now, into: &outputs)
    take(.opened(stream, fingerprint: desk.meeting.inviter.record.certificateFingerprint), now)
  }

  /// Says what it has to say, and hears the answer. Returns all that the desk did.
  @discardableResult
  mutating func step(with desk: inout InviterDesk, at now: Moment) -> [InviterDesk.Output] {
    guard let frame = pending else { return [] }
    pending = nil
    var outputs: [InviterDesk.Output] = []
    desk.handle(.received(stream, frame), at: now, into: &outputs)
    hear(outputs, at: now)
    return outputs
  }

  /// Hears what of `outputs` is for it.
  mutating func hear(_ outputs: [InviterDesk.Output], at now: Moment) {
    for output in outputs {
      if case .send(stream, let bytes) = output { take(.received(stream, bytes), now) }
    }
  }

  private mutating func take(_ input: JoinerMachine.Input, _ now: Moment) {
    var outputs: [JoinerMachine.Output] = []
    machine.handle(input, at: now, into: &outputs)
    for output in outputs {
      switch output {
      case .send(_, let bytes): pending = bytes
      case .close: break
      case .finished(let admittance): self.admittance = admittance
      case .failed(let failure): self.failure = failure
      }
    }
  }
}
