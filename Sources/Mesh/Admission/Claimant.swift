import Foundations

extension JoinerMachine {
  /// What the joiner knows of somebody it said hello to.
  struct Greeted: Sendable {
    /// Of the claimant's certificate.
    let fingerprint: [UInt8]
    /// sid.
    let session: [UInt8]
    let transcript: Transcript
  }

  /// Somebody who says that the nameplate is its own.
  enum Claimant: Sendable {
    case connecting(until: Moment)
    case asked(Greeted, until: Moment)
    case answered(Greeted, meetingTag: [UInt8])
    /// Kept, so that its stream isn't taken for a new one.
    case gone

    var deadline: Moment? {
      switch self {
      case .connecting(let deadline), .asked(_, let deadline): deadline
      case .answered, .gone: nil
      }
    }

    var isOpen: Bool {
      switch self {
      case .connecting, .asked, .answered: true
      case .gone: false
      }
    }

    var meetingTag: [UInt8]? {
      switch self {
      case .answered(_, let tag): tag
      case .connecting, .asked, .gone: nil
      }
    }
  }

  /// The one inviter that the words are proven to.
  struct Chosen: Sendable {
    let number: StreamNumber
    let fingerprint: [UInt8]
    var transcript: Transcript
    var deadline: Moment
  }
}
