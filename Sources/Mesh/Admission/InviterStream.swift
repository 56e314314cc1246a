import Foundations
import Wire

extension InviterDesk {
  /// What inviter and joiner agreed on before the words come into it.
  struct Greeting: Sendable {
    let channel: AdmissionChannel
    /// sid.
    let session: [UInt8]
    let transcript: Transcript
  }

  /// An attempt under way: it holds a token of the budget.
  struct Proof: Sendable {
    let code: InviteCode
    let keys: CPace.Keys
    /// Up to the inviter's share.
    let transcript: Transcript
  }

  enum Phase: Sendable {
    case awaitingHello
    case awaitingShare(Greeting)
    case queued(Greeting, joinerPoint: [UInt8])
    case proving(Proof)
  }

  struct Stream: Sendable {
    /// Of the joiner's certificate.
    let fingerprint: [UInt8]
    let source: String
    private(set) var deadline: Moment
    private(set) var phase: Phase
    /// Whether its end gives a token back.
    var holdsToken = false

    init(fingerprint: [UInt8], source: String, deadline: Moment, phase: Phase) {
      self.fingerprint = fingerprint
      self.source = source
      self.deadline = deadline
      self.phase = phase
    }

    mutating func advance(to phase: Phase, until deadline: Moment) {
      self.phase = phase
      self.deadline = deadline
      if case .proving = phase { holdsToken = true }
    }
  }
}

extension WireAdmissionMessage {
  init(_ kind: OneOf_Kind) {
    self.init()
    self.kind = kind
  }
}
