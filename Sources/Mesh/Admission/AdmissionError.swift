package import Foundations
package import Wire

/// Why somebody's claim to be a member is refused.
package enum AdmissionError: Error, Hashable, Sendable {
  /// A message of the claim is not what the protocol says.
  case wire(WireError)
  case emptyChain
  case chainTooLong
  /// The chain, or a grant in it, is another meeting's.
  case otherMeeting
  /// The chain's last grant is somebody else's.
  case otherMember
  /// A grant's issuer is not the member that the grant before it made, or a member occurs twice.
  case brokenChain
  case badSignature
  /// A grant's issuer was not allowed to admit.
  case mayNotAdmit
  /// Somebody else than the genesis key made a host or co-host, or removed somebody without being one.
  case mayNotModerate
  case removed(PeerID)
  /// The member that admitted this one was removed, and this one doesn't stand.
  case fellWith(PeerID)
  /// The record names another certificate than the connection has.
  case otherCertificate
  /// One bound of the set of revocations is reached.
  case tooManyRevocations

  static let removedFailure = Failure(
    "removed", exit: .noPermission,
    "You were removed from this meeting, and it is closed to you. Speak to its host.")

  package var failure: Failure {
    switch self {
    case .removed, .fellWith:
      Self.removedFailure
    case .chainTooLong:
      Failure(
        "chain-too-long", exit: .noPermission,
        "You are too far from the host to invite others. Ask a host or co-host to make the code.")
    case .mayNotAdmit, .mayNotModerate:
      Failure(
        "not-allowed", exit: .noPermission,
        "Your role in this meeting doesn't allow that. Ask the host.")
    case .wire(.wrongVersion(let version)):
      AdmissionFailure.otherVersion(theirs: version).failure
    case .wire, .emptyChain, .otherMeeting, .otherMember, .brokenChain, .badSignature,
      .otherCertificate, .tooManyRevocations:
      Failure(
        "bad-membership", exit: .noPermission,
        "What should prove the membership of this meeting doesn't. Join again with a new code.")
    }
  }
}

/// Runs `body`, whose error becomes an ``AdmissionError``.
func asAdmissionError<Value>(_ body: () throws(WireError) -> Value) throws(AdmissionError) -> Value
{
  do {
    return try body()
  } catch {
    throw .wire(error)
  }
}
