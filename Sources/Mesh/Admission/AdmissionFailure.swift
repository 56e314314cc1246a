package import Foundations
import Wire

/// Every way in which joining a meeting fails, each with its own code, exit status and sentence.
package enum AdmissionFailure: Error, Hashable, Sendable {
  /// The text can't be an invite code; `reason` says why, as a clause.
  case badCode(reason: String)
  case badLink(reason: String)
  case wrongCode
  case expired
  case usedUp
  case nobodyHere(nameplate: Int)
  /// Several meetings claim the nameplate.
  case ambiguous(nameplate: Int)
  /// `theirs` is 0 when it isn't known.
  case otherVersion(theirs: UInt32)
  case tooManyAttempts(retryAfter: Duration)
  case removed
  /// The inviter went away, or said nothing for too long, midway.
  case interrupted
  /// The inviter said what no honest one would; `reason` says what, as a clause.
  case untrusted(reason: String)

  package var failure: Failure {
    switch self {
    case .badCode(let reason):
      Failure(
        "bad-code", exit: .usage,
        "This is no invite code: \(reason). A code looks like 7-lagoon-copper-finch.")
    case .badLink(let reason):
      Failure(
        "bad-link", exit: .usage,
        "This is no invite link: \(reason). Copy the whole link again, or type the code instead.")
    case .wrongCode:
      Failure(
        "wrong-code", exit: .noPermission,
        "The code was refused: a word of it is wrong. Ask for it to be read out again.")
    case .expired:
      Failure(
        "code-expired", exit: .badData,
        "This code has expired. Ask somebody in the meeting for a new one.")
    case .usedUp:
      Failure(
        "code-used-up", exit: .unavailable,
        "This code has been used as often as it may be. Ask somebody in the meeting for a new one.")
    case .nobodyHere(let nameplate):
      Failure(
        "nobody-here", exit: .noHost,
        "Nobody on this network answers to a code that begins with \(nameplate). "
          + "Check the number and that you are on the same network, or ask for the link instead.")
    case .ambiguous(let nameplate):
      Failure(
        "ambiguous-code", exit: .ambiguous,
        "Several meetings here have codes that begin with \(nameplate). "
          + "Ask for the invite link and join by that.")
    case .otherVersion(let theirs):
      Failure(
        "version-mismatch", exit: .protocolMismatch,
        "The meeting runs another version of Virtue "
          + "(protocol \(theirs == 0 ? "unknown" : "\(theirs)"), here \(protocolVersion)). "
          + "Install the same version on both computers.")
    case .tooManyAttempts(let retryAfter):
      Failure(
        "too-many-attempts", exit: .temporary,
        "Too many codes were tried on this meeting. "
          + "Try again in \(Self.inWords(retryAfter)).")
    case .removed:
      AdmissionError.removedFailure
    case .interrupted:
      Failure(
        "join-interrupted", exit: .temporary,
        "The connection to the meeting broke off while joining. Try the same code again.")
    case .untrusted(let reason):
      Failure(
        "untrusted-inviter", exit: .noPermission,
        "The answer was not from the meeting that this code is for: \(reason). "
          + "Ask for a new code, and compare the security words when you are in.")
    }
  }

  private static func inWords(_ duration: Duration) -> String {
    let seconds = max(1, Int(duration.inSeconds.rounded(.up)))
    return seconds == 1 ? "a second" : "\(seconds) seconds"
  }
}
